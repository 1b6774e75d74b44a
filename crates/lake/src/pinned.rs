//! Tables at fixed versions: which version a table had at a time, and sessions over such versions.
//!
//! A statement over pinned versions gives the same rows at any later time, as long as the files of these versions
//! are kept, which is a day after they were replaced.

use crate::lake::Lake;
use crate::plan::{Step, known};
use crate::session;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use config::model::TableName;
use datafusion::catalog::{
    CatalogProvider as _, MemoryCatalogProvider, SchemaProvider, TableProvider,
};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionContext;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A version of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommittedVersion {
    pub version: u64,
    /// Milliseconds since 1970 UTC.
    pub committed_at_ms: i64,
}

/// A version of a table that is no longer stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table} is no longer stored at version {version}")]
pub struct VersionNotStored {
    pub table: TableName,
    pub version: u64,
}

/// The newest version of a table, or the newest that was committed up to a time in milliseconds since 1970 UTC.
/// `None` if the table does not exist, or did not exist then.
pub async fn version(
    lake: &Lake,
    name: &TableName,
    at_ms: Option<i64>,
) -> anyhow::Result<Option<CommittedVersion>> {
    let Some(state) = lake.state(name).await? else { return Ok(None) };
    let table = lake.table(name)?;
    let newest = state.version();
    let Some(at_ms) = at_ms else {
        let committed_at_ms = table.committed_at_ms(newest).await?.or_else(|| state.modified_ms());
        let committed_at_ms = committed_at_ms.unwrap_or_default();
        return Ok(Some(CommittedVersion { version: newest, committed_at_ms }));
    };
    // The first version after the time, by bisection: commits follow each other in time. An entry that the log no
    // longer has is older than those it has.
    let (mut from, mut to) = (0, newest + 1);
    while from < to {
        let middle = from + (to - from) / 2;
        match table.committed_at_ms(middle).await? {
            Some(committed_at_ms) if committed_at_ms > at_ms => to = middle,
            _ => from = middle + 1,
        }
    }
    let Some(version) = from.checked_sub(1) else { return Ok(None) };
    let committed_at_ms = table.committed_at_ms(version).await?.unwrap_or_default();
    Ok(Some(CommittedVersion { version, committed_at_ms }))
}

/// A session with these tables at these versions; every other table of the plant is empty. It has one partition, so
/// that a statement gives its rows, and sums of decimals their last digits, in the same order each time.
pub fn open(
    lake: &Arc<Lake>,
    runtime: Arc<RuntimeEnv>,
    steps: &[Step],
    versions: &BTreeMap<TableName, u64>,
) -> anyhow::Result<SessionContext> {
    let known = known::tables(steps);
    let session = session::empty(lake.limits(), runtime, 1);
    session::attach(lake, &session);
    let catalog = MemoryCatalogProvider::new();
    for schema in session::SCHEMAS {
        let empty = known.iter().filter(|(name, _)| name.schema == schema);
        let empty =
            empty.map(|(name, columns)| (name.name.clone(), Pinned::Empty(columns.clone())));
        let tables = versions.iter().filter(|(name, _)| name.schema == schema);
        let tables = tables.map(|(name, version)| (name.name.clone(), Pinned::Version(*version)));
        let tables = empty.chain(tables).collect();
        let provider = PinnedSchema { lake: lake.clone(), schema: schema.to_owned(), tables };
        catalog.register_schema(schema, Arc::new(provider))?;
    }
    session.register_catalog(session::CATALOG, Arc::new(catalog));
    Ok(session)
}

/// A table of a pinned session.
#[derive(Clone)]
enum Pinned {
    Version(u64),
    /// Without rows, with these columns.
    Empty(SchemaRef),
}

/// A schema of the lake at fixed versions.
struct PinnedSchema {
    lake: Arc<Lake>,
    schema: String,
    tables: BTreeMap<String, Pinned>,
}

impl PinnedSchema {
    async fn provider(&self, name: &TableName, version: u64) -> Result<Arc<dyn TableProvider>> {
        let open = async {
            let Some(state) = self.lake.state_at(name, version).await? else { return Ok(None) };
            Ok(Some(self.lake.table(name)?.provider(&state).await?))
        };
        let provider = open.await;
        let provider =
            provider.map_err(|error: anyhow::Error| DataFusionError::External(error.into()))?;
        provider.ok_or_else(|| {
            let gone = VersionNotStored { table: name.clone(), version };
            DataFusionError::External(Box::new(gone))
        })
    }
}

impl std::fmt::Debug for PinnedSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PinnedSchema({})", self.schema)
    }
}

#[async_trait]
impl SchemaProvider for PinnedSchema {
    fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.tables.get(name) {
            None => Ok(None),
            Some(Pinned::Empty(columns)) => Ok(Some(Arc::new(EmptyTable::new(columns.clone())))),
            Some(Pinned::Version(version)) => {
                let name = TableName::new(&self.schema, name);
                Ok(Some(self.provider(&name, *version).await?))
            }
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }
}
