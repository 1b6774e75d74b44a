//! The extended protocol: prepared statements, whose values and results may be binary.

use super::command::Command;
use super::connection::Connection;
use super::errors::error;
use super::message::{Bind, Object};
use super::prepared::Kind;
use super::rows::{Fields, fields};
use super::session::{Portal, Progress};
use futures::SinkExt as _;
use pgwire::api::portal::Format;
use pgwire::error::PgWireResult;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{
    BindComplete, CloseComplete, ParseComplete, PortalSuspended,
};
use std::sync::Arc;

impl Connection {
    /// Prepares a statement.
    ///
    /// # Errors
    /// The statement is invalid, its name is in use, or the connection is broken.
    pub async fn parse(&mut self, name: String, sql: &str, types: &[u32]) -> PgWireResult<()> {
        let sql = super::split::statements(sql);
        let sql = match sql.as_slice() {
            [] => "",
            [only] => only,
            _ => {
                let message = "cannot insert multiple commands into a prepared statement";
                return Err(error("42601", message));
            }
        };
        if !matches!(Command::parse(sql), Ok(Some(Command::Commit | Command::Rollback))) {
            self.check_transaction()?;
        }
        if !name.is_empty() && self.session.statements.contains_key(&name) {
            return Err(error("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        self.session.check_room()?;
        let prepared = self.session.prepare(sql, types).await?;
        self.session.statements.insert(name, Arc::new(prepared));
        Ok(self.socket.feed(PgWireBackendMessage::ParseComplete(ParseComplete::new())).await?)
    }

    /// Gives a prepared statement its values.
    ///
    /// # Errors
    /// The statement does not exist, a value is invalid, or the connection is broken.
    pub async fn bind(&mut self, bind: Bind) -> PgWireResult<()> {
        let (statement, portal) = (&bind.statement, bind.portal.clone());
        let prepared = self.session.statements.get(statement).cloned().ok_or_else(|| {
            error("26000", format!("prepared statement \"{statement}\" does not exist"))
        })?;
        let is_used = self.session.portals.contains_key(&portal);
        if !portal.is_empty() && is_used {
            return Err(error("42P03", format!("cursor \"{portal}\" already exists")));
        }
        if !is_used {
            self.session.check_room()?;
        }
        let values = prepared.parameters.values(&bind)?;
        let format = format(&bind.result_formats);
        let bound = Portal { prepared, values, format, progress: Progress::New };
        self.fields_of(&bound.prepared.kind, &bound.format)?;
        self.session.portals.insert(portal, bound);
        Ok(self.socket.feed(PgWireBackendMessage::BindComplete(BindComplete::new())).await?)
    }

    /// Describes a statement or a portal.
    ///
    /// # Errors
    /// It does not exist, or the connection is broken.
    pub async fn describe(&mut self, object: &Object) -> PgWireResult<()> {
        let fields = match object {
            Object::Statement(name) => {
                let prepared = self.session.statements.get(name).cloned().ok_or_else(|| {
                    error("26000", format!("prepared statement \"{name}\" does not exist"))
                })?;
                let types = prepared.parameters.types().iter().map(pgwire::api::Type::oid);
                let described = ParameterDescription::new(types.collect());
                let described = PgWireBackendMessage::ParameterDescription(described);
                self.socket.feed(described).await?;
                self.fields_of(&prepared.kind, &Format::UnifiedText)?
            }
            Object::Portal(name) => match self.session.portals.get(name) {
                Some(portal) => self.fields_of(&portal.prepared.kind, &portal.format)?,
                None => self.cursor_fields(name)?,
            },
        };
        match fields {
            Some(fields) => self.describe_rows(&fields).await,
            None => Ok(self.socket.feed(PgWireBackendMessage::NoData(NoData::new())).await?),
        }
    }

    /// The columns of a cursor that SQL declared, which is a portal, too.
    fn cursor_fields(&self, name: &str) -> PgWireResult<Option<Fields>> {
        if !self.session.cursors.contains_key(name) {
            return Err(no_portal(name));
        }
        let fetch = Command::Fetch { name: name.to_owned(), rows: None, is_move: false };
        self.command_fields(&fetch, &Format::UnifiedText)
    }

    fn fields_of(&self, kind: &Kind, format: &Format) -> PgWireResult<Option<Fields>> {
        match kind {
            Kind::Empty => Ok(None),
            Kind::Command(command) => self.command_fields(command, format),
            Kind::Query(query) => {
                let options = self.session.variables.format_options();
                fields(&query.schema, format, &options).map(Some)
            }
        }
    }

    /// Executes a portal, or continues it.
    ///
    /// # Errors
    /// The statement fails, or the connection is broken.
    pub async fn execute(&mut self, name: String, rows_max: i32) -> PgWireResult<()> {
        // A portal that fails or is cancelled does not return.
        let portal = self.session.portals.remove(&name).ok_or_else(|| no_portal(&name))?;
        let rows_max = u64::try_from(rows_max).ok().filter(|most| *most > 0);
        let portal = match &portal.prepared.kind {
            Kind::Empty => {
                self.empty().await?;
                portal
            }
            Kind::Command(command) => {
                let command = command.clone();
                if !matches!(command, Command::Commit | Command::Rollback) {
                    self.check_transaction()?;
                }
                self.run_command(&command, &portal.format).await?;
                portal
            }
            Kind::Query(_) => self.execute_query(portal, rows_max).await?,
        };
        self.session.portals.insert(name, portal);
        Ok(())
    }

    async fn execute_query(
        &mut self,
        mut portal: Portal,
        rows_max: Option<u64>,
    ) -> PgWireResult<Portal> {
        self.check_transaction()?;
        let prepared = Arc::clone(&portal.prepared);
        let Kind::Query(query) = &prepared.kind else { return Ok(portal) };
        let mut rows = match std::mem::replace(&mut portal.progress, Progress::Done) {
            Progress::Done => {
                self.complete("SELECT 0").await?;
                return Ok(portal);
            }
            Progress::Open(rows) => rows,
            Progress::New => {
                let values = portal.values.take();
                Box::new(self.session.run(&prepared, query, values, &portal.format).await?)
            }
        };
        let (sent, has_more) = self.send_rows(&mut rows, rows_max).await?;
        if has_more {
            portal.progress = Progress::Open(rows);
            let suspended = PgWireBackendMessage::PortalSuspended(PortalSuspended::new());
            self.socket.feed(suspended).await?;
        } else {
            self.complete(format!("SELECT {sent}")).await?;
        }
        Ok(portal)
    }

    /// Closes a statement or a portal; an unknown one is ignored.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn close_one(&mut self, object: &Object) -> PgWireResult<()> {
        match object {
            Object::Statement(name) => drop(self.session.statements.remove(name)),
            Object::Portal(name) => drop(self.session.portals.remove(name)),
        }
        Ok(self.socket.feed(PgWireBackendMessage::CloseComplete(CloseComplete::new())).await?)
    }
}

fn no_portal(name: &str) -> pgwire::error::PgWireError {
    error("34000", format!("portal \"{name}\" does not exist"))
}

fn format(codes: &[i16]) -> Format {
    match codes {
        [] => Format::UnifiedText,
        [code] => Format::from(*code),
        codes => Format::Individual(codes.to_vec()),
    }
}
