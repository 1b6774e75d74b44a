//! The catalogue of PostgreSQL: `pg_catalog`, `information_schema` and their functions.
//!
//! *In*: the tables that a client can see, with keys, types and descriptions.
//! *Out*: a session in which these exist beside the tables of the lake.
//! *Promise*: the catalogue shows visible tables only. An object keeps its number over restarts.

mod database;
mod functions;
mod information;
mod numbers;
mod objects;
mod regproc;
mod schemas;
mod table;
mod types;

use super::variables::Variables;
use anyhow::Context as _;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::sql::sqlparser::ast::Statement as Ast;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::PgCatalogStaticTables;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::oid_type_planner::PgOidTypePlanner;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use objects::Objects;
use schemas::Catalog;
use serve::http::{Error, SqlClient};
use std::fmt;
use std::sync::Arc;

/// What all sessions share.
pub struct Statics {
    tables: PgCatalogStaticTables,
    parser: PostgresCompatibilityParser,
}

impl Statics {
    /// Loads the tables that are the same for everybody: types, functions, operators.
    ///
    /// # Errors
    /// The tables that are part of the program cannot be read.
    pub fn load() -> anyhow::Result<Self> {
        let tables = PgCatalogStaticTables::try_new().context("load the tables of pg_catalog")?;
        Ok(Self { tables, parser: PostgresCompatibilityParser::new() })
    }
}

impl fmt::Debug for Statics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Statics")
    }
}

/// The statements of a text, with what PostgreSQL writes differently.
pub fn parse(statics: &Statics, sql: &str) -> Result<Vec<Ast>, ParserError> {
    let parsed = statics.parser.parse(sql)?;
    Ok(parsed.into_iter().map(regproc::compare_by_name).collect())
}

/// A session for one statement of a client.
///
/// # Errors
/// The login has ended, or the client may not run SQL.
pub async fn state(
    statics: &Arc<Statics>,
    client: &SqlClient,
    variables: &Variables,
    sql: &str,
) -> Result<SessionState, Error> {
    let session = client.session().await?;
    let tables = if mentions_catalog(sql) { client.tables().await? } else { Vec::new() };
    let objects = Arc::new(Objects::new(tables, client.name().to_owned()));
    let name = lake::session::CATALOG;
    if let Some(inner) = session.catalog(name) {
        let catalog = Catalog::new(inner, Arc::clone(statics), Arc::clone(&objects));
        session.register_catalog(name, Arc::new(catalog));
    }
    functions::register(&session, &objects, variables);
    let builder = SessionStateBuilder::new_from_existing(session.state());
    let mut state = builder.with_type_planner(Arc::new(PgOidTypePlanner)).build();
    // The views of DataFusion would hide those of PostgreSQL.
    state.config_mut().options_mut().catalog.information_schema = false;
    Ok(state)
}

/// Whether a statement may read the catalogue: its tables and functions have such names.
fn mentions_catalog(sql: &str) -> bool {
    let sql = sql.to_lowercase();
    ["pg_", "information_schema", "_description"].iter().any(|it| sql.contains(it))
}
