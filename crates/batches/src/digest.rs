//! SHA-256 of bytes, as 64 lower-case hexadecimal digits.

use sha2::{Digest as _, Sha256};
use std::io;

/// Computes the SHA-256 of the bytes written to it.
#[derive(Debug, Default, Clone)]
pub struct Sha256Digest(Sha256);

impl Sha256Digest {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes.
    pub fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

impl io::Write for Sha256Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Computes the SHA-256 of the bytes written to it, and that of the first of them.
#[derive(Debug, Default)]
pub struct PrefixDigest {
    whole: Sha256Digest,
    size_bytes: u64,
    prefix_bytes: Option<u64>,
    prefix: Option<String>,
}

impl PrefixDigest {
    /// A digest that also covers the first `prefix_bytes` bytes alone.
    pub fn new(prefix_bytes: Option<u64>) -> Self {
        Self { prefix_bytes, ..Self::default() }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let end = self.size_bytes + bytes.len() as u64;
        let mut rest = bytes;
        if let Some(prefix_bytes) = self.prefix_bytes.filter(|prefix| *prefix <= end) {
            let left = usize::try_from(prefix_bytes - self.size_bytes).unwrap_or(bytes.len());
            let (first, others) = bytes.split_at(left);
            self.whole.update(first);
            self.prefix = Some(self.whole.clone().finish());
            self.prefix_bytes = None;
            rest = others;
        }
        self.whole.update(rest);
        self.size_bytes = end;
    }

    /// Number of bytes written.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The digest of all bytes, and that of the first ones if there were as many.
    pub fn finish(self) -> (String, Option<String>) {
        (self.whole.finish(), self.prefix)
    }
}

impl io::Write for PrefixDigest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 of a text.
pub fn sha256_hex(text: &str) -> String {
    let mut digest = Sha256Digest::default();
    digest.update(text.as_bytes());
    digest.finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(super::sha256_hex(""), empty);
    }

    #[test]
    fn the_digest_of_the_prefix_does_not_depend_on_the_pieces() {
        let text = "one,two,three";
        for prefix in 0..=text.len() + 1 {
            for piece in 1..=text.len() {
                let mut digest = super::PrefixDigest::new(Some(prefix as u64));
                text.as_bytes().chunks(piece).for_each(|bytes| digest.update(bytes));
                let expected = text.get(..prefix).map(super::sha256_hex);
                assert_eq!(digest.size_bytes(), text.len() as u64);
                assert_eq!(
                    digest.finish(),
                    (super::sha256_hex(text), expected),
                    "{prefix} {piece}"
                );
            }
        }
    }
}
