//! Who sends a request, by cookie or token; listing and ending sessions.

use super::cache::Entry;
use super::{Access, Whose};
use crate::audit::{Event, Kind};
use crate::login::LoggedIn;
use crate::permission::{Action, Rights};
use crate::secret::Hash;
use crate::session::{Client, Method, SessionInfo};
use crate::settings::us;
use crate::store::sessions::NewSession;
use crate::store::{sessions, tokens, users};
use crate::{Error, Identity, Secret, Via, session, token};
use rusqlite::Transaction;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The kind of credential a hash belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Session,
    Token,
}

impl Access {
    /// Authenticates a request by its session cookie and resets the idle timeout of the session.
    pub fn authenticate_session(&self, cookie: &str, now_us: i64) -> Result<Identity, Error> {
        let hash = session::hash_of(cookie).ok_or(Error::Unauthenticated)?;
        self.authenticate(&hash, Proof::Session, true, now_us)
    }

    /// Authenticates a request by its API token.
    pub fn authenticate_token(&self, token: &str, now_us: i64) -> Result<Identity, Error> {
        let hash = token::hash_of(token).ok_or(Error::Unauthenticated)?;
        self.authenticate(&hash, Proof::Token, true, now_us)
    }

    /// Returns the identity with its current rights, or an error if its session or token has
    /// ended. For streams, about once a second; it does not reset the idle timeout.
    pub fn recheck(&self, identity: &Identity, now_us: i64) -> Result<Identity, Error> {
        match (identity.key(), identity.via()) {
            (Some(hash), Via::Session { .. }) => {
                self.authenticate(hash, Proof::Session, false, now_us)
            }
            (Some(hash), Via::Token { .. }) => self.authenticate(hash, Proof::Token, false, now_us),
            (_, Via::Terminal) => Ok(identity.clone()),
            (None, _) => Err(Error::Unauthenticated),
        }
    }

    /// Ends the session of a cookie, and returns the issuer of the provider that it was opened by.
    /// An unknown cookie is not an error.
    pub fn logout(&self, cookie: &str, now_us: i64) -> Result<Option<String>, Error> {
        let now_us = self.effective_now(now_us)?;
        let Some(hash) = session::hash_of(cookie) else {
            return Ok(None);
        };
        self.change(|tx| {
            let Some(row) = sessions::by_hash(tx, &hash)? else {
                return Ok(None);
            };
            let user = users::by_id(tx, row.user_id)?.map(|it| it.name).unwrap_or_default();
            sessions::remove(tx, row.id)?;
            let detail = json!({ "session": row.id });
            self.append_audit(tx, &Event::new(Kind::LoggedOut, &user, detail), now_us)?;
            Ok(Method::issuer_of(&row.method).map(str::to_owned))
        })
    }

    /// Lists active sessions, the most recently used first.
    pub fn sessions(
        &self,
        by: &Identity,
        whose: Whose<'_>,
        now_us: i64,
    ) -> Result<Vec<SessionInfo>, Error> {
        let own = Action::ManageOwnAccount;
        let user_id = self.whose(by, whose, own, now_us)?;
        let now_us = self.effective_now(now_us)?;
        let seen_after_us = now_us.saturating_sub(us(self.settings.session_idle_s));
        self.store.read(|tx| sessions::list(tx, user_id, now_us, seen_after_us))
    }

