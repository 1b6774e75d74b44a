//! Logging in and out, and the setup of the first administrator.

use super::dto::RoleInScope;
use super::{call, uncached};
use crate::http::Service;
use crate::http::authorization::{Caller, Cost, clear_cookie, session_cookie};
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use crate::http::temperatures::rfc3339;
use access::access::Whose;
use access::login::{LoggedIn, Login};
use access::permission::{Reach, TABLE};
use access::setup::FirstAdministrator;
use access::{Access, Granted, Identity, Secret, Via};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Name and password of a login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    pub name: String,
    pub password: String,
    /// The code of the authenticator app, or a recovery code; required if the user has a second factor.
    #[serde(default)]
    pub code: Option<String>,
}

/// The rest of a logout.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedOut {
    /// The address that ends the session at the provider and leads back to the login page.
    pub provider_logout_url: String,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// The secret of the link that the program prints at its first start.
    pub secret: String,
    pub name: String,
    #[serde(default)]
    pub full_name: String,
    pub password: String,
}

/// Whether the first administrator has yet to be created.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetupState {
    pub needs_setup: bool,
}

/// Who is logged in, and with which permissions.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentSession {
    pub name: String,
    pub full_name: String,
    /// `session`, `token`, or, where no login is required, `open` or `demo`.
    pub via: String,
    pub roles: Vec<RoleInScope>,
    /// The permissions that are granted, each with the scopes it is granted in; `plant` is everywhere.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Whether a temporary password has to be replaced before anything else.
    pub must_change_password: bool,
    /// Whether a role requires a second factor, which has to be set up before anything else.
    pub needs_second_factor: bool,
    pub has_second_factor: bool,
    /// When the session ends at the latest; null without a session.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// Whether this program manages alarms; without them the routes for alarms answer 409.
    pub has_alarms: bool,
}

/// Returns the user who is logged in.
#[utoipa::path(
    get, path = "/api/v1/session", operation_id = "readSession", tag = "account",
    responses((status = 200, description = "The session", body = CurrentSession), Refusals)
)]
pub async fn read(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    let identity = caller.identity()?;
    let via = caller.login.as_str();
    if !matches!(identity.via(), Via::Session { .. }) {
        let session = CurrentSession::new(identity, via).at(&service);
        return Ok(uncached(StatusCode::OK, session));
    }
    let session = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        CurrentSession::new(by, via).completed(access, by, now_us)
    });
    Ok(uncached(StatusCode::OK, session.await?.at(&service)))
}

/// Logs in by name and password. Every refusal has the same answer, whatever its reason.
#[utoipa::path(
    post, path = "/api/v1/session", operation_id = "logIn", tag = "account",
    request_body = LoginRequest,
    responses((status = 200, description = "Logged in; the cookie of the session is set", body = CurrentSession), Refusals)
)]
pub async fn create(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Result<Response, Error> {
    let (client, previous, now_us) = (caller.client(), caller.cookie.clone(), service.now_us());
    let done = service.blocking.run(&service.access, Cost::Password, move |access| {
        let (password, code) = (Secret::new(request.password), request.code.map(Secret::new));
        let login = Login {
            name: &request.name,
            password: &password,
            code: code.as_ref(),
            client: &client,
            previous: previous.as_ref(),
        };
        finished(access, access.login(&login, now_us)?, now_us)
    });
    logged_in(&service, &caller, done.await?, now_us)
}

/// Logs out: ends the session and removes its cookie.
#[utoipa::path(
    delete, path = "/api/v1/session", operation_id = "logOut", tag = "account",
    responses(
        (status = 200, description = "Logged out here; the provider ends its session at an address", body = LoggedOut),
        (status = 204, description = "Logged out"),
        Refusals
    )
)]
pub async fn delete(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let mut issuer = None;
    if let Some(cookie) = caller.cookie.clone() {
        let now_us = service.now_us();
        let ended = service
            .blocking
            .run(&service.access, Cost::Disk, move |access| access.logout(cookie.expose(), now_us));
        issuer = ended.await?;
    }
    let is_secure = caller.peer.is_secure;
    let url = issuer.and_then(|it| service.openid.logout_url(&it, &headers, is_secure));
    let mut response = match url {
        Some(url) => Json(LoggedOut { provider_logout_url: url.into() }).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The browser keeps no page and no answer of the session. The value `cookies` would also remove
    // those of other programs of the domain, `storage` the theme.
    response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
    if let Some(cookie) = clear_cookie(caller.peer) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Returns whether the first administrator has yet to be created.
#[utoipa::path(
    get, path = "/api/v1/setup", operation_id = "readSetup", tag = "account",
    responses((status = 200, description = "The state of the setup", body = SetupState), Refusals)
)]
pub async fn setup_state(State(service): State<Arc<Service>>) -> Result<Response, Error> {
    let needs_setup = service.blocking.run(&service.access, Cost::Disk, Access::needs_setup);
    Ok(uncached(StatusCode::OK, SetupState { needs_setup: needs_setup.await? }))
}

