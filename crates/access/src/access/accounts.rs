//! Changing the own password.

use super::Access;
use super::login::{Refused, account_subject};
use crate::audit::{Event, Kind};
use crate::permission::Action;
use crate::store::{attempts, sessions, users};
use crate::{Client, Error, Identity, Secret, Via, password};

impl Access {
    /// Replaces the own password and ends all other sessions of the user. Requires a session and
    /// the current password; a wrong one counts as a failed login.
    pub fn change_password(
        &self,
        by: &Identity,
        current: &Secret,
        new: &Secret,
        client: &Client,
        now_us: i64,
    ) -> Result<(), Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        password::check(new, by.name(), &self.settings)?;
        let now_us = self.effective_now(now_us)?;
        let _permit = self.password_permit(client, now_us)?;
        let user = self.reauthenticate(&by, current, client, now_us)?;
        let hashed = self.hash_password(new, Some(user.id))?;
        self.change(|tx| {
            hashed.set(tx, user.id, None)?;
            let ended = sessions::remove_of(tx, user.id, session_of(&by))?;
            let detail = serde_json::json!({ "sessions_ended": ended });
            let event = Event::new(Kind::PasswordChanged, by.name(), detail);
            self.append_audit(tx, &event.from_address(client.address), now_us)
        })
    }

    /// Waits for a permit to check a password, unless the address is blocked.
    pub(super) fn password_permit(
        &self,
        client: &Client,
        now_us: i64,
    ) -> Result<crate::login::Permit<'_>, Error> {
        self.check_address(client.address, now_us)?;
        self.gate.enter()
    }

    /// Verifies the password of an identity again and returns its user. The caller holds a permit.
    pub(super) fn reauthenticate(
        &self,
        by: &Identity,
        password: &Secret,
        client: &Client,
        now_us: i64,
    ) -> Result<users::UserRow, Error> {
        match self.verify_password(by.name(), password, client.address, now_us)? {
            Ok(user) if Some(user.id) == by.user_id() => {
                self.store.write(|tx| attempts::clear(tx, &account_subject(Some(user.id))))?;
                Ok(user)
            }
            Ok(_) => Err(Error::Unauthenticated),
            Err(refused) => self.refused(&refused, client, now_us),
        }
    }

    fn refused<T>(&self, refused: &Refused, client: &Client, now_us: i64) -> Result<T, Error> {
        self.store.write(|tx| self.count_failure(tx, refused, client, now_us))?;
        Err(Error::LoginRefused)
    }
}

/// Returns the id of the session of an identity.
pub(super) fn session_of(by: &Identity) -> Option<i64> {
    match by.via() {
        Via::Session { id } => Some(id),
        Via::Token { .. } | Via::Terminal => None,
    }
}
