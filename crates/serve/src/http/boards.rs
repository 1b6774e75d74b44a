//! Boards: pages of tiles that are files of the plant folder.
//!
//! *In*: requests, and the boards in use. *Out*: their layout, the rows of their tiles, and changes of their files.
//! *Promise*: statements only read, see the rows that the caller may see, and all tiles of an answer show the same
//! version of a table. A mistake of one tile does not affect the others.

pub mod catalogue;
pub mod data;
pub mod dto;
pub mod edit;
mod period;
mod run;
mod store;

pub use store::BoardStore;

use super::Service;
use super::authorization::Caller;
use super::error::Error;
use access::{Action, Scope};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use config::boards::{Board, BoardFile};
use serde::Serialize;
use std::sync::Arc;

/// The name under which the live stream announces changed boards.
pub const CHANGED: &str = "boards";

impl Service {
    /// The boards; an error if this program has none.
    fn board_store(&self) -> Result<&Arc<BoardStore>, Error> {
        self.boards.as_ref().ok_or_else(|| {
            let message = "this program has no boards";
            Error::new(StatusCode::NOT_FOUND, "no_boards", message)
        })
    }

    /// A board that can be shown, with its file.
    fn board(&self, name: &str) -> Result<(Arc<Board>, Arc<BoardFile>), Error> {
        let file = self.board_store()?.file(name)?;
        match (&file.board, file.problems.first()) {
            (Some(board), _) => Ok((Arc::clone(board), Arc::clone(&file))),
            (None, mistake) => {
                let mistake = mistake.map(ToString::to_string).unwrap_or_default();
                let message = format!("the file of the board has a mistake: {mistake}");
                Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, "faulty_board", message))
            }
        }
    }

    /// Why a caller cannot change boards; `None` if it can.
    fn why_boards_are_fixed(&self, caller: &Caller) -> Result<Option<String>, Error> {
        let identity = caller.identity()?;
        let store = self.board_store()?;
        let refusals = [Action::EditRules, Action::RunSql]
            .into_iter()
            .find_map(|action| identity.authorize(action, &Scope::Plant).err());
        let refusal = refusals.map(|error| error.to_string());
        Ok(refusal.or_else(|| store.folder().err().map(|error| error.public)))
    }
}

/// A response that is not cached.
fn uncached(answer: impl Serialize) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (no_store, Json(answer)).into_response()
}
