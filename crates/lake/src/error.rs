//! The errors of the lake that callers branch on, and how others are classified.
//!
//! Functions return `anyhow::Result`, whose context is for people. [`kind`] finds the error that
//! decides below any context.

use arrow::error::ArrowError;
use config::model::TableName;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;
use parquet::errors::ParquetError;
use std::fmt;

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Another process has changed the table in a way that excludes this commit.
    Conflict,
    /// Another process holds the lease of the lake, or has taken it over.
    Lease,
    /// The lake, the plant's folder or the statement has to be corrected.
    Config,
    /// The store refused the credentials or the operation.
    Access,
    /// The store cannot be reached or failed.
    Storage,
    /// Something that must exist is missing.
    NotFound,
    /// Stored data cannot be read.
    Data,
    /// Work made no progress for too long and was cancelled.
    Stalled,
    /// None of these.
    Other,
}

/// Whether the same operation can succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// At once, after the tables have been loaded again.
    Reload,
    /// After a pause, without any change.
    Later,
    /// Not before the cause is corrected.
    Never,
}

impl ErrorKind {
    /// Whether the operation can succeed later. An unknown error may pass, so it can.
    pub fn retry(self) -> Retry {
        match self {
            Self::Conflict => Retry::Reload,
            Self::Lease | Self::Storage | Self::Stalled | Self::Other => Retry::Later,
            Self::Config | Self::Access | Self::NotFound | Self::Data => Retry::Never,
        }
    }
}

/// A failure that callers branch on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "another process has committed the checkpoint `{checkpoint}` of {table}; load the table again \
         and resume from its checkpoints"
    )]
    CheckpointTaken { table: TableName, checkpoint: String },
    #[error("version {version} changed the definition of {table}; load the table again and retry")]
    Redefined { table: TableName, version: u64 },
    /// The commit is behind a newer checkpoint of the log, where no reader finds it.
    #[error(
        "other writers have advanced {table} past version {version}; load the table again and retry"
    )]
    CommitBehind { table: TableName, version: u64 },
    #[error("another process has changed {table} at the same time; load the table again and retry")]
    CommitConflict { table: TableName, source: DeltaTableError },
    /// Rows are appended to a table in the order of a journal without gaps.
    #[error(
        "entry {number} of the journal is missing before the first one that {table} lacks; pass all \
         entries from that number on"
    )]
    JournalGap { table: TableName, number: i64 },
    #[error("version {version} of {table} is missing from its log")]
    VersionMissing { table: TableName, version: u64 },
    #[error("{0}")]
    LeaseHeld(String),
    #[error("another process has taken over the lease of the lake")]
    LeaseLost { source: object_store::Error },
    #[error("invalid lease file {file}; delete it if no cockpit process is running")]
    LeaseInvalid { file: String, source: serde_json::Error },
    #[error(
        "bronze.{table} is missing in the lake {lake}, although meta.files lists {} in it. \
         Restore the folder bronze/{table} from a backup. Or delete the folder meta/files, run \
         `cockpit ingest --once` to read all dumps again, and then `cockpit rebuild`",
        counted(*dumps)
    )]
    BronzeMissing { table: String, dumps: usize, lake: String },
    /// Only the program and its Python package write the tables of a lake.
    #[error("another program changed rows of {table} (version {version}, {operation}); {remedy}")]
    ForeignChange { table: TableName, version: u64, operation: String, remedy: String },
    #[error("{table} is damaged; {remedy}")]
    Damaged { table: TableName, remedy: String, source: anyhow::Error },
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::CheckpointTaken { .. }
            | Self::Redefined { .. }
            | Self::CommitBehind { .. }
            | Self::CommitConflict { .. } => ErrorKind::Conflict,
            Self::LeaseHeld(_) | Self::LeaseLost { .. } => ErrorKind::Lease,
            Self::LeaseInvalid { .. }
            | Self::Damaged { .. }
            | Self::ForeignChange { .. }
            | Self::JournalGap { .. } => ErrorKind::Data,
            Self::VersionMissing { .. } | Self::BronzeMissing { .. } => ErrorKind::NotFound,
        }
    }
}

fn counted(dumps: usize) -> String {
    if dumps == 1 { "1 dump".to_owned() } else { format!("{dumps} dumps") }
}

