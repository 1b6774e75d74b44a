//! `meta.runs`: the books, closed. For every dump a run touched: records read = bronze, and
//! bronze = silver + rejected + superseded, each counted on its own from the lake.

use super::Lake;
use super::bronze::{self, utc};
use super::dumps::{DumpRow, Status};
use super::refine::{Refinery, rejected_name};
use super::rows::MetaTable;
use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use chrono::{DateTime, Utc};
use config::model::TableName;
use plant::contract::Contract;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
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
    /// Records a newer one of the same key stands in for, or whose file a newer one replaced.
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

/// All entries ever noted.
pub async fn load(lake: &Lake) -> anyhow::Result<Vec<Entry>> {
    lake.meta_rows(&table()).await
}

/// Closes the books: counts every dump of the given cleaned tables, and notes those whose count is
/// not what the entries `noted` so far have last. Returns the entries noted.
pub async fn close(
    refinery: &Refinery,
    tables: &[TableName],
    dumps: &[DumpRow],
    noted: &[Entry],
    started_at: DateTime<Utc>,
) -> anyhow::Result<Vec<Entry>> {
    let lake = &refinery.lake;
    let mut entries = Vec::new();
    for step in refinery.steps.iter().filter(|step| tables.contains(step.name())) {
        let contract = step.model.cleans().and_then(|name| refinery.plant.contracts.get(name));
        // Streams have books of their own.
        let Some(contract) = contract.filter(|it| !it.is_stream()) else { continue };
        let last = last(noted, step.name());
        entries.extend(count(refinery, step.name(), contract, dumps, &last, started_at).await?);
    }
    if !entries.is_empty() {
        lake.meta_append(&table(), &entries).await?;
    }
    Ok(entries)
}

/// The last entry of each dump of a table.
fn last<'e>(noted: &'e [Entry], name: &TableName) -> BTreeMap<DumpKey, &'e Entry> {
    let mut last: BTreeMap<DumpKey, &Entry> = BTreeMap::new();
    for entry in noted.iter().filter(|entry| entry.table_name == name.name) {
        let key = (entry.file.clone(), entry.dump);
        if last.get(&key).is_none_or(|known| known.ended_at <= entry.ended_at) {
            last.insert(key, entry);
        }
    }
    last
}

impl Entry {
    fn says_the_same(&self, other: &Self) -> bool {
        self.counted() == other.counted() && self.superseded == other.superseded
    }

    /// What is counted without a look at the records themselves.
    fn counted(&self) -> [i64; 4] {
        [self.read, self.bronze, self.silver, self.rejected]
    }
}

/// The entries of a table's dumps that are not as they were noted last. Only for these is it counted
/// which records are superseded: for the others, whose books closed, it follows from the rest.
async fn count(
    refinery: &Refinery,
    silver: &TableName,
    contract: &Contract,
    dumps: &[DumpRow],
    last: &BTreeMap<DumpKey, &Entry>,
    started_at: DateTime<Utc>,
) -> anyhow::Result<Vec<Entry>> {
    let of_table =
        |row: &&DumpRow| row.table_name == contract.table && row.status == Status::Landed;
    let read: BTreeMap<DumpKey, &DumpRow> =
        dumps.iter().filter(of_table).map(|row| ((row.file.clone(), row.dump), row)).collect();
    let in_bronze = landed(refinery, &bronze::name(contract)).await?;
    let in_silver = rows_by_dump(refinery, silver, None).await?;
    let rejected = rows_by_dump(refinery, &rejected_name(), Some(&silver.name)).await?;
    let all: BTreeSet<&DumpKey> = in_bronze.keys().chain(read.keys()).collect();
    let (mut entries, mut open, mut idle) = (Vec::new(), HashSet::new(), HashSet::new());
    for key in all {
        let of = |counts: &BTreeMap<DumpKey, i64>| counts.get(key).copied().unwrap_or(0);
        let row = read.get(key);
        let counted =
            [row.map_or(0, |row| row.records), of(&in_bronze), of(&in_silver), of(&rejected)];
        let [read, bronze, silver_rows, rejected] = counted;
        if bronze <= rejected {
            idle.insert(key.clone());
        }
        if last.get(key).is_some_and(|last| last.closed && last.counted() == counted) {
            continue;
        }
        if bronze > silver_rows + rejected {
            open.insert(key.clone());
        }
        entries.push(Entry {
            run: refinery.lake.run().to_owned(),
            started_at,
            ended_at: refinery.lake.now(),
            table_name: silver.name.clone(),
            file: key.0.clone(),
            file_sha256: row.and_then(|row| row.sha256.clone()).unwrap_or_default(),
            dump: key.1,
            read,
            bronze,
            silver: silver_rows,
            rejected,
            superseded: 0,
            closed: false,
        });
    }
    let superseded = match open.is_empty() {
        true => BTreeMap::new(),
        false => refinery.superseded(silver, contract, &open, &idle).await?,
    };
    for entry in &mut entries {
        let key = (entry.file.clone(), entry.dump);
        entry.superseded = superseded.get(&key).copied().unwrap_or(0);
        entry.closed = entry.read == entry.bronze
            && entry.bronze == entry.silver + entry.rejected + entry.superseded;
    }
    let is_new = |entry: &Entry| {
        let key = (entry.file.clone(), entry.dump);
        last.get(&key).is_none_or(|last| !last.says_the_same(entry))
    };
    entries.retain(is_new);
    Ok(entries)
}

/// Rows of a bronze table by the dump they are of.
async fn landed(refinery: &Refinery, name: &TableName) -> anyhow::Result<BTreeMap<DumpKey, i64>> {
    let lake = &refinery.lake;
    let mut counts: BTreeMap<DumpKey, i64> = BTreeMap::new();
    let Some(state) = lake.state(name).await? else { return Ok(counts) };
    for part in lake.all_landed(&lake.table(name)?, state.files()).await? {
        for run in part.runs.iter() {
            let key = (run.version.file.clone(), run.version.number);
            *counts.entry(key).or_default() += i64::try_from(run.rows.len())?;
        }
    }
    Ok(counts)
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
