//! Lists of shares, schemas and tables, by pages.

use super::{CallerOf, SHARES, ServiceState, visibility};
use crate::http::Service;
use crate::http::error::Error;
use crate::http::query::{parameters, whole_number};
use crate::http::visibility::{Extent, Visibility};
use axum::Extension;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Entries of a page when the request names no number.
const PAGE_ENTRIES: usize = 500;

/// `GET /sharing/shares`
pub async fn shares(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    visibility(&service, &caller)?;
    page(query.as_deref(), SHARES.iter().map(|name| json!({ "name": name, "id": name })).collect())
}

/// `GET /sharing/shares/{share}`
pub async fn share(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Error> {
    visibility(&service, &caller)?;
    let share = find(path)?;
    Ok(Json(json!({ "share": { "name": share, "id": share } })).into_response())
}

/// `GET /sharing/shares/{share}/schemas`
pub async fn schemas(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    visibility(&service, &caller)?;
    let share = find(path)?;
    page(query.as_deref(), vec![json!({ "name": share, "share": share })])
}

/// `GET /sharing/shares/{share}/schemas/{schema}/tables`
pub async fn tables(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let visibility = visibility(&service, &caller)?;
    let path = path.map_err(|rejection| Error::bad("bad_path", rejection.body_text()))?;
    let Path((share, schema)) = path;
    let name = known(&share)?;
    if !schema.eq_ignore_ascii_case(name) {
        return Err(unknown("schema", &schema));
    }
    page(query.as_deref(), entries(&service, &visibility, name).await?)
}

/// `GET /sharing/shares/{share}/all-tables`
pub async fn all_tables(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let visibility = visibility(&service, &caller)?;
    let share = find(path)?;
    page(query.as_deref(), entries(&service, &visibility, share).await?)
}

async fn entries(
    service: &Service,
    visibility: &Visibility,
    share: &str,
) -> Result<Vec<Value>, Error> {
    let tables = service.lake.tables().await.map_err(Error::from_lower_layer)?;
    let shown = tables
        .iter()
        .filter(|info| info.schema == share && visibility.of_table(info) == Extent::Everything);
    let entry = |info: &crate::TableInfo| {
        json!({ "name": info.table, "schema": share, "share": share, "shareId": share,
                "id": info.name() })
    };
    Ok(shown.map(entry).collect())
}

fn find(path: Result<Path<String>, PathRejection>) -> Result<&'static str, Error> {
    let Path(share) = path.map_err(|rejection| Error::bad("bad_path", rejection.body_text()))?;
    known(&share)
}

fn known(share: &str) -> Result<&'static str, Error> {
    let found = SHARES.into_iter().find(|name| name.eq_ignore_ascii_case(share));
    found.ok_or_else(|| unknown("share", share))
}

fn unknown(what: &str, name: &str) -> Error {
    let message = format!("unknown {what} {name}: expected one of {}", SHARES.join(", "));
    Error::new(StatusCode::NOT_FOUND, "unknown_share", message)
}

/// The page of `items` that `maxResults` and `pageToken`, the number of items before it, name.
fn page(query: Option<&str>, items: Vec<Value>) -> Result<Response, Error> {
    let given = parameters(query, &["maxResults", "pageToken"])?;
    let count = whole_number(&given, "maxResults")?.unwrap_or(PAGE_ENTRIES);
    let token = given.get("pageToken").filter(|token| !token.is_empty());
    let bad = |_| Error::bad("bad_value", "invalid pageToken: expected nextPageToken of a page");
    let before = token.map_or(Ok(0), |token| token.parse::<usize>()).map_err(bad)?;
    let next = before.saturating_add(count);
    let next = (next < items.len()).then(|| next.to_string());
    let items: Vec<Value> = items.into_iter().skip(before).take(count).collect();
    let mut body = json!({ "items": items });
    if let Some(next) = next {
        body["nextPageToken"] = next.into();
    }
    Ok(Json(body).into_response())
}
