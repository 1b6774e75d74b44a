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
mod schemas;
mod table;
mod types;

use super::variables::Variables;
use anyhow::Context as _;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::PgCatalogStaticTables;
use objects::Objects;
use schemas::Catalog;
use serve::http::{Error, SqlClient};
use std::fmt;
use std::sync::Arc;
use types::PgTypePlanner;

pub use table::INT2_VECTOR_KEY;

/// What all sessions share.
pub struct Statics {
    tables: PgCatalogStaticTables,
}

impl Statics {
    /// Loads the tables that are the same for everybody: types, functions, operators.
    ///
    /// # Errors
    /// The tables that are part of the program cannot be read.
    pub fn load() -> anyhow::Result<Self> {
        let tables = PgCatalogStaticTables::try_new().context("load the tables of pg_catalog")?;
        Ok(Self { tables })
    }
}

impl fmt::Debug for Statics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Statics")
    }
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
    let reads_catalogue = reads_catalogue(sql);
    let tables = if reads_catalogue { client.tables().await? } else { Vec::new() };
    let settings = variables.all().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let objects = Objects::new(tables, client.name().to_owned(), settings.collect());
    Ok(complete(&session, statics, Arc::new(objects), variables, reads_catalogue))
}

/// `session` with the schemas, functions and types of PostgreSQL.
fn complete(
    session: &SessionContext,
    statics: &Arc<Statics>,
    objects: Arc<Objects>,
    variables: &Variables,
    reads_catalogue: bool,
) -> SessionState {
    let name = lake::session::CATALOG;
    if let Some(inner) = session.catalog(name) {
        let catalog = Catalog::new(inner, Arc::clone(statics), Arc::clone(&objects));
        session.register_catalog(name, Arc::new(catalog));
    }
    functions::register(session, &objects, variables, reads_catalogue);
    let builder = SessionStateBuilder::new_from_existing(session.state());
    let mut state = builder.with_type_planner(Arc::new(PgTypePlanner)).build();
    // The views of DataFusion would hide those of PostgreSQL.
    state.config_mut().options_mut().catalog.information_schema = false;
    state
}

/// Whether a statement may read the catalogue: its tables, functions and types have such names.
pub fn reads_catalogue(sql: &str) -> bool {
    let sql = sql.to_lowercase();
    let names = ["pg_", "information_schema", "_description", "_privilege", "regclass", "regtype"];
    names.iter().chain(&["to_reg", "regnamespace", "quote_ident"]).any(|it| sql.contains(it))
}
