//! Conditional requests for answers that have no version of a table: their validator is a hash of the body.

use super::error::Error;
use super::tables::unchanged;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Bytes of the hash in a validator.
const TAG_BYTES: usize = 12;

/// `answer` as JSON with its validator, or 304 if the request has the validator already. The work of the answer is
/// done in both cases; only its transfer is saved.
pub fn json(request: &HeaderMap, answer: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(answer).map_err(|error| Error::internal(error.into()))?;
    let mut tag = String::from("\"");
    for byte in Sha256::digest(&body).iter().take(TAG_BYTES) {
        // Writing to a text cannot fail.
        write!(tag, "{byte:02x}").unwrap_or_default();
    }
    tag.push('"');
    let tag = HeaderValue::try_from(tag).map_err(|error| Error::internal(error.into()))?;
    let is_known = unchanged(request, &tag);
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_validator_changes_with_the_answer() {
        let ask = |tag: Option<&HeaderValue>, answer: u32| {
            let known = tag.map(|tag| (header::IF_NONE_MATCH, tag.clone()));
            json(&HeaderMap::from_iter(known), &answer).unwrap()
        };
        let first = ask(None, 1);
        let tag = first.headers()[header::ETAG].clone();
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(ask(Some(&tag), 1).status(), StatusCode::NOT_MODIFIED);
        let changed = ask(Some(&tag), 2);
        assert_eq!(changed.status(), StatusCode::OK);
        assert_ne!(changed.headers()[header::ETAG], tag);
    }
}
