//! Why a report cannot be made.

use config::diagnostic::Diagnostic;

/// Why a report cannot be made. The texts are for people who run reports; each contains what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("unknown report `{name}`; {remedy}")]
    UnknownReport { name: String, remedy: String },
    #[error("unknown parameter `{name}`; {remedy}")]
    UnknownParameter { name: String, remedy: String },
    #[error("invalid {name} `{value}`: expected {expected}")]
    InvalidParameter { name: String, value: String, expected: String },
    /// A statement cannot be planned or fails.
    #[error("{file}:{line}: the query `{query}` failed: {message}")]
    Statement { file: String, line: usize, query: String, message: String },
    /// A chart names a column that its query does not have, or that has another type.
    #[error("{file}: the chart `{chart}` cannot be drawn: {message}")]
    Chart { file: String, chart: String, message: String },
    #[error("{}", config::listed(.0))]
    Template(Vec<Diagnostic>),
    #[error("{what} exceeds {setting} = {limit}: {remedy}")]
    Limit { what: String, setting: &'static str, limit: u64, remedy: &'static str },
    /// A version of a table is no longer in the lake.
    #[error(
        "{table} is no longer in the lake at version {version}: its files were removed after a day; use --as-issued for the stored files"
    )]
    VersionGone { table: String, version: u64 },
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// Whether the request is the cause, rather than the plant folder or the program.
    pub const fn is_bad_request(&self) -> bool {
        matches!(
            self,
            Self::UnknownReport { .. }
                | Self::UnknownParameter { .. }
                | Self::InvalidParameter { .. }
        )
    }

    /// Short name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownReport { .. } => "unknown_report",
            Self::UnknownParameter { .. } => "unknown_parameter",
            Self::InvalidParameter { .. } => "bad_value",
            Self::Statement { .. } => "report_query",
            Self::Chart { .. } => "report_chart",
            Self::Template(_) => "report_template",
            Self::Limit { .. } => "report_limit",
            Self::VersionGone { .. } => "report_version",
            Self::Internal(_) => "internal",
        }
    }
}
