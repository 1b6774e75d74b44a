//! The JSON of sessions, users, tokens and roles.

use crate::http::temperatures::rfc3339;
use access::session::SessionInfo;
use access::token::TokenInfo;
use access::{Assignment, Error, Source, UserInfo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role in a scope.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleInScope {
    /// `viewer`, `operator`, `supervisor`, `engineer` or `administrator`.
    pub role: String,
    /// `plant`, `area:NAME` or `line:AREA/NAME`.
    pub scope: String,
    /// `local` if an administrator has assigned it, `external` if an identity provider has; ignored in requests.
    #[serde(default)]
    pub source: Option<String>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub full_name: String,
    pub roles: Vec<RoleInScope>,
    pub has_password: bool,
    /// Whether a temporary password has to be replaced before anything else.
    pub must_change_password: bool,
    pub has_second_factor: bool,
    pub external: Vec<ExternalIdentity>,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub last_login_at: Option<String>,
    /// When the user was disabled; null for an active user.
    #[schema(format = DateTime)]
    pub disabled_at: Option<String>,
}

/// An identity at an identity provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExternalIdentity {
    pub issuer: String,
    pub subject: String,
}

/// An active session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    pub id: i64,
    pub user: String,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub last_seen_at: String,
    /// When it ends at the latest.
    #[schema(format = DateTime)]
    pub expires_at: String,
    pub address: String,
    pub agent: String,
    /// `password`, `password+totp`, `password+recovery`, `external`, `setup` or `terminal`.
    pub method: String,
    /// Whether this request is part of it.
    pub is_current: bool,
}

/// An API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    pub id: i64,
    pub user: String,
    pub name: String,
    /// Names of the permissions it has at most.
    pub actions: Vec<String>,
    pub scope: String,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// Within a minute; null if it was never used.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

impl RoleInScope {
    /// Parses a role of a request.
    pub fn parse(&self) -> Result<Assignment, Error> {
        Ok(Assignment::new(self.role.parse()?, self.scope.parse()?))
    }

    /// Parses all roles of a request.
    pub fn parse_all(roles: &[Self]) -> Result<Vec<Assignment>, Error> {
        roles.iter().map(Self::parse).collect()
    }
}

impl From<&Assignment> for RoleInScope {
    fn from(assignment: &Assignment) -> Self {
        let source = match assignment.source {
            Source::Local => "local",
            Source::External => "external",
        };
        let (role, scope) = (assignment.role.to_string(), assignment.scope.to_string());
        Self { role, scope, source: Some(source.to_owned()) }
    }
}

impl From<UserInfo> for User {
    fn from(user: UserInfo) -> Self {
        let external = user.external.into_iter();
        Self {
            id: user.id,
            name: user.name,
            full_name: user.full_name,
            roles: user.roles.iter().map(RoleInScope::from).collect(),
            has_password: user.has_password,
            must_change_password: user.must_change_password,
            has_second_factor: user.has_second_factor,
            external: external
                .map(|(issuer, subject)| ExternalIdentity { issuer, subject })
                .collect(),
            created_at: rfc3339(user.created_us),
            last_login_at: user.last_login_us.map(rfc3339),
            disabled_at: user.disabled_us.map(rfc3339),
        }
    }
}

impl Session {
    /// A session, as seen from the session `current`.
    pub fn new(session: SessionInfo, current: Option<i64>) -> Self {
        Self {
            is_current: current == Some(session.id),
            id: session.id,
            user: session.user,
            created_at: rfc3339(session.created_us),
            last_seen_at: rfc3339(session.last_seen_us),
            expires_at: rfc3339(session.expires_us),
            address: session.address,
            agent: session.agent,
            method: session.method,
        }
    }
}

impl From<TokenInfo> for Token {
    fn from(token: TokenInfo) -> Self {
        Self {
            id: token.id,
            user: token.user,
            name: token.name,
            actions: token.actions.iter().map(ToString::to_string).collect(),
            scope: token.scope.to_string(),
            created_at: rfc3339(token.created_us),
            expires_at: rfc3339(token.expires_us),
            last_used_at: token.last_used_us.map(rfc3339),
            revoked_at: token.revoked_us.map(rfc3339),
        }
    }
}
