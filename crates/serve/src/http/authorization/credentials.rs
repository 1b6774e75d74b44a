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

/// The cookie that binds logins at a provider to the browser that began them.
const SECURE_OPENID_COOKIE: &str = "__Host-cockpit-openid";
const PLAIN_OPENID_COOKIE: &str = "cockpit-openid";

/// The longest value of that cookie.
const OPENID_COOKIE_BYTES_MAX: usize = 128;

const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The value of the session cookie.
pub fn cookie(headers: &HeaderMap, peer: Peer) -> Option<String> {
    value(headers, cookie_name(peer))
}

/// The value of the cookie of logins at a provider.
pub fn openid_cookie(headers: &HeaderMap, peer: Peer) -> Option<String> {
    let found = value(headers, openid_cookie_name(peer))?;
    let is_value = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_ours =
        (32..=OPENID_COOKIE_BYTES_MAX).contains(&found.len()) && found.bytes().all(is_value);
    is_ours.then_some(found)
}

fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|it| it.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|it| it.split_once('='));
    pairs.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim().to_owned())
}

fn openid_cookie_name(peer: Peer) -> &'static str {
    if peer.is_secure { SECURE_OPENID_COOKIE } else { PLAIN_OPENID_COOKIE }
}

fn cookie_name(peer: Peer) -> &'static str {
    if peer.is_secure { SECURE_COOKIE } else { PLAIN_COOKIE }
}

/// The value of `Set-Cookie` for a session that ends after `life_s` seconds at the latest.
pub fn session_cookie(peer: Peer, value: &Secret, life_s: i64) -> Option<HeaderValue> {
    sensitive(&set_cookie(cookie_name(peer), peer, value.expose(), life_s.max(0)))
}

/// The value of `Set-Cookie` for logins at a provider that begin within `life_s` seconds.
pub fn set_openid_cookie(peer: Peer, value: &Secret, life_s: i64) -> Option<HeaderValue> {
    sensitive(&set_cookie(openid_cookie_name(peer), peer, value.expose(), life_s.max(0)))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(text).ok().map(|mut it| {
        it.set_sensitive(true);
        it
    })
}

/// The value of `Set-Cookie` that removes the session cookie.
pub fn clear_cookie(peer: Peer) -> Option<HeaderValue> {
    HeaderValue::try_from(set_cookie(cookie_name(peer), peer, "", 0)).ok()
}

fn set_cookie(name: &str, peer: Peer, value: &str, life_s: i64) -> String {
    let secure = if peer.is_secure { "; Secure" } else { "" };
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
    fn the_cookie_of_a_login_at_a_provider_is_bound_to_the_kind_of_connection() {
        let secret = "x".repeat(43);
        let set = set_openid_cookie(peer(true), &Secret::new(&secret[..]), 600).unwrap();
        let expected = format!(
            "__Host-cockpit-openid={secret}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(set.to_str().unwrap(), expected);
        let sent = with(header::COOKIE, &format!("__Host-cockpit-openid={secret}"));
        assert_eq!(openid_cookie(&sent, peer(true)), Some(secret));
        assert_eq!(openid_cookie(&sent, peer(false)), None);
        for odd in ["short", &"x".repeat(129), &format!("{}%", "x".repeat(40))] {
            let sent = with(header::COOKIE, &format!("cockpit-openid={odd}"));
            assert_eq!(openid_cookie(&sent, peer(false)), None, "{odd}");
        }
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
