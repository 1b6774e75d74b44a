//! Changes of the boards: the text of a file, a preview of it, and its replacement.

use super::dto::{BoardAnswer, BoardProblem, BoardRows};
use super::period::{PARAMETERS, Period};
use super::run::BoardRun;
use super::{BoardStore, CHANGED, uncached};
use crate::http::Service;
use crate::http::alarms::dto::language;
use crate::http::authorization::{Caller, Cost};
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use crate::http::query::parameters;
use crate::http::visibility::Visibility;
use access::audit::{Event, Kind};
use access::{Action, Scope};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use config::alarms::unified_diff;
use config::boards;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// The file of a board.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardSource {
    /// Empty if there is no file.
    pub toml: String,
    /// Version of the file: the body of a change.
    pub revision: String,
    pub is_writable: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A text to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoardCheckRequest {
    /// The whole file.
    pub toml: String,
}

/// What is wrong with a text, what it changes, and what it shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardCheckAnswer {
    /// Mistakes by line; none if it is valid.
    pub problems: Vec<BoardProblem>,
    /// The change of the file in the unified format.
    pub diff: String,
    /// Null if the text cannot be shown.
    pub board: Option<BoardAnswer>,
    pub data: Option<BoardRows>,
}

/// A file to store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoardRequest {
    /// The whole file; empty to remove the board.
    pub toml: String,
    /// Version of the file that the change is based on; that of an empty text for a new board.
    pub revision: String,
}

/// A stored change.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardChanged {
    /// The change in the unified format, as it is in the audit log.
    pub diff: String,
    /// The new version of the file.
    pub revision: String,
}

/// Returns the file of a board as it is.
#[utoipa::path(
    get, path = "/api/v1/boards/{name}/source", operation_id = "readBoardFile", tag = "boards",
    params(("name" = String, Path, description = "Name of the board; one that does not exist is empty")),
    responses((status = 200, description = "The file", body = BoardSource), Refusals)
)]
pub async fn source(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    check_name(&name)?;
    check_caller(&service, &caller)?;
    let reason = service.why_boards_are_fixed(&caller)?;
    let store = Arc::clone(service.board_store()?);
    let toml = service.blocking.run_apart(Cost::Disk, move || store.text(&name)).await??;
    let revision = boards::revision(&toml);
    Ok(uncached(BoardSource { toml, revision, is_writable: reason.is_none(), reason }))
}

/// Checks the text of a board without storing it, and returns what it shows.
///
/// The statements run, so they are in the audit log like other SQL.
#[utoipa::path(
    post, path = "/api/v1/boards/{name}/check", operation_id = "checkBoard", tag = "boards",
    params(
        ("name" = String, Path, description = "Name of the board"),
        ("from" = Option<String>, Query, description = "First production day"),
        ("to" = Option<String>, Query, description = "Last production day"),
        ("shift" = Option<String>, Query, description = "Shift; all if left out"),
        ("language" = Option<String>, Query, description = "Language of titles: en, ml or hi; en if left out"),
    ),
    request_body = BoardCheckRequest,
    responses((status = 200, description = "Mistakes, change and preview", body = BoardCheckAnswer), Refusals)
)]
pub async fn check(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(request): JsonBody<BoardCheckRequest>,
) -> Result<Response, Error> {
    check_name(&name)?;
    check_caller(&service, &caller)?;
    let actions = [Action::ReadTables, Action::RunSql];
    let visibility = Visibility::of_caller(&service, &caller, &actions)?;
    let known: Vec<&str> = PARAMETERS.into_iter().chain(["language"]).collect();
    let values = parameters(query.as_deref(), &known)?;
    let language = language(&values)?;
    let store = Arc::clone(service.board_store()?);
    let period = Period::parse(&values, &store.plant().calendar)?;
    check_length(&store, &request.toml)?;
    let (file, mistakes) = Box::pin(store.check(&name, &request.toml)).await;
    let (kept, named) = (Arc::clone(&store), name.clone());
    let before = service.blocking.run_apart(Cost::Disk, move || kept.text(&named)).await??;
    let data = match &file.board {
        Some(board) => {
            let versions = service.lake.versions(&board.tables(), None).await;
            let versions = versions.map_err(Error::from_lower_layer)?;
            let run = BoardRun {
                service: &service,
                store: &store,
                visibility: &visibility,
                versions,
                language,
            };
            let rows = Box::pin(run.rows(board, period)).await?;
            record(&service, &caller, &rows)?;
            Some(rows)
        }
        None => None,
    };
    Ok(uncached(BoardCheckAnswer {
        problems: mistakes.iter().map(BoardProblem::from).collect(),
        diff: unified_diff(&boards::path(&name), &before, &request.toml),
        board: file.board.as_ref().map(|board| BoardAnswer::new(board, &file, language, None)),
        data,
    }))
}

