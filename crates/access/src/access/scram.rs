//! Logins by a proof instead of a password or token (SCRAM-SHA-256), and the verifiers they need.
//!
//! A login by the password obeys the same delays, factors and entries of the audit log as one that
//! sends it: only the check of the secret differs. A proof does not show which secret the client
//! meant: one that fits no token counts as a wrong password.

use super::Access;
use super::login::{Attempt, account_subject, evaluate};
use super::sessions::Proof;
use crate::encoding::{base32, from_base32};
use crate::scram::{
    ProofLogin, ProvedBy, ProvedLogin, ScramKey, ScramSalt, Verifier, salt_without_account,
};
use crate::secret::random_bytes;
use crate::store::{Database, attempts, scram, tokens, users, values};
use crate::throttle::Policy;
use crate::{Error, Random, Secret, token, user};
use rusqlite::Transaction;
use std::sync::atomic::Ordering;

/// Name of the stored value from which the salts of unknown names are derived.
const VALUE: &str = "scram_key";

/// What logins by proof need in memory.
pub(super) struct ScramKeys {
    /// The key of the salts of unknown names. It is stored, so that these salts stay the same.
    unnamed: ScramKey,
    /// A verifier for names without one.
    dummy: Verifier,
}

/// A password as it is stored: its hash, and its verifier.
pub(super) struct StoredPassword {
    pub hash: String,
    salt: ScramSalt,
    verifier: Verifier,
}

impl StoredPassword {
    pub fn new(hash: String, given: &Secret, salt: ScramSalt) -> Self {
        Self { hash, verifier: Verifier::of(given, &salt), salt }
    }

    /// Stores a new password of a user. `until_us` makes it a temporary one.
    pub fn set(
        &self,
        tx: &Transaction<'_>,
        user_id: i64,
        until_us: Option<i64>,
    ) -> Result<(), Error> {
        users::set_password(tx, user_id, &self.hash, until_us)?;
        self.set_verifier(tx, user_id)
    }

    /// Stores the verifier of a password that is stored already.
    pub fn set_verifier(&self, tx: &Transaction<'_>, user_id: i64) -> Result<(), Error> {
        scram::set_password(tx, user_id, &self.salt, &self.verifier)
    }
}

impl ScramKeys {
    /// Reads the stored key, or makes it.
    pub fn open(store: &Database, random: &mut Random) -> Result<Self, Error> {
        let dummy = Verifier::dummy(random);
        if let Some(stored) = store.read(|tx| values::get(tx, VALUE))? {
            return Ok(Self { unnamed: key_of(&stored)?, dummy });
        }
        let made = base32(&random_bytes::<32>(random));
        let stored = store.write(|tx| {
            // Another process may have made one meanwhile.
            if let Some(stored) = values::get(tx, VALUE)? {
                return Ok(stored);
            }
            values::set(tx, VALUE, &made)?;
            Ok(made)
        })?;
        Ok(Self { unnamed: key_of(&stored)?, dummy })
    }
}

fn key_of(stored: &str) -> Result<ScramKey, Error> {
    let bytes = from_base32(stored).and_then(|it| ScramKey::try_from(it).ok());
    bytes.ok_or_else(|| Error::corrupt("the stored key of SCRAM cannot be read"))
}

impl Access {
    /// What a client needs in order to prove a secret of a user, if each secret of the user has a
    /// verifier; `None` if a secret has to be sent as it is, after which its verifier is there. An
    /// unknown name has a salt like others.
    pub fn scram_salt(&self, name: &str, now_us: i64) -> Result<Option<ScramSalt>, Error> {
        let now_us = self.effective_now(now_us)?;
        let name = user::name_of(name).unwrap_or_else(|_| name.to_owned());
        let unnamed =
            || salt_without_account(&self.scram.unnamed, &name, self.settings.scram_iterations);
        self.store.read(|tx| {
            let Some(user) = users::by_name(tx, &name)? else { return Ok(Some(unnamed())) };
            if scram::is_incomplete(tx, user.id, now_us)? {
                return Ok(None);
            }
            Ok(Some(scram::salt(tx, user.id)?.unwrap_or_else(unnamed)))
        })
    }

    /// Logs a user in whose client proves the password or a token. The errors are those of
    /// [`Access::login`] and [`Access::authenticate_token`]; a login by password opens a session.
    pub fn login_by_proof(
        &self,
        login: &ProofLogin<'_>,
        now_us: i64,
    ) -> Result<ProvedLogin, Error> {
        let now_us = self.effective_now(now_us)?;
        if let Some(proved) = self.prove_token(login, now_us)? {
            return Ok(proved);
        }
        self.check_address(login.client.address, now_us)?;
        let _permit = self.gate.enter()?;
        // Checked again: other attempts may have failed while this one waited.
        self.check_address(login.client.address, now_us)?;
        let name = user::name_of(login.name).unwrap_or_default();
        let (user, delay_us, stored) = self.store.read(|tx| {
            let user = users::by_name(tx, &name)?;
            let id = user.as_ref().map(|it| it.id);
            let policy = Policy::of_accounts(&self.settings);
            let failures = attempts::of(tx, &account_subject(id))?;
            let verifier = id.map_or(Ok(None), |id| verifier_of(tx, id, login.salt))?;
            Ok((user, policy.remaining_us(failures, now_us), verifier))
        })?;
        let verifier = stored.as_ref().filter(|_| delay_us == 0).unwrap_or(&self.scram.dummy);
        let is_right = verifier.is_proved(login.exchange, login.proof);
        let signature = verifier.signature(login.exchange).filter(|_| is_right);
        let checked = evaluate(user, delay_us > 0, signature.is_some(), now_us);
        let attempt = Attempt { code: None, client: login.client, previous: None };
        let done = self.store.write(|tx| self.conclude(tx, &attempt, checked, now_us))?;
        let (Some((_, opened)), Some(signature)) = (done, signature) else {
            return Err(Error::LoginRefused);
        };
        self.revision.fetch_add(1, Ordering::AcqRel);
        Ok(ProvedLogin { by: ProvedBy::Password(Box::new(opened)), signature })
    }

