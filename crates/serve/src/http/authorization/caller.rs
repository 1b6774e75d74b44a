//! The sender of a request.

use crate::http::Peer;
use crate::http::error::Error;
use access::{Client, Identity, Secret};
use axum::http::{HeaderMap, StatusCode, header};

/// The longest part of a `User-Agent` that is kept.
const AGENT_CHARS_MAX: usize = 200;

/// How a caller was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    None,
    /// By the cookie of a session.
    Session,
    /// By an API token as bearer token.
    Bearer,
    /// By an API token as password of Basic authentication, which browsers repeat by themselves.
    Basic,
    /// Everybody on this machine is the local administrator, until there are users.
    Open,
    /// Everybody on this machine is the local administrator of the demo.
    Demo,
}

impl Login {
    /// The name in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Session => "session",
            Self::Bearer | Self::Basic => "token",
            Self::Open => "open",
            Self::Demo => "demo",
        }
    }
}

/// The sender of a request; handlers find it in the extensions.
#[derive(Debug, Clone)]
pub struct Caller {
    identity: Option<Identity>,
    pub login: Login,
    pub peer: Peer,
    /// The value of the session cookie, valid or not.
    pub cookie: Option<Secret>,
    agent: String,
}

impl Caller {
    /// A caller without an identity.
    pub fn anonymous(headers: &HeaderMap, peer: Peer) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|it| it.to_str().ok());
        let agent = agent.unwrap_or_default().chars().take(AGENT_CHARS_MAX).collect();
        let cookie = super::credentials::cookie(headers, peer).map(Secret::new);
        Self { identity: None, login: Login::None, peer, cookie, agent }
    }

    /// The client of a connection that is not HTTP, without an identity.
    pub fn of_connection(agent: &str, peer: Peer) -> Self {
        let agent = agent.chars().filter(|it| !it.is_control()).take(AGENT_CHARS_MAX).collect();
        Self { identity: None, login: Login::None, peer, cookie: None, agent }
    }

    /// The same caller, authenticated.
    pub fn authenticated(self, identity: Identity, login: Login) -> Self {
        Self { identity: Some(identity), login, ..self }
    }

    /// The identity; 401 if there is none.
    pub fn identity(&self) -> Result<&Identity, Error> {
        self.identity.as_ref().ok_or_else(unauthenticated)
    }

    /// Whether the caller has an identity.
    pub fn is_known(&self) -> bool {
        self.identity.is_some()
    }

    /// Where the request comes from, for sessions and the audit log.
    pub fn client(&self) -> Client {
        Client { address: self.peer.address, agent: self.agent.clone() }
    }
}

fn unauthenticated() -> Error {
    let message = "not logged in: log in, or send a valid API token";
    Error::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
}
