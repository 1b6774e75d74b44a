//! Cross-site request forgery: a page of another site must not act on behalf of a
//! logged-in user.
//!
//! Browsers send the origin of a request in `Sec-Fetch-Site` and `Origin`, and no page can forge
//! either. A request that changes something must come from a page of this service; a client that sends neither
//! header is not a browser, and is accepted unless a cookie authenticates it.

use super::{Caller, Login};
use crate::http::error::Error;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request that changes something and comes from another site.
pub fn check(request: &Request, caller: &Caller) -> Result<(), Error> {
    // A bearer token is never sent by a browser on its own.
    if request.method().is_safe() || caller.login == Login::Bearer {
        return Ok(());
    }
    let headers = request.headers();
    let is_ours = match (text(headers, FETCH_SITE), text(headers, header::ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => is_own_origin(origin, request, caller.peer.is_secure),
        (None, None) => !depends_on_cookie(caller, headers),
    };
    if is_ours {
        return Ok(());
    }
    let message = "this request was sent by a page of another site, or without the header Origin";
    Err(Error::new(StatusCode::FORBIDDEN, "cross_site", message))
}

/// Whether a cookie authenticates the request, or may do so beside a token that is invalid: the logout ends
/// the session of the cookie. An ended session alone does not count, so that a program can log in again.
fn depends_on_cookie(caller: &Caller, headers: &HeaderMap) -> bool {
    let has_other = headers.contains_key(header::AUTHORIZATION);
    let is_refused_beside = caller.login == Login::None && caller.cookie.is_some() && has_other;
    caller.login == Login::Session || is_refused_beside
}

fn is_own_origin(origin: &str, request: &Request, is_secure: bool) -> bool {
    // The guard has replaced it by the host that a trusted proxy reports.
    let host = text(request.headers(), header::HOST).unwrap_or_default();
    let scheme = if is_secure { "https" } else { "http" };
    !host.is_empty() && origin.eq_ignore_ascii_case(&format!("{scheme}://{host}"))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|it| it.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Peer;
    use access::Identity;
    use axum::body::Body;
    use std::net::Ipv4Addr;

    fn is_accepted(login: Login, is_secure: bool, method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/x").header("host", "localhost:1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let peer = Peer { address: Ipv4Addr::LOCALHOST.into(), is_secure };
        let caller = Caller::anonymous(request.headers(), peer);
        check(&request, &caller.authenticated(Identity::terminal("x"), login)).is_ok()
    }

    #[test]
    fn only_our_pages_change_things_by_a_cookie() {
        let by_cookie = |headers| is_accepted(Login::Session, false, "POST", headers);
        assert!(by_cookie(&[("sec-fetch-site", "same-origin")]));
        assert!(by_cookie(&[("origin", "http://localhost:1")]));
        assert!(!by_cookie(&[]));
        assert!(!by_cookie(&[("origin", "null")]));
        assert!(!by_cookie(&[("origin", "http://localhost:2")]));
        assert!(!by_cookie(&[("origin", "https://localhost:1")]));
        assert!(!by_cookie(&[("sec-fetch-site", "same-site"), ("origin", "http://localhost:1")]));
        assert!(!by_cookie(&[("sec-fetch-site", "cross-site")]));
        assert!(is_accepted(Login::Session, true, "PUT", &[("origin", "https://localhost:1")]));
        assert!(is_accepted(Login::Session, false, "GET", &[]));
    }

    #[test]
    fn programs_need_no_origin_but_may_not_have_a_foreign_one() {
        let foreign = [("origin", "http://evil.example")];
        for login in [Login::None, Login::Open, Login::Demo, Login::Basic] {
            assert!(is_accepted(login, false, "DELETE", &[]), "{login:?}");
            assert!(!is_accepted(login, false, "DELETE", &foreign), "{login:?}");
        }
        assert!(is_accepted(Login::Bearer, false, "DELETE", &foreign));
    }

    #[test]
    fn an_invalid_token_beside_a_cookie_does_not_replace_the_origin() {
        let cookie = ("cookie", "cockpit-session=x");
        let token = ("authorization", "Bearer pck_invalid");
        let deletes = |headers: &[_]| is_accepted(Login::None, false, "DELETE", headers);
        assert!(!deletes(&[cookie, token]));
        assert!(deletes(&[cookie, token, ("origin", "http://localhost:1")]));
        assert!(deletes(&[cookie]) && deletes(&[token]));
    }
}
