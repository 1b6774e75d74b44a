//! What errors of SQL Server mean.

use crate::Error;
use std::io::ErrorKind;
use std::time::Duration;
use tiberius::error::TokenError;

/// Numbers of errors about user and password.
const AUTH: [u32; 7] = [18_452, 18_456, 18_470, 18_486, 18_487, 18_488, 40_532];
/// Numbers of errors about a database, a table or a column that does not exist, or that the user may not read.
const MISSING: [u32; 9] = [208, 229, 230, 262, 297, 300, 911, 916, 4060];
/// Numbers of errors about locks: the transaction was ended in favour of another, or a lock was not granted.
const LOCKS: [u32; 2] = [1205, 1222];
/// Numbers of errors that pass by themselves although their class is that of mistakes in statements: replicas and
/// databases that start, stop or move, and tables that were altered since the snapshot.
const PASSING: [u32; 16] = [
    596, 927, 976, 978, 982, 983, 3961, 4221, 6005, 10_928, 10_929, 17_142, 40_197, 40_501, 40_613,
    49_918,
];
/// The class from which on errors are about resources and the server, not the statement.
const SERVER_CLASS: u8 = 17;
/// Kinds of errors of a connection that the other side ended.
const ENDED: [ErrorKind; 3] =
    [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
/// Part of the library's message if the server has no encryption.
const UNENCRYPTED: &str = "requested encryption level";
/// Where the library's advice to programmers begins.
const ADVICE: &str = " To connect anyway";

/// What an error of the connection or the server means.
pub fn of(place: &str, error: &tiberius::error::Error) -> Error {
    match error {
        tiberius::error::Error::Server(answer) => of_answer(place, answer),
        tiberius::error::Error::Tls(text) => {
            let cause = text.split(ADVICE).next().unwrap_or(text);
            Error::Unreachable(format!(
                "no encrypted connection to {place}: {cause}; check ca_file, and that the certificate names the host"
            ))
        }
        tiberius::error::Error::Io { kind, message } if ENDED.contains(kind) => {
            Error::Unreachable(format!("{place} has ended the connection: {message}"))
        }
        tiberius::error::Error::Io { message, .. } => {
            Error::Unreachable(format!("{place} cannot be reached: {message}"))
        }
        tiberius::error::Error::Protocol(text) if text.contains(UNENCRYPTED) => Error::Unreachable(
            format!("{place} offers no encryption; enable it at the server, or write tls = false"),
        ),
        other => Error::Unreachable(format!("{place} cannot be read: {other}")),
    }
}

fn of_answer(place: &str, answer: &TokenError) -> Error {
    let number = answer.code();
    let text = format!("{place}: {} ({number})", answer.message());
    if AUTH.contains(&number) {
        Error::Auth(format!(
            "{text}; check user and password, and that the server allows logins by password"
        ))
    } else if MISSING.contains(&number) {
        Error::NotFound(format!(
            "{text}; check the privileges of the user, and `url`, `table` and `query` of the contract"
        ))
    } else if LOCKS.contains(&number) {
        Error::Unreachable(format!(
            "{text}; with ALLOW_SNAPSHOT_ISOLATION of the database, reads need no locks of rows"
        ))
    } else if PASSING.contains(&number) || answer.class() >= SERVER_CLASS {
        Error::Unreachable(text)
    } else {
        Error::Data(format!(
            "{text}; check `table`, `query`, `key` and `watermark` of the contract"
        ))
    }
}

/// A statement that was cancelled.
pub fn too_long(place: &str) -> Error {
    Error::Unreachable(format!(
        "{place}: a statement took too long; an index on the columns of watermark and key makes pages fast, \
         `statement_timeout` allows more time"
    ))
}

/// A connection that was not made in time.
pub fn no_answer(place: &str, wait: Duration) -> Error {
    Error::Unreachable(format!("{place} cannot be reached: no answer within {} s", wait.as_secs()))
}
