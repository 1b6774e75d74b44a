//! SQL sessions over the tables of the lake, with the configured limits.

mod micros;
mod spill;

pub use micros::in_microseconds;

use crate::lake::Lake;
use async_trait::async_trait;
use config::model::TableName;
use config::settings::Limits;
use datafusion::catalog::{CatalogProvider as _, MemoryCatalogProvider, SchemaProvider};
use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::optimizer::Analyzer;
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::path::Path as Key;
use std::sync::Arc;

/// Name of the catalog with all schemas of the lake.
pub const CATALOG: &str = "lake";

/// Schemas of the lake, in the order of the data flow.
pub const SCHEMAS: [&str; 4] = ["bronze", "silver", "gold", "meta"];

/// The memory and the spill files that all sessions of the program share.
pub fn runtime(limits: &Limits) -> anyhow::Result<Arc<RuntimeEnv>> {
    spilling_to_disk(Arc::new(FairSpillPool::new(limits.refine.memory_bytes)))
}

fn spilling_to_disk(pool: Arc<dyn MemoryPool>) -> anyhow::Result<Arc<RuntimeEnv>> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::OsTmpDirectory),
        )
        .build()?;
    Ok(Arc::new(runtime))
}

/// A session without tables.
pub fn empty(limits: &Limits, runtime: Arc<RuntimeEnv>, partitions: usize) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_runtime_env(runtime)
        .with_physical_optimizer_rules(spill::partitioned_rules());
    build(config(limits, partitions), state)
}

/// A session without tables for statements that do not fit into memory: it joins large tables in parts, and
/// every sort spills early. It may use all of the memory, in addition to what others hold.
pub fn spilling(limits: &Limits) -> anyhow::Result<SessionContext> {
    let pool = spill::EqualShares::new(limits.refine.memory_bytes);
    let merge_bytes = pool.share_bytes() / 2;
    // One partition: each would sort and join in memory of its own.
    let config = config(limits, 1).with_sort_spill_reservation_bytes(merge_bytes);
    let state = SessionStateBuilder::new()
        .with_runtime_env(spilling_to_disk(Arc::new(pool))?)
        .with_physical_optimizer_rules(spill::spilling_rules());
    Ok(build(config, state))
}

fn config(limits: &Limits, partitions: usize) -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(limits.lake.batch_rows)
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, "gold")
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool("datafusion.catalog.has_header", false)
}

fn build(config: SessionConfig, state: SessionStateBuilder) -> SessionContext {
    let mut rules = Analyzer::new().rules;
    rules.insert(0, Arc::new(micros::Microseconds));
    let state =
        state.with_config(config).with_default_features().with_analyzer_rules(rules).build();
    let session = SessionContext::new_with_state(state);
    session.register_catalog(CATALOG, Arc::new(MemoryCatalogProvider::new()));
    session
}

/// Registers `provider` as `name` in `session`, in place of a table of this name.
pub fn register(
    session: &SessionContext,
    name: &TableName,
    provider: Arc<dyn TableProvider>,
) -> anyhow::Result<()> {
    let catalog = session
        .catalog(CATALOG)
        .ok_or_else(|| anyhow::anyhow!("the session has no catalog `{CATALOG}`"))?;
    let schema = match catalog.schema(&name.schema) {
        Some(schema) => schema,
        None => {
            let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
            catalog.register_schema(&name.schema, schema.clone())?;
            schema
        }
    };
    schema.deregister_table(&name.name)?;
    schema.register_table(name.name.clone(), provider)?;
    Ok(())
}

/// A session with every table of the lake as `schema.table`. Tables are opened when they are queried.
pub async fn open(
    lake: &Arc<Lake>,
    runtime: Arc<RuntimeEnv>,
    partitions: usize,
) -> anyhow::Result<SessionContext> {
    let session = empty(lake.limits(), runtime, partitions);
    attach(lake, &session);
    let catalog = MemoryCatalogProvider::new();
    for schema in SCHEMAS {
        let names = table_names(lake, schema).await?;
        let provider = LakeSchema { lake: lake.clone(), schema: schema.to_owned(), names };
        catalog.register_schema(schema, Arc::new(provider))?;
    }
    session.register_catalog(CATALOG, Arc::new(catalog));
    Ok(session)
}

/// Lets `session` read the files of the lake.
pub fn attach(lake: &Lake, session: &SessionContext) {
    let mut url = lake.location().url.clone();
    url.set_path("");
    session.register_object_store(&url, lake.location().root.clone());
}

/// Names of the tables of one schema, sorted.
pub async fn table_names(lake: &Lake, schema: &str) -> anyhow::Result<Vec<String>> {
    let listed = lake.location().store().list_with_delimiter(Some(&Key::from(schema))).await;
    let folders = match listed {
        Ok(listed) => listed.common_prefixes,
        Err(object_store::Error::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let name = |folder: &Key| folder.filename().map(str::to_owned);
    Ok(folders.iter().filter_map(name).collect())
}

/// A schema of the lake for DataFusion.
struct LakeSchema {
    lake: Arc<Lake>,
    schema: String,
    names: Vec<String>,
}

impl std::fmt::Debug for LakeSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LakeSchema({})", self.schema)
    }
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        self.names.clone()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !self.table_exist(name) {
            return Ok(None);
        }
        let name = TableName::new(&self.schema, name);
        let open = async {
            let Some(state) = self.lake.state(&name).await? else { return Ok(None) };
            Ok(Some(self.lake.table(&name)?.provider(&state).await?))
        };
        open.await.map_err(|error: anyhow::Error| DataFusionError::External(error.into()))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}
