//! SHA-256 of bytes, in the spelling used everywhere: 64 lower-case hexadecimal digits.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io;

/// Takes the fingerprint of what is written to it.
#[derive(Debug, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The fingerprint of all bytes so far.
    pub fn finish(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            write!(text, "{byte:02x}").unwrap_or_default();
            text
        })
    }
}

impl io::Write for Fingerprint {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fingerprint of a text.
pub fn of_text(text: &str) -> String {
    let mut fingerprint = Fingerprint::default();
    fingerprint.update(text.as_bytes());
    fingerprint.finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_known_one() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(super::of_text(""), empty);
    }
}
