//! SQLite: a file that another program writes, opened for reading only.

use super::columns::{ColumnKind, SqlColumn};
use super::dialect::Dialect;
use super::pace::Pace;
use super::session::{Session, Sink, statement_timeout_s};
use crate::Error;
use crate::decode::copy_text::push_field;
use config::settings::Limits;
use plant::source::SqlSource;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Bytes of lines that are passed on together.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks between the thread that reads and the one that takes the rows.
const CHUNKS_BETWEEN: usize = 4;

/// A connection in one transaction.
pub struct Sqlite {
    /// `None` while a thread uses it.
    connection: Option<Connection>,
    place: String,
    timeout: Duration,
}

/// Opens the file and begins the transaction.
///
/// # Errors
/// As [`crate::pull::read`].
pub async fn open(path: &str, source: &SqlSource, limits: &Limits) -> Result<Sqlite, Error> {
    let place = source.database.to_string();
    let wait = Duration::from_secs(limits.pull.sql_connect_timeout_s);
    let path = path.to_owned();
    let opened = blocking(move || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(wait)?;
        connection.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        Ok(connection)
    });
    let connection = opened.await?.map_err(|it| error(&place, &it))?;
    let timeout = Duration::from_secs(statement_timeout_s(source, limits));
    Ok(Sqlite { connection: Some(connection), place, timeout })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|it| Error::Storage(it.into()))
}

impl Sqlite {
    /// Runs `work` on a thread that may block.
    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = self.connection.take().ok_or(Error::Stopped)?;
        let (connection, done) = blocking(move || {
            let done = work(&connection);
            (connection, done)
        })
        .await?;
        self.connection = Some(connection);
        done.map_err(|it| error(&self.place, &it))
    }
}

impl Session for Sqlite {
    const DIALECT: Dialect = Dialect::new('"', false);

    async fn columns(&mut self, from: &str) -> Result<Vec<SqlColumn>, Error> {
        let from = from.to_owned();
        self.with(move |connection| {
            let declared = declared_types(connection, &from)?;
            let prepared = connection.prepare(&format!("SELECT * FROM {from} LIMIT 0"))?;
            let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
            let stored = stored_types(connection, &from, &names)?;
            let column = |(name, stored): (String, String)| {
                let found = declared.iter().find(|(known, _)| *known == name);
                let type_name = found.map(|(_, declared)| declared.clone());
                column(name, type_name.filter(|it| !it.is_empty()).unwrap_or(stored))
            };
            Ok(names.into_iter().zip(stored).map(column).collect())
        })
        .await
    }

    async fn rows(
        &mut self,
        statement: &str,
        pace: &mut Pace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (out, mut chunks) = tokio::sync::mpsc::channel::<Vec<u8>>(CHUNKS_BETWEEN);
        let statement = statement.to_owned();
        let interrupt = self.connection.as_ref().map(Connection::get_interrupt_handle);
        let timeout = tokio::time::sleep(self.timeout);
        let place = self.place.clone();
        let reading = self.with(move |connection| send_rows(connection, &statement, &out));
        let taking = async {
            while let Some(chunk) = chunks.recv().await {
                for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                    sink(line)?;
                    pace.row().await;
                }
            }
            Ok(())
        };
        let both = async {
            // A receiver that is dropped ends the reading.
            let (read, taken) = tokio::join!(reading, taking);
            taken.and(read)
        };
        tokio::pin!(both, timeout);
        tokio::select! {
            done = &mut both => return done,
            () = &mut timeout => {}
        }
        if let Some(interrupt) = interrupt {
            interrupt.interrupt();
        }
        both.await.map_err(|_interrupted| too_long(&place))
    }

    fn now_statement(&self, has_zone: bool) -> String {
        let local = if has_zone { "" } else { ", 'localtime'" };
        format!("SELECT MAX(datetime('now'), datetime('now'{local}))")
    }

    async fn close(self) {
        // The file is closed when the connection is dropped.
    }
}

fn too_long(place: &str) -> Error {
    Error::Unreachable(format!(
        "{place}: a statement took too long; an index on the columns of watermark and key makes pages fast, \
         `statement_timeout` allows more time"
    ))
}

