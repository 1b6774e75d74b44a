//! The one table of routes: which permission each method of each route needs.

use crate::http::error::Error;
use access::Action;
use axum::http::{Method, StatusCode};

/// The requirement of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// None: it is allowed without a login.
    Public,
    /// An identity, whatever its roles.
    Authenticated,
    /// The permission in the whole plant, or, if the permission is bound to a scope, in any scope:
    /// the handler then restricts the answer to these scopes.
    Permission(Action),
}

/// One method of one route.
#[derive(Debug, Clone)]
pub struct Route {
    pub path: &'static str,
    /// `GET` includes `HEAD`.
    pub method: Method,
    pub requirement: Requirement,
}

/// The row of the pages: the shell of the user interface, which holds no data.
pub const PAGES: &str = "pages";
/// The row of the files of the user interface: scripts, styles, images.
pub const FILES: &str = "files";

const fn route(path: &'static str, method: Method, requirement: Requirement) -> Route {
    Route { path, method, requirement }
}

const fn needs(action: Action) -> Requirement {
    Requirement::Permission(action)
}

use Method as M;
use Requirement::{Authenticated, Public};

/// The table. Routes that are not in it are refused.
#[rustfmt::skip]
pub const TABLE: &[Route] = &[
    route(FILES, M::GET, Public),
    route("/login", M::GET, Public),
    route("/setup", M::GET, Public),
    route(PAGES, M::GET, Authenticated),
    route("/api/v1/session", M::GET, Authenticated),
    route("/api/v1/session", M::POST, Public),
    route("/api/v1/session", M::DELETE, Public),
    route("/api/v1/openid", M::GET, Public),
    route("/api/v1/openid/{provider}/start", M::GET, Public),
    route("/api/v1/openid/{provider}/callback", M::GET, Public),
    route("/api/v1/setup", M::GET, Public),
    route("/api/v1/setup", M::POST, Public),
    route("/api/v1/health", M::GET, Public),
    route("/api/v1/tables", M::GET, needs(Action::ReadTables)),
    route("/api/v1/tables/{schema}/{table}", M::GET, needs(Action::ReadTables)),
    route("/api/v1/query", M::GET, needs(Action::RunSql)),
    route("/api/v1/query", M::POST, needs(Action::RunSql)),
    route("/api/v1/kpis", M::GET, needs(Action::ReadTables)),
    route("/api/v1/sources", M::GET, needs(Action::ReadSources)),
    route("/api/v1/live", M::GET, needs(Action::FollowLive)),
    route("/api/v1/temperatures", M::GET, needs(Action::ReadTables)),
    route("/api/v1/temperatures/now", M::GET, needs(Action::FollowLive)),
    route("/api/v1/alarms", M::GET, needs(Action::FollowLive)),
    route("/api/v1/alarms/journal", M::GET, needs(Action::FollowLive)),
    route("/api/v1/alarms/performance", M::GET, needs(Action::FollowLive)),
    route("/api/v1/alarms/backtest", M::POST, needs(Action::EditRules)),
    route("/api/v1/alarms/rules", M::GET, needs(Action::FollowLive)),
    route("/api/v1/alarms/rules/check", M::POST, needs(Action::EditRules)),
    route("/api/v1/alarms/rules/{name}", M::PUT, needs(Action::EditRules)),
    route("/api/v1/alarms/acknowledge", M::POST, needs(Action::AcknowledgeAlarm)),
    route("/api/v1/alarms/{id}", M::GET, needs(Action::FollowLive)),
    route("/api/v1/alarms/{id}/acknowledge", M::POST, needs(Action::AcknowledgeAlarm)),
    route("/api/v1/alarms/{id}/shelve", M::POST, needs(Action::ShelveAlarm)),
    route("/api/v1/alarms/{id}/unshelve", M::POST, needs(Action::ShelveAlarm)),
    route("/api/v1/alarms/{id}/comment", M::POST, needs(Action::AcknowledgeAlarm)),
    route("/api/v1/alarms/{id}/assign", M::POST, needs(Action::AcknowledgeAlarm)),
    route("/api/v1/alarms/{id}/out-of-service", M::POST, needs(Action::EditRules)),
    route("/api/v1/alarms/{id}/in-service", M::POST, needs(Action::EditRules)),
    route("/api/v1/notifications", M::GET, needs(Action::ShelveAlarm)),
    route("/api/v1/notifications/test", M::POST, needs(Action::EditRules)),
    route("/api/v1/notifications/{id}/retry", M::POST, needs(Action::ShelveAlarm)),
    route("/api/v1/reports", M::GET, needs(Action::ReadTables)),
    route("/api/v1/reports/{name}", M::GET, needs(Action::ReadTables)),
    route("/api/v1/reports/{name}/preview", M::GET, needs(Action::ReadTables)),
    route("/api/v1/reports/{name}/file", M::GET, needs(Action::Download)),
    route("/api/v1/reports/{name}/issue", M::POST, needs(Action::ManageReports)),
    route("/api/v1/issued-reports", M::GET, needs(Action::ReadTables)),
    route("/api/v1/issued-reports/{id}", M::GET, needs(Action::ReadTables)),
    route("/api/v1/issued-reports/{id}/files/{format}", M::GET, needs(Action::Download)),
    route("/api/v1/report-deliveries/{id}/retry", M::POST, needs(Action::ManageReports)),
    route("/api/v1/boards", M::GET, needs(Action::ReadTables)),
    route("/api/v1/boards/{name}", M::GET, needs(Action::ReadTables)),
    route("/api/v1/boards/{name}", M::PUT, needs(Action::EditRules)),
    route("/api/v1/boards/{name}/data", M::GET, needs(Action::ReadTables)),
    route("/api/v1/boards/{name}/source", M::GET, needs(Action::EditRules)),
    route("/api/v1/boards/{name}/check", M::POST, needs(Action::EditRules)),
    route("/odata/v4", M::GET, needs(Action::ReadTables)),
    route("/odata/v4/", M::GET, needs(Action::ReadTables)),
    route("/odata/v4/$metadata", M::GET, needs(Action::ReadTables)),
    route("/odata/v4/{set}", M::GET, needs(Action::ReadTables)),
    route("/odata/v4/{set}/$count", M::GET, needs(Action::ReadTables)),
    route("/sharing/shares", M::GET, needs(Action::Download)),
    route("/sharing/shares/{share}", M::GET, needs(Action::Download)),
    route("/sharing/shares/{share}/schemas", M::GET, needs(Action::Download)),
    route("/sharing/shares/{share}/schemas/{schema}/tables", M::GET, needs(Action::Download)),
    route("/sharing/shares/{share}/all-tables", M::GET, needs(Action::Download)),
    route("/sharing/shares/{share}/schemas/{schema}/tables/{table}/version", M::GET, needs(Action::Download)),
    route("/sharing/shares/{share}/schemas/{schema}/tables/{table}/metadata", M::GET, needs(Action::Download)),
    route("/sharing/shares/{share}/schemas/{schema}/tables/{table}/query", M::POST, needs(Action::Download)),
    route("/sharing/shares/{share}/schemas/{schema}/tables/{table}/changes", M::GET, needs(Action::Download)),
    // The signature in the address is the credential.
    route("/sharing/files/{name}", M::GET, Public),
    route("/metrics", M::GET, needs(Action::ReadMetrics)),
    route("/api/v1/openapi.json", M::GET, needs(Action::ViewPages)),
    route("/api/v1/docs", M::GET, needs(Action::ViewPages)),
    route("/api/v1/docs.js", M::GET, needs(Action::ViewPages)),
    route("/api/v1/docs.css", M::GET, needs(Action::ViewPages)),
    route("/api/v1/account", M::GET, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/password", M::PUT, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/second-factor", M::POST, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/second-factor/confirm", M::POST, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/second-factor/remove", M::POST, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/recovery-codes", M::POST, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/sessions", M::GET, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/sessions/{id}", M::DELETE, needs(Action::ManageOwnAccount)),
    route("/api/v1/account/tokens", M::GET, needs(Action::ManageOwnTokens)),
    route("/api/v1/account/tokens", M::POST, needs(Action::ManageOwnTokens)),
    route("/api/v1/account/tokens/{id}", M::DELETE, needs(Action::ManageOwnTokens)),
    route("/api/v1/users", M::GET, needs(Action::ManageUsers)),
    route("/api/v1/users", M::POST, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/roles", M::PUT, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/disable", M::POST, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/enable", M::POST, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/revoke", M::POST, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/reset-password", M::POST, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/reset-second-factor", M::POST, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/sessions", M::GET, needs(Action::ManageUsers)),
    route("/api/v1/users/{name}/tokens", M::GET, needs(Action::ManageUsers)),
    route("/api/v1/sessions", M::GET, needs(Action::ManageUsers)),
    route("/api/v1/sessions/{id}", M::DELETE, needs(Action::ManageUsers)),
    route("/api/v1/tokens", M::GET, needs(Action::ManageUsers)),
    route("/api/v1/tokens/{id}", M::DELETE, needs(Action::ManageUsers)),
    route("/api/v1/roles", M::GET, Authenticated),
    route("/api/v1/audit", M::GET, needs(Action::ReadAudit)),
    route("/api/v1/audit/verify", M::GET, needs(Action::ReadAudit)),
    route("/api/v1/audit/export", M::GET, needs(Action::ReadAudit)),
];

/// The requirement of a method of a route.
pub fn requirement(path: &str, method: &Method) -> Result<Requirement, Error> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let found = TABLE.iter().find(|it| it.path == path && it.method == *method);
    if let Some(route) = found {
        return Ok(route.requirement);
    }
    if TABLE.iter().any(|it| it.path == path) {
        return Err(wrong_method());
    }
    let message = "this address is missing in the table of permissions, so it is refused";
    Err(Error::new(StatusCode::FORBIDDEN, "forbidden", message))
}

/// The error for a method that an address does not have.
pub fn wrong_method() -> Error {
    let message = "this address does not support the method; see /api/v1/docs";
    Error::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_method_of_a_route_is_listed_once() {
        let keys: BTreeSet<_> = TABLE.iter().map(|it| (it.path, it.method.as_str())).collect();
        assert_eq!(keys.len(), TABLE.len());
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        let code = |path, method: Method| requirement(path, &method).unwrap_err().code;
        assert_eq!(code("/api/v1/secret", Method::GET), "forbidden");
        assert_eq!(code("/api/v1/users", Method::DELETE), "wrong_method");
        assert_eq!(code("/api/v1/health", Method::OPTIONS), "wrong_method");
        assert_eq!(requirement("/metrics", &Method::HEAD).unwrap(), needs(Action::ReadMetrics));
    }

    #[test]
    fn no_safe_method_changes_users() {
        let reads = [Action::ReadAudit, Action::ManageUsers];
        for route in TABLE.iter().filter(|it| it.method == Method::GET) {
            let is_list = !route.path.contains("reset") && !route.path.contains("able");
            if let Requirement::Permission(action) = route.requirement
                && reads.contains(&action)
            {
                assert!(is_list, "{} changes something by GET", route.path);
            }
        }
    }
}
