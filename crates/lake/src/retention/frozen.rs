//! Periods of a derived table that stay as they are: rows they were made of have expired.

use super::{checkpoint, is_period, numbers};
use crate::models::Step;
use crate::refine::Refinery;
use crate::table::State;
use anyhow::Context as _;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch, not};
use arrow::datatypes::DataType;
use config::model::TableName;
use datafusion::common::ScalarValue;
use std::collections::BTreeMap;

/// The periods up to one, by the column a table is refreshed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    column: String,
    kind: DataType,
    /// The last of them, as a number.
    until: i64,
}

impl Frozen {
    /// What no upstream wholly has any more; `None` if nothing has expired.
    pub async fn of(
        refinery: &Refinery,
        step: &Step,
        upstreams: &BTreeMap<TableName, Option<State>>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(column) = &step.model.refresh else { return Ok(None) };
        let Ok(field) = step.schema.field_with_name(column) else { return Ok(None) };
        if !is_period(field.data_type()) {
            return Ok(None);
        }
        let mut until = None;
        for name in refinery.stream_tables() {
            let Some(Some(state)) = upstreams.get(name) else { continue };
            let table = refinery.lake.table(name)?;
            until = until.max(table.checkpoint(state, &checkpoint(column)).await?);
        }
        let (column, kind) = (column.clone(), field.data_type().clone());
        Ok(until.map(|until| Self { column, kind, until }))
    }

    /// Whether a period is one of them.
    pub fn holds(&self, period: &ScalarValue) -> bool {
        match period {
            ScalarValue::TimestampMicrosecond(Some(us), _) => *us <= self.until,
            ScalarValue::Date32(Some(days)) => i64::from(*days) <= self.until,
            _ => false,
        }
    }

    /// Which rows are of one of them.
    pub fn rows(&self, batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
        let column = batch.column_by_name(&self.column).with_context(|| {
            let column = &self.column;
            format!(
                "rows the table was made of have expired, and it lacks the column {column} by which it \
                 is refreshed now, so that what it says of them cannot be told from the rest; give \
                 the new statement a table of its own"
            )
        })?;
        let periods = numbers(&cast(column, &self.kind)?)?;
        let is_frozen = |period: Option<i64>| Some(period.is_some_and(|it| it <= self.until));
        Ok(periods.iter().map(is_frozen).collect())
    }

    /// The rows of all other periods.
    pub fn without(&self, batches: Vec<RecordBatch>) -> anyhow::Result<Vec<RecordBatch>> {
        let others =
            |batch: RecordBatch| Ok(filter_record_batch(&batch, &not(&self.rows(&batch)?)?)?);
        batches.into_iter().map(others).collect()
    }
}
