//! Alarms: the queue, commands of operators, the journal, rules and notifications.
//!
//! *In*: requests, and [`watch::Alarms`] of this program.
//! *Out*: JSON, and journal entries with the name of the user.
//! *Promise*: a caller sees the alarms at places in the scopes of the permission, and acts on no others. An
//! alarm that is about no equipment belongs to the whole plant. Calls that write to the disk run on
//! threads for blocking work. Every command is in the audit log.

pub mod backtest;
pub mod commands;
pub mod detail;
pub mod dto;
mod flood;
pub mod list;
pub mod notifications;
mod operation;
pub mod performance;
mod place_filter;
mod reference;
pub mod rules;
mod statistics;

pub use dto::language;
pub use place_filter::PlaceFilter;
pub use rules::file::RuleFile;

use super::Service;
use super::authorization::Cost;
use super::error::Error;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference::AlarmRef;
use serde::Serialize;
use std::sync::Arc;
use watch::Alarms;

impl Service {
    /// The alarms; an error if this program manages none.
    pub(super) fn alarms(&self) -> Result<&Alarms, Error> {
        self.alarms.as_ref().ok_or_else(no_alarms)
    }

    /// The file of the rules; an error without alarms.
    fn rule_file(&self) -> Result<&Arc<RuleFile>, Error> {
        self.rule_file.as_ref().ok_or_else(no_alarms)
    }

    /// Runs a call of the alarms that may wait for the disk.
    async fn with_alarms_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Alarms) -> Result<T, watch::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let alarms = self.alarms()?.clone();
        let done = self.blocking.run_apart(Cost::Disk, move || call(&alarms)).await?;
        Ok(done?)
    }
}

impl From<watch::Error> for Error {
    fn from(error: watch::Error) -> Self {
        let public = error.to_string();
        let (status, code) = match error {
            watch::Error::NotFound(_) => return not_found(),
            watch::Error::Refused(_) => (StatusCode::CONFLICT, "refused"),
            watch::Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
            watch::Error::NotRunning(_) => (StatusCode::SERVICE_UNAVAILABLE, "alarms_unavailable"),
            watch::Error::Database(error) => return Self::from(error),
            watch::Error::Failed(_) => return Self::internal(anyhow::Error::msg(public)),
        };
        Self::new(status, code, public)
    }
}

fn no_alarms() -> Error {
    let message = "this program manages no alarms: they need a process that ingests, and a database, for \
                   which a lake on S3 needs `state` in [access] of plant.toml";
    Error::new(StatusCode::CONFLICT, "no_alarms", message)
}

/// The error for a value of a body.
fn invalid(message: &str) -> Error {
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", message)
}

/// The error for an alarm that does not exist. It is the same for one that the caller may not see.
fn not_found() -> Error {
    Error::new(StatusCode::NOT_FOUND, "not_found", "no such alarm")
}

/// A response that is not cached.
fn uncached(answer: impl Serialize) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (no_store, Json(answer)).into_response()
}
