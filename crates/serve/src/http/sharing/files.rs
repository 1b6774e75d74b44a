//! Data files by signed addresses.

use super::signature::SIGNATURE;
use crate::http::Service;
use crate::http::error::Error;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use lake::shared::{FileBytes, Part};
use std::io;
use std::sync::Arc;

/// `GET /sharing/files/{name}`: the file that the query of the address grants, or a range of its bytes.
pub async fn file(
    State(service): State<Arc<Service>>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let given = crate::http::query::parameters(query.as_deref(), &["grant", SIGNATURE])?;
    let part = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let grant = service.signer.verify(part("grant"), part(SIGNATURE), service.now_us())?;
    let range = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
    let part = if method == Method::HEAD { Part::Whole } else { parse_range(range) };
    let permit = service.transfers.take(&service.limits).await?;
    let found = service.lake.read_file(&grant.schema, &grant.table, &grant.path, part).await;
    let found = match found {
        Ok(found) => found.ok_or_else(removed)?,
        Err(error) if part != Part::Whole => return Err(unsatisfiable(&error)),
        Err(error) => return Err(Error::from_lower_layer(error)),
    };
    let (mut response, stream) = (head(&found, part), found.stream);
    if method == Method::HEAD {
        return Ok(response);
    }
    let end = tokio::time::sleep(service.limits.file_time);
    let bytes = stream.map(move |bytes| {
        let _held = &permit;
        bytes.map_err(|error| {
            tracing::error!(error = error.to_string(), "shared_file_aborted");
            io::Error::other(error)
        })
    });
    *response.body_mut() = Body::from_stream(bytes.take_until(end));
    Ok(response)
}

fn head(found: &FileBytes, part: Part) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_static("application/vnd.apache.parquet");
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let (from, until) = (found.range.start, found.range.end);
    headers.insert(header::CONTENT_LENGTH, until.saturating_sub(from).into());
    let shown = format!("bytes {from}-{}/{}", until.saturating_sub(1), found.size_bytes);
    if let (true, Ok(shown)) = (part != Part::Whole, HeaderValue::try_from(shown)) {
        headers.insert(header::CONTENT_RANGE, shown);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// The part that `Range` requests. As RFC 9110 allows, a header with several ranges or an unknown unit is
/// ignored.
fn parse_range(range: Option<&str>) -> Part {
    let bounds = range.and_then(|it| it.strip_prefix("bytes=")?.split_once('-'));
    let Some((from, to)) = bounds else { return Part::Whole };
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => Part::Bytes(from, to.saturating_add(1)),
        (Ok(from), Err(_)) if to.is_empty() => Part::From(from),
        (Err(_), Ok(count)) if from.is_empty() && count > 0 => Part::Last(count),
        _ => Part::Whole,
    }
}

fn removed() -> Error {
    let message = "this file is no longer stored: query the table again for its current files";
    Error::new(StatusCode::GONE, "file_removed", message)
}

fn unsatisfiable(error: &anyhow::Error) -> Error {
    tracing::debug!(error = format!("{error:#}"), "range_not_satisfiable");
    let message = "invalid Range: expected bytes within the file";
    Error::new(StatusCode::RANGE_NOT_SATISFIABLE, "bad_range", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parsed() {
        for (range, expected) in [
            (None, Part::Whole),
            (Some("bytes=0-3"), Part::Bytes(0, 4)),
            (Some("bytes=5-"), Part::From(5)),
            (Some("bytes=-8"), Part::Last(8)),
            (Some("bytes=-0"), Part::Whole),
            (Some("bytes=4-3"), Part::Whole),
            (Some("bytes=0-1,3-4"), Part::Whole),
            (Some("rows=0-1"), Part::Whole),
            (
                Some("bytes=18446744073709551615-18446744073709551615"),
                Part::Bytes(u64::MAX, u64::MAX),
            ),
        ] {
            assert_eq!(parse_range(range), expected, "{range:?}");
        }
    }
}
