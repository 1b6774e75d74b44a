//! The error type of the crate. Every message may be shown to the client: it contains no secret, and
//! the message of a refused login does not depend on the reason.

use crate::password::Weakness;
use std::io;
use std::path::Path;

/// Reason of a failed call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the name, the password or the code is wrong, or there were too many attempts: \
         wait a moment and try again"
    )]
    LoginRefused,
    #[error("too many failed logins from this address: try again in {retry_after_s} s")]
    TooManyAttempts { retry_after_s: i64 },
    #[error("too many logins are waiting to be checked: try again in a few seconds")]
    Busy,
    #[error("not logged in: log in, or send a valid API token")]
    Unauthenticated,
    #[error("the session has expired: log in again")]
    SessionExpired,
    #[error("the API token has expired: create a new one")]
    TokenExpired,
    #[error(
        "no permission to {action} in {scope}: ask an administrator for a role that includes it"
    )]
    Forbidden { action: &'static str, scope: String },
    #[error("invalid {what} `{value}`: expected {expected}")]
    Invalid { what: &'static str, value: String, expected: String },
    #[error("this password is too weak: {0}")]
    WeakPassword(Weakness),
    #[error("the code is wrong or was used already: enter the next one")]
    WrongCode,
    #[error(
        "the setup link is wrong, expired or was used already: restart the program for a new one"
    )]
    SetupRefused,
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },
    #[error("{what} `{name}` exists already")]
    Exists { what: &'static str, name: String },
    #[error("more than {limit} {what} are not allowed: remove some, or raise `{setting}`")]
    LimitReached { what: &'static str, limit: u64, setting: &'static str },
    #[error("no user could manage users after this: make another user administrator first")]
    LastAdministrator,
    #[error(
        "the access database {path} is corrupt ({detail}): stop the program and restore a backup"
    )]
    Corrupt { path: String, detail: String },
    #[error(
        "the access database {path} cannot be written: make the file and its folder writable for \
         the account of the program"
    )]
    ReadOnly { path: String },
    #[error(
        "the access database {path} has version {found}, this program knows versions up to \
         {known}: install a newer program or restore an older backup"
    )]
    NewerDatabase { path: String, found: i64, known: i64 },
    #[error("{path} is an SQLite database of another program: configure another path")]
    ForeignDatabase { path: String },
    #[error("the access database {path} is in use: stop the program first")]
    InUse { path: String },
    #[error("the access database {path} stayed locked by another process: try again")]
    Contended { path: String },
    #[error("there is no space left for the access database {path}: free some")]
    Full { path: String },
    #[error("cannot {action} {path}: {source}")]
    File { action: &'static str, path: String, source: io::Error },
    #[error("the access database failed: {0}")]
    Database(rusqlite::Error),
    #[error("hashing the password failed: {0}")]
    Hashing(String),
}

/// What an error means for the caller, one status code or exit code each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The sender is not authenticated (HTTP 401).
    Unauthenticated,
    /// Authenticated, but without the permission (HTTP 403).
    Forbidden,
    /// Too many attempts (HTTP 429).
    Throttled,
    /// The request is wrong (HTTP 422).
    Invalid,
    /// The requested object does not exist (HTTP 404).
    NotFound,
    /// The request conflicts with the stored state (HTTP 409).
    Conflict,
    /// The store cannot be used now (HTTP 503).
    Unavailable,
    /// The store requires a manual repair (HTTP 503, exit).
    Broken,
    /// A fault of the program (HTTP 500).
    Internal,
}

impl Error {
    pub(crate) fn invalid(what: &'static str, value: &str, expected: impl Into<String>) -> Self {
        let value = value.chars().take(100).collect();
        Self::Invalid { what, value, expected: expected.into() }
    }

    pub(crate) fn not_found(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound { what, name: name.to_string() }
    }

    pub(crate) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt { path: String::new(), detail: detail.into() }
    }

    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.display().to_string();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path }
            }
            io::ErrorKind::StorageFull => Self::Full { path },
            _ => Self::File { action, path, source },
        }
    }

    /// Adds the path of the database, if the error has none yet.
    pub(crate) fn at(mut self, database: &Path) -> Self {
        let target = match &mut self {
            Self::Corrupt { path, .. }
            | Self::ReadOnly { path }
            | Self::InUse { path }
            | Self::Contended { path }
            | Self::Full { path } => path,
            _ => return self,
        };
        if target.is_empty() {
            *target = database.display().to_string();
        }
        self
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::LoginRefused
            | Self::Unauthenticated
            | Self::SessionExpired
            | Self::TokenExpired
            | Self::SetupRefused => ErrorKind::Unauthenticated,
            Self::Forbidden { .. } => ErrorKind::Forbidden,
            Self::TooManyAttempts { .. } => ErrorKind::Throttled,
            Self::Invalid { .. } | Self::WeakPassword(_) | Self::WrongCode => ErrorKind::Invalid,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Exists { .. } | Self::LimitReached { .. } | Self::LastAdministrator => {
                ErrorKind::Conflict
            }
            Self::Busy | Self::Contended { .. } | Self::Full { .. } => ErrorKind::Unavailable,
            Self::Corrupt { .. }
            | Self::ReadOnly { .. }
            | Self::NewerDatabase { .. }
            | Self::ForeignDatabase { .. }
            | Self::InUse { .. }
            | Self::File { .. } => ErrorKind::Broken,
            Self::Database(_) | Self::Hashing(_) => ErrorKind::Internal,
        }
    }

    /// Whether the same call may succeed later without an intervention.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Busy | Self::Contended { .. } | Self::TooManyAttempts { .. })
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sqlite;
        use rusqlite::ErrorCode as Code;
        let is_misread = matches!(
            error,
            Sqlite::FromSqlConversionFailure(..)
                | Sqlite::IntegralValueOutOfRange(..)
                | Sqlite::Utf8Error(..)
                | Sqlite::InvalidColumnType(..)
        );
        if is_misread {
            return Self::corrupt(error.to_string());
        }
        let path = String::new();
        match error.sqlite_error_code() {
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::corrupt(error.to_string()),
            Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            Some(Code::DiskFull) => Self::Full { path },
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Contended { path },
            _ => Self::Database(error),
        }
    }
}
