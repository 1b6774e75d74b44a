//! Microsoft SQL Server: rows as text, which the statement converts by the type of each column.

mod connect;
mod meaning;
mod types;

use super::columns::SqlColumn;
use super::dialect::{Dialect, TypedValues};
use super::pace::Pace;
use super::session::{Session, Sink, statement_timeout_s};
use crate::Error;
use crate::decode::copy_text::push_field;
use config::settings::Limits;
use connect::Connection;
use futures::TryStreamExt as _;
use plant::source::{Server, SqlSource};
use std::time::Duration;
use tiberius::{ColumnData, QueryItem, Row};

/// The last rowversion below those in use by transactions.
const SETTLED: &str = "SELECT CONVERT(nvarchar(20), CONVERT(bigint, MIN_ACTIVE_ROWVERSION()) - 1)";

/// How the transaction can see one state: a database that cannot be written is always in one state, and
/// replicas that are read map every transaction to a snapshot.
const ISOLATION: &str = "SELECT CASE \
     WHEN CONVERT(nvarchar(20), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')) = N'READ_ONLY' \
     THEN N'fixed' WHEN snapshot_isolation_state = 1 THEN N'snapshot' ELSE N'none' END \
     FROM sys.databases WHERE name = DB_NAME()";

/// Options of the connection: those that indexed views and computed columns need, texts of any length, and that
/// a deadlock ends this transaction rather than one of the plant.
const OPTIONS: [&str; 13] = [
    "NOCOUNT ON",
    "ANSI_NULLS ON",
    "ANSI_PADDING ON",
    "ANSI_WARNINGS ON",
    "ARITHABORT ON",
    "CONCAT_NULL_YIELDS_NULL ON",
    "QUOTED_IDENTIFIER ON",
    "NUMERIC_ROUNDABORT OFF",
    "IMPLICIT_TRANSACTIONS OFF",
    "XACT_ABORT ON",
    "ROWCOUNT 0",
    "TEXTSIZE 2147483647",
    "DEADLOCK_PRIORITY LOW",
];

/// Takes a row of a result.
type Take<'a> = dyn FnMut(&Row) -> Result<(), Error> + Send + 'a;

/// A connection in one transaction.
pub struct SqlServer {
    connection: Connection,
    place: String,
    timeout: Duration,
    /// Longest wait for the end of a cancelled statement.
    cancel_timeout: Duration,
    /// The last rowversion that no transaction in progress can take any more.
    settled: Option<i64>,
    /// Whether the transaction sees one state.
    has_snapshot: bool,
}

/// Connects and begins the transaction.
///
/// # Errors
/// As [`crate::pull::read`].
pub async fn open(
    server: &Server,
    source: &SqlSource,
    limits: &Limits,
) -> Result<SqlServer, Error> {
    let place = source.database.to_string();
    let wait = Duration::from_secs(limits.pull.sql_connect_timeout_s);
    let connection = connect::open(server, &place, wait).await?;
    let timeout_s = statement_timeout_s(source, limits);
    let mut session = SqlServer {
        connection,
        place,
        timeout: Duration::from_secs(timeout_s),
        cancel_timeout: wait,
        settled: None,
        has_snapshot: false,
    };
    session.begin(timeout_s).await?;
    Ok(session)
}

impl SqlServer {
    async fn begin(&mut self, timeout_s: u64) -> Result<(), Error> {
        let isolation = self.value(ISOLATION).await?.unwrap_or_default();
        // Before the snapshot: a number that is settled here is visible in it. A replica does not have the
        // transactions in progress.
        if isolation != "fixed" {
            self.settled = self.value(SETTLED).await?.and_then(|it| it.parse().ok());
        }
        self.has_snapshot = ["snapshot", "fixed"].contains(&isolation.as_str());
        let level = if isolation == "snapshot" { "SNAPSHOT" } else { "READ COMMITTED" };
        // Half of the time of a statement, so that the error names the lock.
        let lock_timeout_ms = timeout_s.saturating_mul(500).min(i32::MAX.cast_unsigned().into());
        let options = OPTIONS.map(|option| format!("SET {option}; ")).concat();
        let statements = format!(
            "{options}SET LOCK_TIMEOUT {lock_timeout_ms}; SET TRANSACTION ISOLATION LEVEL {level}; \
             BEGIN TRANSACTION"
        );
        self.rows(&statements, &mut Pace::unlimited(), &mut |_: &[u8]| Ok(())).await
    }

