//! The credentials of a request: the session cookie, or an API token.

use super::Login;
use crate::http::Peer;
use access::Secret;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The cookie of an encrypted connection. The prefix binds it to this host: no other host of the
/// domain can set it.
const SECURE_COOKIE: &str = "__Host-cockpit";
/// The cookie of an unencrypted connection, which no browser stores with the prefix.
const PLAIN_COOKIE: &str = "cockpit-session";

const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The value of the session cookie.
pub fn cookie(headers: &HeaderMap, peer: Peer) -> Option<String> {
    let name = cookie_name(peer);
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|it| it.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|it| it.split_once('='));
    pairs.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim().to_owned())
}

fn cookie_name(peer: Peer) -> &'static str {
    if peer.is_secure { SECURE_COOKIE } else { PLAIN_COOKIE }
}

/// The value of `Set-Cookie` for a session that ends after `life_s` seconds at the latest.
pub fn session_cookie(peer: Peer, value: &Secret, life_s: i64) -> Option<HeaderValue> {
    HeaderValue::try_from(set_cookie(peer, value.expose(), life_s.max(0))).ok().map(|mut it| {
        it.set_sensitive(true);
        it
    })
}

/// The value of `Set-Cookie` that removes the session cookie.
pub fn clear_cookie(peer: Peer) -> Option<HeaderValue> {
    HeaderValue::try_from(set_cookie(peer, "", 0)).ok()
}

fn set_cookie(peer: Peer, value: &str, life_s: i64) -> String {
    let secure = if peer.is_secure { "; Secure" } else { "" };
    let name = cookie_name(peer);
    format!("{name}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}")
}

/// The API token of `Authorization`, and how it is sent.
pub fn token(headers: &HeaderMap) -> Option<(Secret, Login)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some((Secret::new(rest.trim()), Login::Bearer));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (_name, password) = decoded.split_once(':')?;
    Some((Secret::new(password), Login::Basic))
}

/// Adds the schemes that an unauthenticated client may use. Basic is not offered to browsers: they would open
/// their own password dialog.
pub fn challenge(request: &HeaderMap, response: &mut HeaderMap) {
    let bearer = HeaderValue::from_static("Bearer realm=\"Plant Cockpit\"");
    response.append(header::WWW_AUTHENTICATE, bearer);
    if !request.contains_key(FETCH_MODE) {
        let basic = HeaderValue::from_static("Basic realm=\"Plant Cockpit\", charset=\"UTF-8\"");
        response.append(header::WWW_AUTHENTICATE, basic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn peer(is_secure: bool) -> Peer {
        Peer { address: Ipv4Addr::LOCALHOST.into(), is_secure }
    }

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_cookie_is_bound_to_the_kind_of_connection() {
        let both = with(header::COOKIE, "a=1; __Host-cockpit=secure ;cockpit-session=plain");
        assert_eq!(cookie(&both, peer(true)).as_deref(), Some("secure"));
        assert_eq!(cookie(&both, peer(false)).as_deref(), Some("plain"));
        assert_eq!(cookie(&with(header::COOKIE, "xcockpit-session=1"), peer(false)), None);
        let set = session_cookie(peer(true), &Secret::new("abc"), 60).unwrap();
        let expected = "__Host-cockpit=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set.to_str().unwrap(), expected);
        assert!(!clear_cookie(peer(false)).unwrap().to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn tokens_are_read_in_both_schemes() {
        let basic = STANDARD.encode("anyone:pck_x:y");
        for (value, expected) in [
            ("Bearer pck_x".to_owned(), Some(("pck_x", Login::Bearer))),
            ("bearer  pck_x".to_owned(), Some(("pck_x", Login::Bearer))),
            (format!("Basic {basic}"), Some(("pck_x:y", Login::Basic))),
            ("Basic !!!".to_owned(), None),
            (format!("Basic {}", STANDARD.encode("no colon")), None),
            ("Digest abc".to_owned(), None),
            ("pck_x".to_owned(), None),
        ] {
            let found = token(&with(header::AUTHORIZATION, &value));
            let found = found.as_ref().map(|(secret, login)| (secret.expose(), *login));
            assert_eq!(found, expected, "{value}");
        }
    }
}
