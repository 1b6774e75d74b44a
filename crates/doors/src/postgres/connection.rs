//! The messages of a connection after the login.

use super::Server;
use super::cancel::Cancel;
use super::codec::Incoming;
use super::errors::{cancelled, error, fatal, stopping};
use super::message::Message;
use super::rows::{Fields, OpenRows, description};
use super::session::Session;
use super::startup::{Socket, Started};
use bytes::{BufMut as _, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::DataRow;
use pgwire::messages::response::{CommandComplete, ReadyForQuery, TransactionStatus};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A connection that is logged in.
pub struct Connection {
    pub socket: Socket,
    pub session: Session,
    cancel: Cancel,
    stop: CancellationToken,
    /// Whether messages are ignored until the client synchronises, after an error.
    is_skipping: bool,
}

impl Connection {
    pub fn new(server: Arc<Server>, started: Started) -> Self {
        let Started { socket, client, variables, cancel } = started;
        let stop = server.stop.clone();
        let session = Session::new(server, client, variables);
        Self { socket, session, cancel, stop, is_skipping: false }
    }

    /// Answers messages until the client leaves, is idle for too long, or the program stops.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn run(mut self) -> io::Result<()> {
        let idle = Duration::from_secs(self.session.server.limits.doors.sql_idle_s);
        loop {
            let read = tokio::select! {
                () = self.stop.cancelled() => return self.close(stopping()).await,
                read = tokio::time::timeout(idle, self.socket.next()) => read,
            };
            let read = match read {
                Ok(Some(read)) => read?,
                Ok(None) => return Ok(()),
                Err(_elapsed) => {
                    let message = "terminating connection due to idle-session timeout";
                    return self.close(fatal("57P05", message)).await;
                }
            };
            let answered = match read {
                Incoming::Next(Message::Terminate) | Incoming::First(_) => return Ok(()),
                Incoming::Next(message) => self.answer(message).await?,
                Incoming::Invalid(invalid, is_extended) => {
                    self.report(invalid, is_extended).await?
                }
            };
            if answered.is_none() {
                return Ok(());
            }
        }
    }

    /// Answers one message; `None` if the connection is over.
    async fn answer(&mut self, message: Message) -> io::Result<Option<()>> {
        let is_extended = message.is_extended();
        if self.is_skipping && message != Message::Sync {
            return Ok(Some(()));
        }
        let token = self.cancel.begin();
        let stop = self.stop.clone();
        let answered = tokio::select! {
            biased;
            () = token.cancelled() => Err(cancelled()),
            () = stop.cancelled() => Err(stopping()),
            answered = Box::pin(self.dispatch(message)) => answered,
        };
        match answered {
            Ok(()) => Ok(Some(())),
            Err(PgWireError::IoError(error)) => Err(error),
            Err(failed) => self.report(failed, is_extended).await,
        }
    }

    async fn dispatch(&mut self, message: Message) -> PgWireResult<()> {
        match message {
            Message::Query(sql) => self.simple_query(&sql).await,
            Message::Parse { name, sql, types } => self.parse(name, &sql, &types).await,
            Message::Bind(bind) => self.bind(bind).await,
            Message::Describe(object) => self.describe(&object).await,
            Message::Execute { portal, rows_max } => self.execute(portal, rows_max).await,
            Message::Close(object) => self.close_one(&object).await,
            Message::Flush => Ok(self.socket.flush().await?),
            Message::Sync => self.synchronise().await,
            Message::Copy | Message::Terminate => Ok(()),
            Message::Authentication(_) => {
                Err(fatal("08P01", "unexpected answer to a request for authentication"))
            }
        }
    }

    async fn synchronise(&mut self) -> PgWireResult<()> {
        self.is_skipping = false;
        if self.session.transaction == TransactionStatus::Idle {
            self.session.portals.clear();
        }
        self.ready().await
    }

    /// Sends an error. Within the extended protocol, further messages are ignored until the client
    /// synchronises.
    async fn report(&mut self, failed: PgWireError, is_extended: bool) -> io::Result<Option<()>> {
        let info = ErrorInfo::from(failed);
        let is_fatal = info.is_fatal();
        tracing::debug!(code = info.code, message = info.message, "sql_refused");
        self.session.transaction = self.session.transaction.to_error_state();
        self.socket.send(PgWireBackendMessage::ErrorResponse(info.into())).await?;
        if is_fatal {
            return Ok(None);
        }
        if is_extended {
            self.is_skipping = true;
        } else {
            self.ready().await?;
        }
        Ok(Some(()))
    }

    async fn close(&mut self, why: PgWireError) -> io::Result<()> {
        let info = ErrorInfo::from(why);
        self.socket.send(PgWireBackendMessage::ErrorResponse(info.into())).await?;
        self.socket.close().await
    }

    /// Refuses statements in a transaction that has failed, until it ends.
    ///
    /// # Errors
    /// The transaction has failed.
    pub fn check_transaction(&self) -> PgWireResult<()> {
        if self.session.transaction != TransactionStatus::Error {
            return Ok(());
        }
        let message =
            "current transaction is aborted, commands ignored until end of transaction block";
        Err(error("25P02", message))
    }

    /// Sends that the next statement is expected.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn ready(&mut self) -> PgWireResult<()> {
        let ready = ReadyForQuery::new(self.session.transaction);
        Ok(self.socket.send(PgWireBackendMessage::ReadyForQuery(ready)).await?)
    }

    /// Sends that a statement is complete.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn complete(&mut self, tag: impl Into<String>) -> PgWireResult<()> {
        let complete = CommandComplete::new(tag.into());
        Ok(self.socket.feed(PgWireBackendMessage::CommandComplete(complete)).await?)
    }

    /// Sends the columns of a result.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn describe_rows(&mut self, fields: &Fields) -> PgWireResult<()> {
        let described = PgWireBackendMessage::RowDescription(description(fields));
        Ok(self.socket.feed(described).await?)
    }

    /// Sends rows, at most `rows_max`. Returns their number, and whether there may be more.
    ///
    /// # Errors
    /// The statement fails, or the connection is broken.
    pub async fn send_rows(
        &mut self,
        rows: &mut OpenRows,
        rows_max: Option<u64>,
    ) -> PgWireResult<(u64, bool)> {
        let mut sent = 0;
        while rows_max.is_none_or(|most| sent < most) {
            let Some(row) = rows.next().await? else { return Ok((sent, false)) };
            self.socket.feed(PgWireBackendMessage::DataRow(row)).await?;
            sent += 1;
        }
        Ok((sent, true))
    }

    /// Sends a row of texts.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn send_texts(&mut self, values: &[&str]) -> PgWireResult<()> {
        let mut data = BytesMut::new();
        for value in values {
            data.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
            data.put_slice(value.as_bytes());
        }
        let count = i16::try_from(values.len()).unwrap_or(i16::MAX);
        Ok(self.socket.feed(PgWireBackendMessage::DataRow(DataRow::new(data, count))).await?)
    }
}
