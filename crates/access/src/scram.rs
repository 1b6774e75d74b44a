//! Proofs that a client has a secret, without its transfer: SCRAM-SHA-256 of RFC 5802 and RFC 7677.
//!
//! The messages are a matter of the protocol that carries them; this module derives the keys and
//! checks the proofs. A verifier cannot be used to log in, but a weak password can be guessed from
//! it, at the cost of `scram_iterations` hashes a guess.

use crate::{Client, Identity, Random, Secret, login::LoggedIn, secret};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// Random bytes of a salt.
pub const SCRAM_SALT_BYTES: usize = 16;

/// Bytes of a block of SHA-256, up to which the keys of HMAC are used as they are.
const BLOCK_BYTES: usize = 64;

/// A key, a proof or a signature.
pub type ScramKey = [u8; 32];

/// What a client needs in order to derive its keys from a secret. All secrets of a user, the password
/// and the tokens, have the same, since a client names its user only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramSalt {
    pub salt: [u8; SCRAM_SALT_BYTES],
    /// How often the secret is hashed.
    pub iterations: u32,
}

/// The last message of a client, with what was agreed on before.
#[derive(Debug, Clone)]
pub struct ProofLogin<'a> {
    pub name: &'a str,
    /// What [`crate::Access::scram_salt`] returned.
    pub salt: &'a ScramSalt,
    /// The text that both sides sign (`AuthMessage`).
    pub exchange: &'a [u8],
    pub proof: &'a ScramKey,
    pub client: &'a Client,
}

/// A login whose proof was right.
#[derive(Debug)]
pub struct ProvedLogin {
    pub by: ProvedBy,
    /// The proof of the server that it has the verifier.
    pub signature: ScramKey,
}

/// The secret of a login.
#[derive(Debug)]
pub enum ProvedBy {
    /// The password, which opens a session.
    Password(Box<LoggedIn>),
    Token(Identity),
}

/// What is stored in place of a secret.
#[derive(Clone)]
pub(crate) struct Verifier {
    pub stored_key: ScramKey,
    /// `None` if the secret has ended: it is recognized, but cannot be used.
    pub server_key: Option<ScramKey>,
}

impl Verifier {
    /// The verifier of a secret.
    pub fn of(secret: &Secret, salt: &ScramSalt) -> Self {
        // Clients use a text that SASLprep refuses as it is.
        let text = secret.expose();
        let prepared = stringprep::saslprep(text).unwrap_or(Cow::Borrowed(text));
        let salted = salted(prepared.as_bytes(), salt);
        let client_key = mac(&salted, b"Client Key");
        Self {
            stored_key: Sha256::digest(client_key).into(),
            server_key: Some(mac(&salted, b"Server Key")),
        }
    }

    /// The verifier of no secret: checking against it takes the time of a real one.
    pub fn dummy(random: &mut Random) -> Self {
        Self {
            stored_key: secret::random_bytes(random),
            server_key: Some(secret::random_bytes(random)),
        }
    }

    /// Whether the proof was made with the secret for this exchange.
    pub fn is_proved(&self, exchange: &[u8], proof: &ScramKey) -> bool {
        let signature = mac(&self.stored_key, exchange);
        let client_key = xor(proof, &signature);
        secret::is_same(&Sha256::digest(client_key).into(), &self.stored_key)
    }

    /// The proof of the server; `None` if the secret has ended.
    pub fn signature(&self, exchange: &[u8]) -> Option<ScramKey> {
        self.server_key.map(|key| mac(&key, exchange))
    }
}

/// The salt of a name without account: always the same, and like those of accounts.
pub(crate) fn salt_without_account(key: &ScramKey, name: &str, iterations: u32) -> ScramSalt {
    let mut salt = [0; SCRAM_SALT_BYTES];
    salt.copy_from_slice(&mac(key, name.as_bytes())[..SCRAM_SALT_BYTES]);
    ScramSalt { salt, iterations }
}

/// `Hi` of RFC 5802: PBKDF2 with HMAC-SHA-256 and an output of one block.
fn salted(secret: &[u8], salt: &ScramSalt) -> ScramKey {
    let keyed = keyed(secret);
    let mut first = keyed.clone();
    first.update(&salt.salt);
    first.update(&1_u32.to_be_bytes());
    let mut last: ScramKey = first.finalize().into_bytes().into();
    let mut sum = last;
    for _ in 1..salt.iterations {
        let mut next = keyed.clone();
        next.update(&last);
        last = next.finalize().into_bytes().into();
        sum = xor(&sum, &last);
    }
    sum
}

fn mac(key: &[u8], message: &[u8]) -> ScramKey {
    let mut mac = keyed(key);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HMAC with a key of any length: a longer one than a block is hashed, as RFC 2104 defines.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    Hmac::<Sha256>::new(&block.into())
}

fn xor(left: &ScramKey, right: &ScramKey) -> ScramKey {
    let mut both = *left;
    both.iter_mut().zip(right).for_each(|(byte, other)| *byte ^= other);
    both
}

#[cfg(test)]
#[path = "scram_tests.rs"]
mod tests;
