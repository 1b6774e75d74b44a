//! Checks of every request before it is routed, and headers of every response.
//!
//! A page of another site must not use this program through the browser of a person who can reach it.
//! So the requested host must be a configured one (otherwise any name that resolves to this address
//! would do: DNS rebinding), and a cross-site request is allowed only as navigation by a link.

use super::Service;
use super::error::{Error, Problem, problem};
use super::peer::{Network, Peer, text, without_port};
use super::request_body::TimedBody;
use super::unread_body::UnreadBody;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Names of the loopback interface.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Scripts, frames and connections come from this origin only. Styles may be inline, because the charts
/// position their parts by them.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Headers of every response.
pub const SECURITY: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// A browser that has seen this uses HTTPS for the host, and for names below it, for a year.
pub const HSTS: &str = "max-age=31536000; includeSubDomains";

/// Refuses invalid requests and adds the security headers to the response. Handlers get the client as
/// the extension [`Peer`] and the requested host as header `Host`, also if a trusted proxy reports them.
pub async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let (client, authority) = service.network.client(&request);
    let host = without_port(&authority);
    let is_pinned = client.is_secure && !is_local(host);
    let (limit, unread) = (service.limits.body_time, UnreadBody::default());
    let (uri, is_head) = (request.uri().clone(), request.method() == Method::HEAD);
    let mut request = request.map(|body| unread.watch(Body::new(TimedBody::new(body, limit))));
    let mut response = match refusal(&service, &request, client, host) {
        Some(refusal) => {
            drop(request);
            refusal
        }
        None => {
            request.extensions_mut().insert(client);
            if let Ok(value) = HeaderValue::try_from(&authority) {
                request.headers_mut().insert(header::HOST, value);
            }
            next.run(request).await
        }
    };
    unread.discard(service.limits.body_bytes).await;
    if matches!(response.status().as_u16(), 401 | 403 | 421 | 429)
        && let Some(Problem { code, .. }) = response.extensions().get()
    {
        service.refusals.count(code);
    }
    problem::write_body(&mut response, uri.path(), is_head);
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What a handler does not declare as reusable is not stored.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if is_pinned {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    response
}

/// The response to a request that is refused.
fn refusal(service: &Service, request: &Request, client: Peer, host: &str) -> Option<Response> {
    if let Some(wait) = excess(service, client) {
        return Some(too_many(service, client, wait));
    }
    let checked = check_path(&service.network, request)
        .and_then(|()| check_encoding(request.uri().path()))
        .and_then(|()| check_single_host(request))
        .and_then(|()| check_host(&service.network.hosts, host))
        .and_then(|()| check_site(request));
    checked.err().map(IntoResponse::into_response)
}

/// How long the client has to wait, if it sent too many requests. Clients on this machine have no
/// limit: they can use its resources without this program as well.
fn excess(service: &Service, client: Peer) -> Option<Duration> {
    if client.address.to_canonical().is_loopback() {
        return None;
    }
    service.rate.take(client.address, Instant::now()).err()
}

fn too_many(service: &Service, client: Peer, wait: Duration) -> Response {
    let per_s = service.limits.requests_per_s;
    let message =
        format!("more than {per_s} requests a second from {}; send fewer", client.address);
    let error = Error::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
    let mut response = error.into_response();
    let wait_s = HeaderValue::from(wait.as_secs() + 1);
    response.headers_mut().insert(header::RETRY_AFTER, wait_s);
    response
}

/// Refuses a connection that does not come from a trusted proxy, if one is required.
fn check_path(network: &Network, request: &Request) -> Result<(), Error> {
    let address = Peer::from_extensions(request.extensions()).address.to_canonical();
    if !network.only_proxies || address.is_loopback() || network.is_proxy(address) {
        return Ok(());
    }
    let message = "this port is for the reverse proxy: open the address of the proxy instead";
    Err(Error::new(StatusCode::FORBIDDEN, "not_through_proxy", message))
}

fn is_local(host: &str) -> bool {
    LOCAL.into_iter().any(|known| known.eq_ignore_ascii_case(host))
}

/// Parts of a path are texts, so their encoded bytes are UTF-8.
fn check_encoding(path: &str) -> Result<(), Error> {
    if str::from_utf8(&percent_decoded(path)).is_ok() {
        return Ok(());
    }
    let message = "invalid path: expected UTF-8 in its percent-encoded bytes";
    Err(Error::bad("bad_path", message))
}

/// The bytes of a path; a percent sign without two digits is an ordinary character.
fn percent_decoded(path: &str) -> Vec<u8> {
    let mut rest = path.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// Of two hosts a proxy may use one and this program the other (RFC 9112, section 3.2).
fn check_single_host(request: &Request) -> Result<(), Error> {
    if request.headers().get_all(header::HOST).iter().count() <= 1 {
        return Ok(());
    }
    let message = "invalid request with two headers Host: expected one";
    Err(Error::bad("two_hosts", message))
}

fn check_host(hosts: &[String], host: &str) -> Result<(), Error> {
    if is_local(host) || hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let message = format!(
        "unknown host {host:?}: open localhost, or add the name by --host, or by `hosts` in [serve] of \
         plant.toml"
    );
    Err(Error::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", message))
}

fn check_site(request: &Request) -> Result<(), Error> {
    let site = text(request.headers(), HeaderName::from_static("sec-fetch-site"));
    let mode = text(request.headers(), HeaderName::from_static("sec-fetch-mode"));
    if site == Some("cross-site") && mode != Some("navigate") {
        let message = "requests from pages of other sites are refused";
        return Err(Error::new(StatusCode::FORBIDDEN, "cross_site", message));
    }
    Ok(())
}
