//! Logins by name and password.
//!
//! An attempt waits for its turn, reads the counters of its account and address, checks the
//! password (against a dummy hash if there is none to be checked), and is concluded in one
//! transaction. Since the turn lasts until the failure is counted, no more guesses pass a counter
//! than `password_checks_at_once`, however many arrive at the same time.

use super::Access;
use crate::audit::{Event, Kind};
use crate::login::{LoggedIn, Login, Refusal};
use crate::secret::{Secret, random_bytes};
use crate::store::{attempts, users};
use crate::throttle::{Policy, address_key};
use crate::{Client, Error, password, totp, user};
use rusqlite::Transaction;
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// Counts failed logins of names that nobody has, so that they cost the same writes.
const NOBODY: &str = "account:-";

/// A person whose password was right, or why the attempt is refused.
type Checked = Result<users::UserRow, Refused>;

/// A refused attempt, and whose it was: the row and the name of the account, if there is one.
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
    /// Logs a person in. Whatever is wrong, the answer is [`Error::LoginRefused`]; only an address
    /// with too many failures gets [`Error::TooManyAttempts`]. Takes the time of a password check,
    /// and may wait for others.
    pub fn login(&self, login: &Login<'_>, now_us: i64) -> Result<LoggedIn, Error> {
        let now_us = self.at(now_us)?;
        self.check_address(login.client.address, now_us)?;
        let _turn = self.gate.enter()?;
        let checked = self.checked(login.name, login.password, login.client.address, now_us)?;
        let rehashed = checked.as_ref().ok().map(|it| self.rehashed(it, login.password));
        let rehashed = rehashed.transpose()?.flatten();
        let done = self.store.write(|tx| {
            let proved = match checked {
                Ok(user) => self.proved(tx, user, login.code, now_us)?,
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
            if let Some(hashed) = &rehashed {
                users::set_password(tx, user.id, hashed, user.password_until_us)?;
            }
            self.end_previous(tx, login.previous)?;
            self.open_session(tx, &user, login.client, method, now_us).map(Some)
        })?;
        // A refused login changes nobody's rights: what is known in memory stays valid.
        let logged_in = done.ok_or(Error::LoginRefused)?;
        self.revision.fetch_add(1, Ordering::AcqRel);
        Ok(logged_in)
    }

    /// Refuses an address that has failed too often.
    pub(super) fn check_address(&self, address: IpAddr, now_us: i64) -> Result<(), Error> {
        let subject = address_subject(address);
        let failures = self.store.read(|tx| attempts::of(tx, &subject))?;
        let remaining_us = Policy::of_addresses(&self.settings).remaining_us(failures, now_us);
        if remaining_us == 0 {
            return Ok(());
        }
        Err(Error::TooManyAttempts { retry_after_s: remaining_us.div_euclid(1_000_000) + 1 })
    }

    /// Checks a password. Takes the same time whether or not there is one to be checked.
    pub(super) fn checked(
        &self,
        name: &str,
        given: &Secret,
        address: IpAddr,
        now_us: i64,
    ) -> Result<Checked, Error> {
        // Again, for others may have failed while this one waited.
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
        Ok(judged(user, delay_us > 0, is_right, now_us))
    }

    /// The password hashed anew, if its stored hash has another cost than is configured now.
    fn rehashed(&self, user: &users::UserRow, given: &Secret) -> Result<Option<String>, Error> {
        let stored = user.password.as_deref().unwrap_or_default();
        if !password::is_outdated(stored, &self.settings) {
            return Ok(None);
        }
        self.hashed(given).map(Some)
    }

    /// A password as it is stored.
    pub(super) fn hashed(&self, given: &Secret) -> Result<String, Error> {
        let salt = self.with_random(random_bytes::<{ password::SALT_BYTES }>);
        password::hash(given, &self.settings, &salt)
    }

    /// Checks the second factor of a person whose password was right, and how they proved who
    /// they are.
    fn proved(
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

    /// Counts a failure and notes it. What was entered as a name is noted only if it is one:
    /// people enter passwords in the wrong field.
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
        self.note(tx, &event, now_us)?;
        self.count_address(tx, client.address, now_us)
    }

    /// Counts a failure of an address, and notes when its delays begin to be felt.
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
        self.note(tx, &event, now_us)
    }
}

fn judged(user: Option<users::UserRow>, is_delayed: bool, is_right: bool, now_us: i64) -> Checked {
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
