//! One provider: its metadata and keys, read when they are needed and kept.

use super::begun::Begun;
use super::claims::{self, Claims, Person};
use super::failure::{Failure, plain};
use super::outgoing::{HostPolicy, Outgoing, OutgoingError};
use super::protocol::{self, Expected, Metadata, OpenIdClient, UserInfo};
use crate::openid_limits::OpenIdLimits;
use access::external::GroupRole;
use config::openid::{GroupRule, OpenIdProvider};
use openidconnect::core::{CoreClientAuthMethod, CoreJsonWebKeySet};
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    DiscoveryError, IssuerUrl, OAuth2TokenResponse as _, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, SubjectIdentifier, TokenResponse as _,
};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use url::Url;

/// What was read from a provider.
#[derive(Debug)]
pub struct Known {
    pub metadata: Metadata,
    pub http: Outgoing,
    read_us: i64,
}

/// The state of the requests to a provider. Only one request for its metadata runs at a time.
#[derive(Debug, Default)]
struct Requests {
    failed_us: Option<i64>,
    keys_us: Option<i64>,
}

/// A provider.
#[derive(Debug)]
pub struct Provider {
    pub configured: OpenIdProvider,
    /// The roles that groups give.
    pub rules: Vec<GroupRole>,
    limits: OpenIdLimits,
    permits: Arc<Semaphore>,
    known: Mutex<Option<Arc<Known>>>,
    /// Why the last request failed, while it did.
    failure: Mutex<Option<String>>,
    requests: tokio::sync::Mutex<Requests>,
}

impl Provider {
    /// A provider about which nothing is known yet.
    pub fn new(configured: OpenIdProvider, limits: &OpenIdLimits, permits: Arc<Semaphore>) -> Self {
        let rules = configured.roles.iter().filter_map(rule).collect();
        Self {
            configured,
            rules,
            limits: limits.clone(),
            permits,
            known: Mutex::default(),
            failure: Mutex::default(),
            requests: tokio::sync::Mutex::default(),
        }
    }

    /// Whether the last request for its metadata succeeded, or none was made.
    pub fn is_available(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// What was read last, however long ago.
    pub fn last_known(&self) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self, now_us: i64) -> Option<Arc<Known>> {
        let is_fresh = |it: &Arc<Known>| {
            (0..self.limits.metadata_us).contains(&now_us.saturating_sub(it.read_us))
        };
        self.last_known().filter(is_fresh)
    }

    /// Metadata and keys, read again if they are old. If the provider is away, the old ones are used.
    ///
    /// # Errors
    /// They cannot be read, and never were.
    pub async fn known(&self, now_us: i64) -> Result<Arc<Known>, Failure> {
        if let Some(known) = self.fresh(now_us) {
            return Ok(known);
        }
        let mut requests = self.requests.lock().await;
        if let Some(known) = self.fresh(now_us) {
            return Ok(known);
        }
        let is_paused = |failed_us: i64| now_us.saturating_sub(failed_us) < self.limits.retry_us;
        if requests.failed_us.is_some_and(is_paused) {
            return self.last_known().ok_or_else(|| self.failure());
        }
        match self.read(now_us).await {
            Ok(known) => {
                requests.failed_us = None;
                Ok(self.keep(known))
            }
            Err(reason) => {
                requests.failed_us = Some(now_us);
                self.note(plain(&reason));
                self.last_known().ok_or_else(|| self.failure())
            }
        }
    }

