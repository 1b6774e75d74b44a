//! Requests to the service, over a user database and tables in memory.
//!
//! ```text
//! cargo +nightly fuzz run --features http http -- -max_total_time=600 -rss_limit_mb=2048
//! ```
#![no_main]

#[path = "http/service.rs"]
mod service;

#[path = "../../crates/serve/src/http/tests/fuzz/check.rs"]
mod check;
#[path = "../../crates/serve/src/http/tests/fuzz/requests.rs"]
mod requests;
#[path = "../../crates/serve/src/http/tests/fuzz/source.rs"]
mod source;
#[path = "../../crates/serve/src/http/tests/fuzz/texts.rs"]
mod texts;

use axum::body::{Body, to_bytes};
use axum::http::{Method, header};
use axum::response::Response;
use check::Exchange;
use libfuzzer_sys::fuzz_target;
use requests::Case;
use serve::http::SECURITY_HEADERS;
use serve::http::authorization::routes::TABLE;
use service::Target;
use source::Source;
use std::sync::OnceLock;
use tower::ServiceExt as _;

/// Bytes of a body that are read.
const BODY_BYTES: usize = 64 << 20;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(|input: &[u8]| {
    let target = TARGET.get_or_init(|| Target::new().unwrap());
    let routes: Vec<(&str, Method)> = TABLE.iter().map(|it| (it.path, it.method.clone())).collect();
    let mut source = Source::Input(input);
    let Some(case) = requests::next(&mut source, &routes, &target.credentials) else { return };
    target.runtime.block_on(exchange(target, case));
    assert_eq!(target.state().unwrap(), target.before);
});

/// Sends a request and checks its answer.
async fn exchange(target: &Target, case: Case) {
    let Case { request, sender, summary } = case;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (parts, body) = target.router.clone().oneshot(request).await.unwrap().into_parts();
    let (status, headers) = (parts.status, parts.headers.clone());
    let body = read(Response::from_parts(parts, body)).await;
    let seen = Exchange { sender, method: &method, path: &path, status, headers: &headers, body: &body };
    assert_eq!(seen.fault(&SECURITY_HEADERS), None, "{summary}");
}

/// The body; nothing of a stream, which does not end.
async fn read(response: Response<Body>) -> Vec<u8> {
    let media = response.headers().get(header::CONTENT_TYPE);
    if media.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream")) {
        return Vec::new();
    }
    to_bytes(response.into_body(), BODY_BYTES).await.unwrap_or_default().to_vec()
}
