//! What changed in an upstream table between two of its versions, row by row.

use crate::columns::column;
use crate::delta::replace::conform;
use crate::delta::stats::FileStats;
use crate::delta::table::{State, Table};
use crate::lake::Lake;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, partition};
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use deltalake::kernel::Add;
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
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut sides = Vec::with_capacity(2);
    for files in [&difference.removed, &difference.added] {
        let batches = match table.read_all(files, Some(&columns), lake.batch_rows()).await {
            Ok(batches) => batches,
            // Upkeep may have deleted a removed file since.
            Err(_) => return Ok(None),
        };
        let conformed = batches.iter().map(|batch| conform(batch, schema));
        sides.push(conformed.collect::<anyhow::Result<Vec<_>>>()?);
    }
    Ok(Some(unbalanced(&sides[0], &sides[1], schema)?))
}

fn rows(files: &[Add]) -> usize {
    files.iter().filter_map(|file| FileStats::from_add(file).rows()).sum()
}

/// The rows that are not equally often on both sides.
fn unbalanced(
    left: &[RecordBatch],
    right: &[RecordBatch],
    schema: &SchemaRef,
) -> anyhow::Result<Vec<RecordBatch>> {
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    let mut balance: HashMap<Box<[u8]>, i64> = HashMap::new();
    for (batches, step) in [(left, 1), (right, -1)] {
        for batch in batches {
            for row in &converter.convert_columns(batch.columns())? {
                *balance.entry(row.as_ref().into()).or_default() += step;
            }
        }
    }
    let mut found = Vec::new();
    for batch in left.iter().chain(right) {
        let rows = converter.convert_columns(batch.columns())?;
        let is_off = |row: arrow::row::Row<'_>| {
            Some(balance.get(row.as_ref()).is_some_and(|balance| *balance != 0))
        };
        let off: BooleanArray = rows.iter().map(is_off).collect();
        found.push(filter_record_batch(batch, &off)?);
    }
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
