//! PostgreSQL: rows by COPY, which gives the database's own text.

use super::columns::{ColumnKind, SqlColumn};
use super::dialect::Dialect;
use super::pace::Pace;
use super::session::{Session, Sink, password, statement_timeout_s};
use crate::Error;
use crate::tls;
use config::settings::Limits;
use futures::TryStreamExt as _;
use memchr::memchr_iter;
use plant::source::{Server, SqlSource};
use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The work of a connection, which has to be polled beside each request.
type Connection = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// A connection in one transaction.
pub struct Postgres {
    client: Client,
    connection: Connection,
    place: String,
}

/// Connects and begins the transaction.
///
/// # Errors
/// As [`crate::pull::read`].
pub async fn open(server: &Server, source: &SqlSource, limits: &Limits) -> Result<Postgres, Error> {
    let place = source.database.to_string();
    let mut config = Config::new();
    config
        .host(&server.host)
        .port(server.port)
        .user(&server.user)
        .dbname(&server.database)
        .application_name("cockpit")
        .connect_timeout(Duration::from_secs(limits.pull.sql_connect_timeout_s));
    if let Some(password) = password(server)? {
        config.password(password.expose());
    }
    let connected = match server.is_encrypted {
        true => {
            let tls = MakeRustlsConnect::new(tls::config(server.ca_file.as_deref())?);
            let made = config.ssl_mode(SslMode::Require).connect(tls).await;
            made.map(|(client, it)| (client, Box::pin(it) as Connection))
        }
        false => {
            let made = config.ssl_mode(SslMode::Disable).connect(NoTls).await;
            made.map(|(client, it)| (client, Box::pin(it) as Connection))
        }
    };
    let (client, connection) = connected.map_err(|it| error(&place, &it))?;
    let mut session = Postgres { client, connection, place };
    let timeout_s = statement_timeout_s(source, limits);
    session
        .run(&format!(
            "SET datestyle = 'ISO, YMD'; SET client_encoding = 'UTF8'; SET bytea_output = 'hex'; \
             SET standard_conforming_strings = on; SET statement_timeout = '{timeout_s}s'; \
             SET lock_timeout = '{timeout_s}s'; SET idle_in_transaction_session_timeout = 0; \
             SET timezone = 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        ))
        .await?;
    Ok(session)
}

impl Postgres {
    async fn run(&mut self, statements: &str) -> Result<(), Error> {
        let Self { client, connection, place } = self;
        drive(connection, place, client.batch_execute(statements)).await
    }
}

/// Completes a request while the connection works.
async fn drive<T>(
    connection: &mut Connection,
    place: &str,
    request: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Error> {
    let mut request = pin!(request);
    tokio::select! {
        biased;
        done = &mut request => done.map_err(|it| error(place, &it)),
        ended = connection => Err(match ended {
            Err(it) => error(place, &it),
            Ok(()) => Error::Unreachable(format!("{place} has ended the connection")),
        }),
    }
}

impl Session for Postgres {
    const DIALECT: Dialect = Dialect::new('"', false);

    async fn columns(&mut self, from: &str) -> Result<Vec<SqlColumn>, Error> {
        let Self { client, connection, place } = self;
        let statement = format!("SELECT * FROM {from} LIMIT 0");
        let prepared = drive(connection, place, client.prepare(&statement)).await?;
        let column = |column: &tokio_postgres::Column| SqlColumn {
            name: column.name().to_owned(),
            kind: kind(column.type_()),
            type_name: column.type_().name().to_owned(),
            collation: String::new(),
            has_zone: *column.type_() == Type::TIMESTAMPTZ,
        };
        Ok(prepared.columns().iter().map(column).collect())
    }

    async fn rows(
        &mut self,
        statement: &str,
        pace: &mut Pace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let Self { client, connection, place } = self;
        let statement = format!("COPY ({statement}) TO STDOUT");
        let mut failed = Ok(());
        let copying = async {
            let mut chunks = pin!(client.copy_out(&statement).await?);
            let mut lines = Lines::default();
            while let Some(chunk) = chunks.try_next().await? {
                let done = lines.push(&chunk, sink);
                if done.is_err() {
                    failed = done;
                    return Ok(());
                }
                pace.row().await;
            }
            Ok(())
        };
        drive(connection, place, copying).await?;
        failed
    }

    fn now_statement(&self, has_zone: bool) -> String {
        let now = match has_zone {
            true => "clock_timestamp() AT TIME ZONE 'UTC'",
            // Times without a zone are usually those of the zone that the server is configured with.
            false => {
                "greatest(clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE \
                 (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'))"
            }
        };
        format!("SELECT to_char({now}, 'YYYY-MM-DD HH24:MI:SS')")
    }

    async fn close(mut self) {
        // The server ends a transaction whose connection is closed, so a failure is of no consequence.
        let _closed = self.run("COMMIT").await;
    }
}

/// Lines in chunks, which usually are one line each.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn push(&mut self, chunk: &[u8], sink: &mut Sink<'_>) -> Result<(), Error> {
        let mut from = 0;
        for end in memchr_iter(b'\n', chunk) {
            let line = &chunk[from..=end];
            from = end + 1;
            if self.begun.is_empty() {
                sink(line)?;
            } else {
                self.begun.extend_from_slice(line);
                sink(&self.begun)?;
                self.begun.clear();
            }
        }
        self.begun.extend_from_slice(&chunk[from..]);
        Ok(())
    }
}

fn kind(found: &Type) -> ColumnKind {
    match *found {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => ColumnKind::Integer,
        Type::NUMERIC | Type::FLOAT4 | Type::FLOAT8 => ColumnKind::Number,
        Type::DATE | Type::TIMESTAMP | Type::TIMESTAMPTZ => ColumnKind::Time,
        Type::BOOL => ColumnKind::Bool,
        _ => ColumnKind::Text,
    }
}

fn error(place: &str, error: &tokio_postgres::Error) -> Error {
    let Some(answer) = error.as_db_error() else {
        let cause =
            std::error::Error::source(error).map_or_else(String::new, |it| format!(": {it}"));
        return Error::Unreachable(format!("{place} cannot be reached: {error}{cause}"));
    };
    let (code, message) = (answer.code(), answer.message());
    let text = format!("{place}: {message} ({})", code.code());
    let auth = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
    let missing = [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::UNDEFINED_TABLE,
        SqlState::INVALID_CATALOG_NAME,
        SqlState::INVALID_SCHEMA_NAME,
    ];
    if auth.contains(code) {
        Error::Auth(format!("{text}; check user and password"))
    } else if missing.contains(code) {
        Error::NotFound(format!(
            "{text}; check the privileges of the user, and `url`, `table` and `query` of the contract"
        ))
    } else if *code == SqlState::QUERY_CANCELED {
        Error::Unreachable(format!(
            "{text}; an index on the columns of watermark and key makes pages fast, `statement_timeout` allows more time"
        ))
    } else if is_passing(code.code()) {
        Error::Unreachable(text)
    } else {
        Error::Data(format!(
            "{text}; check `table`, `query`, `key` and `watermark` of the contract"
        ))
    }
}

/// Whether an error is about the server rather than the statement: connections, resources, operators,
/// conflicts of transactions, the system.
fn is_passing(code: &str) -> bool {
    ["08", "53", "57", "40", "55", "58", "XX"].iter().any(|class| code.starts_with(class))
}
