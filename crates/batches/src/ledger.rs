//! The time ledger as a table. The rows of a query are claims on the time of a unit; the closed ledger
//! assigns every second of every production day to exactly one claim or to the calendar.

mod rows;

use crate::columns::{column, conform};
use crate::typed::utc;
use anyhow::Context as _;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use plant::calendar::Calendar;
use plant::ledger::{Claim, close as close_claims};
use plant::time::second_of_us;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rows::LedgerRows;

/// Columns that the query has to return.
const CLAIM_COLUMNS: [(&str, DataType); 5] = [
    ("unit", DataType::Utf8),
    ("line", DataType::Utf8),
    ("category", DataType::Utf8),
    ("reason", DataType::Utf8),
    ("source", DataType::Utf8),
];

/// Columns about the span and strength of a claim. Claims that differ only in these are of one kind.
const NOT_KIND: [&str; 4] = ["from_at", "to_at", "precedence", "source"];

/// The columns of the stored table: those of the query, and what closing adds.
///
/// # Errors
/// Returns a message that names the column that is missing or has the wrong type.
pub fn stored_schema(query: &Schema) -> Result<SchemaRef, String> {
    let mut needed: Vec<(&str, DataType)> = CLAIM_COLUMNS.to_vec();
    needed.extend([("from_at", utc()), ("to_at", utc()), ("precedence", DataType::Int64)]);
    for (name, kind) in needed {
        match query.field_with_name(name) {
            Ok(field) if *field.data_type() == kind => {}
            Ok(field) => {
                let found = field.data_type();
                return Err(format!("column `{name}` of a ledger must be {kind}, it is {found}"));
            }
            Err(_) => return Err(format!("column `{name}`, which a ledger requires, is missing")),
        }
    }
    let added = [
        ("duration_s", DataType::Int64),
        ("overlap_s", DataType::Int64),
        ("begins", DataType::Boolean),
        ("day_local", DataType::Date32),
        ("hour_local", DataType::Int32),
        ("shift", DataType::Utf8),
        ("production_day", DataType::Date32),
    ];
    let own = query.fields().iter().cloned();
    let added = added.map(|(name, kind)| Arc::new(Field::new(name, kind, true)));
    Ok(Arc::new(Schema::new(own.chain(added).collect::<Vec<_>>())))
}

/// Closes the ledgers of all units that have a claim, one batch per unit in the order of their names.
/// `query` is the schema of the claims, `stored` that of [`stored_schema`].
///
/// # Errors
/// Fails if the claims cannot be cast to `query`, or lack a column that a ledger needs.
pub fn close(
    calendar: &Calendar,
    claims: &[RecordBatch],
    query: &SchemaRef,
    stored: &SchemaRef,
) -> anyhow::Result<Vec<RecordBatch>> {
    let claims: Vec<RecordBatch> =
        claims.iter().map(|batch| conform(batch, query)).collect::<anyhow::Result<_>>()?;
    let claims = Claims::new(concat_batches(query, &claims)?)?;
    let mut batches = Vec::new();
    for (unit, rows) in claims.by_unit()? {
        batches.push(claims.close(calendar, &unit, &rows, stored)?);
    }
    Ok(batches)
}

struct Claims {
    batch: RecordBatch,
    /// For each row the number of its kind.
    kinds: Vec<u64>,
}

impl Claims {
    fn new(batch: RecordBatch) -> anyhow::Result<Self> {
        let kinds = kinds(&batch)?;
        Ok(Self { batch, kinds })
    }

    fn text(&self, name: &str) -> anyhow::Result<&StringArray> {
        let column = column(&self.batch, name)?;
        column.as_string_opt().with_context(|| format!("column `{name}` is not text"))
    }

    fn time(&self, name: &str) -> anyhow::Result<&TimestampMicrosecondArray> {
        let column = column(&self.batch, name)?.as_primitive_opt::<TimestampMicrosecondType>();
        column.with_context(|| format!("column `{name}` is not a time in microseconds"))
    }

    fn integer(&self, name: &str) -> anyhow::Result<&Int64Array> {
        let column = column(&self.batch, name)?.as_primitive_opt::<Int64Type>();
        column.with_context(|| format!("column `{name}` is not an integer"))
    }

    /// The rows of each unit. A claim without a unit is ignored.
    fn by_unit(&self) -> anyhow::Result<BTreeMap<String, Vec<usize>>> {
        let mut units: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, unit) in self.text("unit")?.iter().enumerate() {
            if let Some(unit) = unit {
                units.entry(unit.to_owned()).or_default().push(row);
            }
        }
        Ok(units)
    }

    /// The claims in `rows` that have a beginning and an end, each with its row.
    fn with_span(&self, rows: &[usize]) -> anyhow::Result<(Vec<Claim>, Vec<usize>)> {
        let (from, to) = (self.time("from_at")?, self.time("to_at")?);
        let precedence = self.integer("precedence")?;
        let has_span = |row: &usize| from.is_valid(*row) && to.is_valid(*row);
        let rows: Vec<usize> = rows.iter().copied().filter(has_span).collect();
        let claim = |row: &usize| Claim {
            from_s: second_of_us(from.value(*row)),
            to_s: second_of_us(to.value(*row)),
            precedence: precedence.value(*row),
            kind: self.kinds[*row],
        };
        Ok((rows.iter().map(claim).collect(), rows))
    }

    fn close(
        &self,
        calendar: &Calendar,
        unit: &str,
        rows: &[usize],
        stored: &SchemaRef,
    ) -> anyhow::Result<RecordBatch> {
        let lines = self.text("line")?;
        let line = rows.iter().find(|row| lines.is_valid(**row)).map(|row| lines.value(*row));
        let (claims, rows) = self.with_span(rows)?;
        let entries = close_claims(calendar, &claims);
        let claim_rows: UInt64Array =
            entries.iter().map(|entry| entry.claim.map(|at| rows[at] as u64)).collect();
        let ledger = LedgerRows { calendar, unit, line, entries: &entries };
        let mut columns = Vec::with_capacity(stored.fields().len());
        for field in stored.fields() {
            let claimed = self.batch.column_by_name(field.name());
            let claimed = claimed.map(|column| take(column, &claim_rows, None)).transpose()?;
            columns.push(ledger.column(field.name(), claimed)?);
        }
        Ok(RecordBatch::try_new(stored.clone(), columns)?)
    }
}

/// Numbers the kinds of claims: rows that agree in all columns but [`NOT_KIND`] have one number.
fn kinds(batch: &RecordBatch) -> anyhow::Result<Vec<u64>> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let (fields, columns): (Vec<SortField>, Vec<ArrayRef>) = columns
        .filter(|(field, _)| !NOT_KIND.contains(&field.name().as_str()))
        .map(|(field, column)| (SortField::new(field.data_type().clone()), column.clone()))
        .unzip();
    let rows = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut known: HashMap<Vec<u8>, u64> = HashMap::new();
    let mut kinds = Vec::with_capacity(batch.num_rows());
    for row in &rows {
        let next = known.len() as u64;
        kinds.push(*known.entry(row.as_ref().to_vec()).or_insert(next));
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests;
