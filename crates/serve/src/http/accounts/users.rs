//! Users, their sessions and tokens, as administrators manage them.

use super::dto::{RoleInScope, Token, User};
use super::own::Sessions;
use super::own_tokens::Tokens;
use super::{call, part, uncached};
use crate::http::Service;
use crate::http::authorization::{Caller, Cost};
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use access::access::Whose;
use access::{Access, Identity, NewPassword, NewUser};
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// All users, ordered by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Users {
    pub users: Vec<User>,
}

/// A user to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// 1 to 128 letters a to z, digits and `. _ - @ +`.
    pub name: String,
    #[serde(default)]
    pub full_name: String,
    pub roles: Vec<RoleInScope>,
}

/// A user that was just added.
#[derive(Serialize, ToSchema)]
pub struct AddedUser {
    pub user: User,
    /// The password of the first login, which has to be replaced then. It cannot be shown again.
    pub temporary_password: String,
}

/// The roles that replace those of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesRequest {
    pub roles: Vec<RoleInScope>,
}

/// A temporary password, which cannot be shown again.
#[derive(Serialize, ToSchema)]
pub struct TemporaryPassword {
    pub temporary_password: String,
}

type Name = Result<Path<String>, PathRejection>;
type Id = Result<Path<i64>, PathRejection>;

/// Lists all users.
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "listUsers", tag = "users",
    responses((status = 200, description = "The users", body = Users), Refusals)
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    let found = call(&service, &caller, Cost::Disk, |access, by, now_us| access.users(by, now_us));
    let users = found.await?.into_iter().map(User::from).collect();
    Ok(uncached(StatusCode::OK, Users { users }))
}

/// Adds a user with a temporary password.
#[utoipa::path(
    post, path = "/api/v1/users", operation_id = "addUser", tag = "users",
    request_body = UserRequest,
    responses((status = 201, description = "Added", body = AddedUser), Refusals)
)]
pub async fn add(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<UserRequest>,
) -> Result<Response, Error> {
    let new = NewUser {
        roles: RoleInScope::parse_all(&request.roles)?,
        name: request.name,
        full_name: request.full_name,
        password: NewPassword::Temporary,
    };
    let added = call(&service, &caller, Cost::Password, move |access, by, now_us| {
        access.add_user(by, &new, now_us)
    });
    let (user, password) = added.await?;
    let temporary_password = password.map(|it| it.expose().to_owned()).unwrap_or_default();
    Ok(uncached(StatusCode::CREATED, AddedUser { user: user.into(), temporary_password }))
}

/// Replaces the roles of a user; roles of an identity provider stay.
#[utoipa::path(
    put, path = "/api/v1/users/{name}/roles", operation_id = "setRoles", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    request_body = RolesRequest,
    responses((status = 204, description = "Replaced"), Refusals)
)]
pub async fn set_roles(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
    JsonBody(request): JsonBody<RolesRequest>,
) -> Result<StatusCode, Error> {
    let roles = RoleInScope::parse_all(&request.roles)?;
    change(&service, &caller, path, move |access, by, name, now_us| {
        access.set_roles(by, name, &roles, now_us)
    })
    .await
}

/// Disables a user: ends all sessions and revokes all tokens.
#[utoipa::path(
    post, path = "/api/v1/users/{name}/disable", operation_id = "disableUser", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 204, description = "Disabled"), Refusals)
)]
pub async fn disable(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
) -> Result<StatusCode, Error> {
    change(&service, &caller, path, Access::disable_user).await
}

/// Enables a disabled user. Earlier sessions and tokens stay invalid.
#[utoipa::path(
    post, path = "/api/v1/users/{name}/enable", operation_id = "enableUser", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 204, description = "Enabled"), Refusals)
)]
pub async fn enable(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
) -> Result<StatusCode, Error> {
    change(&service, &caller, path, Access::enable_user).await
}

/// Ends all sessions of a user and revokes all tokens.
#[utoipa::path(
    post, path = "/api/v1/users/{name}/revoke", operation_id = "revokeUser", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 204, description = "Revoked"), Refusals)
)]
pub async fn revoke(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
) -> Result<StatusCode, Error> {
    change(&service, &caller, path, Access::revoke_all).await
}

/// Removes the second factor of a user who has lost it.
#[utoipa::path(
    post, path = "/api/v1/users/{name}/reset-second-factor", operation_id = "resetSecondFactor", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 204, description = "Removed"), Refusals)
)]
pub async fn reset_second_factor(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
) -> Result<StatusCode, Error> {
    change(&service, &caller, path, Access::reset_second_factor).await
}

