//! The bodies of errors: problem details (RFC 9457), and those that OData and Delta Sharing define.

use super::kinds;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error, in the extensions of its response. The body is written where the path of the request is known: of a
/// route in `metrics::measure`, which counts its bytes, and of what has no route in the guard.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: &'static str,
    pub detail: String,
    /// Line and column in the SQL text, from 1.
    pub position: Option<(u64, u64)>,
}

/// Body of every response that is an error: problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// The kind of the error: its place on the page of this interface.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub type_uri: String,
    /// The kind in a few words.
    pub title: String,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong in this request, for people.
    pub detail: String,
    /// Path of the request.
    #[schema(format = "uri-reference")]
    pub instance: String,
    /// The kind, for programs: stays the same from release to release.
    pub code: String,
    /// What the client or its user can do about errors of this kind.
    pub remedy: String,
    /// Line in the SQL text, from 1, if the error has a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column in that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Code and detail as in earlier versions.
    #[schema(deprecated)]
    pub error: ErrorDetail,
}

/// The description of an error in the form of earlier versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// The same as `code` of the error.
    pub code: String,
    /// The same as `detail` of the error.
    pub message: String,
    /// The same as `line` of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The same as `column` of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

impl ErrorBody {
    /// The body of `problem` in the response with `status` to a request of the path `instance`.
    pub fn new(problem: &Problem, status: StatusCode, instance: &str) -> Self {
        let kind = kinds::find(problem.code);
        let title = kind.map_or(status.canonical_reason().unwrap_or_default(), |it| it.title);
        let (line, column) = problem.position.unzip();
        let (code, message) = (problem.code.to_owned(), problem.detail.clone());
        Self {
            type_uri: format!("/api/v1/docs#{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: message.clone(),
            instance: instance.to_owned(),
            code: code.clone(),
            remedy: kind.map_or("", |it| it.remedy).to_owned(),
            line,
            column,
            error: ErrorDetail { code, message, line, column },
        }
    }
}

/// Marks a response whose body [`write_body`] has written.
#[derive(Debug, Clone, Copy)]
struct Written;

/// Writes the body of a response that is an error, in the form of the interface that `path` belongs to, unless
/// it was written before.
pub fn write_body(response: &mut Response, path: &str, is_head: bool) {
    let Some(problem) = response.extensions().get::<Problem>() else { return };
    if response.extensions().get::<Written>().is_some() {
        return;
    }
    let body = ErrorBody::new(problem, response.status(), path);
    let (media_type, body) = match path.split('/').nth(1) {
        Some("odata") => ("application/json", odata(&body)),
        Some("sharing") => ("application/json", sharing(&body)),
        _ => (MEDIA_TYPE, json!(body)),
    };
    let body = body.to_string();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    *response.body_mut() = if is_head { Body::empty() } else { Body::from(body) };
    response.extensions_mut().insert(Written);
}

/// OData allows the single member `error` (OData JSON Format 4.0, section 19).
fn odata(body: &ErrorBody) -> Value {
    json!({ "error": { "code": body.code, "message": body.detail } })
}

fn sharing(body: &ErrorBody) -> Value {
    let mut value = json!(body);
    value["errorCode"] = body.code.as_str().into();
    value["message"] = body.detail.as_str().into();
    value
}
