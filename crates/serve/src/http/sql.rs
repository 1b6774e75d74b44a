//! SQL of clients that are connected by another protocol than HTTP.
//!
//! *In*: the connection, a name with a password or API token, parsed statements.
//! *Out*: an [`SqlClient`], and the [`Rows`] of its statements.
//! *Promise*: a statement has the permissions, row filters, limits and the audit entry of a query over
//! HTTP. The permissions are those at the time of the statement, not of the login.

mod login;
mod rows;

pub use login::{Credentials, Origin, ProofCredentials};
pub use rows::{Frames, Rows};

use super::Service;
use super::authorization::Caller;
use super::compute::Compute;
use super::concurrency::{Deadline, Permit};
use super::depth;
use super::error::Error;
use super::format::Format;
use super::readonly;
use super::receipt::{Receipt, Subject};
use super::visibility::{Extent, Visibility};
use crate::TableInfo;
use access::{Action, Identity, Secret};
use axum::http::StatusCode;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SessionState;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The permissions of a statement, whose rows leave the program as those of a file do.
const ACTIONS: [Action; 2] = [Action::RunSql, Action::Download];

/// An authenticated client.
pub struct SqlClient {
    service: Arc<Service>,
    caller: Caller,
    protocol: &'static str,
    /// The session of a login by password.
    session: Option<Secret>,
}

impl SqlClient {
    /// The name of the user.
    pub fn name(&self) -> &str {
        self.caller.identity().map_or("", Identity::name)
    }

    /// The name of the plant.
    pub fn plant(&self) -> String {
        self.service.lake.health().plant
    }

    /// A session over the tables that the client can see, with their visible rows.
    ///
    /// # Errors
    /// The login has ended, or the client may not run SQL.
    pub fn session(&self) -> BoxFuture<'_, Result<SessionContext, Error>> {
        Box::pin(async { self.visibility()?.session(&self.service).await })
    }

    /// The tables that the client can see.
    ///
    /// # Errors
    /// The login has ended, or the client may not run SQL.
    pub fn tables(&self) -> BoxFuture<'_, Result<Vec<TableInfo>, Error>> {
        Box::pin(async {
            let visibility = self.visibility()?;
            let mut tables = self.service.lake.tables().await.map_err(Error::from_lower_layer)?;
            tables.retain(|table| visibility.of_table(table) != Extent::Nothing);
            Ok(tables)
        })
    }

    /// A text that differs between the rows that clients can see.
    pub fn fingerprint(&self) -> Result<String, Error> {
        Ok(self.visibility()?.fingerprint())
    }

    /// Plans a parsed statement, which may have parameters.
    ///
    /// # Errors
    /// The statement is invalid or does more than read registered tables.
    pub fn plan(
        &self,
        state: SessionState,
        statement: Statement,
    ) -> BoxFuture<'_, Result<DataFrame, Error>> {
        Box::pin(readonly::plan_parsed(state, statement, &self.service.limits))
    }

    /// Refuses a statement whose expressions are nested too deeply to be parsed and planned.
    ///
    /// # Errors
    /// It has a longer chain of operators than a query may have.
    pub fn check_depth(&self, sql: &str) -> Result<(), Error> {
        depth::check(sql, self.service.limits.query_depth_max)
    }

    /// Plans the statement in a text, as a query over HTTP.
    ///
    /// # Errors
    /// The statement is invalid or does more than read registered tables.
    pub fn plan_text<'a>(
        &'a self,
        session: &'a SessionContext,
        sql: &'a str,
    ) -> BoxFuture<'a, Result<DataFrame, Error>> {
        Box::pin(readonly::plan(session, sql, &self.service.limits))
    }

    /// Begins a statement, whose text is `sql`; waits while too many are running. `time` is its limit.
    ///
    /// # Errors
    /// Too many statements are running, or too many come from this address.
    pub fn start<'a>(
        &'a self,
        sql: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Running, Error>> {
        Box::pin(async move {
            let service = &self.service;
            self.check_rate()?;
            let permit = service.queries.take(&service.limits).await?;
            let subject = Subject::Query(sql.to_owned());
            let receipt = Receipt::new(service, &self.caller, subject, Format::Json)?;
            Ok(Running {
                compute: service.compute.clone(),
                deadline: Deadline::after(time),
                _permit: permit,
                receipt: receipt.with_protocol(self.protocol),
                rows_max: service.limits.file_rows,
            })
        })
    }

    fn visibility(&self) -> Result<Visibility, Error> {
        Visibility::new(&self.identity_now()?, &ACTIONS, self.service.lake.equipment())
    }

    /// The identity with its current rights. A session is kept from becoming idle.
    fn identity_now(&self) -> Result<Identity, Error> {
        let (access, now_us) = (&self.service.access, self.service.now_us());
        match &self.session {
            Some(session) => {
                Ok(access.database()?.authenticate_session(session.expose(), now_us)?)
            }
            None => access.recheck(&self.caller, now_us),
        }
    }

    /// Clients on this machine have no limit, as over HTTP.
    fn check_rate(&self) -> Result<(), Error> {
        let address = self.caller.peer.address;
        if address.to_canonical().is_loopback() {
            return Ok(());
        }
        let taken = self.service.rate.take(address, Instant::now());
        taken.map_err(|_wait| {
            let per_s = self.service.limits.requests_per_s;
            let message = format!("more than {per_s} requests a second from {address}; send fewer");
            Error::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message)
        })
    }
}

impl fmt::Debug for SqlClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlClient").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// A statement that runs. Its audit entry is written when its rows end, or when it is dropped.
pub struct Running {
    compute: Compute,
    deadline: Deadline,
    _permit: Permit,
    receipt: Receipt,
    rows_max: u64,
}

impl Running {
    /// The result of `work`, or an error if the time of the statement is over first.
    pub fn within<'a, T: Send + 'a>(
        &'a mut self,
        work: BoxFuture<'a, T>,
    ) -> BoxFuture<'a, Result<T, Error>> {
        Box::pin(self.deadline.within(work))
    }

    /// Starts the computation of the rows of `frame`, which keeps at most `batches_ahead` of them ready.
    ///
    /// # Errors
    /// The frame cannot be executed, or the time is over.
    pub fn execute(
        self,
        frame: DataFrame,
        batches_ahead: usize,
    ) -> BoxFuture<'static, Result<Rows, Error>> {
        self.execute_each(Box::new(std::iter::once(Ok(frame))), batches_ahead)
    }

    /// Starts the computation of the rows of several frames, each after the one before it, as those of one
    /// statement: its time, its number of rows and its audit entry are those of all frames. The columns are those
    /// of the first frame.
    ///
    /// # Errors
    /// There is no frame, the first one cannot be executed, or the time is over.
    pub fn execute_each(
        mut self,
        mut frames: Frames,
        batches_ahead: usize,
    ) -> BoxFuture<'static, Result<Rows, Error>> {
        Box::pin(async move {
            let Some(first) = frames.next() else {
                return Err(Error::internal(anyhow::anyhow!("a statement without executions")));
            };
            let first = self.deadline.within(self.compute.stream(first?)).await??;
            Ok(Rows::new(self, first, frames, batches_ahead))
        })
    }
}
