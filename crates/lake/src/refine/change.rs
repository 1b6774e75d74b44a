//! What changed in an upstream table between two of its versions, row by row.

use crate::columns::column;
use crate::delta::replace::conform;
use crate::delta::staged::RowHasher;
use crate::delta::stats::FileStats;
use crate::delta::table::{Difference, State, Table};
use crate::lake::Lake;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, partition};
use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::{HashMap, HashSet};

/// Rows that are compared at most; above it everything counts as changed.
const COMPARED_ROWS: usize = 4_000_000;

/// The rows that were added or removed after version `from`; `None` if the log no longer has it or the
/// change is too large to compare. `schema` has the columns that are compared, `leading` those the caller
/// needs (none means all).
pub async fn changed_rows(
    lake: &Lake,
    table: &Table,
    state: &State,
    from: i64,
    schema: &SchemaRef,
    leading: &[String],
) -> anyhow::Result<Option<Vec<RecordBatch>>> {
    let Some(difference) = table.difference(from, state).await? else { return Ok(None) };
    if difference.removed.is_empty() {
        // Added rows are all changes, so only the columns the caller needs are read.
        let columns: Vec<&str> = leading.iter().map(String::as_str).collect();
        let columns = Some(columns).filter(|columns| !columns.is_empty());
        let read = table.read_all(&difference.added, columns.as_deref(), lake.batch_rows());
        return Ok(read.await.ok());
    }
    if rows(&difference.added) > COMPARED_ROWS {
        return Ok(None);
    }
    // Upkeep may have deleted a removed file since.
    Ok(unbalanced(lake, table, &difference, schema).await.ok())
}

fn rows(files: &[Add]) -> usize {
    files.iter().filter_map(|file| FileStats::from_add(file).rows()).sum()
}

/// The rows that are not equally often among the removed and the added ones. Both are read twice, so that
/// only the changed rows are held, and 128 bits of each other one.
async fn unbalanced(
    lake: &Lake,
    table: &Table,
    difference: &Difference,
    schema: &SchemaRef,
) -> anyhow::Result<Vec<RecordBatch>> {
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let columns = Some(columns.as_slice());
    let hasher = RowHasher::new(schema)?;
    let mut balance: HashMap<u128, i32, foldhash::fast::FixedState> = HashMap::default();
    for (files, step) in [(&difference.removed, 1), (&difference.added, -1)] {
        for file in files {
            let mut stream = table.read(file, columns, lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                for hash in hasher.hashes(&conform(&batch, schema)?)? {
                    *balance.entry(hash).or_default() += step;
                }
            }
        }
    }
    balance.retain(|_, balance| *balance != 0);
    let mut found = Vec::new();
    for file in difference.removed.iter().chain(&difference.added) {
        if balance.is_empty() {
            break;
        }
        let mut stream = table.read(file, columns, lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let batch = conform(&batch, schema)?;
            let hashes = hasher.hashes(&batch)?;
            let is_off: BooleanArray =
                hashes.iter().map(|hash| Some(balance.contains_key(hash))).collect();
            found.push(filter_record_batch(&batch, &is_off)?);
        }
    }
    found.retain(|batch| batch.num_rows() > 0);
    Ok(found)
}

/// The distinct values of one column.
pub fn values(batches: &[RecordBatch], name: &str) -> anyhow::Result<HashSet<ScalarValue>> {
    let mut values = HashSet::new();
    for batch in batches {
        let array = column(batch, name)?;
        // Equal values are mostly adjacent.
        let runs = partition(std::slice::from_ref(array))?;
        for run in runs.ranges() {
            values.insert(ScalarValue::try_from_array(array, run.start)?);
        }
    }
    Ok(values)
}
