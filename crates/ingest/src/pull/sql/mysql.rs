//! MySQL and MariaDB: rows by the text protocol, which gives the database's own text.

use super::columns::{ColumnKind, SqlColumn};
use super::dialect::Dialect;
use super::pace::Pace;
use super::session::{Session, Sink, password, statement_timeout_s};
use crate::Error;
use crate::decode::copy_text::push_field;
use crate::tls;
use config::settings::Limits;
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Opts, OptsBuilder, Row, SslOpts, Value};
use plant::source::{Server, SqlSource};
use std::time::Duration;

/// The character set of bytes that are not text.
const BINARY: u16 = 63;

/// A connection in one transaction.
pub struct MySql {
    connection: Conn,
    place: String,
    /// Time zone of the server, as seconds east of UTC.
    zone_s: i64,
}

/// Connects and begins the transaction.
///
/// # Errors
/// As [`crate::pull::read`].
pub async fn open(server: &Server, source: &SqlSource, limits: &Limits) -> Result<MySql, Error> {
    let place = source.database.to_string();
    // The library takes the provider of the process. It fails if there already is one, which is as good.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = options(server)?;
    let wait = Duration::from_secs(limits.pull.sql_connect_timeout_s);
    let connected = tokio::time::timeout(wait, Conn::new(options)).await;
    let Ok(connected) = connected else {
        let reason = format!("{place} cannot be reached: no answer within {} s", wait.as_secs());
        return Err(Error::Unreachable(reason));
    };
    let connection = connected.map_err(|it| error(&place, &it))?;
    let mut session = MySql { connection, place, zone_s: 0 };
    session.begin(statement_timeout_s(source, limits)).await?;
    Ok(session)
}

fn options(server: &Server) -> Result<Opts, Error> {
    let secret = password(server)?;
    let options = OptsBuilder::default()
        .ip_or_hostname(server.host.clone())
        .tcp_port(server.port)
        .user(Some(server.user.clone()))
        .pass(secret.as_ref().map(|it| it.expose().to_owned()))
        .db_name(Some(server.database.clone()))
        .prefer_socket(false);
    let options = match server.is_encrypted {
        false => options,
        true => {
            // Reports certificates that cannot be read.
            tls::config(server.ca_file.as_deref())?;
            let roots = tls::files(server.ca_file.as_deref()).into_iter().map(Into::into);
            options.ssl_opts(SslOpts::default().with_root_certs(roots.collect()))
        }
    };
    Ok(options.into())
}

impl MySql {
    async fn begin(&mut self, timeout_s: u64) -> Result<(), Error> {
        let version = self.value("SELECT VERSION()").await?.unwrap_or_default();
        let timeout = match version.contains("MariaDB") {
            true => format!("SET SESSION max_statement_time = {timeout_s}"),
            false => {
                format!("SET SESSION max_execution_time = {}", timeout_s.saturating_mul(1_000))
            }
        };
        let zone = "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())";
        self.zone_s = self.value(zone).await?.and_then(|it| it.parse().ok()).unwrap_or_default();
        for statement in [
            "SET NAMES utf8mb4",
            &timeout,
            "SET SESSION time_zone = '+00:00'",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ] {
            let done = self.connection.query_drop(statement).await;
            done.map_err(|it| error(&self.place, &it))?;
        }
        Ok(())
    }
}

impl Session for MySql {
    const DIALECT: Dialect = Dialect::new('`', true);

    async fn columns(&mut self, from: &str) -> Result<Vec<SqlColumn>, Error> {
        let statement = format!("SELECT * FROM {from} LIMIT 0");
        let place = &self.place;
        let result = self.connection.query_iter(statement).await;
        let result = result.map_err(|it| error(place, &it))?;
        let columns = result.columns_ref().iter().map(column).collect();
        result.drop_result().await.map_err(|it| error(place, &it))?;
        Ok(columns)
    }

    async fn rows(
        &mut self,
        statement: &str,
        pace: &mut Pace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let place = &self.place;
        let result = self.connection.query_iter(statement).await;
        let mut result = result.map_err(|it| error(place, &it))?;
        let are_bytes: Vec<bool> = result.columns_ref().iter().map(is_bytes).collect();
        let mut line = Vec::new();
        while let Some(row) = result.next().await.map_err(|it| error(place, &it))? {
            line.clear();
            push_row(&mut line, &row, &are_bytes);
            sink(&line)?;
            pace.row().await;
        }
        Ok(())
    }

