//! The boards of the plant and their layout.

use super::dto::{BoardAnswer, BoardInfo, BoardsAnswer};
use super::uncached;
use crate::http::Service;
use crate::http::alarms::dto::language;
use crate::http::authorization::Caller;
use crate::http::error::{Error, Refusals};
use crate::http::query::parameters;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use std::sync::Arc;

/// Lists the boards of the plant.
#[utoipa::path(
    get, path = "/api/v1/boards", operation_id = "listBoards", tag = "boards",
    params(("language" = Option<String>, Query, description = "Language of titles: en, ml or hi; en if left out")),
    responses((status = 200, description = "The boards", body = BoardsAnswer), Refusals)
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["language"])?;
    let language = language(&values)?;
    let reason = service.why_boards_are_fixed(&caller)?;
    let boards = service.board_store()?.boards();
    Ok(uncached(BoardsAnswer {
        boards: boards.values().map(|file| BoardInfo::new(file, language)).collect(),
        is_writable: reason.is_none(),
        reason,
    }))
}

/// Describes a board: its layout and what its tiles show.
#[utoipa::path(
    get, path = "/api/v1/boards/{name}", operation_id = "readBoard", tag = "boards",
    params(
        ("name" = String, Path, description = "Name of the board"),
        ("language" = Option<String>, Query, description = "Language of titles: en, ml or hi; en if left out"),
    ),
    responses((status = 200, description = "The board", body = BoardAnswer), Refusals)
)]
pub async fn detail(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["language"])?;
    let language = language(&values)?;
    let (board, file) = service.board(&name)?;
    let reason = service.why_boards_are_fixed(&caller)?;
    Ok(uncached(BoardAnswer::new(&board, &file, language, reason)))
}
