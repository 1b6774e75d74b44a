//! Who sends a request, by cookie or token; listing and ending sessions.

use super::cache::Known;
use super::{Access, Whose};
use crate::audit::{Event, Kind};
use crate::login::LoggedIn;
use crate::permission::{Action, Rights};
use crate::secret::Hash;
use crate::session::{Client, SessionInfo};
use crate::settings::us;
use crate::store::sessions::NewSession;
use crate::store::{sessions, tokens, users};
use crate::{Error, Identity, Secret, Via, session, token};
use rusqlite::Transaction;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Which of the two a hash is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Session,
    Token,
}

impl Access {
    /// Who sends a request with this session cookie. Keeps the session from ending by idleness.
    pub fn authenticate_session(&self, cookie: &str, now_us: i64) -> Result<Identity, Error> {
        let hash = session::hash_of(cookie).ok_or(Error::Unauthenticated)?;
        self.authenticate(&hash, Proof::Session, true, now_us)
    }

    /// Who sends a request with this API token.
    pub fn authenticate_token(&self, token: &str, now_us: i64) -> Result<Identity, Error> {
        let hash = token::hash_of(token).ok_or(Error::Unauthenticated)?;
        self.authenticate(&hash, Proof::Token, true, now_us)
    }

    /// The identity with its rights as they are now, or an error if its session or token ended.
    /// For streams, about once a second; it does not keep a session from ending by idleness.
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

    /// Ends the session of a cookie. An unknown cookie is no error: the person is logged out.
    pub fn logout(&self, cookie: &str, now_us: i64) -> Result<(), Error> {
        let now_us = self.at(now_us)?;
        let Some(hash) = session::hash_of(cookie) else {
            return Ok(());
        };
        self.change(|tx| {
            let Some(row) = sessions::by_hash(tx, &hash)? else {
                return Ok(());
            };
            let user = users::by_id(tx, row.user_id)?.map(|it| it.name).unwrap_or_default();
            sessions::remove(tx, row.id)?;
            let detail = serde_json::json!({ "session": row.id });
            self.note(tx, &Event::new(Kind::LoggedOut, &user, detail), now_us)
        })
    }

    /// Sessions that have not ended, the last used first.
    pub fn sessions(
        &self,
        by: &Identity,
        whose: Whose<'_>,
        now_us: i64,
    ) -> Result<Vec<SessionInfo>, Error> {
        let own = Action::ManageOwnAccount;
        let user_id = self.whose(by, whose, own, now_us)?;
        let now_us = self.at(now_us)?;
        self.store.read(|tx| sessions::list(tx, user_id, now_us))
    }

    /// Ends a session: one's own, or anybody's with the right to manage users.
    pub fn revoke_session(&self, by: &Identity, id: i64, now_us: i64) -> Result<(), Error> {
        let by = self.permitted(by, Action::ManageOwnAccount, now_us)?;
        let now_us = self.at(now_us)?;
        self.change(|tx| {
            let owner = sessions::owner(tx, id)?;
            let is_own = owner.is_some() && owner == by.user_id();
            if !is_own {
                by.authorize(Action::ManageUsers, &crate::Scope::Plant)?;
            }
            let user = owner.map_or(Ok(None), |it| users::by_id(tx, it))?;
            let user = user.ok_or_else(|| Error::not_found("session", id))?;
            sessions::remove(tx, id)?;
            let detail = serde_json::json!({ "session": id, "user": user.name });
            self.note(tx, &Event::new(Kind::SessionRevoked, by.name(), detail), now_us)
        })
    }

    /// Whose rows are listed: `None` for everybody's. Listing those of others needs more than
    /// the action for one's own.
    pub(super) fn whose(
        &self,
        by: &Identity,
        whose: Whose<'_>,
        own: Action,
        now_us: i64,
    ) -> Result<Option<i64>, Error> {
        let Whose::Own = whose else {
            self.permitted(by, Action::ManageUsers, now_us)?;
            return match whose {
                Whose::User(name) => self.store.read(|tx| Ok(Some(users::named(tx, name)?.id))),
                Whose::Own | Whose::All => Ok(None),
            };
        };
        let by = self.permitted(by, own, now_us)?;
        by.user_id().map(Some).ok_or_else(|| Error::not_found("user", by.name()))
    }

