//! Which dumps a bronze table holds, and in which rows of which data files.
//!
//! The rows themselves record it (`_file`, `_dump`, …), so no separate list can contradict them. Data
//! files are immutable, so each is read once: its pointer columns, or only its first row if its
//! statistics prove that all rows belong to one dump.

use crate::bronze::dump_order::{DumpOrder, DumpOrders};
use crate::columns::{long, text};
use crate::delta::stats::FileStats;
use crate::delta::table::Table;
use arrow::array::{Array as _, Int64Array, RecordBatch, StringArray};
use config::model::TableName;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::Mutex;

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

/// A dump: one version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Key in the bucket.
    pub file: String,
    /// How many versions of this file have landed, this one included.
    pub number: i64,
    pub sha256: String,
    /// Size in the bucket; unknown for rows of older programs.
    pub size_bytes: Option<i64>,
    /// The version whose bytes are the beginning of this one.
    pub continues: Option<i64>,
    pub order: DumpOrder,
}

/// Consecutive rows of a data file that belong to one dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub version: Arc<Version>,
    pub rows: Range<usize>,
}

/// A data file and the dumps in it.
#[derive(Debug, Clone)]
pub struct DataFileRuns {
    pub add: Add,
    pub runs: Arc<Vec<Run>>,
}

/// The runs of data files by path.
type RunsByFile = HashMap<String, Arc<Vec<Run>>>;

/// The dumps in the data files of bronze tables, as far as they have been read.
#[derive(Debug, Default)]
pub struct LandedCache(Mutex<HashMap<TableName, RunsByFile>>);

impl LandedCache {
    /// The dumps in some data files of a bronze table.
    pub async fn of_files(
        &self,
        table: &Table,
        files: Vec<Add>,
        batch_rows: usize,
    ) -> anyhow::Result<Vec<DataFileRuns>> {
        let mut found = Vec::with_capacity(files.len());
        for add in files {
            let known = self.0.lock().await;
            let runs = known.get(&table.name).and_then(|it| it.get(&add.path)).cloned();
            drop(known);
            let runs = match runs {
                Some(runs) => runs,
                None => self.read(table, &add, batch_rows).await?,
            };
            found.push(DataFileRuns { add, runs });
        }
        Ok(found)
    }

    /// The dumps in all data files of a bronze table; entries of other files are dropped.
    pub async fn of_all_files(
        &self,
        table: &Table,
        files: Vec<Add>,
        batch_rows: usize,
    ) -> anyhow::Result<Vec<DataFileRuns>> {
        let found = self.of_files(table, files, batch_rows).await?;
        let known = found.iter().map(|it| (it.add.path.clone(), it.runs.clone())).collect();
        self.0.lock().await.insert(table.name.clone(), known);
        Ok(found)
    }

    async fn read(
        &self,
        table: &Table,
        add: &Add,
        batch_rows: usize,
    ) -> anyhow::Result<Arc<Vec<Run>>> {
        let runs = Arc::new(read_runs(table, add, batch_rows).await?);
        let mut known = self.0.lock().await;
        known.entry(table.name.clone()).or_default().insert(add.path.clone(), runs.clone());
        Ok(runs)
    }
}

async fn read_runs(table: &Table, add: &Add, batch_rows: usize) -> anyhow::Result<Vec<Run>> {
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
    anyhow::ensure!(!runs.is_empty(), "data file {} of {} has no rows", add.path, table.name);
    Ok(runs)
}

/// The number of rows of a data file if its statistics prove that they belong to one dump.
fn rows_of_one_dump(add: &Add) -> Option<usize> {
    let stats = FileStats::from_add(add);
    let is_one_dump = stats.is_constant("_file") && stats.is_constant("_dump");
    stats.rows().filter(|_| is_one_dump)
}

/// Appends the rows of a batch, whose first is row `first` of its file.
fn extend(runs: &mut Vec<Run>, batch: &RecordBatch, first: usize) -> anyhow::Result<()> {
    let columns = Columns::new(batch)?;
    for row in 0..batch.num_rows() {
        let at = first + row;
        match runs.last_mut() {
            Some(run) if columns.has_version(row, &run.version) => run.rows.end = at + 1,
            _ => runs.push(Run { version: Arc::new(columns.version(row)), rows: at..at + 1 }),
        }
    }
    Ok(())
}

struct Columns<'a> {
    file: &'a StringArray,
    number: &'a Int64Array,
    sha256: &'a StringArray,
    /// Missing in files of older programs, as is `continues`.
    size_bytes: Option<&'a Int64Array>,
    continues: Option<&'a Int64Array>,
    orders: DumpOrders<'a>,
}

impl<'a> Columns<'a> {
    fn new(batch: &'a RecordBatch) -> anyhow::Result<Self> {
        Ok(Self {
            file: text(batch, "_file")?,
            number: long(batch, "_dump")?,
            sha256: text(batch, "_file_sha256")?,
            size_bytes: long(batch, "_size_bytes").ok(),
            continues: long(batch, "_continues").ok(),
            orders: DumpOrders::new(batch)?,
        })
    }

    fn has_version(&self, row: usize, version: &Version) -> bool {
        version.number == self.number.value(row) && version.file == self.file.value(row)
    }

    fn version(&self, row: usize) -> Version {
        Version {
            file: self.file.value(row).to_owned(),
            number: self.number.value(row),
            sha256: self.sha256.value(row).to_owned(),
            size_bytes: value(self.size_bytes, row),
            continues: value(self.continues, row),
            order: self.orders.order(row),
        }
    }
}

fn value(column: Option<&Int64Array>, row: usize) -> Option<i64> {
    column.filter(|it| it.is_valid(row)).map(|it| it.value(row))
}
