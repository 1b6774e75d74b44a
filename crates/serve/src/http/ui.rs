//! The pages of the cockpit, which are embedded in the program.
//!
//! The name of a file under `assets/` contains a hash of its content, so it is cached without expiry;
//! everything else is revalidated. An unknown path without a dot is a route of the single-page
//! application and returns `index.html`, as does a path under a prefix in [`DOTTED`]. Every other path
//! with a dot, and every path under `/api`, does not exist.
//!
//! Files are embedded once, as Brotli. Clients without Brotli (browsers accept it over TLS and from this machine
//! only) get gzip or the plain file, which are made when they are first requested.

use super::tables::unchanged;
use super::{Error, Service};
use anyhow::Context as _;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use cockpit_ui::Asset;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// Prefixes of routes whose last segment is a name of the plant and may contain dots: a sensor is
/// `Plant1.4.solder_paste_printer.manufact2`.
const DOTTED: [&str; 4] = ["temps/", "make/", "orders/", "wall/"];

/// Serves `assets`, which are sorted by path.
pub fn pages(assets: &'static [Asset]) -> MethodRouter<Arc<Service>> {
    let unpacked = Arc::new(Unpacked::default());
    get(async move |request: Request| {
        let path = request.uri().path();
        let Some(asset) = find(assets, path) else {
            return unknown(assets, path).into_response();
        };
        respond(asset, &unpacked, request.headers()).unwrap_or_else(IntoResponse::into_response)
    })
}

/// Files that were requested without Brotli, by path.
#[derive(Default)]
struct Unpacked(Mutex<BTreeMap<&'static str, Encodings>>);

/// A file in the encodings other than Brotli.
#[derive(Clone)]
struct Encodings {
    identity: Bytes,
    gzip: Bytes,
}

impl Unpacked {
    fn of(&self, asset: &'static Asset) -> Result<Encodings, Error> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encodings) = files.get(asset.path) {
            return Ok(encodings.clone());
        }
        let encodings = unpack(asset.content)
            .with_context(|| format!("unpacking {}", asset.path))
            .map_err(Error::internal)?;
        files.insert(asset.path, encodings.clone());
        Ok(encodings)
    }
}

fn unpack(brotli: &[u8]) -> anyhow::Result<Encodings> {
    let mut identity = Vec::new();
    brotli_decompressor::BrotliDecompress(&mut &*brotli, &mut identity)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&identity)?;
    Ok(Encodings { identity: identity.into(), gzip: gzip.finish()?.into() })
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

fn respond(
    asset: &'static Asset,
    unpacked: &Unpacked,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let (encoding, content) = encoded(asset, unpacked, request)?;
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
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok((headers, Body::from(content)).into_response())
}

/// The file in the smallest encoding that the client accepts.
fn encoded(
    asset: &'static Asset,
    unpacked: &Unpacked,
    request: &HeaderMap,
) -> Result<(Option<&'static str>, Bytes), Error> {
    if !asset.is_brotli {
        return Ok((None, Bytes::from_static(asset.content)));
    }
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let accepted = accepted.unwrap_or_default();
    if accepts(accepted, "br") {
        return Ok((Some("br"), Bytes::from_static(asset.content)));
    }
    let Encodings { identity, gzip } = unpacked.of(asset)?;
    Ok(if accepts(accepted, "gzip") { (Some("gzip"), gzip) } else { (None, identity) })
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
