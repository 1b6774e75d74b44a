//! Why a call about issued reports failed.

/// Why a report was not issued, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The report cannot be made.
    #[error(transparent)]
    Report(#[from] crate::Error),
    /// The database cannot be read or written.
    #[error(transparent)]
    Database(#[from] access::Error),
}

impl From<anyhow::Error> for IssueError {
    fn from(error: anyhow::Error) -> Self {
        Self::Report(crate::Error::Internal(error))
    }
}
