//! Who may ask, and what a browser may do with the answer.
//!
//! The program listens on the loopback and asks for no password, so a page from elsewhere must not
//! speak to it through the browser of somebody at this machine: the `Host` must be a name of ours
//! (else a foreign name that resolves to 127.0.0.1 would do), and a cross-site request must be a
//! link somebody follows.

use super::Service;
use super::error::Error;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Names of this machine for itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

const SECURITY: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Lets a request through if it comes from here, and marks every answer.
pub async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let mut response = match check(&service.hosts, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    for (name, value) in SECURITY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(hosts: &[String], request: &Request) -> Result<(), Error> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let host = authority.or_else(|| text(request.headers(), header::HOST)).unwrap_or_default();
    let name = without_port(host);
    let ours = |known: &str| known.eq_ignore_ascii_case(name);
    if !LOCAL.into_iter().any(ours) && !hosts.iter().any(|known| ours(known)) {
        let message = format!(
            "this program does not answer to the name {name:?}; ask for localhost, or add the name \
             to its configuration"
        );
        return Err(Error::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", message));
    }
    let site = text(request.headers(), HeaderName::from_static("sec-fetch-site"));
    let mode = text(request.headers(), HeaderName::from_static("sec-fetch-mode"));
    if site == Some("cross-site") && mode != Some("navigate") {
        let message = "pages from elsewhere may not ask this program";
        return Err(Error::new(StatusCode::FORBIDDEN, "cross_site", message));
    }
    Ok(())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `host` without its port; the colons of `[::1]` are no port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_host(host: &str, expected: Result<(), &str>) {
        let request = Request::builder().uri("/").header("host", host);
        let request = request.body(axum::body::Body::empty()).unwrap();
        let checked = check(&["cockpit.plant".to_owned()], &request);
        assert_eq!(checked.map_err(|error| error.code), expected, "{host}");
    }

    #[test]
    fn only_names_of_ours_are_answered() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "[::1]",
            "Cockpit.plant:80",
        ] {
            check_host(host, Ok(()));
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:8080",
            "127.0.0.1.nip.io",
            "[::2]",
            "10.0.0.1",
        ] {
            check_host(host, Err("unknown_host"));
        }
    }

    #[test]
    fn pages_from_elsewhere_may_only_link() {
        for (mode, allowed) in [("cors", false), ("no-cors", false), ("navigate", true)] {
            let request = Request::builder()
                .uri("/")
                .header("host", "localhost")
                .header("sec-fetch-site", "cross-site")
                .header("sec-fetch-mode", mode)
                .body(axum::body::Body::empty())
                .unwrap();
            assert_eq!(check(&[], &request).is_ok(), allowed, "{mode}");
        }
    }
}
