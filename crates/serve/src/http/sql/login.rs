//! The login of a connection.

use super::SqlClient;
use crate::http::authorization::{Caller, Cost, Login};
use crate::http::error::Error;
use crate::http::{Peer, Service};
use access::audit::{Event, Kind};
use access::login::Login as PasswordLogin;
use access::scram::{ProofLogin, ProvedBy, ScramKey, ScramSalt};
use access::{Secret, token};
use axum::http::HeaderMap;
use futures::future::BoxFuture;
use std::sync::Arc;

/// The name that may be given with an API token instead of that of its owner.
const ANY_OWNER: &str = "token";

/// Where a connection comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    pub peer: Peer,
    /// The name that the client program has given itself.
    pub agent: String,
    /// The protocol, for the audit log.
    pub protocol: &'static str,
}

/// A name with a password, or with an API token in its place.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The name of the user; for a token also `token`, or nothing.
    pub name: String,
    pub secret: Secret,
}

/// A name with a proof that the client has the password, or an API token, of that user.
#[derive(Debug, Clone)]
pub struct ProofCredentials {
    pub name: String,
    /// What [`SqlClient::scram_salt`] returned.
    pub salt: ScramSalt,
    /// The text that the proof signs.
    pub exchange: String,
    pub proof: ScramKey,
}

impl SqlClient {
    /// The local administrator, while the service is open to everybody on this machine; `None` if the
    /// client has to log in.
    ///
    /// # Errors
    /// The user database cannot be used.
    pub fn without_login(service: &Arc<Service>, origin: &Origin) -> Result<Option<Self>, Error> {
        if !origin.peer.address.to_canonical().is_loopback() {
            return Ok(None);
        }
        let now_us = service.now_us();
        let found = service.access.authenticate(&HeaderMap::new(), origin.peer, now_us)?;
        let Ok(identity) = found.identity().cloned() else { return Ok(None) };
        let caller = Caller::of_connection(&origin.agent, origin.peer);
        let caller = caller.authenticated(identity, found.login);
        let (service, protocol) = (Arc::clone(service), origin.protocol);
        Ok(Some(Self { service, caller, protocol, session: None }))
    }

