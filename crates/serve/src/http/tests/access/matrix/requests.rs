//! A request for each row of the table of routes.

use crate::http::authorization::routes::{FILES, PAGES};

/// Whether a route answers about objects, or about the plant as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Everyone with the permission gets an answer, in the scopes of the permission.
    InScope,
    /// Only with the permission in the whole plant.
    Plant,
}

/// A request for each row of the table of routes, by method and route, that is refused for its content
/// only after the permission was checked.
#[rustfmt::skip]
pub const REQUESTS: &[(&str, &str, &str, Reply)] = &[
    ("GET", FILES, "/assets/now-3f2a.js", Reply::InScope),
    ("GET", "/login", "/login", Reply::InScope),
    ("GET", "/setup", "/setup", Reply::InScope),
    ("GET", PAGES, "/now", Reply::InScope),
    ("GET", "/api/v1/session", "/api/v1/session", Reply::InScope),
    ("POST", "/api/v1/session", "/api/v1/session", Reply::InScope),
    ("DELETE", "/api/v1/session", "/api/v1/session", Reply::InScope),
    ("GET", "/api/v1/setup", "/api/v1/setup", Reply::InScope),
    ("POST", "/api/v1/setup", "/api/v1/setup", Reply::InScope),
    ("GET", "/api/v1/health", "/api/v1/health", Reply::InScope),
    ("GET", "/api/v1/tables", "/api/v1/tables", Reply::InScope),
    ("GET", "/api/v1/tables/{schema}/{table}", "/api/v1/tables/gold/by_unit", Reply::InScope),
    ("GET", "/api/v1/query", "/api/v1/query", Reply::InScope),
    ("POST", "/api/v1/query", "/api/v1/query", Reply::InScope),
    ("GET", "/api/v1/kpis", "/api/v1/kpis?level=unit", Reply::InScope),
    ("GET", "/api/v1/live", "/api/v1/live", Reply::InScope),
    ("GET", "/api/v1/temperatures", "/api/v1/temperatures", Reply::InScope),
    ("GET", "/api/v1/temperatures/now", "/api/v1/temperatures/now", Reply::InScope),
    ("GET", "/metrics", "/metrics", Reply::Plant),
    ("GET", "/api/v1/openapi.json", "/api/v1/openapi.json", Reply::InScope),
    ("GET", "/api/v1/docs", "/api/v1/docs", Reply::InScope),
    ("GET", "/api/v1/docs.js", "/api/v1/docs.js", Reply::InScope),
    ("GET", "/api/v1/docs.css", "/api/v1/docs.css", Reply::InScope),
    ("GET", "/api/v1/account", "/api/v1/account", Reply::InScope),
    ("PUT", "/api/v1/account/password", "/api/v1/account/password", Reply::InScope),
    ("POST", "/api/v1/account/second-factor", "/api/v1/account/second-factor", Reply::InScope),
    ("POST", "/api/v1/account/second-factor/confirm", "/api/v1/account/second-factor/confirm", Reply::InScope),
    ("POST", "/api/v1/account/second-factor/remove", "/api/v1/account/second-factor/remove", Reply::InScope),
    ("POST", "/api/v1/account/recovery-codes", "/api/v1/account/recovery-codes", Reply::InScope),
    ("GET", "/api/v1/account/sessions", "/api/v1/account/sessions", Reply::InScope),
    ("DELETE", "/api/v1/account/sessions/{id}", "/api/v1/account/sessions/999999", Reply::InScope),
    ("GET", "/api/v1/account/tokens", "/api/v1/account/tokens", Reply::InScope),
    ("POST", "/api/v1/account/tokens", "/api/v1/account/tokens", Reply::InScope),
    ("DELETE", "/api/v1/account/tokens/{id}", "/api/v1/account/tokens/999999", Reply::InScope),
    ("GET", "/api/v1/users", "/api/v1/users", Reply::Plant),
    ("POST", "/api/v1/users", "/api/v1/users", Reply::Plant),
    ("PUT", "/api/v1/users/{name}/roles", "/api/v1/users/unknown/roles", Reply::Plant),
    ("POST", "/api/v1/users/{name}/disable", "/api/v1/users/unknown/disable", Reply::Plant),
    ("POST", "/api/v1/users/{name}/enable", "/api/v1/users/unknown/enable", Reply::Plant),
    ("POST", "/api/v1/users/{name}/revoke", "/api/v1/users/unknown/revoke", Reply::Plant),
    ("POST", "/api/v1/users/{name}/reset-password", "/api/v1/users/unknown/reset-password", Reply::Plant),
    ("POST", "/api/v1/users/{name}/reset-second-factor", "/api/v1/users/unknown/reset-second-factor", Reply::Plant),
    ("GET", "/api/v1/users/{name}/sessions", "/api/v1/users/unknown/sessions", Reply::Plant),
    ("GET", "/api/v1/users/{name}/tokens", "/api/v1/users/unknown/tokens", Reply::Plant),
    ("GET", "/api/v1/sessions", "/api/v1/sessions", Reply::Plant),
    ("DELETE", "/api/v1/sessions/{id}", "/api/v1/sessions/999999", Reply::Plant),
    ("GET", "/api/v1/tokens", "/api/v1/tokens", Reply::Plant),
    ("DELETE", "/api/v1/tokens/{id}", "/api/v1/tokens/999999", Reply::Plant),
    ("GET", "/api/v1/roles", "/api/v1/roles", Reply::InScope),
    ("GET", "/api/v1/audit", "/api/v1/audit", Reply::Plant),
    ("GET", "/api/v1/audit/verify", "/api/v1/audit/verify", Reply::Plant),
    ("GET", "/api/v1/audit/export", "/api/v1/audit/export", Reply::Plant),
];
