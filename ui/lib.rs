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
    pub brotli: &'static [u8],
    pub gzip: &'static [u8],
}

/// Every file of the pages, sorted by path.
pub const ASSETS: &[Asset] = &[];
