//! Logins by name and password.
//!
//! An attempt waits for a permit, reads the failure counters of its account and address, verifies
//! the password (against a dummy hash if there is no other), and writes its result in one
//! transaction. The permit is held until the failure is counted, so at most
//! `password_checks_at_once` concurrent guesses can be verified before a counter blocks them.

use super::Access;
use super::scram::StoredPassword;
use crate::audit::{Event, Kind};
use crate::login::{LoggedIn, Login, Refusal};
use crate::secret::{Secret, random_bytes};
use crate::session::Method;
use crate::store::{attempts, users};
use crate::throttle::{Policy, address_key};
use crate::{Client, Error, password, totp, user};
use rusqlite::Transaction;
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// Counter for unknown names, so that they cost the same writes as existing accounts.
const NOBODY: &str = "account:-";

/// What a login has besides its name and its secret.
pub(super) struct Attempt<'a> {
    pub code: Option<&'a Secret>,
    pub client: &'a Client,
    pub previous: Option<&'a Secret>,
}

/// The user if the password is correct, else the reason of the refusal.
pub(super) type Checked = Result<users::UserRow, Refused>;

/// A refused attempt, with id and name of the account, if it exists.
pub(super) struct Refused {
    account: Option<(i64, String)>,
    why: Refusal,
}

impl Refused {
    fn new(user: Option<users::UserRow>, why: Refusal) -> Self {
        Self { account: user.map(|it| (it.id, it.name)), why }
    }
}

impl Access {
    /// Logs a user in. Every refusal is [`Error::LoginRefused`], except for an address with too many
    /// failures, which gets [`Error::TooManyAttempts`]. Takes the time of a password hash, and may
    /// wait for other logins.
    pub fn login(&self, login: &Login<'_>, now_us: i64) -> Result<LoggedIn, Error> {
        let now_us = self.effective_now(now_us)?;
        self.check_address(login.client.address, now_us)?;
        let _permit = self.gate.enter()?;
        let checked =
            self.verify_password(login.name, login.password, login.client.address, now_us)?;
        let Login { code, client, previous, .. } = *login;
        let attempt = Attempt { code, client, previous };
        let done = self.store.write(|tx| self.conclude(tx, &attempt, checked, now_us))?;
        // A refused login changes no rights, so the cache stays valid.
        let (user, logged_in) = done.ok_or(Error::LoginRefused)?;
        self.revision.fetch_add(1, Ordering::AcqRel);
        // Only after success: its duration would reveal a correct password with a wrong code.
        self.renew_hash(&user, login.password)?;
        Ok(logged_in)
    }

    /// Opens a session, or counts a failure and returns `None`.
    pub(super) fn conclude(
        &self,
        tx: &Transaction<'_>,
        login: &Attempt<'_>,
        checked: Checked,
        now_us: i64,
    ) -> Result<Option<(users::UserRow, LoggedIn)>, Error> {
        let proved = match checked {
            Ok(user) => self.verify_second_factor(tx, user, login.code, now_us)?,
            Err(refused) => Err(refused),
        };
        let (user, method) = match proved {
            Ok(proved) => proved,
            Err(refused) => {
                self.count_failure(tx, &refused, login.client, now_us)?;
                return Ok(None);
            }
        };
        attempts::clear(tx, &account_subject(Some(user.id)))?;
        self.end_previous(tx, login.previous)?;
        let logged_in = self.open_session(tx, &user, login.client, Method::new(method), now_us)?;
        Ok(Some((user, logged_in)))
    }

    /// Returns an error while the address is blocked.
    pub(super) fn check_address(&self, address: IpAddr, now_us: i64) -> Result<(), Error> {
        let subject = address_subject(address);
        let failures = self.store.read(|tx| attempts::of(tx, &subject))?;
        let remaining_us = Policy::of_addresses(&self.settings).remaining_us(failures, now_us);
        if remaining_us == 0 {
            return Ok(());
        }
        Err(Error::TooManyAttempts { retry_after_s: remaining_us.div_euclid(1_000_000) + 1 })
    }

    /// Verifies a password, in the same time whether or not the account exists.
    pub(super) fn verify_password(
        &self,
        name: &str,
        given: &Secret,
        address: IpAddr,
        now_us: i64,
    ) -> Result<Checked, Error> {
        // Checked again: other attempts may have failed while this one waited.
        self.check_address(address, now_us)?;
        let name = user::name_of(name).unwrap_or_default();
        let (user, delay_us) = self.store.read(|tx| {
            let user = users::by_name(tx, &name)?;
            let subject = account_subject(user.as_ref().map(|it| it.id));
            let policy = Policy::of_accounts(&self.settings);
            Ok((user, policy.remaining_us(attempts::of(tx, &subject)?, now_us)))
        })?;
        let stored = user.as_ref().and_then(|it| it.password.as_deref()).filter(|_| delay_us == 0);
        let is_checkable = password::is_checkable(given, &self.settings);
        let is_right = is_checkable && password::is_match(given, stored.unwrap_or(&self.dummy));
        Ok(evaluate(user, delay_us > 0, is_right, now_us))
    }