    /// Authenticates a token by its proof; `None` if it is that of no token of the user.
    fn prove_token(
        &self,
        login: &ProofLogin<'_>,
        now_us: i64,
    ) -> Result<Option<ProvedLogin>, Error> {
        let name = user::name_of(login.name).unwrap_or_default();
        // Ended tokens are recognized, too, but not without end.
        let rows_max = self.settings.tokens_per_user.saturating_mul(2);
        let known = self.store.read(|tx| {
            let Some(user) = users::by_name(tx, &name)? else { return Ok(Vec::new()) };
            match scram::salt(tx, user.id)? {
                Some(salt) if salt == *login.salt => scram::of_tokens(tx, user.id, rows_max),
                _ => Ok(Vec::new()),
            }
        })?;
        let mut proved = None;
        for (hash, verifier) in &known {
            if verifier.is_proved(login.exchange, login.proof) {
                proved = Some((hash, verifier));
            }
        }
        let Some((hash, verifier)) = proved else { return Ok(None) };
        let signature = verifier.signature(login.exchange).ok_or(Error::Unauthenticated)?;
        let identity = self.authenticate(hash, Proof::Token, true, now_us)?;
        Ok(Some(ProvedLogin { by: ProvedBy::Token(identity), signature }))
    }

    /// Makes the verifier of a token that a client has sent, if it has none yet. A token that is not
    /// valid has none.
    pub fn keep_token_verifier(&self, sent: &Secret, now_us: i64) -> Result<(), Error> {
        let Some(hash) = token::hash_of(sent.expose()) else { return Ok(()) };
        let now_us = self.effective_now(now_us)?;
        let found = self.store.read(|tx| {
            let Some(row) = tokens::by_hash(tx, &hash)? else { return Ok(None) };
            let is_kept = scram::has_token(tx, row.info.id)?;
            Ok(Some(row).filter(|it| !is_kept && is_valid(it, now_us)))
        })?;
        let Some(row) = found else { return Ok(()) };
        let salt = self.salt_for(Some(row.user_id))?;
        let verifier = Verifier::of(sent, &salt);
        self.store.write(|tx| {
            let now = tokens::by_id(tx, row.info.id)?;
            if now.is_none_or(|it| !is_valid(&it, now_us)) {
                return Ok(());
            }
            scram::set_token(tx, (row.user_id, row.info.id), &salt, &verifier)
        })
    }

    /// The salt for a new verifier of a user: that of the other secrets, if there are any. Another
    /// number of iterations is used from the next password on, as soon as no token depends on the
    /// earlier one.
    pub(super) fn salt_for(&self, user_id: Option<i64>) -> Result<ScramSalt, Error> {
        let iterations = self.settings.scram_iterations;
        let known = self.store.read(|tx| {
            let Some(id) = user_id else { return Ok(None) };
            let known = scram::salt(tx, id)?;
            let is_kept = known.as_ref().is_some_and(|it| it.iterations == iterations)
                || !scram::is_replaceable(tx, id)?;
            Ok(known.filter(|_| is_kept))
        })?;
        let new = || ScramSalt { salt: self.with_random(random_bytes), iterations };
        Ok(known.unwrap_or_else(new))
    }

    /// Makes the verifier of a password that was checked, if it has none with the current salt.
    pub(super) fn renew_verifier(
        &self,
        user: &users::UserRow,
        given: &Secret,
    ) -> Result<(), Error> {
        let salt = self.salt_for(Some(user.id))?;
        if self.store.read(|tx| verifier_of(tx, user.id, &salt))?.is_some() {
            return Ok(());
        }
        let verifier = Verifier::of(given, &salt);
        self.store.write(|tx| {
            // The password may have been changed meanwhile.
            let now = users::by_id(tx, user.id)?;
            if now.is_none_or(|it| it.password != user.password) {
                return Ok(());
            }
            scram::set_password(tx, user.id, &salt, &verifier)
        })
    }
}

fn is_valid(row: &tokens::TokenRow, now_us: i64) -> bool {
    row.info.revoked_us.is_none() && row.info.expires_us > now_us
}

/// The verifier of the password of a user, if it has this salt.
fn verifier_of(
    tx: &Transaction<'_>,
    user_id: i64,
    salt: &ScramSalt,
) -> Result<Option<Verifier>, Error> {
    match scram::salt(tx, user_id)? {
        Some(known) if known == *salt => scram::of_password(tx, user_id),
        _ => Ok(None),
    }
}