/// Sets a temporary password and ends all sessions of the user.
#[utoipa::path(
    post, path = "/api/v1/users/{name}/reset-password", operation_id = "resetPassword", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 200, description = "The temporary password", body = TemporaryPassword), Refusals)
)]
pub async fn reset_password(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
) -> Result<Response, Error> {
    let name = part(path)?;
    let reset = call(&service, &caller, Cost::Password, move |access, by, now_us| {
        access.reset_password(by, &name, now_us)
    });
    let temporary_password = reset.await?.expose().to_owned();
    Ok(uncached(StatusCode::OK, TemporaryPassword { temporary_password }))
}

/// Lists the sessions of a user.
#[utoipa::path(
    get, path = "/api/v1/users/{name}/sessions", operation_id = "listSessionsOfUser", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 200, description = "The sessions", body = Sessions), Refusals)
)]
pub async fn sessions_of_user(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
) -> Result<Response, Error> {
    list_sessions(&service, &caller, Some(part(path)?)).await
}

/// Lists all sessions.
#[utoipa::path(
    get, path = "/api/v1/sessions", operation_id = "listSessions", tag = "users",
    responses((status = 200, description = "The sessions", body = Sessions), Refusals)
)]
pub async fn sessions(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    list_sessions(&service, &caller, None).await
}

/// Ends a session.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{id}", operation_id = "endSession", tag = "users",
    params(("id" = i64, Path, description = "Id of the session")),
    responses((status = 204, description = "Ended"), Refusals)
)]
pub async fn end_session(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Id,
) -> Result<StatusCode, Error> {
    let id = part(path)?;
    let ended = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        access.revoke_session(by, id, now_us)
    });
    ended.await.map(|()| StatusCode::NO_CONTENT)
}

/// Lists the tokens of a user.
#[utoipa::path(
    get, path = "/api/v1/users/{name}/tokens", operation_id = "listTokensOfUser", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 200, description = "The tokens", body = Tokens), Refusals)
)]
pub async fn tokens_of_user(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Name,
) -> Result<Response, Error> {
    list_tokens(&service, &caller, Some(part(path)?)).await
}

/// Lists all tokens.
#[utoipa::path(
    get, path = "/api/v1/tokens", operation_id = "listTokens", tag = "users",
    responses((status = 200, description = "The tokens", body = Tokens), Refusals)
)]
pub async fn tokens(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    list_tokens(&service, &caller, None).await
}

/// Revokes a token.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", operation_id = "revokeToken", tag = "users",
    params(("id" = i64, Path, description = "Id of the token")),
    responses((status = 204, description = "Revoked"), Refusals)
)]
pub async fn revoke_token(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Id,
) -> Result<StatusCode, Error> {
    let id = part(path)?;
    let revoked = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        access.revoke_token(by, id, now_us)
    });
    revoked.await.map(|()| StatusCode::NO_CONTENT)
}

/// A change of the user in the path.
async fn change(
    service: &Service,
    caller: &Caller,
    path: Name,
    change: impl FnOnce(&Access, &Identity, &str, i64) -> Result<(), access::Error> + Send + 'static,
) -> Result<StatusCode, Error> {
    let name = part(path)?;
    let changed = call(service, caller, Cost::Disk, move |access, by, now_us| {
        change(access, by, &name, now_us)
    });
    changed.await.map(|()| StatusCode::NO_CONTENT)
}

fn whose(name: Option<&str>) -> Whose<'_> {
    name.map_or(Whose::All, Whose::User)
}

async fn list_sessions(
    service: &Service,
    caller: &Caller,
    name: Option<String>,
) -> Result<Response, Error> {
    let found = call(service, caller, Cost::Disk, move |access, by, now_us| {
        access.sessions(by, whose(name.as_deref()), now_us)
    });
    Ok(uncached(StatusCode::OK, Sessions::new(found.await?, caller)))
}

async fn list_tokens(
    service: &Service,
    caller: &Caller,
    name: Option<String>,
) -> Result<Response, Error> {
    let found = call(service, caller, Cost::Disk, move |access, by, now_us| {
        access.tokens(by, whose(name.as_deref()), now_us)
    });
    let tokens = found.await?.into_iter().map(Token::from).collect();
    Ok(uncached(StatusCode::OK, Tokens { tokens }))
}