    /// Replaces the stored hash if its cost differs from the configured one, and makes the verifier
    /// of a password that has none.
    fn renew_hash(&self, user: &users::UserRow, given: &Secret) -> Result<(), Error> {
        let stored = user.password.as_deref().unwrap_or_default();
        if !password::is_outdated(stored, &self.settings) {
            return self.renew_verifier(user, given);
        }
        let hashed = self.hash_password(given, Some(user.id))?;
        self.store.write(|tx| {
            if users::renew_password(tx, user.id, stored, &hashed.hash)? {
                hashed.set_verifier(tx, user.id)?;
            }
            Ok(())
        })
    }

    /// Hashes a password for storage. `user_id` is `None` for a new user.
    pub(super) fn hash_password(
        &self,
        given: &Secret,
        user_id: Option<i64>,
    ) -> Result<StoredPassword, Error> {
        let salt = self.with_random(random_bytes::<{ password::SALT_BYTES }>);
        let hash = password::hash(given, &self.settings, &salt)?;
        Ok(StoredPassword::new(hash, given, self.salt_for(user_id)?))
    }

    /// Verifies the second factor after the password. Returns the user and the name of the method.
    fn verify_second_factor(
        &self,
        tx: &Transaction<'_>,
        checked: users::UserRow,
        code: Option<&Secret>,
        now_us: i64,
    ) -> Result<Result<(users::UserRow, &'static str), Refused>, Error> {
        let refused = |user, why| Ok(Err(Refused::new(Some(user), why)));
        let now = users::by_id(tx, checked.id)?;
        let is_same =
            |it: &users::UserRow| it.password == checked.password && it.disabled_us.is_none();
        let Some(user) = now.filter(is_same) else {
            return refused(checked, Refusal::AccountChanged);
        };
        let Some(key) = user.second_factor() else {
            return Ok(Ok((user, "password")));
        };
        let Some(code) = code.map(Secret::expose).filter(|it| !it.trim().is_empty()) else {
            return refused(user, Refusal::NoCode);
        };
        if let Some(step) = totp::step_of(key, code, now_us, user.totp_step)? {
            users::set_totp_step(tx, user.id, step)?;
            return Ok(Ok((user, "password+totp")));
        }
        let is_recovered = totp::recovery_hash(code)
            .map_or(Ok(false), |hash| users::use_recovery_code(tx, user.id, &hash, now_us))?;
        if is_recovered {
            return Ok(Ok((user, "password+recovery")));
        }
        refused(user, Refusal::WrongCode)
    }

    /// Counts a failure and writes it to the audit log. An unknown name is not logged: people type
    /// passwords into the wrong field.
    pub(super) fn count_failure(
        &self,
        tx: &Transaction<'_>,
        refused: &Refused,
        client: &Client,
        now_us: i64,
    ) -> Result<(), Error> {
        let subject = account_subject(refused.account.as_ref().map(|(id, _)| *id));
        if refused.why != Refusal::AccountDelayed {
            let policy = Policy::of_accounts(&self.settings);
            let failures = policy.failed(attempts::of(tx, &subject)?, now_us);
            attempts::set(tx, &subject, failures, &self.settings)?;
        }
        let actor = refused.account.as_ref().map_or("-", |(_, name)| name.as_str());
        let detail = serde_json::json!({ "reason": refused.why.name() });
        let event = Event::new(Kind::LoginFailed, actor, detail).from_address(client.address);
        self.append_audit(tx, &event, now_us)?;
        self.count_address(tx, client.address, now_us)
    }

    /// Counts a failure of an address, and writes to the audit log when it becomes blocked.
    pub(super) fn count_address(
        &self,
        tx: &Transaction<'_>,
        address: IpAddr,
        now_us: i64,
    ) -> Result<(), Error> {
        let (subject, policy) = (address_subject(address), Policy::of_addresses(&self.settings));
        let failures = policy.failed(attempts::of(tx, &subject)?, now_us);
        attempts::set(tx, &subject, failures, &self.settings)?;
        let delay_us = policy.remaining_us(failures, now_us);
        if delay_us == 0 {
            return Ok(());
        }
        let detail =
            serde_json::json!({ "delay_s": delay_us / 1_000_000, "failures": failures.count });
        let event = Event::new(Kind::AddressDelayed, "-", detail).from_address(address);
        self.append_audit(tx, &event, now_us)
    }
}

/// The result of a check: the user, or the reason of the refusal.
pub(super) fn evaluate(
    user: Option<users::UserRow>,
    is_delayed: bool,
    is_right: bool,
    now_us: i64,
) -> Checked {
    let why = match &user {
        None => Some(Refusal::UnknownAccount),
        Some(_) if is_delayed => Some(Refusal::AccountDelayed),
        Some(user) if user.password.is_none() => Some(Refusal::NoPassword),
        Some(_) if !is_right => Some(Refusal::WrongPassword),
        Some(user) if user.disabled_us.is_some() => Some(Refusal::AccountDisabled),
        Some(user) if user.password_until_us.is_some_and(|until_us| now_us >= until_us) => {
            Some(Refusal::PasswordExpired)
        }
        Some(_) => None,
    };
    match (user, why) {
        (Some(user), None) => Ok(user),
        (user, why) => Err(Refused::new(user, why.unwrap_or(Refusal::UnknownAccount))),
    }
}

/// What the failures of an account are counted under.
pub(super) fn account_subject(id: Option<i64>) -> String {
    id.map_or_else(|| NOBODY.to_owned(), |id| format!("account:{id}"))
}

fn address_subject(address: IpAddr) -> String {
    format!("address:{}", address_key(address))
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
