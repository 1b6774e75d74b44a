//! What changed in an upstream table between two of its versions, row by row.

use crate::Lake;
use crate::replace::conform;
use crate::table::{State, Table};
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, partition};
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use deltalake::kernel::Add;
use std::collections::{HashMap, HashSet};

/// Rows that are read at most to tell a change apart; above it everything is taken as changed.
const COMPARED_ROWS: usize = 4_000_000;

/// The rows that came or went after version `from`, old and new alike; `None` if the log no longer
/// tells or the change is too large to tell apart. `schema` names the columns that matter, and
/// `leading` those of them the caller needs; none means all.
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
        // Rows that only came are all a change; of them the columns that lead on are enough.
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
            // A removed file may have been vacuumed away since.
            Err(_) => return Ok(None),
        };
        let conformed = batches.iter().map(|batch| conform(batch, schema));
        sides.push(conformed.collect::<anyhow::Result<Vec<_>>>()?);
    }
    Ok(Some(unbalanced(&sides[0], &sides[1], schema)?))
}

fn rows(files: &[Add]) -> usize {
    let rows = |file: &Add| {
        let stats: serde_json::Value = serde_json::from_str(file.stats.as_deref()?).ok()?;
        usize::try_from(stats.get("numRecords")?.as_u64()?).ok()
    };
    files.iter().filter_map(rows).sum()
}

/// The rows that do not stand on both sides equally often.
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

/// The different values of one column.
pub fn values(batches: &[RecordBatch], column: &str) -> anyhow::Result<HashSet<ScalarValue>> {
    let mut values = HashSet::new();
    for batch in batches {
        let array = batch.column(batch.schema().index_of(column)?);
        // Equal values mostly follow each other.
        let runs = partition(std::slice::from_ref(array))?;
        for run in runs.ranges() {
            values.insert(ScalarValue::try_from_array(array, run.start)?);
        }
    }
    Ok(values)
}
