//! The simple protocol: one text with statements, whose results are sent as text.

use super::command::Command;
use super::connection::Connection;
use super::errors::error;
use super::prepared::{Kind, Prepared};
use super::split::statements;
use futures::SinkExt as _;
use pgwire::api::portal::Format;
use pgwire::error::PgWireResult;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::EmptyQueryResponse;

impl Connection {
    /// Runs the statements of a text one after the other, until one fails.
    ///
    /// # Errors
    /// A statement fails, or the connection is broken.
    pub async fn simple_query(&mut self, sql: &str) -> PgWireResult<()> {
        let statements = statements(sql);
        if statements.is_empty() {
            self.empty().await?;
        }
        for statement in statements {
            self.simple_statement(statement).await?;
        }
        self.ready().await
    }

    async fn simple_statement(&mut self, sql: &str) -> PgWireResult<()> {
        if !matches!(Command::parse(sql), Ok(Some(Command::Commit | Command::Rollback))) {
            self.check_transaction()?;
        }
        let prepared = self.session.prepare(sql, &[]).await?;
        match &prepared.kind {
            Kind::Empty => self.empty().await,
            Kind::Command(command) => self.simple_command(command).await,
            Kind::Query(_) => self.simple_rows(&prepared).await,
        }
    }

    async fn simple_command(&mut self, command: &Command) -> PgWireResult<()> {
        if let Some(fields) = self.command_fields(command, &Format::UnifiedText)? {
            self.describe_rows(&fields).await?;
        }
        self.run_command(command, &Format::UnifiedText).await
    }

    async fn simple_rows(&mut self, prepared: &Prepared) -> PgWireResult<()> {
        let Kind::Query(query) = &prepared.kind else { return Ok(()) };
        if !prepared.parameters.types().is_empty() {
            return Err(error("42P02", "there is no parameter $1"));
        }
        let format = Format::UnifiedText;
        let mut rows = self.session.run(prepared, query, None, &format).await?;
        let fields = rows.fields().clone();
        self.describe_rows(&fields).await?;
        let (sent, _more) = self.send_rows(&mut rows, None).await?;
        self.complete(format!("SELECT {sent}")).await
    }

    /// Sends that there was no statement.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn empty(&mut self) -> PgWireResult<()> {
        let empty = PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
        Ok(self.socket.feed(empty).await?)
    }
}