    /// Logs in by a password or an API token. A user with a second factor needs a token.
    ///
    /// # Errors
    /// Every refusal of a login is the same, except for an address with too many failures.
    pub fn log_in<'a>(
        service: &'a Arc<Service>,
        origin: &'a Origin,
        credentials: Credentials,
    ) -> BoxFuture<'a, Result<Self, Error>> {
        Box::pin(Self::log_in_by(service, origin, credentials))
    }

    async fn log_in_by(
        service: &Arc<Service>,
        origin: &Origin,
        credentials: Credentials,
    ) -> Result<Self, Error> {
        if credentials.secret.expose().starts_with(token::PREFIX) {
            let client = Self::log_in_by_token(service, origin, &credentials)?;
            let (now_us, sent) = (service.now_us(), credentials.secret);
            let kept = service.blocking.run(&service.access, Cost::Disk, move |access| {
                access.keep_token_verifier(&sent, now_us)
            });
            // The next login makes it.
            if let Err(error) = kept.await {
                error.log();
            }
            return Ok(client);
        }
        let caller = Caller::of_connection(&origin.agent, origin.peer);
        let (client, now_us) = (caller.client(), service.now_us());
        let done = service.blocking.run(&service.access, Cost::Password, move |access| {
            let login = PasswordLogin {
                name: &credentials.name,
                password: &credentials.secret,
                code: None,
                client: &client,
                previous: None,
            };
            access.login(&login, now_us)
        });
        let done = done.await?;
        Ok(Self {
            service: Arc::clone(service),
            caller: caller.authenticated(done.identity, Login::Session),
            protocol: origin.protocol,
            session: Some(done.cookie),
        })
    }

    /// What a client needs in order to prove its secret; `None` if it has to send the secret itself.
    ///
    /// # Errors
    /// The user database cannot be used.
    pub fn scram_salt<'a>(
        service: &'a Arc<Service>,
        name: &str,
    ) -> BoxFuture<'a, Result<Option<ScramSalt>, Error>> {
        let (name, now_us) = (name.trim().to_owned(), service.now_us());
        Box::pin(async move {
            // A token of any user: nothing selects its verifier.
            if name.is_empty() || name == ANY_OWNER {
                return Ok(None);
            }
            let found = service
                .blocking
                .run(&service.access, Cost::Disk, move |access| access.scram_salt(&name, now_us));
            found.await
        })
    }

    /// Logs in by the proof of a password or an API token. Returns the proof of the server, too.
    ///
    /// # Errors
    /// As [`SqlClient::log_in`].
    pub fn log_in_by_proof<'a>(
        service: &'a Arc<Service>,
        origin: &'a Origin,
        credentials: ProofCredentials,
    ) -> BoxFuture<'a, Result<(Self, ScramKey), Error>> {
        Box::pin(async move {
            let caller = Caller::of_connection(&origin.agent, origin.peer);
            let (client, now_us) = (caller.client(), service.now_us());
            let done = service.blocking.run(&service.access, Cost::Password, move |access| {
                let login = ProofLogin {
                    name: &credentials.name,
                    salt: &credentials.salt,
                    exchange: credentials.exchange.as_bytes(),
                    proof: &credentials.proof,
                    client: &client,
                };
                // A token that has ended is refused as one that is sent.
                match access.login_by_proof(&login, now_us) {
                    Err(access::Error::Unauthenticated) => Ok(None),
                    done => done.map(Some),
                }
            });
            let Some(done) = done.await? else {
                note_refused(service, origin, now_us);
                return Err(access::Error::LoginRefused.into());
            };
            let (caller, session) = match done.by {
                ProvedBy::Password(opened) => {
                    (caller.authenticated(opened.identity, Login::Session), Some(opened.cookie))
                }
                ProvedBy::Token(identity) => (caller.authenticated(identity, Login::Basic), None),
            };
            let (service, protocol) = (Arc::clone(service), origin.protocol);
            Ok((Self { service, caller, protocol, session }, done.signature))
        })
    }

    /// The client of a call that sends an API token, or the secret of the session of an earlier login.
    ///
    /// # Errors
    /// The token is invalid, or the session has ended.
    pub fn resume(service: &Arc<Service>, origin: &Origin, bearer: Secret) -> Result<Self, Error> {
        if bearer.expose().starts_with(token::PREFIX) {
            let credentials = Credentials { name: String::new(), secret: bearer };
            return Self::log_in_by_token(service, origin, &credentials);
        }
        let now_us = service.now_us();
        let identity = service.access.database()?.authenticate_session(bearer.expose(), now_us)?;
        let caller = Caller::of_connection(&origin.agent, origin.peer);
        Ok(Self {
            service: Arc::clone(service),
            caller: caller.authenticated(identity, Login::Session),
            protocol: origin.protocol,
            session: Some(bearer),
        })
    }

    /// The secret of the session of a login by password, for [`SqlClient::resume`].
    pub fn session_secret(&self) -> Option<&Secret> {
        self.session.as_ref()
    }

    fn log_in_by_token(
        service: &Arc<Service>,
        origin: &Origin,
        credentials: &Credentials,
    ) -> Result<Self, Error> {
        let now_us = service.now_us();
        let database = service.access.database()?;
        let found = database.authenticate_token(credentials.secret.expose(), now_us);
        let is_named = |owner: &str| {
            let name = credentials.name.trim();
            name.is_empty() || name == ANY_OWNER || name.eq_ignore_ascii_case(owner)
        };
        match found {
            Ok(identity) if is_named(identity.name()) => {
                let caller = Caller::of_connection(&origin.agent, origin.peer);
                Ok(Self {
                    service: Arc::clone(service),
                    caller: caller.authenticated(identity, Login::Basic),
                    protocol: origin.protocol,
                    session: None,
                })
            }
            Ok(_) | Err(access::Error::Unauthenticated) => {
                note_refused(service, origin, now_us);
                Err(access::Error::LoginRefused.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the session of a login by password.
    pub fn log_out(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let Some(session) = self.session.clone() else { return };
            let now_us = self.service.now_us();
            let ended =
                self.service.blocking.run(&self.service.access, Cost::Disk, move |access| {
                    access.logout(session.expose(), now_us)
                });
            if let Err(error) = ended.await {
                error.log();
            }
        })
    }
}

/// Writes an invalid token to the audit log, as over HTTP.
fn note_refused(service: &Service, origin: &Origin, now_us: i64) {
    let code = "login_refused";
    let detail = serde_json::json!({ "code": code, "route": origin.protocol });
    let event = Event::new(Kind::Denied, "-", detail).from_address(origin.peer.address);
    service.refusals.count(code);
    service.refusals.write(&service.access, code, event, now_us);
}
