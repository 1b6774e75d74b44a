//! Commands, and cursors that SQL declares.

use super::command::Command;
use super::connection::Connection;
use super::errors::{error, unsupported};
use super::prepared::{Kind, Prepared};
use super::rows::{Fields, OpenRows, fields};
use arrow::datatypes::{DataType, Field, Schema};
use futures::SinkExt as _;
use pgwire::api::portal::Format;
use pgwire::error::PgWireResult;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::TransactionStatus;
use pgwire::messages::startup::ParameterStatus;

/// A query whose rows are fetched by commands.
pub struct Cursor {
    prepared: Prepared,
    rows: Option<Box<OpenRows>>,
    is_done: bool,
}

impl Connection {
    /// The columns of the result of a command; `None` if it has none.
    ///
    /// # Errors
    /// The command refers to something that does not exist.
    pub fn command_fields(
        &self,
        command: &Command,
        format: &Format,
    ) -> PgWireResult<Option<Fields>> {
        let options = self.session.variables.format_options();
        let texts = |names: &[&str]| {
            let columns = names.iter().map(|name| Field::new(*name, DataType::Utf8, true));
            let schema = Schema::new(columns.collect::<Vec<_>>());
            fields(&schema, &Format::UnifiedText, &options).map(Some)
        };
        match command {
            Command::Show(name) => texts(&[name]),
            Command::ShowAll => texts(&["name", "setting", "description"]),
            Command::Fetch { name, is_move: false, .. } => {
                let cursor = self.session.cursors.get(name).ok_or_else(|| no_cursor(name))?;
                match (&cursor.rows, &cursor.prepared.kind) {
                    (Some(rows), _) => Ok(Some(rows.fields().clone())),
                    (None, Kind::Query(query)) => fields(&query.schema, format, &options).map(Some),
                    (None, _) => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// Runs a command and sends its result without the columns.
    ///
    /// # Errors
    /// The command fails, or the connection is broken.
    pub async fn run_command(&mut self, command: &Command, format: &Format) -> PgWireResult<()> {
        match command {
            Command::Begin => self.begin("BEGIN").await,
            Command::Commit => self.end("COMMIT").await,
            Command::Rollback => self.end("ROLLBACK").await,
            Command::Savepoint(tag) | Command::Nothing(tag) => self.complete(*tag).await,
            Command::Set { name, value } => self.set(name, value.as_deref()).await,
            Command::ResetAll => {
                self.session.variables.reset();
                self.complete("RESET").await
            }
            Command::Show(name) => self.show(name).await,
            Command::ShowAll => self.show_all().await,
            Command::DiscardAll => self.discard_all().await,
            Command::Deallocate(name) => self.deallocate(name.as_deref()).await,
            Command::CloseCursor(name) => self.close_cursor(name.as_deref()).await,
            Command::Declare { name, query } => self.declare(name, query).await,
            Command::Fetch { name, rows, is_move } => {
                self.fetch(name, *rows, *is_move, format).await
            }
            Command::Copy { query, format } => self.copy_out(query, *format).await,
        }
    }

    async fn begin(&mut self, tag: &str) -> PgWireResult<()> {
        self.session.transaction = TransactionStatus::Transaction;
        self.complete(tag).await
    }

    async fn end(&mut self, tag: &str) -> PgWireResult<()> {
        let has_failed = self.session.transaction == TransactionStatus::Error;
        self.session.transaction = TransactionStatus::Idle;
        self.session.cursors.clear();
        self.session.portals.clear();
        self.complete(if has_failed { "ROLLBACK" } else { tag }).await
    }

    async fn set(&mut self, name: &str, value: Option<&str>) -> PgWireResult<()> {
        let is_reset = value.is_none();
        let set = self.session.variables.set(name, value);
        if let Some((name, value)) = set.map_err(|message| error("22023", message))? {
            let status = ParameterStatus::new(name, value);
            self.socket.feed(PgWireBackendMessage::ParameterStatus(status)).await?;
        }
        self.complete(if is_reset { "RESET" } else { "SET" }).await
    }

    async fn show(&mut self, name: &str) -> PgWireResult<()> {
        let value = self.session.variables.get(name).map(str::to_owned);
        let value = value.ok_or_else(|| {
            error("42704", format!("unrecognized configuration parameter \"{name}\""))
        })?;
        self.send_texts(&[&value]).await?;
        self.complete("SHOW").await
    }

    async fn show_all(&mut self) -> PgWireResult<()> {
        let variables = self.session.variables.clone();
        for (name, value) in variables.all() {
            self.send_texts(&[name, value, ""]).await?;
        }
        self.complete("SHOW").await
    }

    async fn discard_all(&mut self) -> PgWireResult<()> {
        self.session.statements.clear();
        self.session.portals.clear();
        self.session.cursors.clear();
        self.session.variables.reset();
        self.complete("DISCARD ALL").await
    }

    async fn deallocate(&mut self, name: Option<&str>) -> PgWireResult<()> {
        let Some(name) = name else {
            self.session.statements.clear();
            return self.complete("DEALLOCATE ALL").await;
        };
        if self.session.statements.remove(name).is_none() {
            return Err(error("26000", format!("prepared statement \"{name}\" does not exist")));
        }
        self.complete("DEALLOCATE").await
    }

    async fn close_cursor(&mut self, name: Option<&str>) -> PgWireResult<()> {
        match name {
            None => self.session.cursors.clear(),
            Some(name) => {
                self.session.cursors.remove(name).ok_or_else(|| no_cursor(name))?;
            }
        }
        self.complete("CLOSE CURSOR").await
    }

    async fn declare(&mut self, name: &str, query: &str) -> PgWireResult<()> {
        if self.session.cursors.contains_key(name) {
            return Err(error("42P03", format!("cursor \"{name}\" already exists")));
        }
        self.session.check_room()?;
        let prepared = self.session.prepare(query, &[]).await?;
        if !matches!(prepared.kind, Kind::Query(_)) {
            return Err(unsupported("a cursor needs a query"));
        }
        let cursor = Cursor { prepared, rows: None, is_done: false };
        self.session.cursors.insert(name.to_owned(), cursor);
        self.complete("DECLARE CURSOR").await
    }

    async fn fetch(
        &mut self,
        name: &str,
        rows_max: Option<u64>,
        is_move: bool,
        format: &Format,
    ) -> PgWireResult<()> {
        let mut cursor = self.session.cursors.remove(name).ok_or_else(|| no_cursor(name))?;
        let mut fetched = 0;
        if !cursor.is_done {
            let mut rows = match cursor.rows.take() {
                Some(rows) => rows,
                None => Box::new(self.open(&cursor.prepared, format).await?),
            };
            let (count, has_more) = match is_move {
                true => skip(&mut rows, rows_max).await?,
                false => self.send_rows(&mut rows, rows_max).await?,
            };
            (fetched, cursor.is_done) = (count, !has_more);
            cursor.rows = Some(rows);
        }
        self.session.cursors.insert(name.to_owned(), cursor);
        let tag = if is_move { "MOVE" } else { "FETCH" };
        self.complete(format!("{tag} {fetched}")).await
    }

    async fn open(&self, prepared: &Prepared, format: &Format) -> PgWireResult<OpenRows> {
        let Kind::Query(query) = &prepared.kind else {
            return Err(unsupported("a cursor needs a query"));
        };
        self.session.run(prepared, query, None, format).await
    }
}

async fn skip(rows: &mut OpenRows, rows_max: Option<u64>) -> PgWireResult<(u64, bool)> {
    let mut skipped = 0;
    while rows_max.is_none_or(|most| skipped < most) {
        if rows.next().await?.is_none() {
            return Ok((skipped, false));
        }
        skipped += 1;
    }
    Ok((skipped, true))
}

fn no_cursor(name: &str) -> pgwire::error::PgWireError {
    error("34000", format!("cursor \"{name}\" does not exist"))
}
