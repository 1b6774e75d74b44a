//! Which dumps a bronze table holds, and in which rows of which data files.
//!
//! The rows themselves say it (`_file`, `_dump`, …), so that no list beside them can contradict them.
//! A data file is never changed, so each is read once: its pointer columns, or, if its statistics
//! prove that all rows are of one dump, its first row.

use super::Lake;
use super::refine::keys::{DumpOrder, Orders};
use super::table::Table;
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use config::model::TableName;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use serde_json::Value;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The pointer columns that identify a dump.
const COLUMNS: [&str; 8] = [
    "_file",
    "_file_sha256",
    "_dump",
    "_dumped_at",
    "_modified_at",
    "_ingested_at",
    "_size_bytes",
    "_continues",
];

/// One dump: a version of a file as it landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Key in the bucket.
    pub file: String,
    /// How many versions of this file had landed, this one included.
    pub number: i64,
    pub sha256: String,
    /// Size in the bucket; unknown for rows of older programs.
    pub size_bytes: Option<i64>,
    /// The version whose bytes this one begins with.
    pub continues: Option<i64>,
    pub order: DumpOrder,
}

/// Consecutive rows of a data file that are of one dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub version: Arc<Version>,
    pub rows: Range<usize>,
}

/// A data file and the dumps in it.
#[derive(Debug, Clone)]
pub struct Part {
    pub add: Add,
    pub runs: Arc<Vec<Run>>,
}

/// What is known of the data files of bronze tables, by their paths.
pub type Known = HashMap<TableName, HashMap<String, Arc<Vec<Run>>>>;

impl Lake {
    /// The dumps in some data files of a bronze table.
    pub async fn landed(&self, table: &Table, files: Vec<Add>) -> anyhow::Result<Vec<Part>> {
        let mut parts = Vec::with_capacity(files.len());
        for add in files {
            let known = self.landed.lock().await;
            let runs = known.get(&table.name).and_then(|it| it.get(&add.path)).cloned();
            drop(known);
            let runs = match runs {
                Some(runs) => runs,
                None => self.learn(table, &add).await?,
            };
            parts.push(Part { add, runs });
        }
        Ok(parts)
    }

    /// The dumps in all data files of a bronze table; what was known of others is dropped.
    pub async fn all_landed(&self, table: &Table, files: Vec<Add>) -> anyhow::Result<Vec<Part>> {
        let parts = self.landed(table, files).await?;
        let known = parts.iter().map(|part| (part.add.path.clone(), part.runs.clone())).collect();
        self.landed.lock().await.insert(table.name.clone(), known);
        Ok(parts)
    }

    async fn learn(&self, table: &Table, add: &Add) -> anyhow::Result<Arc<Vec<Run>>> {
        let runs = Arc::new(runs(table, add, self.batch_rows()).await?);
        let mut known = self.landed.lock().await;
        known.entry(table.name.clone()).or_default().insert(add.path.clone(), runs.clone());
        Ok(runs)
    }
}

async fn runs(table: &Table, add: &Add, batch_rows: usize) -> anyhow::Result<Vec<Run>> {
    let rows_of_one = rows_of_one_dump(add);
    let batch_rows = if rows_of_one.is_some() { 1 } else { batch_rows };
    let mut stream = table.read(add, Some(&COLUMNS), batch_rows).await?;
    let mut runs = Vec::new();
    let mut first = 0;
    while let Some(batch) = stream.try_next().await? {
        extend(&mut runs, &batch, first)?;
        first += batch.num_rows();
        if let (Some(rows), [only]) = (rows_of_one, runs.as_mut_slice()) {
            only.rows.end = rows;
            break;
        }
    }
    anyhow::ensure!(!runs.is_empty(), "{} of {} holds no rows", add.path, table.name);
    Ok(runs)
}

/// How many rows a data file has, if its statistics prove that they are of one dump.
fn rows_of_one_dump(add: &Add) -> Option<usize> {
    let stats: Value = serde_json::from_str(add.stats.as_deref()?).ok()?;
    let bound = |which: &str, column: &str| stats[which][column].clone();
    let is_one = |column: &&str| {
        let least = bound("minValues", column);
        !least.is_null() && least == bound("maxValues", column)
    };
    let is_one_dump = ["_file", "_dump"].iter().all(is_one);
    usize::try_from(stats["numRecords"].as_u64().filter(|_| is_one_dump)?).ok()
}

/// Appends the rows of a batch, whose first is number `first` of its file.
fn extend(runs: &mut Vec<Run>, batch: &RecordBatch, first: usize) -> anyhow::Result<()> {
    let columns = Columns::of(batch)?;
    for row in 0..batch.num_rows() {
        let at = first + row;
        match runs.last_mut() {
            Some(run) if columns.is_of(&run.version, row) => run.rows.end = at + 1,
            _ => runs.push(Run { version: Arc::new(columns.version(row)), rows: at..at + 1 }),
        }
    }
    Ok(())
}

struct Columns<'a> {
    file: &'a arrow::array::StringArray,
    number: &'a arrow::array::Int64Array,
    sha256: &'a arrow::array::StringArray,
    size_bytes: Option<&'a arrow::array::Int64Array>,
    continues: Option<&'a arrow::array::Int64Array>,
    orders: Orders<'a>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> anyhow::Result<Self> {
        let column = |name: &str| -> anyhow::Result<&'a ArrayRef> {
            batch.column_by_name(name).with_context(|| format!("column {name} is missing"))
        };
        let long = |name: &str| batch.column_by_name(name).map(|it| it.as_primitive::<Int64Type>());
        Ok(Self {
            file: column("_file")?.as_string::<i32>(),
            number: column("_dump")?.as_primitive::<Int64Type>(),
            sha256: column("_file_sha256")?.as_string::<i32>(),
            size_bytes: long("_size_bytes"),
            continues: long("_continues"),
            orders: Orders::of(batch)?,
        })
    }

    fn is_of(&self, version: &Version, row: usize) -> bool {
        version.number == self.number.value(row) && version.file == self.file.value(row)
    }

    fn version(&self, row: usize) -> Version {
        let long = |column: Option<&arrow::array::Int64Array>| {
            column.filter(|it| it.is_valid(row)).map(|it| it.value(row))
        };
        Version {
            file: self.file.value(row).to_owned(),
            number: self.number.value(row),
            sha256: self.sha256.value(row).to_owned(),
            size_bytes: long(self.size_bytes),
            continues: long(self.continues),
            order: self.orders.order(row),
        }
    }
}
