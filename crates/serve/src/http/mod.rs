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
mod formula;
mod forwarded;
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
mod rate;
mod readonly;
mod request_body;
mod tables;
mod temperatures;
#[cfg(test)]
mod tests;

pub use encode::Encoder;
pub use error::Error;
pub use format::Format;
pub use listen::{Certificates, Endpoint, TlsFiles, serve};
pub use peer::{Network, Peer};
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
use rate::RateLimiter;
use std::sync::Arc;
use std::time::Duration;

/// What every request shares.
pub struct Service {
    lake: Arc<dyn LakeReader>,
    live: Live,
    limits: Limits,
    clock: Clock,
    network: Network,
    rate: RateLimiter,
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
        let network = Network { hosts, ..Network::default() };
        let (per_s, burst) = (limits.requests_per_s, limits.requests_burst);
        let rate = RateLimiter::new(per_s, burst, limits.rate_addresses);
        let metrics = Arc::default();
        Self { lake, live, limits, clock, network, rate, metrics, queries, reads }
    }

    /// The same service, reachable through `network`, which replaces the hosts.
    #[must_use]
    pub fn with_network(self, network: Network) -> Self {
        Self { network, ..self }
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
