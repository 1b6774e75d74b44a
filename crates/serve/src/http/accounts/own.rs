//! The own account: password, second factor, sessions.

use super::dto::{RoleInScope, Session, User};
use super::{call, own_changed, part, uncached};
use crate::http::Service;
use crate::http::authorization::{Caller, Cost};
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use access::access::Whose;
use access::{Secret, Via};
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The own account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    pub name: String,
    pub full_name: String,
    pub roles: Vec<RoleInScope>,
    pub has_password: bool,
    pub must_change_password: bool,
    pub has_second_factor: bool,
    /// Unused recovery codes of the second factor.
    pub recovery_codes_left: u32,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub last_login_at: Option<String>,
}

/// The current and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub current: String,
    pub new: String,
}

/// The current password, which confirms a change of the second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordProof {
    pub password: String,
}

/// A code of the authenticator app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeProof {
    pub code: String,
}

/// What an authenticator app needs.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorKey {
    /// The key in Base32, for typing.
    pub key: String,
    /// The `otpauth` address, for a QR code.
    pub uri: String,
}

/// New recovery codes, which cannot be shown again.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

/// Active sessions, the most recently used first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sessions {
    pub sessions: Vec<Session>,
}

/// Returns the own account.
#[utoipa::path(
    get, path = "/api/v1/account", operation_id = "readAccount", tag = "account",
    responses((status = 200, description = "The account", body = Account), Refusals)
)]
pub async fn account(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    let found = call(&service, &caller, Cost::Disk, |access, by, now_us| {
        Ok((access.own_account(by, now_us)?, access.recovery_codes_left(by, now_us)?))
    });
    let (user, recovery_codes_left) = found.await?;
    let user = User::from(user);
    let account = Account {
        name: user.name,
        full_name: user.full_name,
        roles: user.roles,
        has_password: user.has_password,
        must_change_password: user.must_change_password,
        has_second_factor: user.has_second_factor,
        recovery_codes_left,
        created_at: user.created_at,
        last_login_at: user.last_login_at,
    };
    Ok(uncached(StatusCode::OK, account))
}

/// Changes the own password and ends all other sessions.
#[utoipa::path(
    put, path = "/api/v1/account/password", operation_id = "changePassword", tag = "account",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed"), Refusals)
)]
pub async fn change_password(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<PasswordChange>,
) -> Result<StatusCode, Error> {
    let client = caller.client();
    let changed = call(&service, &caller, Cost::Password, move |access, by, now_us| {
        let (current, new) = (Secret::new(request.current), Secret::new(request.new));
        access.change_password(by, &current, &new, &client, now_us)
    });
    changed.await.map(|()| StatusCode::NO_CONTENT)
}

/// Begins the enrolment of an authenticator app. A code of the app completes it.
#[utoipa::path(
    post, path = "/api/v1/account/second-factor", operation_id = "beginSecondFactor", tag = "account",
    request_body = PasswordProof,
    responses((status = 200, description = "The key for the app", body = SecondFactorKey), Refusals)
)]
pub async fn begin_second_factor(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<PasswordProof>,
) -> Result<Response, Error> {
    let (client, issuer) = (caller.client(), service.lake.health().plant);
    let begun = call(&service, &caller, Cost::Password, move |access, by, now_us| {
        let password = Secret::new(request.password);
        access.begin_second_factor(by, &password, &issuer, &client, now_us)
    });
    let begun = begun.await?;
    let (key, uri) = (begun.key.expose().to_owned(), begun.address.expose().to_owned());
    Ok(uncached(StatusCode::OK, SecondFactorKey { key, uri }))
}

/// Completes the enrolment. Later logins need a code.
#[utoipa::path(
    post, path = "/api/v1/account/second-factor/confirm", operation_id = "confirmSecondFactor", tag = "account",
    request_body = CodeProof,
    responses((status = 200, description = "The recovery codes", body = RecoveryCodes), Refusals)
)]
pub async fn confirm_second_factor(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<CodeProof>,
) -> Result<Response, Error> {
    let confirmed = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        access.confirm_second_factor(by, &Secret::new(request.code), now_us)
    });
    Ok(uncached(StatusCode::OK, RecoveryCodes::new(&confirmed.await?)))
}

/// Removes the second factor.
#[utoipa::path(
    post, path = "/api/v1/account/second-factor/remove", operation_id = "removeSecondFactor", tag = "account",
    request_body = PasswordProof,
    responses((status = 204, description = "Removed"), Refusals)
)]
pub async fn remove_second_factor(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<PasswordProof>,
) -> Result<StatusCode, Error> {
    let client = caller.client();
    let removed = call(&service, &caller, Cost::Password, move |access, by, now_us| {
        access.remove_second_factor(by, &Secret::new(request.password), &client, now_us)
    });
    removed.await.map(|()| StatusCode::NO_CONTENT)
}

/// Replaces the recovery codes.
#[utoipa::path(
    post, path = "/api/v1/account/recovery-codes", operation_id = "replaceRecoveryCodes", tag = "account",
    request_body = PasswordProof,
    responses((status = 200, description = "The new recovery codes", body = RecoveryCodes), Refusals)
)]
pub async fn replace_recovery_codes(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<PasswordProof>,
) -> Result<Response, Error> {
    let client = caller.client();
    let replaced = call(&service, &caller, Cost::Password, move |access, by, now_us| {
        access.replace_recovery_codes(by, &Secret::new(request.password), &client, now_us)
    });
    Ok(uncached(StatusCode::OK, RecoveryCodes::new(&replaced.await?)))
}

/// Lists the own sessions.
#[utoipa::path(
    get, path = "/api/v1/account/sessions", operation_id = "listOwnSessions", tag = "account",
    responses((status = 200, description = "The sessions", body = Sessions), Refusals)
)]
pub async fn sessions(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    let found = call(&service, &caller, Cost::Disk, |access, by, now_us| {
        access.sessions(by, Whose::Own, now_us)
    });
    Ok(uncached(StatusCode::OK, Sessions::new(found.await?, &caller)))
}

/// Ends one of the own sessions.
#[utoipa::path(
    delete, path = "/api/v1/account/sessions/{id}", operation_id = "endOwnSession", tag = "account",
    params(("id" = i64, Path, description = "Id of the session")),
    responses((status = 204, description = "Ended"), Refusals)
)]
pub async fn end_session(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Error> {
    let id = part(path)?;
    let ended = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        access.revoke_session(by, id, now_us)
    });
    own_changed(ended.await)
}

impl RecoveryCodes {
    fn new(codes: &[Secret]) -> Self {
        Self { recovery_codes: codes.iter().map(|it| it.expose().to_owned()).collect() }
    }
}

impl Sessions {
    /// Sessions, as seen from the session of the caller.
    pub fn new(sessions: Vec<access::session::SessionInfo>, caller: &Caller) -> Self {
        let current = match caller.identity().map(access::Identity::via) {
            Ok(Via::Session { id }) => Some(id),
            _ => None,
        };
        let sessions = sessions.into_iter().map(|it| Session::new(it, current)).collect();
        Self { sessions }
    }
}
