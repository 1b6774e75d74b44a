//! Errors as PostgreSQL clients expect them, with codes of SQLSTATE.

use super::message::Malformed;
use datafusion::error::DataFusionError;
use pgwire::error::{ErrorInfo, PgWireError};
use serve::http::Error;

/// SQLSTATE codes of errors of the HTTP interface, by the code there.
const STATES: [(&str, &str); 19] = [
    ("access_unavailable", "57P03"),
    ("ambiguous_columns", "42702"),
    ("bad_query", "42000"),
    ("bad_sql", "42601"),
    ("busy", "53400"),
    ("forbidden", "42501"),
    ("login_refused", "28P01"),
    ("out_of_memory", "53200"),
    ("query_failed", "22000"),
    ("read_only", "25006"),
    ("several_statements", "42601"),
    ("throttled", "28000"),
    ("timeout", "57014"),
    ("too_big", "54000"),
    ("too_deep", "54001"),
    ("too_many_requests", "53400"),
    ("too_many_rows", "54000"),
    ("unauthenticated", "28000"),
    ("unknown_parameter", "42P02"),
];
const UNKNOWN_TABLE: &str = "42P01";
const INTERNAL: &str = "XX000";

/// An error of the statement, after which the connection continues.
pub fn error(state: &str, message: impl Into<String>) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".into(), state.into(), message.into())))
}

/// An error after which the connection ends.
pub fn fatal(state: &str, message: impl Into<String>) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("FATAL".into(), state.into(), message.into())))
}

/// A feature of PostgreSQL that this program does not have.
pub fn unsupported(what: impl Into<String>) -> PgWireError {
    error("0A000", what)
}

/// A refusal of the login, which ends the connection.
pub fn refused(failed: Error) -> PgWireError {
    let mut info = ErrorInfo::from(from_read_path(failed, ""));
    info.severity = "FATAL".to_owned();
    PgWireError::UserError(Box::new(info))
}

/// The client broke the protocol.
pub fn violation(message: impl Into<String>) -> PgWireError {
    error("08P01", message)
}

/// The client sent a message that cannot be read.
pub fn malformed(invalid: Malformed) -> PgWireError {
    match invalid.is_fatal {
        true => fatal(invalid.state, invalid.message),
        false => error(invalid.state, invalid.message),
    }
}

/// The client cancelled the statement.
pub fn cancelled() -> PgWireError {
    error("57014", "canceling statement due to user request")
}

/// The program stops.
pub fn stopping() -> PgWireError {
    fatal("57P01", "terminating connection due to administrator command")
}

/// An error of the read path, which is logged here. `sql` is the statement, for the position in it.
pub fn from_read_path(failed: Error, sql: &str) -> PgWireError {
    failed.log();
    let state = match failed.code {
        "unknown_table" => UNKNOWN_TABLE,
        code => STATES.iter().find(|(known, _)| *known == code).map_or(INTERNAL, |it| it.1),
    };
    // A login that has ended does not come back on this connection.
    let severity = if failed.code == "unauthenticated" { "FATAL" } else { "ERROR" };
    let mut info = ErrorInfo::new(severity.into(), state.into(), failed.public);
    info.position = failed.position.and_then(|at| offset(sql, at)).map(|at| at.to_string());
    PgWireError::UserError(Box::new(info))
}

/// An error of DataFusion.
pub fn from_datafusion(failed: DataFusionError, sql: &str) -> PgWireError {
    from_read_path(Error::from(failed), sql)
}

/// The position of a line and column, in characters from 1.
fn offset(sql: &str, (line, column): (u64, u64)) -> Option<u64> {
    let before = usize::try_from(line.checked_sub(1)?).ok()?;
    let lines = sql.split('\n').take(before).map(|it| it.chars().count() as u64 + 1);
    Some(lines.sum::<u64>() + column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters() {
        assert_eq!(offset("select x", (1, 8)), Some(8));
        assert_eq!(offset("sélect\nx", (2, 1)), Some(8));
        assert_eq!(offset("", (0, 0)), None);
    }

    #[test]
    fn codes_are_sorted_and_have_five_characters() {
        assert!(STATES.is_sorted());
        assert!(STATES.iter().all(|(_, state)| state.len() == 5));
    }
}
