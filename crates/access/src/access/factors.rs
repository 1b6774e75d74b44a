//! The second factor of a person: enrolling, removing, recovery codes.

use super::Access;
use super::accounts::session_of;
use crate::audit::{Event, Kind};
use crate::permission::Action;
use crate::store::{sessions, users};
use crate::totp::{self, Enrolment};
use crate::{Client, Error, Identity, Secret};
use rusqlite::Transaction;

impl Access {
    /// Starts the enrolment of an authenticator app. The second factor becomes active with
    /// [`Access::confirm_second_factor`]. `issuer` is displayed by the app, such as the name of the
    /// plant.
    pub fn begin_second_factor(
        &self,
        by: &Identity,
        password: &Secret,
        issuer: &str,
        client: &Client,
        now_us: i64,
    ) -> Result<Enrolment, Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        let now_us = self.effective_now(now_us)?;
        let _permit = self.password_permit(client, now_us)?;
        let user = self.reauthenticate(&by, password, client, now_us)?;
        let key = self.with_random(totp::new_key);
        self.change(|tx| {
            let now = users::named(tx, &user.name)?;
            if now.second_factor().is_some() {
                return Err(Error::Exists { what: "second factor of", name: user.name.clone() });
            }
            users::set_totp(tx, user.id, Some(&key))
        })?;
        Ok(totp::enrolment(&key, issuer, &user.name))
    }

    /// Completes the enrolment with a code of the app. Later logins require a code, and the other
    /// sessions of the user end: they were opened without one. Returns the recovery codes, which
    /// cannot be shown again.
    pub fn confirm_second_factor(
        &self,
        by: &Identity,
        code: &Secret,
        now_us: i64,
    ) -> Result<Vec<Secret>, Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        let now_us = self.effective_now(now_us)?;
        let codes = self.with_random(totp::recovery_codes);
        self.change(|tx| {
            let user = users::named(tx, by.name())?;
            let key = user.totp_key.as_deref().filter(|_| !user.totp_confirmed);
            let key = key.ok_or_else(|| Error::not_found("enrolment of", by.name()))?;
            let step = totp::step_of(key, code.expose(), now_us, user.totp_step)?;
            users::set_totp_step(tx, user.id, step.ok_or(Error::WrongCode)?)?;
            replace_codes(tx, user.id, &codes)?;
            let ended = sessions::remove_of(tx, user.id, session_of(&by))?;
            let detail = serde_json::json!({ "sessions_ended": ended });
            let event = Event::new(Kind::SecondFactorEnabled, by.name(), detail);
            self.append_audit(tx, &event, now_us)
        })?;
        Ok(codes)
    }

    /// Replaces the recovery codes; the previous ones become invalid. They cannot be shown again.
    pub fn replace_recovery_codes(
        &self,
        by: &Identity,
        password: &Secret,
        client: &Client,
        now_us: i64,
    ) -> Result<Vec<Secret>, Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        let now_us = self.effective_now(now_us)?;
        let _permit = self.password_permit(client, now_us)?;
        let user = self.reauthenticate(&by, password, client, now_us)?;
        let codes = self.with_random(totp::recovery_codes);
        self.change(|tx| {
            let now = users::named(tx, &user.name)?;
            now.second_factor().ok_or_else(|| Error::not_found("second factor of", by.name()))?;
            replace_codes(tx, user.id, &codes)?;
            let event = Event::new(Kind::RecoveryCodesReplaced, by.name(), serde_json::json!({}));
            self.append_audit(tx, &event.from_address(client.address), now_us)
        })?;
        Ok(codes)
    }

    /// Returns the number of unused recovery codes.
    pub fn recovery_codes_left(&self, by: &Identity, now_us: i64) -> Result<u32, Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        self.store.read(|tx| users::recovery_codes_left(tx, users::named(tx, by.name())?.id))
    }

    /// Removes the own second factor and its recovery codes.
    pub fn remove_second_factor(
        &self,
        by: &Identity,
        password: &Secret,
        client: &Client,
        now_us: i64,
    ) -> Result<(), Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        let now_us = self.effective_now(now_us)?;
        let _permit = self.password_permit(client, now_us)?;
        let user = self.reauthenticate(&by, password, client, now_us)?;
        self.change(|tx| self.drop_factor(tx, &by, &user, now_us))
    }

    /// Removes the second factor of a user who has lost it.
    pub fn reset_second_factor(&self, by: &Identity, name: &str, now_us: i64) -> Result<(), Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            self.drop_factor(tx, &by, &user, now_us)
        })
    }

    fn drop_factor(
        &self,
        tx: &Transaction<'_>,
        by: &Identity,
        user: &users::UserRow,
        now_us: i64,
    ) -> Result<(), Error> {
        users::set_totp(tx, user.id, None)?;
        users::replace_recovery_codes(tx, user.id, &[])?;
        let detail = serde_json::json!({ "user": user.name });
        self.append_audit(tx, &Event::new(Kind::SecondFactorDisabled, by.name(), detail), now_us)
    }
}

fn replace_codes(tx: &Transaction<'_>, user_id: i64, codes: &[Secret]) -> Result<(), Error> {
    let hashes: Vec<_> = codes.iter().filter_map(|it| totp::recovery_hash(it.expose())).collect();
    users::replace_recovery_codes(tx, user_id, &hashes)
}
