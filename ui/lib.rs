//! The cockpit's web pages as bytes, ready to be served.

/// One file of the pages, in three encodings.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Path below the root, without a leading slash ("index.html", "assets/now-3f2a.js").
    pub path: &'static str,
    /// Media type for `Content-Type`.
    pub mime: &'static str,
    /// Strong validator, without quotes.
    pub etag: &'static str,
    pub identity: &'static [u8],
    /// Empty if compression does not make the file smaller.
    pub brotli: &'static [u8],
    /// Empty if compression does not make the file smaller.
    pub gzip: &'static [u8],
}

/// Every file of the pages, sorted by path.
pub const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of all pages in the program, all encodings together. 700,000 of them are the fonts and texts of
    /// Malayalam and Hindi, which a browser loads only for these languages.
    const EMBEDDED_BYTES_MAX: usize = 2_600_000;
    /// Bytes of the scripts of all pages together, as gzip. 121,000 of them are the editor of `/explore` and of
    /// boards, 40,000 the texts in Malayalam and Hindi; a page loads them only if it needs them.
    const SCRIPT_BYTES_MAX: usize = 420_000;
    /// Bytes of the scripts that each page loads, as gzip: those that index.html names.
    const ENTRY_SCRIPT_BYTES_MAX: usize = 56_000;

    #[test]
    fn assets_are_sorted_and_complete() {
        assert!(ASSETS.is_sorted_by(|one, other| one.path < other.path));
        assert!(ASSETS.iter().any(|asset| asset.path == "index.html"));
        for asset in ASSETS {
            assert!(!asset.identity.is_empty(), "{}", asset.path);
            assert!(!asset.path.starts_with('/') && !asset.path.contains('\\'), "{}", asset.path);
            for compressed in [asset.brotli, asset.gzip] {
                assert!(compressed.len() < asset.identity.len(), "{}", asset.path);
            }
        }
    }

    #[test]
    fn pages_stay_within_their_limits() {
        let sizes = |asset: &Asset| {
            [asset.identity, asset.brotli, asset.gzip].into_iter().map(<[u8]>::len).sum::<usize>()
        };
        let embedded = ASSETS.iter().map(sizes).sum::<usize>();
        assert!(embedded <= EMBEDDED_BYTES_MAX, "{embedded} bytes are embedded");
        let scripts = ASSETS.iter().filter(|asset| asset.path.ends_with(".js"));
        let index = ASSETS.iter().find(|asset| asset.path == "index.html");
        let index = index.map(|index| String::from_utf8_lossy(index.identity)).unwrap_or_default();
        let entry = scripts.clone().filter(|asset| index.contains(asset.path));
        let entry = entry.map(|asset| asset.gzip.len()).sum::<usize>();
        assert!(
            entry > 0 && entry <= ENTRY_SCRIPT_BYTES_MAX,
            "each page loads {entry} bytes of script"
        );
        let script = scripts.map(|asset| asset.gzip.len()).sum::<usize>();
        assert!(script <= SCRIPT_BYTES_MAX, "all pages together load {script} bytes of script");
    }

    #[test]
    fn index_names_no_other_origin() {
        let index = ASSETS.iter().find(|asset| asset.path == "index.html");
        let text = index.map(|index| String::from_utf8_lossy(index.identity));
        assert!(text.is_some_and(|text| !text.contains("://")), "index.html names another origin");
    }
}