/// Stores the file of a board, or removes it.
#[utoipa::path(
    put, path = "/api/v1/boards/{name}", operation_id = "changeBoard", tag = "boards",
    params(("name" = String, Path, description = "Name of the board; one that does not exist is added")),
    request_body = BoardRequest,
    responses((status = 200, description = "Stored", body = BoardChanged), Refusals)
)]
pub async fn change(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    JsonBody(request): JsonBody<BoardRequest>,
) -> Result<Response, Error> {
    check_name(&name)?;
    check_caller(&service, &caller)?;
    let store = Arc::clone(service.board_store()?);
    store.folder()?;
    check_length(&store, &request.toml)?;
    if !request.toml.trim().is_empty() {
        let (_, mistakes) = Box::pin(store.check(&name, &request.toml)).await;
        if let Some(it) = mistakes.first() {
            let message = format!("line {}: {}. {}", it.line, it.message, it.remedy);
            return Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_board", message));
        }
    }
    let stored = Arc::clone(&service);
    let storing = move || store_change(&stored, &caller, &name, &request);
    let changed = service.blocking.run_apart(Cost::Disk, storing).await??;
    Ok(uncached(changed))
}

/// Compares the version, writes the file and records the change in the audit log.
fn store_change(
    service: &Service,
    caller: &Caller,
    name: &str,
    request: &BoardRequest,
) -> Result<BoardChanged, Error> {
    let store = service.board_store()?;
    let _one_at_a_time = store.lock();
    let before = store.text(name)?;
    if boards::revision(&before) != request.revision {
        let message = "the file of the board was changed meanwhile: read it again";
        return Err(Error::new(StatusCode::CONFLICT, "changed_meanwhile", message));
    }
    let after = with_line_end(&request.toml);
    let diff = unified_diff(&boards::path(name), &before, &after);
    let changed = BoardChanged { revision: boards::revision(&after), diff };
    if changed.diff.is_empty() {
        return Ok(changed);
    }
    store.write(name, &after)?;
    let detail = json!({ "what": "board.change", "board": name, "diff": changed.diff });
    let event = Event::new(Kind::Changed, caller.identity()?.name(), detail);
    let now_us = service.now_us();
    service.access.try_audit(event.from_address(caller.peer.address), now_us)?;
    service.live.table_changed(CHANGED, u64::try_from(now_us).unwrap_or_default());
    Ok(changed)
}

/// A text that ends with a line end, or is empty.
fn with_line_end(text: &str) -> String {
    let text = text.trim_end();
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// An entry of the audit log for each statement that ran.
fn record(service: &Service, caller: &Caller, rows: &BoardRows) -> Result<(), Error> {
    let actor = caller.identity()?.name();
    for tile in &rows.tiles {
        let mut event = Event::query(actor, &tile.sql, 0, 0);
        event.detail["what"] = "board.check".into();
        let event = event.from_address(caller.peer.address);
        service.access.try_audit(event, service.now_us())?;
    }
    Ok(())
}

/// Boards are of the whole plant: who writes one decides what all see, by statements of any kind.
fn check_caller(service: &Service, caller: &Caller) -> Result<(), Error> {
    let identity = caller.identity()?;
    for action in [Action::EditRules, Action::RunSql] {
        identity.authorize(action, &Scope::Plant).inspect_err(|_| {
            let event = Event::denied(identity.name(), action, &Scope::Plant);
            service.access.audit(event.from_address(caller.peer.address), service.now_us());
        })?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    if boards::is_valid_name(name) {
        return Ok(());
    }
    let message = format!(
        "invalid name `{name}` of a board: expected lower-case letters, digits and hyphens, a letter first"
    );
    Err(Error::bad("bad_value", message))
}

fn check_length(store: &BoardStore, text: &str) -> Result<(), Error> {
    let limit = store.plant().limits.board.board_file_bytes;
    if text.len() <= limit {
        return Ok(());
    }
    let message = format!("the text has more than {limit} bytes (board_file_bytes)");
    Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", message))
}
