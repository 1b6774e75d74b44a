//! Why a file server cannot be read.

use std::fmt;
use std::io;

/// What is wrong. The texts are fixed, so that a remedy can be found for an error that passed through other layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The file or folder does not exist.
    Absent,
    /// The user may not read it.
    Denied,
    /// User, password, token or key is refused.
    Refused,
    /// The key of the host is unknown, or another one than before.
    HostKey,
    /// The certificate of the server is not trusted.
    Certificate,
    /// A program, a key or another file on this machine is missing or unusable.
    Local,
    /// The server does not answer.
    Away,
    /// The connection broke, or a file ended before its end.
    Broken,
    /// The server does not understand a request, or its answer is not understood.
    Unsupported,
    /// A listing is longer or deeper than its limit.
    TooMany,
}

impl Cause {
    const ALL: [Self; 10] = [
        Self::Absent,
        Self::Denied,
        Self::Refused,
        Self::HostKey,
        Self::Certificate,
        Self::Local,
        Self::Away,
        Self::Broken,
        Self::Unsupported,
        Self::TooMany,
    ];

    /// The fixed text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "the file or folder does not exist",
            Self::Denied => "the server denies the permission to read",
            Self::Refused => "the server refuses the login",
            Self::HostKey => "the host key is not in the file of known hosts",
            Self::Certificate => "the certificate of the server is not trusted",
            Self::Local => "the connection cannot be prepared",
            Self::Away => "the server is not reached",
            Self::Broken => "the connection broke",
            Self::Unsupported => "the server answers in an unexpected way",
            Self::TooMany => "the listing is too long",
        }
    }

    /// The cause whose text an error contains.
    pub fn of_text(error: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| error.contains(cause.as_str()))
    }

    /// Whether the same request may succeed soon.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Away | Self::Broken)
    }
}

/// Why a request failed. The text has no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub cause: Cause,
    /// Place and words of the server or of the system.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: printable(&detail.into()) }
    }

    /// A failed read or write of a connection.
    pub(crate) fn broken(error: &io::Error) -> Self {
        Self::new(Cause::Broken, error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.as_str() {
            "" => f.write_str(self.cause.as_str()),
            detail => write!(f, "{}: {detail}", self.cause.as_str()),
        }
    }
}

impl std::error::Error for Failure {}

/// The longest text of a server in an error, in characters.
const DETAIL_CHARS: usize = 400;

/// The text in one line, without control characters, and not longer than useful.
fn printable(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    line.chars().filter(|sign| !sign.is_control()).take(DETAIL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_found_in_the_text_of_an_error() {
        for cause in Cause::ALL {
            let error = format!("listing x: {}", Failure::new(cause, "HOST: 530 Login incorrect"));
            assert_eq!(Cause::of_text(&error), Some(cause), "{error}");
        }
        assert_eq!(Cause::of_text("status code: 403"), None);
    }

    #[test]
    fn a_detail_is_one_line() {
        let failure = Failure::new(Cause::Away, " a\r\nb\u{1b}[31m\tc ");
        assert_eq!(failure.to_string(), "the server is not reached: a b[31m c");
        assert_eq!(Failure::new(Cause::Away, "x".repeat(1_000)).detail.len(), DETAIL_CHARS);
    }
}