/// Creates the first administrator by the one-time link of the program, and logs them in.
#[utoipa::path(
    post, path = "/api/v1/setup", operation_id = "completeSetup", tag = "account",
    request_body = SetupRequest,
    responses((status = 200, description = "Created and logged in", body = CurrentSession), Refusals)
)]
pub async fn setup(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<SetupRequest>,
) -> Result<Response, Error> {
    let (client, now_us) = (caller.client(), service.now_us());
    let done = service.blocking.run(&service.access, Cost::Password, move |access| {
        let (secret, password) = (Secret::new(request.secret), Secret::new(request.password));
        let first = FirstAdministrator {
            secret: &secret,
            name: &request.name,
            full_name: &request.full_name,
            password: &password,
        };
        finished(access, access.complete_setup(&first, &client, now_us)?, now_us)
    });
    let done = done.await?;
    service.access.users_exist();
    logged_in(&service, &caller, done, now_us)
}

/// A login and its answer.
type Finished = (LoggedIn, CurrentSession);

fn finished(access: &Access, logged_in: LoggedIn, now_us: i64) -> Result<Finished, access::Error> {
    let session = CurrentSession::new(&logged_in.identity, "session");
    let session = session.completed(access, &logged_in.identity, now_us)?;
    Ok((logged_in, session))
}

fn logged_in(
    service: &Service,
    caller: &Caller,
    done: Finished,
    now_us: i64,
) -> Result<Response, Error> {
    let (logged_in, session) = done;
    let life_s = logged_in.expires_us.saturating_sub(now_us) / 1_000_000;
    let cookie = session_cookie(caller.peer, &logged_in.cookie, life_s)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("a session cookie has no header form")))?;
    let mut response = uncached(StatusCode::OK, session.at(service));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

impl CurrentSession {
    /// The session of an identity, as far as the identity holds it.
    fn new(identity: &Identity, via: &str) -> Self {
        let name = identity.name();
        let rights = identity.rights();
        let has_account = identity.user_id().is_some();
        let rules = TABLE.iter().filter(|rule| has_account || rule.reach != Reach::Own);
        let permissions = rules.filter_map(|rule| {
            let scopes = match identity.granted(rule.action) {
                Granted::Nowhere => return None,
                Granted::Everywhere => vec!["plant".to_owned()],
                Granted::Only(scopes) => scopes.iter().map(ToString::to_string).collect(),
            };
            Some((rule.name.to_owned(), scopes))
        });
        Self {
            name: name.strip_prefix("terminal:").unwrap_or(name).to_owned(),
            full_name: String::new(),
            via: via.to_owned(),
            roles: rights.assignments.iter().map(RoleInScope::from).collect(),
            permissions: permissions.collect(),
            must_change_password: rights.is_restricted,
            needs_second_factor: rights.needs_second_factor,
            has_second_factor: false,
            expires_at: None,
            has_alarms: false,
        }
    }

    /// The same session with the properties of the service.
    fn at(self, service: &Service) -> Self {
        Self { has_alarms: service.alarms.is_some(), ..self }
    }

    /// The same session with the fields that are read from the database.
    fn completed(
        mut self,
        access: &Access,
        by: &Identity,
        now_us: i64,
    ) -> Result<Self, access::Error> {
        let account = access.own_account(by, now_us)?;
        let sessions = access.sessions(by, Whose::Own, now_us)?;
        let current = sessions.into_iter().find(|it| by.via() == Via::Session { id: it.id });
        self.full_name = account.full_name;
        self.has_second_factor = account.has_second_factor;
        self.expires_at = current.map(|it| rfc3339(it.expires_us));
        Ok(self)
    }
}
