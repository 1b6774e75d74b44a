//! Logins by OpenID Connect: authorization code flow with PKCE.
//!
//! *In*: the configured providers, their metadata, keys and tokens, and the answer that a browser brings.
//! *Out*: a session of the user who belongs to issuer and subject, or a redirect to the login page with
//! the code of the failure.
//! *Promise*: a session is opened only after signature, issuer, audience, times and nonce of the ID token
//! are verified, and if the answer belongs to a login that the same browser began at the same provider.
//! Neither tokens nor codes are stored, logged or shown. A provider that is away delays no other login.

mod answer;
mod begun;
mod claims;
mod failure;
mod next;
mod outgoing;
mod protocol;
mod provider;
#[cfg(test)]
mod testing;

use super::uncached;
use crate::http::authorization::{Caller, openid_cookie, set_openid_cookie};
use crate::http::error::{Error, Refusals};
use crate::http::rate::{ClientKey, RateLimiter};
use crate::http::{Service, accounts};
use crate::openid_limits::OpenIdLimits;
use ::access::Secret;
use ::access::audit::{Event, Kind};
use answer::ProviderAnswer;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use begun::{Begun, BegunLogins};
use config::openid::OpenIdProvider;
use failure::Failure;
use futures::future::join_all;
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, RedirectUrl, Scope};
use provider::Provider;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;
use utoipa::ToSchema;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The providers of the program, and the logins that have begun.
pub struct Providers {
    providers: Vec<Provider>,
    begun: Mutex<BegunLogins>,
    limits: OpenIdLimits,
    rate: RateLimiter,
    /// The address that people open, if it is configured.
    public_url: Option<Url>,
}

impl Providers {
    /// The configured providers. Nothing is requested from them yet.
    pub fn new(
        configured: &[OpenIdProvider],
        public_url: Option<Url>,
        limits: &OpenIdLimits,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(limits.requests));
        let made = |it: &OpenIdProvider| Provider::new(it.clone(), limits, Arc::clone(&permits));
        Self {
            providers: configured.iter().map(made).collect(),
            begun: Mutex::default(),
            limits: limits.clone(),
            rate: RateLimiter::new(limits.requests_per_s, limits.requests_burst, limits.logins),
            public_url,
        }
    }

    /// Reads the metadata of all providers that are due, at the same time.
    pub async fn refresh(&self, now_us: i64) {
        // A failure is kept and logged by its provider.
        drop(join_all(self.providers.iter().map(|it| it.known(now_us))).await);
    }

    /// Whether no provider is configured.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    fn named(&self, name: &str) -> Result<&Provider, Error> {
        let found = self.providers.iter().find(|it| it.configured.name == name);
        found.ok_or_else(accounts::not_found)
    }

    /// The address that ends the session at the provider of `issuer`, and leads back to the login
    /// page; `None` if the provider offers none, or a logout must not end it.
    pub fn logout_url(&self, issuer: &str, headers: &HeaderMap, is_secure: bool) -> Option<Url> {
        let found = self.providers.iter().find(|it| it.configured.issuer == issuer)?;
        if !found.configured.logs_out {
            return None;
        }
        let known = found.last_known()?;
        let mut url =
            known.metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        let back = self.base(headers, is_secure).ok()?.join("login").ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", &found.configured.client_id)
            .append_pair("post_logout_redirect_uri", back.as_str());
        Some(url)
    }

    /// The address of this service for a browser: the configured one, or the one it requested.
    fn base(&self, headers: &HeaderMap, is_secure: bool) -> Result<Url, Error> {
        match &self.public_url {
            Some(url) => Ok(url.clone()),
            None => requested(headers, is_secure),
        }
    }

    /// Limits the requests of an address, except for those of this machine.
    fn admit(&self, caller: &Caller) -> Result<(), Failure> {
        let address = caller.peer.address.to_canonical();
        if address.is_loopback() || self.rate.take(address, Instant::now()).is_ok() {
            return Ok(());
        }
        Err(Failure::Busy)
    }
}

/// The address of this service as the browser requested it. The guard has checked the host.
fn requested(headers: &HeaderMap, is_secure: bool) -> Result<Url, Error> {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let scheme = if is_secure { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{host}/"));
    url.map_err(|_invalid| Error::bad("invalid_host", "the header Host is not a host"))
}

/// The providers to log in with.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenIdProviders {
    pub providers: Vec<OpenIdButton>,
}

/// A provider on the login page.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenIdButton {
    pub name: String,
    pub title: String,
    /// The address that begins the login; it takes the parameter `next`.
    pub start: String,
    /// Whether the provider could be reached last.
    pub is_available: bool,
}

/// Returns the providers of OpenID Connect to log in with.
#[utoipa::path(
    get, path = "/api/v1/openid", operation_id = "listOpenIdProviders", tag = "account",
    responses((status = 200, description = "The providers", body = OpenIdProviders), Refusals)
)]
pub async fn list(State(service): State<Arc<Service>>) -> Response {
    // Without a user database a login is not possible.
    let is_usable = service.access.database().is_ok();
    let providers = service.openid.providers.iter().filter(|_| is_usable);
    let providers = providers.map(|it| OpenIdButton {
        name: it.configured.name.clone(),
        title: it.configured.title.clone(),
        start: format!("/api/v1/openid/{}/start", it.configured.name),
        is_available: it.is_available(),
    });
    uncached(StatusCode::OK, OpenIdProviders { providers: providers.collect() })
}