    fn now_statement(&self, has_zone: bool) -> String {
        // Times without a zone are usually those of the zone that the server is configured with.
        let ahead_s = if has_zone { 0 } else { self.zone_s.max(0) };
        format!(
            "SELECT DATE_FORMAT(UTC_TIMESTAMP() + INTERVAL {ahead_s} SECOND, '%Y-%m-%d %H:%i:%s')"
        )
    }

    async fn close(self) {
        // The server ends a transaction whose connection is closed, so a failure is of no consequence.
        let _closed = self.connection.disconnect().await;
    }
}

fn push_row(line: &mut Vec<u8>, row: &Row, are_bytes: &[bool]) {
    for (at, is_bytes) in are_bytes.iter().enumerate() {
        if at > 0 {
            line.push(b'\t');
        }
        match row.as_ref(at) {
            None | Some(Value::NULL) => push_field(line, None),
            Some(Value::Bytes(bytes)) if *is_bytes || std::str::from_utf8(bytes).is_err() => {
                push_field(line, Some(format!("\\x{}", hex::encode(bytes)).as_bytes()));
            }
            Some(Value::Bytes(bytes)) => push_field(line, Some(bytes)),
            // The text protocol has no other values.
            Some(other) => push_field(line, Some(other.as_sql(true).as_bytes())),
        }
    }
    line.push(b'\n');
}

/// Whether the values of a column are bytes, which are written in hexadecimal.
fn is_bytes(column: &Column) -> bool {
    use ColumnType::*;
    let is_string = matches!(
        column.column_type(),
        MYSQL_TYPE_VARCHAR
            | MYSQL_TYPE_VAR_STRING
            | MYSQL_TYPE_STRING
            | MYSQL_TYPE_TINY_BLOB
            | MYSQL_TYPE_MEDIUM_BLOB
            | MYSQL_TYPE_LONG_BLOB
            | MYSQL_TYPE_BLOB
            | MYSQL_TYPE_GEOMETRY
    );
    column.column_type() == MYSQL_TYPE_BIT || is_string && column.character_set() == BINARY
}

fn column(column: &Column) -> SqlColumn {
    use ColumnType::*;
    let found = column.column_type();
    let kind = match found {
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG
        | MYSQL_TYPE_LONGLONG | MYSQL_TYPE_YEAR => ColumnKind::Integer,
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL | MYSQL_TYPE_FLOAT | MYSQL_TYPE_DOUBLE => {
            ColumnKind::Number
        }
        MYSQL_TYPE_DATE | MYSQL_TYPE_DATETIME | MYSQL_TYPE_TIMESTAMP => ColumnKind::Time,
        _ => ColumnKind::Text,
    };
    let type_name = format!("{found:?}").trim_start_matches("MYSQL_TYPE_").to_ascii_lowercase();
    let has_zone = found == MYSQL_TYPE_TIMESTAMP;
    let (name, collation) = (column.name_str().into_owned(), String::new());
    SqlColumn { name, kind, type_name, collation, has_zone }
}

/// Codes of errors about user and password.
const AUTH: [u16; 3] = [1045, 1698, 3118];
/// Codes of errors about a database or a table that does not exist, or that the user may not read.
const MISSING: [u16; 8] = [1044, 1049, 1051, 1142, 1143, 1146, 1227, 1370];
/// Codes of statements that took too long.
const TOO_LONG: [u16; 3] = [1205, 1969, 3024];
/// Codes of errors of statements: syntax, unknown column, wrong types, and the like.
const STATEMENT: [u16; 7] = [1052, 1054, 1060, 1064, 1109, 1292, 1305];

fn error(place: &str, error: &mysql_async::Error) -> Error {
    let mysql_async::Error::Server(answer) = error else {
        return Error::Unreachable(format!("{place} cannot be reached: {error}"));
    };
    let (code, text) = (answer.code, format!("{place}: {} ({})", answer.message, answer.code));
    if AUTH.contains(&code) {
        Error::Auth(format!("{text}; check user and password"))
    } else if MISSING.contains(&code) {
        Error::NotFound(format!(
            "{text}; check the privileges of the user, and `url`, `table` and `query` of the contract"
        ))
    } else if TOO_LONG.contains(&code) {
        Error::Unreachable(format!(
            "{text}; an index on the columns of watermark and key makes pages fast, `statement_timeout` allows more time"
        ))
    } else if STATEMENT.contains(&code) {
        Error::Data(format!(
            "{text}; check `table`, `query`, `key` and `watermark` of the contract"
        ))
    } else {
        Error::Unreachable(text)
    }
}
