//! The rows of a board's tiles.

use super::dto::BoardRows;
use super::period::{PARAMETERS, Period};
use super::run::BoardRun;
use crate::http::Service;
use crate::http::alarms::dto::language;
use crate::http::authorization::Caller;
use crate::http::error::{Error, Refusals};
use crate::http::query::parameters;
use crate::http::tables::unchanged;
use crate::http::visibility::Visibility;
use ::report::Versions;
use access::Action;
use axum::Extension;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Returns the rows of every tile of a board, at one version of each table.
///
/// A tile whose statement fails has an error in place of rows. The period is that of the parameters; without them the
/// newest day of the board's data, or the current production day, and the six days before it for a board with `time = "7d"`.
#[utoipa::path(
    get, path = "/api/v1/boards/{name}/data", operation_id = "readBoardRows", tag = "boards",
    params(
        ("name" = String, Path, description = "Name of the board"),
        ("from" = Option<String>, Query, description = "First production day, such as 2026-01-31; `to` if left out"),
        ("to" = Option<String>, Query, description = "Last production day; `from` if left out"),
        ("shift" = Option<String>, Query, description = "Shift; all if left out"),
        ("language" = Option<String>, Query, description = "Language of titles: en, ml or hi; en if left out"),
    ),
    responses(
        (status = 200, description = "The rows", body = BoardRows),
        (status = 304, description = "Nothing has changed since If-None-Match"),
        Refusals,
    )
)]
pub async fn data(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let known: Vec<&str> = PARAMETERS.into_iter().chain(["language"]).collect();
    let values = parameters(query.as_deref(), &known)?;
    let language = language(&values)?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let (board, _) = service.board(&name)?;
    let store = service.board_store()?;
    let calendar = &store.plant().calendar;
    let period = Period::parse(&values, calendar)?;
    let versions = service.lake.versions(&board.tables(), None).await;
    let versions = versions.map_err(Error::from_lower_layer)?;
    let today = Period::today(calendar, service.now_us());
    let definition = format!("{board:?}{today:?}{}", query.unwrap_or_default());
    let tag = tag(&service, &definition, &versions, &visibility);
    let caching = caching(&tag);
    if let Some(tag) = caching.get(header::ETAG)
        && unchanged(&headers, tag)
    {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let run = BoardRun { service: &service, store, visibility: &visibility, versions, language };
    let rows = Box::pin(run.rows(&board, period)).await?;
    // A tile that failed for a lack of time or memory may succeed with the same versions.
    let is_complete = rows.tiles.iter().all(|tile| tile.error.is_none());
    let caching = if is_complete { caching } else { uncached() };
    Ok((caching, Json(rows)).into_response())
}

/// Validator of an answer: it changes with the definition, the request, the tables, the visible rows and the program.
fn tag(
    service: &Service,
    definition: &str,
    versions: &Versions,
    visibility: &Visibility,
) -> String {
    let build = service.lake.health().build;
    let mut hash = Sha256::new();
    for part in [definition, &build.version, &build.commit, &visibility.fingerprint()] {
        hash.update(part);
        hash.update([0]);
    }
    for (table, version) in versions {
        hash.update(format!("{table} {}\n", version.version));
    }
    let digits: String =
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

fn caching(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers
}

fn uncached() -> HeaderMap {
    HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}
