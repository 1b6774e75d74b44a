//! Errors of the service, and their conversion to responses.
//!
//! An [`Error`] has a public part (status, code, message) and a private cause. The cause is logged once,
//! when the error is converted, and is never sent to the client. The body of the response is written by
//! [`problem::write_body`].

pub mod kinds;
pub mod problem;
mod responses;

pub use problem::{ErrorBody, Problem};
pub use responses::{Refusals, described, kinds as all_kinds};

use crate::Limits;
use access::ErrorKind;
use arrow::error::ArrowError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use datafusion::common::Diagnostic;
use datafusion::error::DataFusionError;
use std::time::Duration;

/// The message of DataFusion's optimizer for an invalid regular expression, whose error has no type of
/// its own.
const BAD_PATTERN: &str = "Invalid regex";
/// The same of a pattern that exceeds the size of a compiled one.
const PATTERN_TOO_BIG: &str = "Regular expression did not compile";

/// `Retry-After` of a response that is refused because of load, in seconds.
pub const BUSY_RETRY_S: i64 = 5;

/// The failure of a request.
#[derive(Debug)]
pub struct Error {
    pub status: StatusCode,
    /// For programs: stays the same from release to release.
    pub code: &'static str,
    /// For people: the problem and its solution.
    pub public: String,
    /// For the log only.
    pub private: Option<anyhow::Error>,
    /// Line and column in the SQL text, from 1.
    pub position: Option<(u64, u64)>,
    /// Seconds after which the same request may succeed.
    pub retry_after_s: Option<i64>,
}

impl Error {
    /// An error without a private cause.
    pub fn new(status: StatusCode, code: &'static str, public: impl Into<String>) -> Self {
        let public = public.into();
        Self { status, code, public, private: None, position: None, retry_after_s: None }
    }

    /// The request is invalid.
    pub fn bad(code: &'static str, public: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, public)
    }

    /// A failure of the program or of a system it depends on; `private` is the cause.
    pub fn internal(private: anyhow::Error) -> Self {
        let public = "internal error: the log of the program contains the cause";
        let made = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", public);
        Self { private: Some(private), ..made }
    }

    /// The error of a lower layer. A limit or the data of the request may be the cause.
    pub fn from_lower_layer(error: anyhow::Error) -> Self {
        match error.downcast::<DataFusionError>() {
            Ok(error) => Self::from(error),
            Err(error) => Self::internal(error),
        }
    }

    /// The answer took too long.
    pub fn timeout(limit: Duration) -> Self {
        let public = format!(
            "the response took longer than {} s; request fewer rows or a shorter period",
            limit.as_secs_f64()
        );
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", public)
    }

    /// The limit of concurrent requests is reached.
    pub fn busy(what: &str, limit: usize, limits: &Limits) -> Self {
        let public = format!(
            "{limit} {what} are running and none ended within {} s; try again later",
            limits.wait_time.as_secs_f64()
        );
        let busy = Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", public);
        Self { retry_after_s: Some(BUSY_RETRY_S), ..busy }
    }

    /// The user database cannot be used; `private` is the reason.
    pub fn access_unavailable(private: Option<anyhow::Error>) -> Self {
        let public = "the user database is unavailable, so every request that needs a permission is \
                      refused; the log of the program contains the cause";
        let unavailable = Self::new(StatusCode::SERVICE_UNAVAILABLE, "access_unavailable", public);
        Self { private, ..unavailable }
    }

    /// Logs the private cause. Called once per error.
    pub fn log(&self) {
        let status = self.status.as_u16();
        match &self.private {
            Some(cause) => {
                tracing::error!(
                    code = self.code,
                    status,
                    cause = format!("{cause:#}"),
                    "request_failed"
                );
            }
            None => {
                tracing::debug!(code = self.code, status, message = self.public, "request_refused")
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let mut response = self.status.into_response();
        let problem = Problem { code: self.code, detail: self.public, position: self.position };
        response.extensions_mut().insert(problem);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry_after_s) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, retry_after_s.into());
        }
        response
    }
}

