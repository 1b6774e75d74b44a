//! Bodies of requests: JSON of a fixed structure.

use super::error::Error;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

/// A JSON body that deserializes to `T`.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        check_content_type(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(rejected)?;
        let parsed = serde_json::from_slice(&body);
        // The message of the parser names fields and types, and no values of texts.
        let bad = |error| Error::bad("bad_body", format!("invalid body: {error}"));
        parsed.map(Self).map_err(bad)
    }
}

/// Refuses a body of another type. A form on another site cannot send JSON without a preflight request.
fn check_content_type(headers: &HeaderMap) -> Result<(), Error> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if found.is_some_and(|it| it.trim_start().starts_with("application/json")) {
        return Ok(());
    }
    let message = "send the body as JSON, with Content-Type: application/json";
    Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message))
}

fn rejected(rejection: BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "the body is longer than the limit `query_body_bytes`";
        return Error::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", message);
    }
    Error::bad("bad_body", rejection.body_text())
}
