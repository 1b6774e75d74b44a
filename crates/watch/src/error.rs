//! Why a call failed.

use plant::alarm::Refused;

/// Reason of a failed call. Its text may be shown to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no alarm `{0}`")]
    NotFound(String),
    /// The state of the alarm does not permit the command.
    #[error("{0}")]
    Refused(Refused),
    /// A value of the command is invalid.
    #[error("{0}")]
    Invalid(String),
    /// No engine runs in this process.
    #[error("alarms are not managed by this process: {0}")]
    NotRunning(String),
    /// The journal cannot be written or read.
    #[error(transparent)]
    Database(#[from] access::Error),
    #[error("{0}")]
    Failed(String),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
