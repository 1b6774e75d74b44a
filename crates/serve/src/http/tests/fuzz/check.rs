//! Properties that hold for the answer to any request.

use super::requests::Sender;
use super::texts::MARKER;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde_json::Value;

/// An answer, with the parts of its request that decide what is allowed.
pub struct Exchange<'a> {
    pub sender: Sender,
    pub method: &'a Method,
    pub path: &'a str,
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// Addresses that answer without a login.
const PUBLIC: [&str; 8] = [
    "/login",
    "/setup",
    "/api/v1/session",
    "/api/v1/setup",
    "/api/v1/openid",
    "/api/v1/health",
    "/favicon.svg",
    "/assets/now-3f2a.js",
];

/// Codes of server errors whose cause is the load or the request.
const CAUSED: [&str; 4] = ["busy", "timeout", "stopping", "unsupported_option"];

impl Exchange<'_> {
    /// What is wrong with the answer, `None` if nothing is.
    pub fn fault(&self, security: &[(HeaderName, &str)]) -> Option<String> {
        let missing = security.iter().find(|(name, value)| self.header(name) != *value);
        if let Some((name, _)) = missing {
            return Some(format!("the header {name} is missing"));
        }
        self.error().or_else(|| self.openness()).or_else(|| self.content())
    }

    fn header(&self, name: &HeaderName) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// An error is described in JSON, and one of the server has a cause.
    fn error(&self) -> Option<String> {
        let is_error = self.status.is_client_error() || self.status.is_server_error();
        if !is_error || self.method == Method::HEAD {
            return self.status.is_server_error().then(|| "a server error".to_owned());
        }
        let described: Value = serde_json::from_slice(self.body).unwrap_or_default();
        let code = described["error"]["code"].as_str().unwrap_or_default();
        if code.is_empty() || described["error"]["message"].as_str().is_none_or(str::is_empty) {
            return Some("an error without description".to_owned());
        }
        let is_caused = !self.status.is_server_error() || CAUSED.contains(&code);
        if self.status == StatusCode::UNAUTHORIZED && code == "unauthenticated" {
            let is_challenged = self.headers.contains_key(header::WWW_AUTHENTICATE);
            return (!is_challenged).then(|| "401 without WWW-Authenticate".to_owned());
        }
        (!is_caused).then(|| format!("the server error {code}"))
    }

    /// Nothing is open to a stranger but what is public; redirects stay on this host.
    fn openness(&self) -> Option<String> {
        let is_answered = self.status.is_success() || self.status == StatusCode::NOT_MODIFIED;
        if self.sender == Sender::Stranger && is_answered && !PUBLIC.contains(&self.path) {
            return Some("a stranger was answered".to_owned());
        }
        let is_login = self.path == "/api/v1/session" || self.path.starts_with("/api/v1/openid/");
        if self.headers.contains_key(header::SET_COOKIE) && !is_login {
            return Some("a cookie was set".to_owned());
        }
        let target = self.header(&header::LOCATION);
        let is_ours = target.is_empty() || target.starts_with("/login");
        (!is_ours).then(|| format!("a redirect to {target}"))
    }

    /// No text of the request is shown as markup, and no answer with data is stored by a shared cache.
    fn content(&self) -> Option<String> {
        let media = self.header(&header::CONTENT_TYPE);
        if media.is_empty() && !self.body.is_empty() {
            return Some("a body without media type".to_owned());
        }
        let text = String::from_utf8_lossy(self.body);
        if media.starts_with("text/html") && text.contains(MARKER) {
            return Some("the request is part of a page".to_owned());
        }
        let cached = self.header(&header::CACHE_CONTROL);
        let is_private = ["no-store", "private", "no-cache"].iter().any(|it| cached.contains(it));
        let is_file = self.path.starts_with("/assets/") && cached.contains("immutable");
        (!is_private && !is_file).then(|| format!("stored by caches: {cached:?}"))
    }
}
