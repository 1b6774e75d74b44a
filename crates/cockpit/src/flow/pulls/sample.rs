//! A sample of a source, as its contract reads it. Nothing is written.

use anyhow::Context as _;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use batches::batch::Batch;
use batches::typed::{Stage, Typed};
use config::Config;
use ingest::files;
use ingest::pull::{self, Request};
use plant::contract::Contract;
use std::collections::HashSet;
use std::sync::Arc;

/// The first records of a source.
pub struct Sample {
    /// The records as bronze has them.
    pub texts: RecordBatch,
    /// The same, as the contract reads them.
    pub typed: Typed,
    /// Where the source is.
    pub address: String,
    pub notes: Vec<String>,
}

/// Reads the first records of the source of a bronze table.
///
/// # Errors
/// The table has no such source, or it cannot be read.
pub async fn sample(config: &Config, table: &str) -> anyhow::Result<Option<Sample>> {
    let plant = &config.plant;
    let contract = plant.contracts.get(table).filter(|it| it.pull.is_some());
    let contract = contract.with_context(|| {
        let known = plant.contracts.values().filter(|it| it.pull.is_some());
        let known: Vec<&str> = known.map(|it| it.table.as_str()).collect();
        format!(
            "no contract `{table}` with [sql]; there are: {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        )
    })?;
    let (limits, known) = (&plant.limits, &HashSet::new());
    let sample = Some(limits.pull.sql_sample_rows);
    let request = Request { contract, limits, last: None, known, sample };
    let Some(pulled) = pull::read(request).await? else { return Ok(None) };
    let (decoding, limits) = (contract.clone(), limits.clone());
    let (out, mut batches) = tokio::sync::mpsc::channel(1);
    let decoding =
        tokio::task::spawn_blocking(move || files::decode(pulled.bytes, &decoding, &limits, &out));
    let mut found = Vec::new();
    while let Some(batch) = batches.recv().await {
        found.push(texts(contract, batch)?);
    }
    decoding.await??;
    let Some(first) = found.first() else { return Ok(None) };
    let texts = concat_batches(&first.schema(), &found)?;
    let typed = Stage::new(contract, &plant.calendar).apply(&texts, None)?;
    let address = contract.pull.as_ref().map(plant::source::Pull::address).unwrap_or_default();
    Ok(Some(Sample { texts, typed, address, notes: pulled.notes }))
}

/// The columns of a contract with the fault and the rest of each record.
fn texts(contract: &Contract, batch: Batch) -> anyhow::Result<RecordBatch> {
    let names = contract.columns.iter().map(|column| column.name.as_str());
    let mut columns: Vec<(&str, ArrayRef)> = names.zip(batch.fields).collect();
    columns.push(("_rest", Arc::new(batch.rest)));
    columns.push(("_fault", Arc::new(batch.fault)));
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )?)
}
