//! Passwords: what is accepted, how they are stored, and how they are verified.
//!
//! The rules follow NIST SP 800-63B: a minimum length, no rules of composition, no expiry, and a
//! comparison with common and guessable passwords. The comparison needs no network: it takes a list
//! of the commonest breached passwords, and the variations of them that guessing programs try
//! (other letter case, digits for letters, digits and signs around, repetition, rows of keys).

mod common;

use crate::{Error, Random, Secret, Settings, secret};
use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;

/// Random bytes of a salt, as RFC 9106 recommends.
pub(crate) const SALT_BYTES: usize = 16;

/// Why a password is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weakness {
    TooShort { chars_min: u32 },
    TooLong { bytes_max: u32 },
    ContainsName,
    Repetition,
    Sequence,
    Common,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { chars_min } => write!(
                f,
                "it has less than {chars_min} characters; several words in a row are easy to keep \
                 in mind"
            ),
            Self::TooLong { bytes_max } => write!(f, "it has more than {bytes_max} bytes"),
            Self::ContainsName => f.write_str("little remains of it without the user name"),
            Self::Repetition => f.write_str("it repeats a few characters"),
            Self::Sequence => f.write_str("it is a row of keys, letters or digits"),
            Self::Common => f.write_str("it is a variation of one of the commonest passwords"),
        }
    }
}

/// Whether a new password of `name` is accepted.
pub fn check(password: &Secret, name: &str, settings: &Settings) -> Result<(), Error> {
    weakness(password.expose(), name, settings).map_or(Ok(()), |it| Err(Error::WeakPassword(it)))
}

fn weakness(password: &str, name: &str, settings: &Settings) -> Option<Weakness> {
    let (chars_min, bytes_max) = (settings.password_chars_min, settings.password_bytes_max);
    if password.len() > bytes_max as usize {
        return Some(Weakness::TooLong { bytes_max });
    }
    if password.chars().count() < chars_min as usize {
        return Some(Weakness::TooShort { chars_min });
    }
    common::weakness(password, name)
}

/// Whether a password entered at a login may be hashed at all.
pub(crate) fn is_checkable(password: &Secret, settings: &Settings) -> bool {
    !password.expose().is_empty() && password.expose().len() <= settings.password_bytes_max as usize
}

/// The password as a PHC string of argon2id, with a salt that is new and random.
pub(crate) fn hash(
    password: &Secret,
    settings: &Settings,
    salt: &[u8; SALT_BYTES],
) -> Result<String, Error> {
    let hasher = hasher(settings)?;
    let hashed = hasher.hash_password_with_salt(password.expose().as_bytes(), salt);
    hashed.map(|it| it.to_string()).map_err(|error| Error::Hashing(error.to_string()))
}

/// Whether `stored`, a PHC string, is the hash of this password. The cost is that of the string.
pub(crate) fn is_match(password: &Secret, stored: &str) -> bool {
    #[cfg(test)]
    tests::COSTS.with_borrow_mut(|it| it.push(tests::cost_of(stored)));
    let verified = Argon2::default().verify_password(password.expose().as_bytes(), stored);
    verified.is_ok()
}

/// A hash of no password, at the cost of a real one. Checking against it takes the time that
/// checking an existing account takes.
pub(crate) fn dummy(settings: &Settings, random: &mut Random) -> Result<String, Error> {
    let hashing = |error: argon2::password_hash::phc::Error| Error::Hashing(error.to_string());
    let salt = Salt::new(&secret::random_bytes::<SALT_BYTES>(random)).map_err(hashing)?;
    let output = Output::new(&secret::random_bytes::<32>(random)).map_err(hashing)?;
    let params = hasher(settings)?.params().try_into();
    let made = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params
            .map_err(|error: argon2::password_hash::Error| Error::Hashing(error.to_string()))?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(made.to_string())
}

/// Whether a stored hash has another cost than is configured now, so that the password has to be
/// hashed again when it is known next.
pub(crate) fn is_outdated(stored: &str, settings: &Settings) -> bool {
    let Ok(parsed) = PasswordHash::new(stored) else {
        return true;
    };
    let is_current = Params::try_from(&parsed).is_ok_and(|it| {
        it.m_cost() == settings.password_memory_kib
            && it.t_cost() == settings.password_passes
            && it.p_cost() == settings.password_lanes
    });
    !(is_current && parsed.algorithm == Algorithm::Argon2id.ident())
}

fn hasher(settings: &Settings) -> Result<Argon2<'static>, Error> {
    let (memory, passes) = (settings.password_memory_kib, settings.password_passes);
    let params = Params::new(memory, passes, settings.password_lanes, None);
    let params = params.map_err(|error| Error::Hashing(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
#[path = "password/tests.rs"]
mod tests;

#[cfg(test)]
pub(crate) use tests::COSTS;
