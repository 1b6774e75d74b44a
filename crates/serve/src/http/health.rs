//! How the program is.

use super::Service;
use crate::{Health, State as Running};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Tells how the program is: state, plant, build, lake, last and next ingest run.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "readHealth",
    tag = "program",
    responses(
        (status = 200, description = "Running, or degraded for the reason named", body = Health),
        (status = 503, description = "Still starting", body = Health),
    )
)]
pub async fn health(State(service): State<Arc<Service>>) -> Response {
    let health = service.lake.health();
    let status = match health.state {
        Running::Starting => StatusCode::SERVICE_UNAVAILABLE,
        Running::Running | Running::Degraded => StatusCode::OK,
    };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, no_store, Json(health)).into_response()
}