    fn keep(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        let before =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).replace(Arc::clone(&known));
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if before.is_none() || failure.is_some() {
            tracing::info!(provider = self.configured.name, "openid_provider_available");
        }
        known
    }

    /// Notes why the provider is away; logs it when the reason changes.
    fn note(&self, reason: String) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.as_ref() != Some(&reason) {
            let provider = &self.configured.name;
            tracing::warn!(provider, reason, "openid_provider_unavailable");
        }
        *failure = Some(reason);
    }

    fn failure(&self) -> Failure {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        Failure::Unavailable(failure.clone().unwrap_or_else(|| "not read yet".to_owned()))
    }

    /// Reads the metadata and the keys.
    async fn read(&self, now_us: i64) -> Result<Known, String> {
        let text = |error: anyhow::Error| format!("{error:#}");
        let policy = HostPolicy::new(&self.configured).map_err(text)?;
        let permits = Arc::clone(&self.permits);
        let http = Outgoing::new(&self.configured, policy.clone(), &self.limits, permits).await;
        let http = http.map_err(text)?;
        let issuer = IssuerUrl::new(self.configured.issuer.clone());
        let issuer = issuer.map_err(|error| format!("invalid issuer: {error}"))?;
        let metadata = Metadata::discover_async(issuer, &http).await.map_err(|it| describe(&it))?;
        check_metadata(&metadata, &policy)?;
        Ok(Known { metadata, http, read_us: now_us })
    }

    /// Reads the keys again, at most once per interval; `None` if it is not over.
    async fn renewed_keys(&self, known: &Known, now_us: i64) -> Option<CoreJsonWebKeySet> {
        let mut requests = self.requests.lock().await;
        let is_recent = |at_us: i64| now_us.saturating_sub(at_us) < self.limits.keys_interval_us;
        if requests.keys_us.is_some_and(is_recent) {
            return self.last_known().map(|it| it.metadata.jwks().clone());
        }
        requests.keys_us = Some(now_us);
        let read = CoreJsonWebKeySet::fetch_async(known.metadata.jwks_uri(), &known.http).await;
        match read {
            Ok(keys) => {
                let metadata = known.metadata.clone().set_jwks(keys.clone());
                let renewed = Known { metadata, http: known.http.clone(), read_us: known.read_us };
                self.keep(renewed);
                Some(keys)
            }
            Err(error) => {
                self.note(plain(&describe(&error)));
                None
            }
        }
    }

    /// This program as a client of the provider. The secret is read each time.
    pub async fn client(&self, known: &Known) -> Result<OpenIdClient, Failure> {
        let secret = match self.configured.client_secret.clone() {
            None => None,
            Some(reference) => {
                let read = tokio::task::spawn_blocking(move || reference.read()).await;
                let read = read.map_err(Failure::unavailable)?;
                let read = read.map_err(|error| Failure::unavailable(format!("{error:#}")))?;
                Some(ClientSecret::new(read.expose().to_owned()))
            }
        };
        let metadata = known.metadata.clone();
        let methods = metadata.token_endpoint_auth_methods_supported().cloned();
        let methods = methods.unwrap_or_default();
        let is_by_body = !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            && methods.contains(&CoreClientAuthMethod::ClientSecretPost);
        let auth = if is_by_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        let id = ClientId::new(self.configured.client_id.clone());
        Ok(OpenIdClient::from_provider_metadata(metadata, id, secret).set_auth_type(auth))
    }

    /// Exchanges the code of a login for the verified person.
    ///
    /// # Errors
    /// The provider refuses the code or is away, or a check of its answer fails.
    pub async fn confirm(
        &self,
        begun: &Begun,
        code: &str,
        now_us: i64,
        tolerance_us: i64,
    ) -> Result<Person, Failure> {
        let known = self.known(now_us).await?;
        let client = self.client(&known).await?;
        let redirect = RedirectUrl::new(begun.redirect_uri.clone()).map_err(Failure::refused)?;
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_absent| Failure::unavailable("the metadata has no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()))
            .set_redirect_uri(Cow::Owned(redirect));
        let response = request.request_async(&known.http).await.map_err(|it| not_exchanged(&it))?;
        let token = response.id_token().ok_or_else(|| Failure::refused("no ID token"))?;
        let expected = Expected {
            client_id: &self.configured.client_id,
            issuer: known.metadata.issuer(),
            nonce: &begun.nonce,
            begun_us: begun.begun_us,
            now_us,
            tolerance_us,
        };
        let access_token = response.access_token();
        let verify = |keys| protocol::verify(token, access_token, keys, &expected);
        let verified = match verify(known.metadata.jwks().clone()) {
            Err(error) if protocol::may_be_rotated(&error) => {
                let keys = self.renewed_keys(&known, now_us).await;
                keys.map_or(Err(error), verify)
            }
            verified => verified,
        };
        let verified =
            verified.map_err(|error: ClaimsVerificationError| protocol::refused(&error))?;
        let mut claims = protocol::claims_of(verified)?;
        if !claims::has_groups(&claims, &self.configured.groups_claim) {
            let subject = verified.subject().clone();
            self.complete(&mut claims, &client, &known, access_token, subject).await?;
        }
        Person::from_claims(&claims, &self.configured)
    }

    /// Adds the claims of the endpoint for user information, which some providers use for groups.
    /// Those of the ID token stay.
    async fn complete(
        &self,
        claims: &mut Claims,
        client: &OpenIdClient,
        known: &Known,
        access_token: &AccessToken,
        subject: SubjectIdentifier,
    ) -> Result<(), Failure> {
        let Ok(request) = client.user_info(access_token.clone(), Some(subject)) else {
            return Ok(());
        };
        let info: UserInfo = request.request_async(&known.http).await.map_err(|error| {
            Failure::refused(format!("the user information cannot be read: {error}"))
        })?;
        for (name, value) in protocol::claims_of(&info)? {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }
}

/// The rule in the types of the user database. The configuration has checked role and scope.
fn rule(rule: &GroupRule) -> Option<GroupRole> {
    let (role, scope) = (rule.role.parse().ok()?, rule.scope.parse().ok()?);
    Some(GroupRole { group: rule.group.clone(), role, scope })
}

/// Refuses metadata whose addresses are not allowed.
fn check_metadata(metadata: &Metadata, policy: &HostPolicy) -> Result<(), String> {
    let other = metadata.additional_metadata();
    let Some(token) = metadata.token_endpoint() else {
        return Err("the metadata has no token endpoint".to_owned());
    };
    let logout = other.end_session_endpoint.as_ref().map(|it| it.url());
    let urls: [Option<&Url>; 3] =
        [Some(metadata.authorization_endpoint().url()), Some(token.url()), logout];
    urls.into_iter()
        .flatten()
        .try_for_each(|url| policy.check_scheme(url).map_err(|error| error.to_string()))
}

fn describe(error: &DiscoveryError<OutgoingError>) -> String {
    match error {
        DiscoveryError::Request(cause) => cause.to_string(),
        DiscoveryError::Parse(cause) => format!("invalid metadata or keys: {cause}"),
        DiscoveryError::Response(_, _, message) => message.clone(),
        error => error.to_string(),
    }
}

/// The failure of the exchange of a code. Neither the answer nor the code is part of it.
fn not_exchanged<T>(error: &RequestTokenError<OutgoingError, T>) -> Failure
where
    T: openidconnect::ErrorResponse + std::fmt::Display + 'static,
{
    match error {
        RequestTokenError::ServerResponse(answer) => {
            Failure::Provider(plain(&format!("the code is refused: {answer}")))
        }
        RequestTokenError::Request(cause) => Failure::unavailable(cause),
        RequestTokenError::Parse(..) => {
            Failure::refused("the answer to the code is not a valid token response")
        }
        RequestTokenError::Other(_) => Failure::refused("the answer to the code is not valid"),
    }
}
