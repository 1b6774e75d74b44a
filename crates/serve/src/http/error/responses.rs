//! The responses of errors in the description of the interface.

use super::kinds::KINDS;
use super::problem::{ErrorBody, MEDIA_TYPE, Problem};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::{Ref, RefOr, Response};

/// The statuses of errors that every operation can respond with, and what they mean.
const STATUSES: [(u16, &str); 14] = [
    (400, "A parameter or the body is invalid"),
    (401, "Not logged in, or the login or token is refused"),
    (403, "No permission, or a request of another site"),
    (404, "The object does not exist"),
    (406, "No format that the client accepts"),
    (409, "The request conflicts with the stored state"),
    (413, "The body is too long"),
    (415, "The body is not JSON"),
    (421, "The host name is unknown"),
    (422, "A value is invalid, or the query needs too much memory"),
    (429, "Too many requests or failed logins; try again after `Retry-After`"),
    (500, "The program or a system that it depends on failed"),
    (503, "The program is stopping, or the user database cannot be used"),
    (504, "The answer took too long"),
];

/// Codes of errors below `/odata/v4` and `/sharing`, which this description leaves out.
const OF_OTHER_INTERFACES: [&str; 14] = [
    "bad_apply",
    "bad_key",
    "bad_range",
    "bad_signature",
    "bad_skiptoken",
    "file_removed",
    "no_change_data_feed",
    "scope_too_small",
    "unknown_entity",
    "unknown_property",
    "unknown_share",
    "unknown_version",
    "unsupported_option",
    "url_expired",
];

/// The errors that every operation can respond with, for the description of the interface.
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = |status: u16| RefOr::Ref(Ref::from_response_name(name(status)));
        STATUSES.iter().map(|(status, _)| (status.to_string(), response(*status))).collect()
    }
}

fn name(status: u16) -> String {
    format!("Error{status}")
}

/// The described responses by their names, with an example of each kind of error; `details` has the detail of an
/// example by code.
pub fn described(details: &Map<String, Value>) -> Value {
    let response = |(status, description): &(u16, &str)| {
        let content = json!({
            "schema": { "$ref": "#/components/schemas/ErrorBody" },
            "examples": examples(*status, details),
        });
        let mut response =
            json!({ "description": description, "content": { MEDIA_TYPE: content } });
        if matches!(status, 429 | 503) {
            response["headers"] = retry_after();
        }
        (name(*status), response)
    };
    STATUSES.iter().map(response).collect::<Map<_, _>>().into()
}

fn retry_after() -> Value {
    let schema = json!({ "type": "integer", "minimum": 1 });
    let text = "Seconds after which the request may succeed";
    json!({ "Retry-After": { "description": text, "schema": schema, "example": 5 } })
}

/// The kinds of errors of this interface, for programs and for the page that shows the description.
pub fn kinds() -> Value {
    let kind = |it: &super::kinds::Kind| json!({ "code": it.code, "status": it.status, "title": it.title, "remedy": it.remedy });
    KINDS.iter().map(kind).collect()
}

fn examples(status: u16, details: &Map<String, Value>) -> Value {
    let kinds = KINDS.iter().filter(|kind| kind.status == status);
    let kinds = kinds.filter(|kind| !OF_OTHER_INTERFACES.contains(&kind.code));
    let example = |kind: &super::kinds::Kind| {
        let detail = details.get(kind.code).and_then(Value::as_str).unwrap_or(kind.title);
        let position = (kind.code == "bad_sql").then_some((1, 8));
        let problem = Problem { code: kind.code, detail: detail.to_owned(), position };
        let status = StatusCode::from_u16(kind.status).unwrap_or_default();
        let body = ErrorBody::new(&problem, status, "/api/v1/tables/gold/oee_shift");
        (kind.code.to_owned(), json!({ "summary": kind.title, "value": body }))
    };
    kinds.map(example).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::kinds;

    #[test]
    fn every_described_status_has_an_example() {
        let described = described(&Map::new());
        for (status, _) in STATUSES {
            let examples = &described[name(status)]["content"][MEDIA_TYPE]["examples"];
            let has_kind = KINDS.iter().any(|kind| kind.status == status);
            assert!(has_kind && !examples.as_object().unwrap().is_empty(), "{status}: {examples}");
        }
        assert!(OF_OTHER_INTERFACES.iter().all(|code| kinds::find(code).is_some()));
    }
}
