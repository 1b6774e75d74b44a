//! What the steps of refinement work with.

use crate::alarm_columns;
use crate::lake::Lake;
use crate::plan::Step;
use anyhow::Context as _;
use arrow::datatypes::SchemaRef;
use batches::batch::{Fields, Messages};
use config::folder::Plant;
use config::model::TableName;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::future::BoxFuture;
use plant::contract::Contract;
use std::sync::Arc;
use tokio::sync::RwLock;

/// Decodes the messages of a contract; passed in by `flow`, which knows the decoders. It may have to ask a schema
/// registry first, and fails if that does not answer.
pub type ReadMessages = Arc<
    dyn for<'a> Fn(&'a Contract, &'a Messages) -> BoxFuture<'a, anyhow::Result<Fields>>
        + Send
        + Sync,
>;

/// A decoder of messages as a shared function.
pub fn read_messages(
    read: impl for<'a> Fn(&'a Contract, &'a Messages) -> BoxFuture<'a, anyhow::Result<Fields>>
    + Send
    + Sync
    + 'static,
) -> ReadMessages {
    Arc::new(read)
}

/// What the steps of refinement work with. Clones share all of it.
#[derive(Clone)]
pub struct LakeContext {
    pub lake: Arc<Lake>,
    pub plant: Arc<Plant>,
    pub steps: Arc<Vec<Step>>,
    pub runtime: Arc<RuntimeEnv>,
    /// Held for reading by statements that run in parallel, and for writing by one that needs all of the
    /// memory.
    pub memory: Arc<RwLock<()>>,
    pub read: ReadMessages,
}

impl LakeContext {
    /// The step that makes a table.
    ///
    /// # Errors
    /// Fails if no model of the plant makes it.
    pub fn step(&self, name: &TableName) -> anyhow::Result<&Step> {
        let step = self.steps.iter().find(|step| step.name() == name);
        step.with_context(|| format!("no model makes {name}"))
    }

    /// The columns of a table that statements read.
    ///
    /// # Errors
    /// Fails if no model of the plant makes it and it is not the table of alarm events.
    pub fn schema(&self, name: &TableName) -> anyhow::Result<SchemaRef> {
        if *name == alarm_columns::name() {
            return Ok(alarm_columns::schema());
        }
        Ok(self.step(name)?.schema.clone())
    }

    /// The contract whose records a step cleans, `None` for a step that derives.
    pub fn contract(&self, step: &Step) -> Option<&Contract> {
        step.model.cleans().and_then(|table| self.plant.contracts.get(table))
    }

    /// The silver tables of streams.
    pub fn stream_tables(&self) -> impl Iterator<Item = &TableName> {
        let is_stream = |step: &&Step| self.contract(step).is_some_and(Contract::is_stream);
        self.steps.iter().filter(is_stream).map(Step::name)
    }
}
