//! The cockpit's web pages as bytes, ready to be served.

/// One file of the pages.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Path below the root, without a leading slash ("index.html", "assets/now-3f2a.js").
    pub path: &'static str,
    /// Media type for `Content-Type`.
    pub mime: &'static str,
    /// Strong validator, without quotes.
    pub etag: &'static str,
    pub content: &'static [u8],
    /// Whether `content` is compressed with Brotli, which every browser in use accepts.
    pub is_brotli: bool,
}

/// Every file of the pages, sorted by path.
pub const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of all pages in the program. 210,000 of them are the fonts of Malayalam and Hindi.
    const EMBEDDED_BYTES_MAX: usize = 700_000;
    /// Bytes of the scripts of all pages together. A third of them is the editor of `/explore` and of boards, a
    /// tenth the texts in Malayalam and Hindi; a page loads them only if it needs them.
    const SCRIPT_BYTES_MAX: usize = 370_000;
    /// Bytes of the scripts that each page loads: those that index.html names.
    const ENTRY_SCRIPT_BYTES_MAX: usize = 50_000;

    fn index() -> String {
        let index = ASSETS.iter().find(|asset| asset.path == "index.html").unwrap();
        let mut plain = Vec::new();
        if index.is_brotli {
            brotli_decompressor::BrotliDecompress(&mut &*index.content, &mut plain).unwrap();
        } else {
            plain.extend(index.content);
        }
        String::from_utf8(plain).unwrap()
    }

    #[test]
    fn assets_are_sorted_and_complete() {
        assert!(ASSETS.is_sorted_by(|one, other| one.path < other.path));
        assert!(ASSETS.iter().any(|asset| asset.path == "index.html"));
        for asset in ASSETS {
            assert!(!asset.content.is_empty(), "{}", asset.path);
            assert!(!asset.path.starts_with('/') && !asset.path.contains('\\'), "{}", asset.path);
            let is_text = [".css", ".js"].iter().any(|end| asset.path.ends_with(end));
            assert!(asset.is_brotli || !is_text || asset.content.len() < 1_000, "{}", asset.path);
        }
    }

    #[test]
    fn pages_stay_within_their_limits() {
        let embedded = ASSETS.iter().map(|asset| asset.content.len()).sum::<usize>();
        assert!(embedded <= EMBEDDED_BYTES_MAX, "{embedded} bytes are embedded");
        let scripts = ASSETS.iter().filter(|asset| asset.path.ends_with(".js"));
        let index = index();
        let entry = scripts.clone().filter(|asset| index.contains(asset.path));
        let entry = entry.map(|asset| asset.content.len()).sum::<usize>();
        assert!(
            entry > 0 && entry <= ENTRY_SCRIPT_BYTES_MAX,
            "each page loads {entry} bytes of script"
        );
        let script = scripts.map(|asset| asset.content.len()).sum::<usize>();
        assert!(script <= SCRIPT_BYTES_MAX, "all pages together load {script} bytes of script");
    }

    #[test]
    fn index_names_no_other_origin() {
        assert!(!index().contains("://"), "index.html names another origin");
    }
}