/// Begins a login: redirects the browser to the provider.
#[utoipa::path(
    get, path = "/api/v1/openid/{provider}/start", operation_id = "startOpenIdLogin", tag = "account",
    params(
        ("provider" = String, Path, description = "Name of the provider"),
        ("next" = Option<String>, Query, description = "Path of the page to open after the login")
    ),
    responses((status = 303, description = "To the provider, or to the login page with the failure"), Refusals)
)]
pub async fn start(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let provider = service.openid.named(&name)?;
    service.access.database()?;
    let next = next::from_query(query.as_deref().unwrap_or_default());
    // Only pages of this service begin a login: another site must not replace a session.
    let is_foreign = headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site");
    if is_foreign {
        return Ok(redirect(&next::login_page(&next, None)));
    }
    let requested = requested(&headers, caller.peer.is_secure)?;
    if let Some(public) =
        service.openid.public_url.as_ref().filter(|it| it.origin() != requested.origin())
    {
        // The cookie and the answer need the same host.
        let path = next::start_page(&name, &next);
        return Ok(redirect(public.join(&path).as_ref().map_or("/login", Url::as_str)));
    }
    match begin(&service, provider, &caller, &headers, &next).await {
        Ok(response) => Ok(response),
        Err(failure) => Ok(service.refused(&caller, &name, &next, &failure)),
    }
}

async fn begin(
    service: &Service,
    provider: &Provider,
    caller: &Caller,
    headers: &HeaderMap,
    next: &str,
) -> Result<Response, Failure> {
    let openid = &service.openid;
    openid.admit(caller)?;
    let now_us = service.now_us();
    let known = provider.known(now_us).await?;
    let client = provider.client(&known).await?;
    let name = &provider.configured.name;
    let path = format!("api/v1/openid/{name}/callback");
    let base =
        openid.base(headers, caller.peer.is_secure).map_err(|it| Failure::refused(it.public))?;
    let redirect_uri = base.join(&path).map_err(Failure::refused)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = provider.configured.scopes.iter().filter(|scope| *scope != "openid");
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(scopes.map(|scope| Scope::new(scope.clone())))
        .set_pkce_challenge(challenge)
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())))
        .url();
    // Logins in several tabs share the cookie of the browser.
    let cookie = openid_cookie(headers, caller.peer);
    let cookie = cookie.unwrap_or_else(|| CsrfToken::new_random_len(32).secret().clone());
    let begun = Begun {
        provider: name.clone(),
        browser: begun::hash(&cookie),
        client: ClientKey::from_address(caller.peer.address),
        nonce: nonce.secret().clone(),
        verifier: verifier.secret().clone(),
        redirect_uri: redirect_uri.into(),
        next: next.to_owned(),
        begun_us: now_us,
    };
    let mut logins = openid.begun.lock().unwrap_or_else(PoisonError::into_inner);
    logins.add(state.secret(), begun, &openid.limits);
    drop(logins);
    let mut response = redirect(url.as_str());
    let life_s = openid.limits.login_us / 1_000_000;
    if let Some(cookie) = set_openid_cookie(caller.peer, &Secret::new(cookie), life_s) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Completes a login with the answer of the provider.
#[utoipa::path(
    get, path = "/api/v1/openid/{provider}/callback", operation_id = "completeOpenIdLogin", tag = "account",
    params(
        ("provider" = String, Path, description = "Name of the provider"),
        ("state" = Option<String>, Query, description = "The state of the login"),
        ("code" = Option<String>, Query, description = "The authorization code"),
        ("iss" = Option<String>, Query, description = "The issuer (RFC 9207)"),
        ("error" = Option<String>, Query, description = "Why the provider refuses the login")
    ),
    responses((status = 303, description = "To the page, logged in; or to the login page with the failure"), Refusals)
)]
pub async fn callback(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let provider = service.openid.named(&name)?;
    service.access.database()?;
    let answer = ProviderAnswer::from_query(query.as_deref().unwrap_or_default());
    let mut next = "/".to_owned();
    match answer::complete(&service, provider, &caller, &headers, &answer, &mut next).await {
        Ok(response) => Ok(response),
        Err(failure) => Ok(service.refused(&caller, &name, &next, &failure)),
    }
}

impl Service {
    /// Audits a failed login, and redirects to the login page, which explains it.
    fn refused(&self, caller: &Caller, name: &str, next: &str, failure: &Failure) -> Response {
        let (reason, code) = (failure.reason(), failure.code());
        let (client, now_us) = (caller.client(), self.now_us());
        tracing::info!(provider = name, reason, address = %client.address, "openid_login_refused");
        let detail = serde_json::json!({ "provider": name, "reason": reason });
        let is_written = matches!(failure, Failure::NoAccount | Failure::NoRole);
        // The user database has written its own refusals.
        if !is_written {
            let event = Event::new(Kind::LoginFailed, "-", detail).from_address(client.address);
            self.refusals.write(&self.access, code, event, now_us);
        }
        redirect(&next::login_page(next, Some((code, name))))
    }
}

/// A redirect that is not cached.
fn redirect(target: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(target) = HeaderValue::try_from(target) {
        headers.insert(header::LOCATION, target);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