    /// Opens a session within the transaction that has verified the person.
    pub(super) fn open_session(
        &self,
        tx: &Transaction<'_>,
        user: &users::UserRow,
        client: &Client,
        method: &str,
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
            method,
        };
        let id = sessions::add(tx, &new)?;
        sessions::keep_newest(tx, user.id, self.settings.sessions_per_user)?;
        users::set_last_login(tx, user.id, now_us)?;
        let detail = serde_json::json!({ "method": method, "session": id });
        let event = Event::new(Kind::LoggedIn, &user.name, detail).from_address(client.address);
        self.note(tx, &event, now_us)?;
        let rights = self.rights_of(tx, user)?;
        let must_change_password = rights.is_restricted;
        let identity = Identity::new(user.id, &user.name, Via::Session { id }, rights, hash);
        Ok(LoggedIn { cookie, identity, expires_us, must_change_password })
    }

    /// Ends the session a browser had before it logged in again.
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

    fn authenticate(
        &self,
        hash: &Hash,
        proof: Proof,
        is_use: bool,
        now_us: i64,
    ) -> Result<Identity, Error> {
        let now_us = self.at(now_us)?;
        self.notice_others(now_us)?;
        // Read before the database is: a change in between leaves the entry outdated.
        let revision = self.revision.load(Ordering::Acquire);
        let known = match self.cache.get(hash) {
            Some(known) if known.revision == revision => known,
            earlier => self.read_known(hash, proof, revision, earlier.as_deref())?,
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

    /// Looks now and then whether another process changed the database.
    fn notice_others(&self, now_us: i64) -> Result<(), Error> {
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

    fn read_known(
        &self,
        hash: &Hash,
        proof: Proof,
        revision: u64,
        earlier: Option<&Known>,
    ) -> Result<Arc<Known>, Error> {
        let read = self.store.read(|tx| match proof {
            Proof::Session => self.session_known(tx, hash, revision),
            Proof::Token => self.token_known(tx, hash, revision),
        })?;
        let Some(known) = read else {
            self.cache.remove(hash);
            return Err(Error::Unauthenticated);
        };
        if let Some(earlier) = earlier {
            // Uses that are not written yet are known only here.
            known.seen_us.fetch_max(earlier.seen_us.load(Ordering::Acquire), Ordering::AcqRel);
        }
        let known = Arc::new(known);
        self.cache.put(*hash, Arc::clone(&known));
        Ok(known)
    }

    fn session_known(
        &self,
        tx: &Transaction<'_>,
        hash: &Hash,
        revision: u64,
    ) -> Result<Option<Known>, Error> {
        let Some(row) = sessions::by_hash(tx, hash)? else {
            return Ok(None);
        };
        let Some(user) = users::by_id(tx, row.user_id)?.filter(|it| it.disabled_us.is_none())
        else {
            return Ok(None);
        };
        let rights = self.rights_of(tx, &user)?;
        Ok(Some(Known {
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

    fn token_known(
        &self,
        tx: &Transaction<'_>,
        hash: &Hash,
        revision: u64,
    ) -> Result<Option<Known>, Error> {
        let Some(row) = tokens::by_hash(tx, hash)?.filter(|it| it.info.revoked_us.is_none()) else {
            return Ok(None);
        };
        let Some(user) = users::by_id(tx, row.user_id)?.filter(|it| it.disabled_us.is_none())
        else {
            return Ok(None);
        };
        // A temporary password restricts the login of a person, not the programs they run.
        let assignments = users::assignments(tx, user.id)?;
        let rights = Rights { assignments, limit: Some(row.limit()), is_restricted: false };
        let (id, last_us) = (row.info.id, row.info.last_used_us.unwrap_or(i64::MIN));
        Ok(Some(Known {
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
