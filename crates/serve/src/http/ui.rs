//! The pages of the cockpit, which are embedded in the program.
//!
//! The name of a file under `assets/` contains a hash of its content, so it is cached without expiry;
//! everything else is revalidated. An unknown path without a dot is a route of the single-page
//! application and returns `index.html`, as does a path under a prefix in [`DOTTED`]. Every other path
//! with a dot, and every path under `/api`, does not exist.

use super::tables::unchanged;
use super::{Error, Service};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use cockpit_ui::Asset;
use std::sync::Arc;

/// Prefixes of routes whose last segment is a name of the plant and may contain dots: a sensor is
/// `Plant1.4.solder_paste_printer.manufact2`.
const DOTTED: [&str; 4] = ["temps/", "make/", "orders/", "wall/"];

/// Serves `assets`, which are sorted by path.
pub fn pages(assets: &'static [Asset]) -> MethodRouter<Arc<Service>> {
    get(async move |request: Request| {
        let path = request.uri().path();
        find(assets, path).map_or_else(
            || unknown(assets, path).into_response(),
            |asset| respond(asset, request.headers()),
        )
    })
}

/// The file that all routes of the single-page application share.
const SHELL: &str = "index.html";

/// Whether a path is a file of the pages other than their shell.
pub fn is_static_file(assets: &'static [Asset], path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    path != SHELL && exact(assets, path).is_some()
}

fn exact(assets: &'static [Asset], path: &str) -> Option<&'static Asset> {
    let found = assets.binary_search_by(|asset| asset.path.cmp(path));
    found.ok().and_then(|index| assets.get(index))
}

fn find(assets: &'static [Asset], path: &str) -> Option<&'static Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let within_api = path == "api" || path.starts_with("api/");
    let is_file = path.contains('.') && !DOTTED.iter().any(|page| path.starts_with(page));
    match exact(assets, path) {
        Some(asset) => Some(asset),
        None if is_file || within_api => None,
        None => exact(assets, SHELL),
    }
}

fn unknown(assets: &[Asset], path: &str) -> Error {
    let message = if path.starts_with("/api") {
        format!("unknown path {path}: see /api/v1/docs")
    } else if assets.is_empty() {
        "this program was built without its pages; the interface is at /api/v1/docs".into()
    } else {
        format!("unknown path {path}")
    };
    Error::new(StatusCode::NOT_FOUND, "not_found", message)
}

fn respond(asset: &'static Asset, request: &HeaderMap) -> Response {
    let (encoding, content) = encoded(asset, request);
    // The same file in another encoding is another sequence of bytes, so its validator differs.
    let tag = encoding.map_or_else(
        || format!("\"{}\"", asset.etag),
        |encoding| format!("\"{}-{encoding}\"", asset.etag),
    );
    let control = if asset.path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        if unchanged(request, &tag) {
            headers.insert(header::ETAG, tag);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, Body::from(content)).into_response()
}

/// The smallest encoding of the file that the client accepts.
fn encoded(asset: &'static Asset, request: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let accepted = accepted.unwrap_or_default();
    [("br", asset.brotli), ("gzip", asset.gzip)]
        .into_iter()
        .filter(|(name, content)| !content.is_empty() && accepts(accepted, name))
        .map(|(name, content)| (Some(name), content))
        .chain([(None, asset.identity)])
        .min_by_key(|(_, content)| content.len())
        .unwrap_or((None, asset.identity))
}

/// Whether `accepted` ("gzip, br;q=0.5") contains `encoding`.
fn accepts(accepted: &str, encoding: &str) -> bool {
    let weight = |named: &str| {
        accepted.split(',').find_map(|part| {
            let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
            let quality = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
            name.trim().eq_ignore_ascii_case(named).then(|| quality.unwrap_or(0.0))
        })
    };
    weight(encoding).or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accepted_encodings_are_used() {
        for (accepted, encoding, expected) in [
            ("gzip, deflate, br", "br", true),
            ("gzip;q=0, br", "gzip", false),
            ("GZIP", "gzip", true),
            ("*", "br", true),
            ("*;q=0", "br", false),
            ("br;q=0, *", "br", false),
            ("", "br", false),
            ("brotli", "br", false),
        ] {
            assert_eq!(accepts(accepted, encoding), expected, "{accepted} {encoding}");
        }
    }
}