impl From<access::Error> for Error {
    fn from(error: access::Error) -> Self {
        let public = error.to_string();
        let (status, code) = match (&error, error.kind()) {
            (access::Error::LoginRefused, _) => (StatusCode::UNAUTHORIZED, "login_refused"),
            (access::Error::SetupRefused, _) => (StatusCode::UNAUTHORIZED, "setup_refused"),
            (access::Error::WeakPassword(_), _) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "weak_password")
            }
            (access::Error::WrongCode, _) => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_code"),
            (access::Error::Busy, _) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            (_, ErrorKind::Unauthenticated) => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            (_, ErrorKind::Forbidden) => (StatusCode::FORBIDDEN, "forbidden"),
            (_, ErrorKind::Throttled) => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
            (_, ErrorKind::Invalid) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
            (_, ErrorKind::NotFound) => (StatusCode::NOT_FOUND, "not_found"),
            (_, ErrorKind::Conflict) => (StatusCode::CONFLICT, "conflict"),
            (_, ErrorKind::Unavailable | ErrorKind::Broken) => {
                return Self::access_unavailable(Some(error.into()));
            }
            (_, ErrorKind::Internal) => return Self::internal(error.into()),
        };
        let retry_after_s = match &error {
            access::Error::TooManyAttempts { retry_after_s } => Some(*retry_after_s),
            access::Error::Busy => Some(BUSY_RETRY_S),
            _ => None,
        };
        Self { retry_after_s, ..Self::new(status, code, public) }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        let position = position(&error);
        let made = match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "out_of_memory",
                out_of_memory(&text(&error)),
            ),
            DataFusionError::SQL(..) => Self::bad("bad_sql", text(&error)),
            DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Configuration(_)
            | DataFusionError::Diagnostic(..) => Self::bad("bad_query", text(&error)),
            DataFusionError::Execution(_) => Self::bad("query_failed", text(&error)),
            DataFusionError::ArrowError(arrow, _) if is_caused_by_values(arrow) => {
                Self::bad("query_failed", text(&error))
            }
            DataFusionError::External(_) if error.to_string().contains(BAD_PATTERN) => {
                Self::bad("query_failed", text(&error))
            }
            DataFusionError::Internal(message) if message.contains(PATTERN_TOO_BIG) => {
                Self::bad("query_failed", "the regular expression is too large")
            }
            _ => return Self::internal(error.into()),
        };
        Self { position, ..made }
    }
}

/// Whether values of the rows cause the error (a division by zero, a text that cannot be parsed as a
/// number), not the files that are read.
fn is_caused_by_values(error: &ArrowError) -> bool {
    !matches!(
        error,
        ArrowError::IoError(..)
            | ArrowError::ParquetError(_)
            | ArrowError::IpcError(_)
            | ArrowError::ExternalError(_)
            | ArrowError::MemoryError(_)
    )
}

/// DataFusion lists the memory of each consumer; the message contains the size of the pool only.
fn out_of_memory(message: &str) -> String {
    let pool = message.split_once("pool_size: ").and_then(|(_, rest)| rest.split_once(')'));
    let pool_size = pool.map_or_else(String::new, |(size, _)| format!(" ({size} for all queries)"));
    format!(
        "the query needs more memory than available{pool_size}; request fewer rows, columns or groups"
    )
}

/// The message of DataFusion without its prefixes, its backtrace and its request for bug reports, but
/// with its advice.
fn text(error: &DataFusionError) -> String {
    let root = error.find_root();
    let message = match root {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        DataFusionError::Diagnostic(diagnostic, _) => diagnostic.message.clone(),
        other => other.message().into_owned(),
    };
    let message = message.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    let message =
        message.trim_start_matches("sql parser error: ").trim_end_matches('.').replace('\n', " ");
    match error.diagnostic().map(advice) {
        Some(advice) if !advice.is_empty() && !message.contains(&advice) => {
            format!("{message}; {advice}")
        }
        _ => message,
    }
}

fn advice(diagnostic: &Diagnostic) -> String {
    let notes = diagnostic.notes.iter().map(|note| note.message.as_str());
    let helps = diagnostic.helps.iter().map(|help| help.message.as_str());
    helps.chain(notes).collect::<Vec<_>>().join("; ")
}

/// Line and column, from the diagnostic or from the parser's text ("at Line: 1, Column: 8").
fn position(error: &DataFusionError) -> Option<(u64, u64)> {
    if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span)
        && span.start.line > 0
    {
        return Some((span.start.line, span.start.column));
    }
    let DataFusionError::SQL(parser, _) = error.find_root() else { return None };
    let message = parser.to_string();
    let (_, numbers) = message.rsplit_once("Line: ")?;
    let (line, column) = numbers.split_once(", Column: ")?;
    let digits = column.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, digits.parse().ok()?))
}
