//! What a person changes of the own account: the password.

use super::Access;
use super::login::{Refused, account_subject};
use crate::audit::{Event, Kind};
use crate::permission::Action;
use crate::store::{attempts, sessions, users};
use crate::{Client, Error, Identity, Secret, Via, password};

impl Access {
    /// Replaces the own password. Needs the current one, counts a wrong one like a failed login,
    /// and ends all other sessions of the person. Needs a session, not a token.
    pub fn change_password(
        &self,
        by: &Identity,
        current: &Secret,
        new: &Secret,
        client: &Client,
        now_us: i64,
    ) -> Result<(), Error> {
        let by = self.permitted(by, Action::ManageOwnAccount, now_us)?;
        password::check(new, by.name(), &self.settings)?;
        let now_us = self.at(now_us)?;
        let _turn = self.gate_entered(client, now_us)?;
        let user = self.confirmed(&by, current, client, now_us)?;
        let hashed = self.hashed(new)?;
        self.change(|tx| {
            users::set_password(tx, user.id, &hashed, None)?;
            let ended = sessions::remove_of(tx, user.id, session_of(&by))?;
            let detail = serde_json::json!({ "sessions_ended": ended });
            let event = Event::new(Kind::PasswordChanged, by.name(), detail);
            self.note(tx, &event.from_address(client.address), now_us)
        })
    }

    /// Waits for the turn to check a password, unless the address is delayed.
    pub(super) fn gate_entered(
        &self,
        client: &Client,
        now_us: i64,
    ) -> Result<crate::login::Permit<'_>, Error> {
        self.check_address(client.address, now_us)?;
        self.gate.enter()
    }

    /// The person of an identity, once their password was entered again. The caller has a turn.
    pub(super) fn confirmed(
        &self,
        by: &Identity,
        password: &Secret,
        client: &Client,
        now_us: i64,
    ) -> Result<users::UserRow, Error> {
        match self.checked(by.name(), password, client.address, now_us)? {
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

/// The row of the session an identity has.
pub(super) fn session_of(by: &Identity) -> Option<i64> {
    match by.via() {
        Via::Session { id } => Some(id),
        Via::Token { .. } | Via::Terminal => None,
    }
}