    /// Ends an own session, or any session with the permission to manage users.
    pub fn revoke_session(&self, by: &Identity, id: i64, now_us: i64) -> Result<(), Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let owner = sessions::owner(tx, id)?;
            let is_own = owner.is_some() && owner == by.user_id();
            if !is_own {
                by.authorize(Action::ManageUsers, &crate::Scope::Plant)?;
            }
            let user = owner.map_or(Ok(None), |it| users::by_id(tx, it))?;
            let user = user.ok_or_else(|| Error::not_found("session", id))?;
            sessions::remove(tx, id)?;
            let detail = json!({ "session": id, "user": user.name });
            self.append_audit(tx, &Event::new(Kind::SessionRevoked, by.name(), detail), now_us)
        })
    }

    /// Resolves whose rows to list; `None` means everybody's. Listing rows of others requires the
    /// permission to manage users instead of `own`.
    pub(super) fn whose(
        &self,
        by: &Identity,
        whose: Whose<'_>,
        own: Action,
        now_us: i64,
    ) -> Result<Option<i64>, Error> {
        let Whose::Own = whose else {
            self.require(by, Action::ManageUsers, now_us)?;
            return match whose {
                Whose::User(name) => self.store.read(|tx| Ok(Some(users::named(tx, name)?.id))),
                Whose::Own | Whose::All => Ok(None),
            };
        };
        let by = self.require(by, own, now_us)?;
        by.user_id().map(Some).ok_or_else(|| Error::not_found("user", by.name()))
    }

    /// Opens a session within the transaction that authenticated the person.
    pub(super) fn open_session(
        &self,
        tx: &Transaction<'_>,
        user: &users::UserRow,
        client: &Client,
        method: Method<'_>,
        now_us: i64,
    ) -> Result<LoggedIn, Error> {
        let cookie = self.with_random(session::new_cookie);
        let hash = crate::secret::hash_of(cookie.expose());
        let expires_us = now_us.saturating_add(us(self.settings.session_absolute_s));
        let new = NewSession {
            hash,
            user_id: user.id,
            created_us: now_us,
            expires_us,
            address: &client.address.to_canonical().to_string(),
            agent: &client.agent_kept(),
            method: &method.stored(),
        };
        let id = sessions::add(tx, &new)?;
        sessions::keep_newest(tx, user.id, self.settings.sessions_per_user)?;
        users::set_last_login(tx, user.id, now_us)?;
        let detail = match method.issuer {
            Some(issuer) => json!({ "issuer": issuer, "method": method.name, "session": id }),
            None => json!({ "method": method.name, "session": id }),
        };
        let event = Event::new(Kind::LoggedIn, &user.name, detail).from_address(client.address);
        self.append_audit(tx, &event, now_us)?;
        let rights = self.rights_of(tx, user, &method.stored())?;
        let must_change_password = rights.is_restricted;
        let identity = Identity::new(user.id, &user.name, Via::Session { id }, rights, hash);
        Ok(LoggedIn { cookie, identity, expires_us, must_change_password })
    }

    /// Ends the session that the browser had before this login.
    pub(super) fn end_previous(
        &self,
        tx: &Transaction<'_>,
        previous: Option<&Secret>,
    ) -> Result<(), Error> {
        if let Some(hash) = previous.and_then(|it| session::hash_of(it.expose())) {
            sessions::remove_hash(tx, &hash)?;
        }
        Ok(())
    }

    pub(super) fn authenticate(
        &self,
        hash: &Hash,
        proof: Proof,
        is_use: bool,
        now_us: i64,
    ) -> Result<Identity, Error> {
        let now_us = self.effective_now(now_us)?;
        self.detect_external_changes(now_us)?;
        // Loaded before reading the database: a change in between makes the new entry outdated.
        let revision = self.revision.load(Ordering::Acquire);
        let known = match self.cache.get(hash) {
            Some(known) if known.revision == revision => known,
            earlier => self.load_entry(hash, proof, revision, earlier.as_deref())?,
        };
        if let Err(error) = known.check(now_us, &self.settings) {
            self.cache.remove(hash);
            return Err(error);
        }
        if is_use {
            known.seen_us.fetch_max(now_us, Ordering::AcqRel);
        }
        Ok(known.identity.clone())
    }

    /// Checks periodically whether another process changed the database.
    fn detect_external_changes(&self, now_us: i64) -> Result<(), Error> {
        let last_us = self.version_seen_at_us.load(Ordering::Acquire);
        let every_us = i64::from(self.settings.changes_checked_every_ms) * 1_000;
        let is_due = now_us.saturating_sub(last_us) >= every_us;
        let claim = |it: &AtomicI64| {
            it.compare_exchange(last_us, now_us, Ordering::AcqRel, Ordering::Acquire).is_ok()
        };
        if !(is_due && claim(&self.version_seen_at_us)) {
            return Ok(());
        }
        let version = self.store.version_seen()?;
        if self.version_seen.swap(version, Ordering::AcqRel) != version {
            self.revision.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    fn load_entry(
        &self,
        hash: &Hash,
        proof: Proof,
        revision: u64,
        earlier: Option<&Entry>,
    ) -> Result<Arc<Entry>, Error> {
        let read = self.store.read(|tx| match proof {
            Proof::Session => self.load_session(tx, hash, revision),
            Proof::Token => self.load_token(tx, hash, revision),
        })?;
        let Some(known) = read else {
            self.cache.remove(hash);
            return Err(Error::Unauthenticated);
        };
        if let Some(earlier) = earlier {
            // The database does not have the last uses that are not written yet.
            known.seen_us.fetch_max(earlier.seen_us.load(Ordering::Acquire), Ordering::AcqRel);
        }
        let known = Arc::new(known);
        self.cache.put(*hash, Arc::clone(&known));
        Ok(known)
    }

    fn load_session(
        &self,
        tx: &Transaction<'_>,
        hash: &Hash,
        revision: u64,
    ) -> Result<Option<Entry>, Error> {
        let Some(row) = sessions::by_hash(tx, hash)? else {
            return Ok(None);
        };
        let Some(user) = users::by_id(tx, row.user_id)?.filter(|it| it.disabled_us.is_none())
        else {
            return Ok(None);
        };
        let rights = self.rights_of(tx, &user, &row.method)?;
        Ok(Some(Entry {
            revision,
            identity: Identity::new(
                user.id,
                &user.name,
                Via::Session { id: row.id },
                rights,
                *hash,
            ),
            id: row.id,
            is_session: true,
            created_us: row.created_us,
            expires_us: row.expires_us,
            seen_us: AtomicI64::new(row.last_seen_us),
            written_us: AtomicI64::new(row.last_seen_us),
        }))
    }

    fn load_token(
        &self,
        tx: &Transaction<'_>,
        hash: &Hash,
        revision: u64,
    ) -> Result<Option<Entry>, Error> {
        let Some(row) = tokens::by_hash(tx, hash)?.filter(|it| it.info.revoked_us.is_none()) else {
            return Ok(None);
        };
        let Some(user) = users::by_id(tx, row.user_id)?.filter(|it| it.disabled_us.is_none())
        else {
            return Ok(None);
        };
        // A temporary password restricts the login of a person, not the programs they run.
        let assignments = users::assignments(tx, user.id)?;
        let rights = Rights { assignments, limit: Some(row.limit()), ..Rights::default() };
        let (id, last_us) = (row.info.id, row.info.last_used_us.unwrap_or(i64::MIN));
        Ok(Some(Entry {
            revision,
            identity: Identity::new(user.id, &user.name, Via::Token { id }, rights, *hash),
            id,
            is_session: false,
            created_us: row.info.created_us,
            expires_us: row.info.expires_us,
            seen_us: AtomicI64::new(last_us),
            written_us: AtomicI64::new(last_us),
        }))
    }
}
