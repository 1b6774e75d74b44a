//! Tests of the router by requests of clients, without a network.

mod access;
mod bounds;
mod formulas;
mod fuzz;
pub mod lake;
mod network;
mod odata;
mod pages;
mod problems;
mod program;
mod sharing;
mod sql;
mod temperatures;
mod tls;

use super::{AccessControl, AccessMode, Service, router};
use crate::Limits;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use cockpit_ui::Asset;
use lake::Lake;
use live::{Live, LiveLimits};
use plant::reading::Registry;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt;

pub use lake::now;

/// A [`Live`] without readings; the limit is 50 degC, and a sensor is silent after a minute.
pub fn live() -> Live {
    let limits = LiveLimits {
        limit_c: 50.0,
        silent_us: 60_000_000,
        viewers: 100,
        streams: 64,
        frames_per_s: 20_000,
    };
    Live::new(Registry::default(), limits, "boot".to_owned())
}

/// A client of a router over a lake of test data.
pub struct TestClient(Router);

/// A response.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of an error.
    pub fn refusal(&self) -> (u16, String) {
        let code = self.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }
}

impl TestClient {
    pub fn new() -> Self {
        Self::with_limits(Limits::default(), &[])
    }

    pub fn with_limits(limits: Limits, pages: &'static [Asset]) -> Self {
        Self::with_lake(Lake::new(), limits, pages)
    }

    /// A client of a service whose `gold.sample` is a Delta table in `folder`.
    pub async fn stored(folder: &Path) -> Self {
        Self::with_lake(Lake::stored(folder).await, Limits::default(), &[])
    }

    /// A client of `router`.
    pub fn from_router(router: Router) -> Self {
        Self(router)
    }

    /// A client of a service that is reached through `network`.
    pub fn in_network(limits: Limits, network: super::Network) -> Self {
        let clock = Arc::new(now);
        let open = AccessControl::without_users(AccessMode::Demo);
        let service = Service::new(Arc::new(Lake::new()), live(), limits, clock, Vec::new(), open);
        Self(router(Arc::new(service.with_network(network)), &[]))
    }

    fn with_lake(lake: Lake, limits: Limits, pages: &'static [Asset]) -> Self {
        Self::with_live(lake, live(), limits, pages)
    }

    /// A client of a service over `lake` and `live`.
    pub fn with_live(lake: Lake, live: Live, limits: Limits, pages: &'static [Asset]) -> Self {
        let open = AccessControl::without_users(AccessMode::Demo);
        let service = Service::new(Arc::new(lake), live, limits, Arc::new(now), Vec::new(), open);
        Self(router(Arc::new(service), pages))
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(request(Method::GET, path, headers, Body::empty())).await
    }

    pub async fn query(&self, sql: &str) -> Reply {
        let body = serde_json::json!({ "sql": sql }).to_string();
        let json = [("content-type", "application/json")];
        self.send(request(Method::POST, "/api/v1/query", &json, body.into())).await
    }

    pub fn router(&self) -> Router {
        self.0.clone()
    }
}

pub fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header("host", "localhost:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}
