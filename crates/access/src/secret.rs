//! Values that must not appear in logs, and the random bytes they are made of.

use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Source of random bytes. It must be cryptographically secure, such as the operating system's
/// generator; tests pass a seeded one.
pub type Random = dyn rand::CryptoRng + Send;

/// SHA-256 of a secret: what is stored in its place.
pub(crate) type Hash = [u8; 32];

/// A password, code, cookie or token. `Debug` shows no part of it, and there is no `Display`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that hands it to its owner or checks it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// SHA-256 of a text.
pub(crate) fn hash_of(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// Compares in a time that does not depend on where the two differ.
pub(crate) fn is_same(left: &Hash, right: &Hash) -> bool {
    left.ct_eq(right).into()
}

pub fn random_bytes<const N: usize>(random: &mut Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_text() {
        let shown = format!("{:?}", Some(Secret::new("hunter2")));
        assert_eq!(shown, "Some(Secret(hidden))");
    }

    #[test]
    fn hashes_compare_by_value() {
        assert!(is_same(&hash_of("a"), &hash_of("a")));
        assert!(!is_same(&hash_of("a"), &hash_of("b")));
    }
}
