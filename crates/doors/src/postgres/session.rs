//! The state of a connection, and its statements on the read path.

use super::Server;
use super::catalog;
use super::command::Command;
use super::cursor::Cursor;
use super::dialect;
use super::errors::{error, from_datafusion, from_read_path, unsupported};
use super::parameters::Parameters;
use super::prepared::{Kind, Plan, Prepared, Query, only};
use super::rows::{OpenRows, fields};
use super::variables::Variables;
use datafusion::common::ParamValues;
use datafusion::dataframe::DataFrame;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as Ast;
use pgwire::api::portal::Format;
use pgwire::error::PgWireResult;
use pgwire::messages::response::TransactionStatus;
use serve::http::SqlClient;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a connection has.
pub struct Session {
    pub server: Arc<Server>,
    pub client: Arc<SqlClient>,
    pub variables: Variables,
    pub transaction: TransactionStatus,
    pub statements: HashMap<String, Arc<Prepared>>,
    pub portals: HashMap<String, Portal>,
    pub cursors: HashMap<String, Cursor>,
}

/// A prepared statement with its values.
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub values: Option<ParamValues>,
    pub format: Format,
    pub progress: Progress,
}

/// How far a portal is executed.
pub enum Progress {
    New,
    Open(Box<OpenRows>),
    Done,
}

impl Session {
    /// A session without statements.
    pub fn new(server: Arc<Server>, client: Arc<SqlClient>, variables: Variables) -> Self {
        Self {
            server,
            client,
            variables,
            transaction: TransactionStatus::Idle,
            statements: HashMap::new(),
            portals: HashMap::new(),
            cursors: HashMap::new(),
        }
    }

    /// The time that a statement may take.
    pub fn time(&self) -> Duration {
        let limit = Duration::from_secs(self.server.limits.doors.sql_statement_s);
        self.variables.statement_time(limit)
    }

    /// Refuses one more statement or cursor than a connection may have.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub fn check_room(&self) -> PgWireResult<()> {
        let limit = self.server.limits.doors.sql_prepared_max;
        let open = self.statements.len() + self.portals.len() + self.cursors.len();
        if open < limit {
            return Ok(());
        }
        Err(error("53400", format!("{limit} prepared statements and cursors are open: close some")))
    }

    /// Parses and plans a statement. `declared` are the types of its parameters, 0 for unknown.
    ///
    /// # Errors
    /// The statement is invalid, does more than read, or takes too long to plan.
    pub async fn prepare(&self, sql: &str, declared: &[u32]) -> PgWireResult<Prepared> {
        let command = Command::parse(sql).map_err(unsupported)?;
        if let Some(command) = command {
            return Ok(Prepared {
                sql: sql.into(),
                kind: Kind::Command(command),
                parameters: Parameters::default(),
            });
        }
        self.client.check_depth(sql).map_err(|failed| from_read_path(failed, sql))?;
        let parsed = dialect::parse(sql, catalog::reads_catalogue(sql), declared);
        let parsed = parsed.map_err(|failed| from_datafusion(failed.into(), sql))?;
        if parsed.is_empty() {
            let (kind, parameters) = (Kind::Empty, Parameters::default());
            return Ok(Prepared { sql: sql.into(), kind, parameters });
        }
        let ast = only(parsed, sql)?;
        let time = self.time();
        let planned = tokio::time::timeout(time, Box::pin(self.plan(&ast, sql))).await;
        let plan = planned
            .map_err(|_elapsed| from_read_path(serve::http::Error::timeout(time), sql))??;
        let parameters = Parameters::new(plan.frame.logical_plan(), declared, sql)?;
        let kind = Kind::Query(Box::new(Query::new(ast, plan)));
        Ok(Prepared { sql: sql.into(), kind, parameters })
    }

    async fn plan(&self, ast: &Ast, sql: &str) -> PgWireResult<Plan> {
        let visible = self.client.fingerprint().map_err(|failed| from_read_path(failed, sql))?;
        let state = catalog::state(&self.server.statics, &self.client, &self.variables, sql).await;
        let state = state.map_err(|failed| from_read_path(failed, sql))?;
        let statement = Statement::Statement(Box::new(ast.clone()));
        let frame = self.client.plan(state, statement).await;
        let frame = frame.map_err(|failed| from_read_path(failed, sql))?;
        Ok(Plan { frame, made_at: Instant::now(), visible })
    }

    /// Starts a query and returns its rows.
    ///
    /// # Errors
    /// The query cannot be started.
    pub async fn run(
        &self,
        prepared: &Prepared,
        query: &Query,
        values: Option<ParamValues>,
        format: &Format,
    ) -> PgWireResult<OpenRows> {
        let sql = &prepared.sql;
        let failed = |failed| from_read_path(failed, sql);
        let mut running = self.client.start(sql, self.time()).await.map_err(failed)?;
        let frame = running.within(Box::pin(self.frame(query, sql))).await.map_err(failed)??;
        let frame = match values {
            Some(values) => {
                frame.with_param_values(values).map_err(|error| from_datafusion(error, sql))?
            }
            None => frame,
        };
        let fields = fields(&query.schema, format, &self.variables.format_options())?;
        let batches_ahead = self.server.limits.doors.sql_batches_ahead;
        let rows = Box::pin(running.execute(frame, batches_ahead)).await.map_err(failed)?;
        Ok(OpenRows::new(rows, &query.schema, fields, Arc::clone(sql)))
    }

    /// The frame of a query: that of its preparation if it is new, else a later one.
    async fn frame(&self, query: &Query, sql: &str) -> PgWireResult<DataFrame> {
        let visible = self.client.fingerprint().map_err(|failed| from_read_path(failed, sql))?;
        if let Some(frame) = query.take_plan(&visible) {
            return Ok(frame);
        }
        let frame = self.plan(&query.ast, sql).await?.frame;
        query.check(&frame)?;
        Ok(frame)
    }
}