    /// Runs statements and takes the rows of their results, at most as fast as `pace`.
    async fn run(
        &mut self,
        statements: &str,
        pace: &mut Pace,
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        let reading = run(&mut self.connection, &self.place, statements, pace, take);
        let done = tokio::time::timeout(self.timeout, reading).await;
        let Ok(done) = done else {
            // The end of the connection, which follows, cancels the statement, too, but later.
            let cancelled = self.connection.cancel_query();
            let _cancelled = tokio::time::timeout(self.cancel_timeout, cancelled).await;
            return Err(meaning::too_long(&self.place));
        };
        done
    }
}

async fn run(
    connection: &mut Connection,
    place: &str,
    statements: &str,
    pace: &mut Pace,
    take: &mut Take<'_>,
) -> Result<(), Error> {
    let result = connection.simple_query(statements).await;
    let mut items = result.map_err(|it| meaning::of(place, &it))?;
    while let Some(item) = items.try_next().await.map_err(|it| meaning::of(place, &it))? {
        if let QueryItem::Row(row) = item {
            take(&row)?;
            pace.row().await;
        }
    }
    Ok(())
}

impl Session for SqlServer {
    const DIALECT: Dialect =
        Dialect::bracketed(TypedValues { text: types::text, literal: types::literal });

    async fn columns(&mut self, from: &str) -> Result<Vec<SqlColumn>, Error> {
        let described = types::quoted(&format!("SELECT * FROM {from}"));
        let statement = format!("EXEC sys.sp_describe_first_result_set @tsql = {described}");
        let (mut columns, place) = (Vec::new(), self.place.clone());
        let mut take = |row: &Row| {
            let text = |name: &str| {
                let found = row.try_get::<&str, _>(name).map_err(|it| meaning::of(&place, &it))?;
                Ok::<_, Error>(found.unwrap_or_default().to_owned())
            };
            let (name, system_type) = (text("name")?, text("system_type_name")?);
            if name.is_empty() {
                let number = columns.len() + 1;
                return Err(Error::Data(format!(
                    "{place}: column {number} of `query` has no name; write AS behind it"
                )));
            }
            // Only types of the common language runtime have no name in the system.
            let type_name = match system_type.is_empty() {
                true => text("user_type_name")?,
                false => system_type,
            };
            columns.push(types::column(name, type_name, text("collation_name")?));
            Ok(())
        };
        self.run(&statement, &mut Pace::unlimited(), &mut take).await?;
        Ok(columns)
    }

    async fn rows(
        &mut self,
        statement: &str,
        pace: &mut Pace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (mut line, place) = (Vec::new(), self.place.clone());
        let mut take = |row: &Row| {
            line.clear();
            push_row(&mut line, row, &place)?;
            sink(&line)
        };
        self.run(statement, pace, &mut take).await
    }

    fn now_statement(&self, has_zone: bool) -> String {
        let now = match has_zone {
            true => "SYSUTCDATETIME()",
            // Times without a zone are usually those of the zone that the server is configured with.
            false => {
                "CASE WHEN SYSDATETIME() > SYSUTCDATETIME() THEN SYSDATETIME() ELSE SYSUTCDATETIME() END"
            }
        };
        format!("SELECT CONVERT(nvarchar(19), {now}, 120)")
    }

    fn settled(&self, column: &SqlColumn) -> Option<i64> {
        self.settled.filter(|_| types::is_rowversion(column))
    }

    fn note(&self) -> Option<String> {
        let place = &self.place;
        (!self.has_snapshot).then(|| {
            format!(
                "{place} does not allow snapshots, so a read sees rows that change meanwhile in different states; \
                 ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON allows them"
            )
        })
    }

    async fn close(self) {
        // The server ends a transaction whose connection is closed, so a failure is of no consequence.
        let _closed = self.connection.close().await;
    }
}

fn push_row(line: &mut Vec<u8>, row: &Row, place: &str) -> Result<(), Error> {
    for (at, (column, value)) in row.cells().enumerate() {
        if at > 0 {
            line.push(b'\t');
        }
        match value {
            ColumnData::String(text) => push_field(line, text.as_ref().map(|it| it.as_bytes())),
            ColumnData::Binary(None) => push_field(line, None),
            ColumnData::Binary(Some(bytes)) => {
                push_field(line, Some(format!("\\x{}", hex::encode(bytes)).as_bytes()));
            }
            _ => {
                let (number, found) = (at + 1, column.column_type());
                return Err(Error::Data(format!(
                    "{place}: column {number} came as {found:?} instead of text; convert it to nvarchar in `query`"
                )));
            }
        }
    }
    line.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests;
