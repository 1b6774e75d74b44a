//! The state of the program.

use super::Service;
use super::authorization::Caller;
use crate::{Health, State as Running};
use access::{Action, Granted};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Returns the state of the program: status, plant, build, lake, last and next ingest run.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "readHealth",
    tag = "program",
    responses(
        (status = 200, description = "Running, or degraded for the reason named; without a login only the state", body = Health),
        (status = 503, description = "Still starting", body = Health),
    )
)]
pub async fn health(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Response {
    let health = service.health();
    let status = match health.state {
        Running::Starting => StatusCode::SERVICE_UNAVAILABLE,
        Running::Running | Running::Degraded => StatusCode::OK,
    };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let is_viewer =
        caller.identity().is_ok_and(|it| it.granted(Action::ViewPages) != Granted::Nowhere);
    if is_viewer {
        return (status, no_store, Json(health)).into_response();
    }
    (status, no_store, Json(StateOnly { state: health.state })).into_response()
}

/// The health that is shown without a login.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateOnly {
    pub state: Running,
}

impl Service {
    /// The health of the program: that of the lake, and degraded without its user database.
    pub fn health(&self) -> Health {
        let health = self.lake.health();
        if self.access.is_available() {
            return health;
        }
        let reason = "the user database is unavailable; the log of the program contains the cause";
        let reason = health.reason.unwrap_or_else(|| reason.to_owned());
        Health { state: Running::Degraded, reason: Some(reason), ..health }
    }
}