/// Work that made no progress for too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Stalled {
    /// How long nothing happened, in seconds.
    pub seconds: u64,
    /// What was being done.
    pub phase: &'static str,
    /// Operators of the running statement that have not finished although all below them have.
    pub operators: Vec<String>,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no progress for {} s while {}", self.seconds, self.phase)?;
        if self.operators.is_empty() {
            return Ok(());
        }
        write!(f, "; waiting for: {}", self.operators.join("; "))
    }
}

/// The kind of an error, taken from the first of its causes that has one.
pub fn kind(error: &anyhow::Error) -> ErrorKind {
    error.chain().find_map(kind_of_cause).unwrap_or(ErrorKind::Other)
}

fn kind_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    if let Some(error) = cause.downcast_ref::<Error>() {
        return Some(error.kind());
    }
    if let Some(error) = cause.downcast_ref::<object_store::Error>() {
        return Some(kind_of_store(error));
    }
    if let Some(error) = cause.downcast_ref::<DeltaTableError>() {
        return is_conflict(error).then_some(ErrorKind::Conflict);
    }
    if let Some(error) = cause.downcast_ref::<ParquetError>() {
        // An external error is that of the store below.
        return (!matches!(error, ParquetError::External(_))).then_some(ErrorKind::Data);
    }
    if let Some(error) = cause.downcast_ref::<ArrowError>() {
        return (!matches!(error, ArrowError::ExternalError(_))).then_some(ErrorKind::Data);
    }
    if cause.is::<Stalled>() {
        return Some(ErrorKind::Stalled);
    }
    cause.is::<std::io::Error>().then_some(ErrorKind::Storage)
}

fn kind_of_store(error: &object_store::Error) -> ErrorKind {
    use object_store::Error as Store;
    match error {
        Store::NotFound { .. } => ErrorKind::NotFound,
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => ErrorKind::Access,
        Store::AlreadyExists { .. } | Store::Precondition { .. } => ErrorKind::Conflict,
        Store::NotSupported { .. }
        | Store::NotImplemented { .. }
        | Store::UnknownConfigurationKey { .. } => ErrorKind::Config,
        _ => ErrorKind::Storage,
    }
}

/// Whether a commit failed because of what another writer committed.
pub fn is_conflict(error: &DeltaTableError) -> bool {
    let DeltaTableError::Transaction { source } = error else { return false };
    matches!(
        source,
        TransactionError::CommitConflict(_)
            | TransactionError::VersionAlreadyExists(_)
            | TransactionError::MaxCommitAttempts(_)
    )
}

/// Whether a commit failed because another process has committed since.
pub fn is_commit_conflict(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::CommitConflict { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn table() -> TableName {
        TableName::new("silver", "reading")
    }

    #[track_caller]
    fn check(error: anyhow::Error, expected: ErrorKind, retry: Retry) {
        assert_eq!((kind(&error), kind(&error).retry()), (expected, retry), "{error:#}");
    }

    fn store(error: object_store::Error) -> anyhow::Error {
        Err::<(), _>(error).context("reading").context("refining").unwrap_err()
    }

    #[test]
    fn the_kind_is_found_below_context() {
        let error = Error::CheckpointTaken { table: table(), checkpoint: "kafka/t/0".to_owned() };
        let error = anyhow::Error::new(error).context("committing").context("streaming");
        check(error, ErrorKind::Conflict, Retry::Reload);
        let source = anyhow::anyhow!("unexpected end of file");
        let error = Error::Damaged { table: table(), remedy: "rebuild it".to_owned(), source };
        check(error.into(), ErrorKind::Data, Retry::Never);
        check(anyhow::anyhow!("anything"), ErrorKind::Other, Retry::Later);
    }

    #[test]
    fn a_refused_store_is_not_retried_and_an_unreachable_one_is() {
        let (path, source) = ("a".to_owned(), || "refused".into());
        let denied = object_store::Error::PermissionDenied { path: path.clone(), source: source() };
        check(store(denied), ErrorKind::Access, Retry::Never);
        let unreachable = object_store::Error::Generic { store: "s3", source: source() };
        check(store(unreachable), ErrorKind::Storage, Retry::Later);
        let inner = object_store::Error::Unauthenticated { path, source: source() };
        let wrapped = ParquetError::External(inner.into());
        check(anyhow::Error::new(wrapped), ErrorKind::Access, Retry::Never);
    }

    #[test]
    fn an_unreadable_file_is_damaged_data() {
        let error = ParquetError::General("invalid footer".to_owned());
        check(anyhow::Error::new(error), ErrorKind::Data, Retry::Never);
    }
}
