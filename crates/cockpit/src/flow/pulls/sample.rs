//! A sample of a source, as its contract reads it. Nothing is written.

use anyhow::Context as _;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use batches::batch::Batch;
use batches::typed::{Stage, Typed};
use config::Config;
use config::location::{self, Purpose};
use config::settings::Limits;
use ingest::Error;
use ingest::files::{self, Fetched};
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

/// The bytes that a sample is decoded from.
struct Source {
    bytes: Fetched,
    address: String,
    notes: Vec<String>,
}

/// Reads the first records of the source of a bronze table: of its database, or of its newest dump.
///
/// # Errors
/// The table has no such source, or it cannot be read.
pub async fn sample(config: &Config, table: &str) -> anyhow::Result<Option<Sample>> {
    let plant = &config.plant;
    let is_testable = |it: &&Contract| !it.is_stream() && it.http.is_none();
    let contract = plant.contracts.get(table).filter(is_testable).with_context(|| {
        let known = plant.contracts.values().filter(is_testable);
        let known: Vec<&str> = known.map(|it| it.table.as_str()).collect();
        format!(
            "no contract `{table}` with [sql] or paths; there are: {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        )
    })?;
    let source = match contract.pull {
        Some(_) => of_database(config, contract).await?,
        None => newest_dump(config, contract).await?,
    };
    let Some(source) = source else { return Ok(None) };
    let most = usize::try_from(plant.limits.pull.sql_sample_rows)?;
    let texts = first_records(contract, &plant.limits, source.bytes, most).await?;
    let Some(texts) = texts else { return Ok(None) };
    let typed = Stage::new(contract, &plant.calendar).apply(&texts, None)?;
    Ok(Some(Sample { texts, typed, address: source.address, notes: source.notes }))
}

/// The first rows of a table or query.
async fn of_database(config: &Config, contract: &Contract) -> anyhow::Result<Option<Source>> {
    let (limits, known) = (&config.plant.limits, &HashSet::new());
    let sample = Some(limits.pull.sql_sample_rows);
    let request = Request { contract, limits, last: None, known, sample };
    let Some(pulled) = pull::read(request).await? else { return Ok(None) };
    let address = contract.pull.as_ref().map(plant::source::Pull::address).unwrap_or_default();
    Ok(Some(Source { bytes: pulled.bytes, address, notes: pulled.notes }))
}

/// The newest dump of the bucket; `None` if there is none.
async fn newest_dump(config: &Config, contract: &Contract) -> anyhow::Result<Option<Source>> {
    let bucket = config.bucket.as_ref().context(
        "no bucket is configured: use --bucket URL, COCKPIT_BUCKET, or bucket in plant.toml",
    )?;
    let requests = &config.plant.limits.file_server;
    let bucket = location::open_within(&bucket.0, Purpose::Read, requests);
    let bucket = bucket.context("cannot open the bucket")?;
    let contracts = [Arc::new(contract.clone())];
    let found = files::list(&bucket, &contracts, config.plant.zone).await?;
    let skipped = bucket.skipped.take_fresh();
    let notes = skipped.into_iter().map(|it| format!("{} {}", it.name, it.reason)).collect();
    let Some(dump) = found.last() else { return Ok(None) };
    let bytes = files::fetch(&bucket, dump, None).await?;
    let address = format!("{}/{}", bucket.name.trim_end_matches('/'), dump.key);
    Ok(Some(Source { bytes, address, notes }))
}

/// At most the first `most` records; `None` if there are none.
async fn first_records(
    contract: &Contract,
    limits: &Limits,
    bytes: Fetched,
    most: usize,
) -> anyhow::Result<Option<RecordBatch>> {
    let (decoding, limits) = (contract.clone(), limits.clone());
    let (out, mut batches) = tokio::sync::mpsc::channel(1);
    let decoding =
        tokio::task::spawn_blocking(move || files::decode(bytes, &decoding, &limits, &out));
    let (mut found, mut rows) = (Vec::new(), 0);
    while rows < most {
        let Some(batch) = batches.recv().await else { break };
        let texts = texts(contract, batch)?;
        rows += texts.num_rows();
        found.push(texts);
    }
    drop(batches);
    match decoding.await? {
        Err(Error::Stopped) if rows >= most => {}
        decoded => drop(decoded?),
    }
    let Some(first) = found.first() else { return Ok(None) };
    let texts = concat_batches(&first.schema(), &found)?;
    Ok(Some(texts.slice(0, rows.min(most))))
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
