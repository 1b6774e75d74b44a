//! Access control: the user database, and the modes without one.

use super::{Caller, Login, credentials};
use crate::http::Peer;
use crate::http::error::Error;
use access::audit::Event;
use access::{Access, Identity};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Interval at which an open service checks whether another process has added the first user.
const USERS_CHECKED_EVERY_US: i64 = 1_000_000;

/// Account name of everyone while no login is required.
const LOCAL: &str = "local";

/// Headers by which proxies name the client they pass a request on for.
const FORWARDED: [HeaderName; 5] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// The access mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// Users who log in, and API tokens.
    Login,
    /// Everyone who reaches the program, as the local administrator, until the first user exists.
    /// Requests through a proxy are not admitted.
    OpenUntilSetup,
    /// Everyone who reaches the program, as the local administrator.
    Open,
    /// Everyone who reaches the demo, as the local administrator.
    Demo,
}

/// The user database and the mode.
pub struct AccessControl {
    mode: AccessMode,
    access: Option<Arc<Access>>,
    /// Whether the database had no user at the last check.
    is_without_users: AtomicBool,
    checked_at_us: AtomicI64,
}

impl AccessControl {
    /// The access control of a database.
    pub fn new(mode: AccessMode, access: Arc<Access>) -> Self {
        Self { access: Some(access), ..Self::without_users(mode) }
    }

    /// A database that cannot be used: only public routes are answered.
    pub fn unavailable() -> Self {
        Self::without_users(AccessMode::Login)
    }

    /// No user database: everyone is admitted, unless the mode requires a login.
    pub fn without_users(mode: AccessMode) -> Self {
        Self {
            mode,
            access: None,
            is_without_users: AtomicBool::new(mode == AccessMode::OpenUntilSetup),
            checked_at_us: AtomicI64::new(i64::MIN),
        }
    }

    /// The user database.
    pub fn database(&self) -> Result<&Arc<Access>, Error> {
        self.access.as_ref().ok_or_else(|| match self.mode {
            AccessMode::Login => Error::access_unavailable(None),
            AccessMode::OpenUntilSetup | AccessMode::Open | AccessMode::Demo => {
                let message = "the service runs without a user database: the demo has none, and a lake on S3 \
                               needs `state` in [access] of plant.toml";
                Error::new(StatusCode::CONFLICT, "no_accounts", message)
            }
        })
    }

    /// Whether there is a user database, or none is needed.
    pub fn is_available(&self) -> bool {
        self.access.is_some() || self.mode != AccessMode::Login
    }

    /// Authenticates the sender of a request.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        now_us: i64,
    ) -> Result<Caller, Error> {
        let caller = Caller::anonymous(headers, peer);
        if let Some(login) = self.open_login(headers, now_us)? {
            return Ok(caller.authenticated(Identity::terminal(LOCAL), login));
        }
        let access = self.database()?;
        if let Some((token, login)) = credentials::token(headers) {
            let identity = access.authenticate_token(token.expose(), now_us)?;
            return Ok(caller.authenticated(identity, login));
        }
        let Some(cookie) = caller.cookie.clone() else { return Ok(caller) };
        let identity = access.authenticate_session(cookie.expose(), now_us)?;
        Ok(caller.authenticated(identity, Login::Session))
    }

    /// How a request without credentials is admitted, if it is.
    fn open_login(&self, headers: &HeaderMap, now_us: i64) -> Result<Option<Login>, Error> {
        match self.mode {
            AccessMode::Login => Ok(None),
            AccessMode::Demo => Ok(Some(Login::Demo)),
            AccessMode::Open => Ok(Some(Login::Open)),
            AccessMode::OpenUntilSetup => {
                let is_direct = !FORWARDED.iter().any(|name| headers.contains_key(name));
                Ok((is_direct && self.is_without_users(now_us)?).then_some(Login::Open))
            }
        }
    }

    /// Whether no user exists yet. Once there is one, there always is: users are never deleted.
    fn is_without_users(&self, now_us: i64) -> Result<bool, Error> {
        if !self.is_without_users.load(Ordering::Acquire) {
            return Ok(false);
        }
        let Some(access) = &self.access else { return Ok(true) };
        let last_us = self.checked_at_us.load(Ordering::Acquire);
        if now_us.saturating_sub(last_us) < USERS_CHECKED_EVERY_US && now_us >= last_us {
            return Ok(true);
        }
        let is_without = access.needs_setup()?;
        self.checked_at_us.store(now_us, Ordering::Release);
        if !is_without {
            self.users_exist();
        }
        Ok(is_without)
    }

    /// Ends the open mode: the first user exists.
    pub fn users_exist(&self) {
        self.is_without_users.store(false, Ordering::Release);
    }

    /// The current state of an identity; an error if its session or token has ended.
    pub fn recheck(&self, caller: &Caller, now_us: i64) -> Result<Identity, Error> {
        let identity = caller.identity()?;
        match caller.login {
            Login::Open if self.mode == AccessMode::OpenUntilSetup => {
                if !self.is_without_users(now_us)? {
                    return Err(access::Error::Unauthenticated.into());
                }
                Ok(identity.clone())
            }
            Login::Open | Login::Demo => Ok(identity.clone()),
            Login::None | Login::Session | Login::Bearer | Login::Basic => {
                Ok(self.database()?.recheck(identity, now_us)?)
            }
        }
    }

    /// Queues an entry for the audit log; a failure is logged.
    pub fn audit(&self, event: Event, now_us: i64) {
        if let Err(error) = self.try_audit(event, now_us) {
            tracing::error!(error = error.public, "audit_entry_lost");
        }
    }

    /// Queues an entry for the audit log. On an error the request that it is about must fail.
    pub fn try_audit(&self, event: Event, now_us: i64) -> Result<(), Error> {
        let Some(access) = &self.access else { return Ok(()) };
        Ok(access.audit_later(event, now_us)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn without_a_database_the_open_mode_still_refuses_requests_through_a_proxy() {
        let control = AccessControl::without_users(AccessMode::OpenUntilSetup);
        let mut headers = HeaderMap::new();
        assert_eq!(control.open_login(&headers, 0).unwrap(), Some(Login::Open));
        assert!(control.is_available());
        let client = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)).to_string();
        headers.insert("x-forwarded-for", HeaderValue::try_from(client).unwrap());
        assert_eq!(control.open_login(&headers, 0).unwrap(), None);
        assert!(control.database().is_err());
    }
}