fn send_rows(
    connection: &Connection,
    statement: &str,
    out: &Sender<Vec<u8>>,
) -> rusqlite::Result<()> {
    let mut prepared = connection.prepare(statement)?;
    let width = prepared.column_count();
    let mut rows = prepared.query([])?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    while let Some(row) = rows.next()? {
        push_row(&mut chunk, row, width)?;
        if chunk.len() >= CHUNK_BYTES && out.blocking_send(std::mem::take(&mut chunk)).is_err() {
            return Ok(());
        }
    }
    if !chunk.is_empty() {
        // A receiver that was dropped needs no rows.
        let _sent = out.blocking_send(chunk);
    }
    Ok(())
}

fn push_row(line: &mut Vec<u8>, row: &Row<'_>, width: usize) -> rusqlite::Result<()> {
    for at in 0..width {
        if at > 0 {
            line.push(b'\t');
        }
        match row.get_ref(at)? {
            ValueRef::Null => push_field(line, None),
            ValueRef::Integer(number) => push_field(line, Some(number.to_string().as_bytes())),
            ValueRef::Real(number) => push_field(line, Some(number.to_string().as_bytes())),
            ValueRef::Text(text) => push_field(line, Some(text)),
            ValueRef::Blob(bytes) => {
                push_field(line, Some(format!("\\x{}", hex::encode(bytes)).as_bytes()));
            }
        }
    }
    line.push(b'\n');
    Ok(())
}

/// Names and declared types of the columns of a table; empty for a query.
fn declared_types(connection: &Connection, from: &str) -> rusqlite::Result<Vec<(String, String)>> {
    if from.starts_with('(') {
        return Ok(Vec::new());
    }
    let table = from.rsplit("\".\"").next().unwrap_or(from).trim_matches('"').replace("\"\"", "\"");
    let mut prepared = connection.prepare("SELECT name, type FROM pragma_table_info(?1)")?;
    let types = prepared.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    types.collect()
}

/// The types of the values of the first row; empty texts if there is none.
fn stored_types(
    connection: &Connection,
    from: &str,
    names: &[String],
) -> rusqlite::Result<Vec<String>> {
    let quoted = names.iter().map(|name| format!("typeof({})", Sqlite::DIALECT.name(name)));
    let statement = format!("SELECT {} FROM {from} LIMIT 1", quoted.collect::<Vec<_>>().join(", "));
    let mut prepared = connection.prepare(&statement)?;
    let mut rows = prepared.query([])?;
    match rows.next()? {
        Some(row) => (0..names.len()).map(|at| row.get(at)).collect(),
        None => Ok(vec![String::new(); names.len()]),
    }
}

/// A column by its declared type, by SQLite's rules of affinity, or by the type of a stored value.
fn column(name: String, type_name: String) -> SqlColumn {
    let type_name = type_name.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| type_name.contains(part));
    let kind = match () {
        () if has(&["int"]) => ColumnKind::Integer,
        () if has(&["char", "clob", "text"]) => ColumnKind::Text,
        () if has(&["date", "time"]) => ColumnKind::Time,
        () if has(&["real", "floa", "doub", "num", "dec"]) => ColumnKind::Number,
        () if has(&["bool"]) => ColumnKind::Bool,
        () => ColumnKind::Text,
    };
    SqlColumn { name, kind, type_name, collation: String::new(), has_zone: false }
}

fn error(place: &str, error: &rusqlite::Error) -> Error {
    let text = format!("{place}: {error}");
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => Error::NotFound(format!("{text}; check the path of `url`")),
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            Error::Auth(format!("{text}; check the permissions of the file"))
        }
        Some(ErrorCode::NotADatabase) => Error::Data(format!("{text}; check the path of `url`")),
        Some(ErrorCode::Unknown) if error.to_string().contains("no such table") => {
            Error::NotFound(format!("{text}; check `table` and `query` of the contract"))
        }
        Some(ErrorCode::Unknown) | None => Error::Data(format!(
            "{text}; check `table`, `query`, `key` and `watermark` of the contract"
        )),
        Some(_) => Error::Unreachable(text),
    }
}
