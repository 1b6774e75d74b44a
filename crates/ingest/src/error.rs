//! Why a dump or a topic cannot be read, and whether to try again.

use crate::decode::DecodeError;

/// Why a dump or a topic cannot be read. The messages name the cause, the place and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The brokers refuse the connection: wrong credentials, missing permissions, or a certificate that
    /// one side does not trust.
    #[error("{0}")]
    Auth(String),
    /// The OAUTHBEARER token is missing, invalid or expired. It was not sent to a broker.
    #[error("{0:#}")]
    Token(anyhow::Error),
    /// The configuration of the source is incomplete or invalid.
    #[error("{0:#}")]
    Config(anyhow::Error),
    /// No broker answers.
    #[error("{0}")]
    Unreachable(String),
    /// The topic or the bucket does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The bytes cannot be read from the bucket or the local disk, or not written to the disk.
    #[error("{0:#}")]
    Storage(anyhow::Error),
    /// The bytes are not what the contract describes.
    #[error("{0}")]
    Data(String),
    /// The consumer of the records has stopped.
    #[error("reading was stopped")]
    Stopped,
}

/// Whether and how soon a failed operation is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same input fails again.
    Never,
    /// The cause may pass by itself: try again soon, with growing pauses.
    Backoff,
    /// An operator has to fix the cause, here or at the broker: try again at a slow, constant pace. Each
    /// attempt may count towards locking the account.
    Slow,
}

impl Error {
    /// Whether and how soon to try again.
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Auth(_) | Self::Config(_) => Retry::Slow,
            Self::Token(_) | Self::Unreachable(_) | Self::NotFound(_) | Self::Storage(_) => {
                Retry::Backoff
            }
            Self::Data(_) | Self::Stopped => Retry::Never,
        }
    }

    /// The error of this crate among the causes of `error`, if there is one.
    pub fn find(error: &anyhow::Error) -> Option<&Self> {
        error.chain().find_map(|cause| cause.downcast_ref())
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Data(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_error_is_found_below_its_context() {
        let failed: Result<(), Error> = Err(Error::Auth("wrong password".to_owned()));
        let error = failed.context("reading temperatures").context("streaming").unwrap_err();
        assert!(matches!(Error::find(&error), Some(Error::Auth(_))));
        assert!(Error::find(&anyhow::anyhow!("disk full")).is_none());
    }

    #[test]
    fn credentials_are_not_tried_again_soon() {
        let auth = Error::Auth(String::new());
        let token = Error::Token(anyhow::anyhow!("expired"));
        let data = Error::Data(String::new());
        assert_eq!(
            [auth, token, data].map(|it| it.retry()),
            [Retry::Slow, Retry::Backoff, Retry::Never]
        );
    }
}
