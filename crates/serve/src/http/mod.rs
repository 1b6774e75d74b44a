//! The service over HTTP.
//!
//! *In*: requests, and a [`Service`] made once from the lake, the limits and the clock.
//! *Out*: [`router`], a wiring of routes without I/O, and [`serve`], which runs it until it is told
//! to stop.
//! *Promise*: every answer that is not what was asked for is an [`Error`], with a code for programs
//! and advice for people; every request is counted; when `serve` returns, nothing of it runs on.

mod answer;
mod encode;
mod error;
mod filter;
mod format;
mod guard;
mod health;
mod history;
mod kpis;
mod listen;
mod live;
mod metrics;
mod names;
pub mod openapi;
mod params;
mod peer;
mod places;
mod query;
mod readonly;
mod stall;
mod tables;
mod temperatures;
#[cfg(test)]
mod tests;

pub use encode::Encoder;
pub use error::Error;
pub use format::Format;
pub use listen::serve;
pub use peer::Peer;
pub use readonly::plan as plan_reading;
pub use tables::unchanged;

use super::{Clock, LakeReader, Limits};
use ::live::Live;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use cockpit_ui::Asset;
use metrics::{Metrics, Route};
use places::Places;
use std::sync::Arc;
use std::time::Duration;

/// What every request shares.
pub struct Service {
    lake: Arc<dyn LakeReader>,
    live: Live,
    limits: Limits,
    clock: Clock,
    /// Names this program answers to beside those of the loopback.
    hosts: Vec<String>,
    metrics: Arc<Metrics>,
    queries: Places,
    reads: Places,
}

impl Service {
    /// The service over `lake` and what is live. `hosts` are names it answers to beside localhost, without port.
    pub fn new(
        lake: Arc<dyn LakeReader>,
        live: Live,
        limits: Limits,
        clock: Clock,
        hosts: Vec<String>,
    ) -> Self {
        let queries = Places::new("queries", limits.queries);
        let reads = Places::new("requests", limits.reads);
        Self { lake, live, limits, clock, hosts, metrics: Arc::default(), queries, reads }
    }

    /// `methods`, counted as `route`, which is a pattern and never an address itself.
    pub fn measured<S>(&self, route: &'static str, methods: MethodRouter<S>) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let (metrics, clock) = (Arc::clone(&self.metrics), Arc::clone(&self.clock));
        methods.layer(from_fn_with_state(Route { metrics, clock, route }, metrics::measure))
    }

    /// The time in microseconds since 1970 UTC.
    fn now_us(&self) -> i64 {
        (self.clock)().timestamp_micros()
    }

    /// Time for an answer in `format`.
    fn time(&self, format: Format) -> Duration {
        match format {
            Format::Json => self.limits.answer_time,
            Format::Csv | Format::Arrow | Format::Parquet => self.limits.file_time,
        }
    }
}

/// Every route: the interface, `more` (under `/api/v1`; see [`Service::measured`]), and `pages` for everything else. All of them stand behind the guard.
pub fn router(service: Arc<Service>, pages: &'static [Asset], more: Router) -> Router {
    let mut routes = Router::new();
    let interface = [
        ("/api/v1/tables", get(tables::list)),
        ("/api/v1/tables/{schema}/{table}", get(tables::read)),
        ("/api/v1/query", post(query::post).get(query::get)),
        ("/api/v1/kpis", get(kpis::kpis)),
        ("/api/v1/live", get(live::live)),
        ("/api/v1/temperatures", get(history::history)),
        ("/api/v1/temperatures/now", get(temperatures::now)),
        ("/api/v1/health", get(health::health)),
        ("/metrics", get(metrics::metrics)),
        ("/api/v1/openapi.json", get(openapi::json)),
        ("/api/v1/docs", get(openapi::page)),
        ("/api/v1/docs.js", get(openapi::script)),
        ("/api/v1/docs.css", get(openapi::style)),
    ];
    for (path, methods) in interface {
        routes = routes.route(path, service.measured(path, methods));
    }
    let pages = service.measured("pages", super::ui::pages(pages));
    routes
        .fallback_service(pages.with_state(Arc::clone(&service)))
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(&service))
        .merge(more)
        .layer(DefaultBodyLimit::max(service.limits.body_bytes))
        .layer(from_fn_with_state(service, guard::guard))
}

async fn wrong_method() -> Error {
    let message = "this address has no such method; see /api/v1/docs";
    Error::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
}
