//! `meta.runs`: the books, closed. For every dump a run touched: records read = bronze, and
//! bronze = silver + rejected + superseded, each counted on its own from the lake.

use super::bronze::{self, utc};
use super::dumps::{DumpRow, Status};
use super::refine::{Refinery, rejected_name};
use super::rows::{MetaTable, none};
use crate::config::model::TableName;
use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use chrono::{DateTime, Utc};
use plant::contract::Contract;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The books of one dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub run: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    /// The silver table the records go to.
    pub table_name: String,
    pub file: String,
    pub file_sha256: String,
    pub dump: i64,
    /// Records the decoder read.
    pub read: i64,
    /// Rows in bronze.
    pub bronze: i64,
    /// Rows in silver.
    pub silver: i64,
    /// Rows in `silver.rejected`.
    pub rejected: i64,
    /// Records a newer one of the same key stands in for.
    pub superseded: i64,
    /// Whether the sums agree.
    pub closed: bool,
}

/// The table's definition.
pub fn table() -> MetaTable {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let long = |name| Field::new(name, DataType::Int64, true);
    let time = |name| Field::new(name, utc(), true);
    let counts = ["dump", "read", "bronze", "silver", "rejected", "superseded"].map(long);
    let mut fields = vec![text("run"), time("started_at"), time("ended_at"), text("table_name")];
    fields.extend([text("file"), text("file_sha256")]);
    fields.extend(counts);
    fields.push(Field::new("closed", DataType::Boolean, true));
    MetaTable {
        name: TableName::new("meta", "runs"),
        description: "The books of every run: for each dump it touched, what became of its records.",
        schema: Arc::new(Schema::new(fields)),
    }
}

/// A dump: its key and its number.
type DumpKey = (String, i64);

/// Closes the books: counts every dump of the given cleaned tables, and notes those whose count is
/// not what the books said last. Returns the entries noted.
pub async fn close(
    refinery: &Refinery,
    tables: &[TableName],
    dumps: &[DumpRow],
    started_at: DateTime<Utc>,
) -> anyhow::Result<Vec<Entry>> {
    let lake = &refinery.lake;
    let noted: Vec<Entry> = lake.meta_rows(&table()).await?;
    let mut last: BTreeMap<(String, DumpKey), Entry> = BTreeMap::new();
    for entry in noted {
        let key = (entry.table_name.clone(), (entry.file.clone(), entry.dump));
        if last.get(&key).is_none_or(|known| known.ended_at <= entry.ended_at) {
            last.insert(key, entry);
        }
    }
    let mut entries = Vec::new();
    for step in refinery.steps.iter().filter(|step| tables.contains(step.name())) {
        let contract = step.model.cleans().and_then(|name| refinery.plant.contracts.get(name));
        // Streams have books of their own.
        let Some(contract) = contract.filter(|it| !it.is_stream()) else { continue };
        for entry in count(refinery, step.name(), contract, dumps, started_at).await? {
            let key = (entry.table_name.clone(), (entry.file.clone(), entry.dump));
            if last.get(&key).is_none_or(|known| !known.says_the_same(&entry)) {
                entries.push(entry);
            }
        }
    }
    if !entries.is_empty() {
        lake.meta_replace(&table(), &entries, &none).await?;
    }
    Ok(entries)
}

impl Entry {
    fn says_the_same(&self, other: &Self) -> bool {
        let counts = |it: &Self| (it.read, it.bronze, it.silver, it.rejected, it.superseded);
        counts(self) == counts(other)
    }
}

async fn count(
    refinery: &Refinery,
    silver: &TableName,
    contract: &Contract,
    dumps: &[DumpRow],
    started_at: DateTime<Utc>,
) -> anyhow::Result<Vec<Entry>> {
    let of_table =
        |row: &&DumpRow| row.table_name == contract.table && row.status == Status::Landed;
    let read: BTreeMap<DumpKey, &DumpRow> =
        dumps.iter().filter(of_table).map(|row| ((row.file.clone(), row.dump), row)).collect();
    let in_bronze = rows_by_dump(refinery, &bronze::name(contract), None).await?;
    let in_silver = rows_by_dump(refinery, silver, None).await?;
    let rejected = rows_by_dump(refinery, &rejected_name(), Some(&silver.name)).await?;
    let mut entries = Vec::new();
    let all: std::collections::BTreeSet<&DumpKey> = in_bronze.keys().chain(read.keys()).collect();
    let mut open = Vec::new();
    for key in all {
        let of = |counts: &BTreeMap<DumpKey, i64>| counts.get(key).copied().unwrap_or(0);
        let row = read.get(key);
        let entry = Entry {
            run: refinery.lake.run().to_owned(),
            started_at,
            ended_at: refinery.lake.now(),
            table_name: silver.name.clone(),
            file: key.0.clone(),
            file_sha256: row.and_then(|row| row.sha256.clone()).unwrap_or_default(),
            dump: key.1,
            read: row.map_or(0, |row| row.records),
            bronze: of(&in_bronze),
            silver: of(&in_silver),
            rejected: of(&rejected),
            superseded: 0,
            closed: false,
        };
        if entry.bronze > entry.silver + entry.rejected {
            open.push(key.clone());
        }
        entries.push(entry);
    }
    let superseded = if open.is_empty() {
        BTreeMap::new()
    } else {
        refinery.superseded(silver, contract, &open).await?
    };
    for entry in &mut entries {
        let key = (entry.file.clone(), entry.dump);
        entry.superseded = superseded.get(&key).copied().unwrap_or(0);
        entry.closed = entry.read == entry.bronze
            && entry.bronze == entry.silver + entry.rejected + entry.superseded;
    }
    Ok(entries)
}

/// Rows of a table by the dump they are of; of `silver.rejected` only those of one table.
async fn rows_by_dump(
    refinery: &Refinery,
    name: &TableName,
    rejected_of: Option<&str>,
) -> anyhow::Result<BTreeMap<DumpKey, i64>> {
    let lake = &refinery.lake;
    let mut counts = BTreeMap::new();
    let Some(state) = lake.state(name).await? else { return Ok(counts) };
    let table = lake.table(name)?;
    let mut columns = vec!["_file", "_dump"];
    columns.extend(rejected_of.map(|_| "table_name"));
    for batch in table.read_all(&state.files(), Some(&columns), lake.batch_rows()).await? {
        let schema = batch.schema();
        let files = batch.column(schema.index_of("_file")?).as_string::<i32>();
        let numbers = batch.column(schema.index_of("_dump")?).as_primitive::<Int64Type>();
        let tables = match rejected_of {
            Some(_) => Some(batch.column(schema.index_of("table_name")?).as_string::<i32>()),
            None => None,
        };
        let mut run: Option<(&str, i64, i64)> = None;
        for row in 0..files.len() {
            if tables.is_some_and(|tables| Some(tables.value(row)) != rejected_of) {
                continue;
            }
            let dump = (files.value(row), numbers.value(row));
            match &mut run {
                Some((file, number, count)) if (*file, *number) == dump => *count += 1,
                _ => add(&mut counts, run.replace((dump.0, dump.1, 1))),
            }
        }
        add(&mut counts, run);
    }
    Ok(counts)
}

fn add(counts: &mut BTreeMap<DumpKey, i64>, run: Option<(&str, i64, i64)>) {
    if let Some((file, number, count)) = run {
        *counts.entry((file.to_owned(), number)).or_default() += count;
    }
}
