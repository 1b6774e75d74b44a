//! Managing people: adding, disabling, roles, passwords.

use super::Access;
use super::scram::StoredPassword;
use crate::audit::{Event, Kind};
use crate::permission::{Action, Assignment, Source};
use crate::settings::us;
use crate::store::{sessions, tokens, users};
use crate::{Error, Identity, NewPassword, NewUser, Secret, UserInfo, password, user};
use rusqlite::Transaction;
use serde_json::{Value, json};

impl Access {
    /// Adds a user. Returns the generated password, if one was requested; it cannot be shown again.
    pub fn add_user(
        &self,
        by: &Identity,
        new: &NewUser,
        now_us: i64,
    ) -> Result<(UserInfo, Option<Secret>), Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        let (name, full_name) = (user::name_of(&new.name)?, user::full_name_of(&new.full_name)?);
        let now_us = self.effective_now(now_us)?;
        let (given, until_us) = match &new.password {
            NewPassword::Temporary => (Some(self.temporary()), Some(self.until_us(now_us))),
            NewPassword::Chosen(chosen) => {
                password::check(chosen, &name, &self.settings)?;
                (Some(chosen.clone()), None)
            }
            NewPassword::None => (None, None),
        };
        let hashed = given.as_ref().map(|it| self.hash_with_permit(it, None)).transpose()?;
        let info = self.change(|tx| {
            self.check_room(tx)?;
            let id = users::add(tx, &name, &full_name, now_us)?;
            if let Some(hashed) = &hashed {
                hashed.set(tx, id, until_us)?;
            }
            users::set_assignments(tx, id, Source::Local, &new.roles)?;
            let detail = json!({ "roles": role_texts(&new.roles), "user": name });
            self.append_audit(tx, &Event::new(Kind::UserAdded, by.name(), detail), now_us)?;
            users::info(tx, users::named(tx, &name)?)
        })?;
        Ok((info, given.filter(|_| until_us.is_some())))
    }

    /// Lists all users, ordered by name.
    pub fn users(&self, by: &Identity, now_us: i64) -> Result<Vec<UserInfo>, Error> {
        self.require(by, Action::ManageUsers, now_us)?;
        self.store.read(|tx| users::list(tx))
    }

    /// Returns the account of the caller.
    pub fn own_account(&self, by: &Identity, now_us: i64) -> Result<UserInfo, Error> {
        let by = self.require(by, Action::ManageOwnAccount, now_us)?;
        self.store.read(|tx| users::info(tx, users::named(tx, by.name())?))
    }

    /// Disables a user: logins are refused, all sessions end, all tokens are revoked permanently.
    /// Users are never deleted, because the audit log and other records refer to them.
    pub fn disable_user(&self, by: &Identity, name: &str, now_us: i64) -> Result<(), Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            if user.disabled_us.is_some() {
                return Ok(());
            }
            keeping_an_administrator(tx, || users::set_disabled(tx, user.id, Some(now_us)))?;
            let detail = revoked(tx, &user, now_us)?;
            self.append_audit(tx, &Event::new(Kind::UserDisabled, by.name(), detail), now_us)
        })
    }

    /// Enables a disabled user. Earlier sessions and tokens stay invalid.
    pub fn enable_user(&self, by: &Identity, name: &str, now_us: i64) -> Result<(), Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            users::set_disabled(tx, user.id, None)?;
            let detail = json!({ "user": user.name });
            self.append_audit(tx, &Event::new(Kind::UserEnabled, by.name(), detail), now_us)
        })
    }

    /// Ends all sessions of a user and revokes all tokens.
    pub fn revoke_all(&self, by: &Identity, name: &str, now_us: i64) -> Result<(), Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            let detail = revoked(tx, &user, now_us)?;
            self.append_audit(tx, &Event::new(Kind::SessionRevoked, by.name(), detail), now_us)
        })
    }

    /// Sets a temporary password, which cannot be shown again, and ends all sessions of the user.
    /// Tokens and the second factor stay valid; [`Access::revoke_all`] revokes the tokens.
    pub fn reset_password(&self, by: &Identity, name: &str, now_us: i64) -> Result<Secret, Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        let now_us = self.effective_now(now_us)?;
        let given = self.temporary();
        let user = self.store.read(|tx| users::named(tx, name))?;
        let hashed = self.hash_with_permit(&given, Some(user.id))?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            hashed.set(tx, user.id, Some(self.until_us(now_us)))?;
            crate::store::attempts::clear(tx, &super::login::account_subject(Some(user.id)))?;
            let ended = sessions::remove_of(tx, user.id, None)?;
            let detail = json!({ "sessions_ended": ended, "user": user.name });
            self.append_audit(tx, &Event::new(Kind::PasswordReset, by.name(), detail), now_us)
        })?;
        Ok(given)
    }

    /// Replaces the local roles of a user; roles from an identity provider stay.
    pub fn set_roles(
        &self,
        by: &Identity,
        name: &str,
        roles: &[Assignment],
        now_us: i64,
    ) -> Result<(), Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            let before = users::assignments(tx, user.id)?;
            keeping_an_administrator(tx, || {
                users::set_assignments(tx, user.id, Source::Local, roles)
            })?;
            let after = users::assignments(tx, user.id)?;
            let detail =
                json!({ "after": role_texts(&after), "before": role_texts(&before), "user": user.name });
            self.append_audit(tx, &Event::new(Kind::RolesChanged, by.name(), detail), now_us)
        })
    }

    pub(super) fn check_room(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        let limit = self.settings.users_max;
        if users::count(tx)? < limit {
            return Ok(());
        }
        Err(Error::LimitReached { what: "users", limit: limit.into(), setting: "users_max" })
    }

    /// Waits for a permit and hashes a password.
    pub(super) fn hash_with_permit(
        &self,
        given: &Secret,
        user_id: Option<i64>,
    ) -> Result<StoredPassword, Error> {
        let _permit = self.gate.enter()?;
        self.hash_password(given, user_id)
    }

    fn temporary(&self) -> Secret {
        Secret::new(self.random_text())
    }

    fn until_us(&self, now_us: i64) -> i64 {
        now_us.saturating_add(us(self.settings.temporary_password_s))
    }
}

/// Applies a change, and returns an error if no user could manage users after it.
fn keeping_an_administrator(
    tx: &Transaction<'_>,
    change: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let had_one = users::administrators(tx)? > 0;
    change()?;
    if had_one && users::administrators(tx)? == 0 {
        return Err(Error::LastAdministrator);
    }
    Ok(())
}

/// Ends all sessions and revokes all tokens of a user; returns the counts for the audit log.
fn revoked(tx: &Transaction<'_>, user: &users::UserRow, now_us: i64) -> Result<Value, Error> {
    let sessions_ended = sessions::remove_of(tx, user.id, None)?;
    let tokens_revoked = tokens::revoke_of(tx, user.id, now_us)?;
    Ok(json!({
        "sessions_ended": sessions_ended,
        "tokens_revoked": tokens_revoked,
        "user": user.name,
    }))
}

/// Roles as text for the audit log.
pub(super) fn role_texts(roles: &[Assignment]) -> Vec<String> {
    roles.iter().map(|it| format!("{} in {}", it.role, it.scope)).collect()
}
