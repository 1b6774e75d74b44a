//! The own API tokens.

use super::dto::Token;
use super::{call, own_changed, part, uncached};
use crate::http::Service;
use crate::http::authorization::{Caller, Cost};
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use access::Action;
use access::access::Whose;
use access::token::NewToken;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::ToSchema;

/// A token to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// For its owner to recognize it.
    pub name: String,
    /// Names of permissions that the owner has, such as `read_tables`.
    pub actions: Vec<String>,
    /// `plant`, `area:NAME` or `line:AREA/NAME`.
    pub scope: String,
    /// How long it is valid, in seconds.
    pub life_s: u32,
}

/// A token that was just created.
#[derive(Serialize, ToSchema)]
pub struct CreatedToken {
    /// The token itself. It is not stored and cannot be shown again.
    pub secret: String,
    pub token: Token,
}

/// API tokens, newest first, with expired and revoked ones.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tokens {
    pub tokens: Vec<Token>,
}

/// Lists the own tokens.
#[utoipa::path(
    get, path = "/api/v1/account/tokens", operation_id = "listOwnTokens", tag = "account",
    responses((status = 200, description = "The tokens", body = Tokens), Refusals)
)]
pub async fn tokens(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    let found = call(&service, &caller, Cost::Disk, |access, by, now_us| {
        access.tokens(by, Whose::Own, now_us)
    });
    let tokens = found.await?.into_iter().map(Token::from).collect();
    Ok(uncached(StatusCode::OK, Tokens { tokens }))
}

/// Creates a token with some of the own permissions.
#[utoipa::path(
    post, path = "/api/v1/account/tokens", operation_id = "createToken", tag = "account",
    request_body = TokenRequest,
    responses((status = 201, description = "Created", body = CreatedToken), Refusals)
)]
pub async fn create_token(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Response, Error> {
    let actions = request.actions.iter().map(|it| it.parse::<Action>());
    let new = NewToken {
        actions: actions.collect::<Result<BTreeSet<_>, _>>()?,
        scope: request.scope.parse()?,
        name: request.name,
        life_s: request.life_s,
    };
    let created = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        access.create_token(by, &new, now_us)
    });
    let created = created.await?;
    let secret = created.secret.expose().to_owned();
    Ok(uncached(StatusCode::CREATED, CreatedToken { secret, token: created.info.into() }))
}

/// Revokes one of the own tokens.
#[utoipa::path(
    delete, path = "/api/v1/account/tokens/{id}", operation_id = "revokeOwnToken", tag = "account",
    params(("id" = i64, Path, description = "Id of the token")),
    responses((status = 204, description = "Revoked"), Refusals)
)]
pub async fn revoke_token(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Error> {
    let id = part(path)?;
    let revoked = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        access.revoke_token(by, id, now_us)
    });
    own_changed(revoked.await)
}
