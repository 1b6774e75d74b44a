//! Frozen periods: periods of a derived table that cannot be recomputed, because rows they were computed from
//! have expired.

use crate::context::LakeContext;
use crate::delta::table::State;
use crate::plan::Step;
use crate::retention::{checkpoint, is_period, numbers};
use anyhow::Context as _;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch, not};
use arrow::datatypes::DataType;
use config::model::TableName;
use datafusion::common::ScalarValue;
use std::collections::BTreeMap;

/// The frozen periods of a table, by its refresh column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenPeriods {
    column: String,
    kind: DataType,
    /// The last frozen period, as a number.
    until: i64,
}

impl FrozenPeriods {
    /// The periods that the upstreams no longer have in full; `None` if nothing has expired.
    pub async fn of_step(
        context: &LakeContext,
        step: &Step,
        upstreams: &BTreeMap<TableName, Option<State>>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(column) = &step.model.refresh else { return Ok(None) };
        let Ok(field) = step.schema.field_with_name(column) else { return Ok(None) };
        if !is_period(field.data_type()) {
            return Ok(None);
        }
        let mut until = None;
        for name in context.stream_tables() {
            let Some(Some(state)) = upstreams.get(name) else { continue };
            let table = context.lake.table(name)?;
            until = until.max(table.checkpoint(state, &checkpoint(column)).await?);
        }
        let (column, kind) = (column.clone(), field.data_type().clone());
        Ok(until.map(|until| Self { column, kind, until }))
    }

    /// Whether a period is frozen.
    pub fn contains(&self, period: &ScalarValue) -> bool {
        match period {
            ScalarValue::TimestampMicrosecond(Some(us), _) => *us <= self.until,
            ScalarValue::Date32(Some(days)) => i64::from(*days) <= self.until,
            _ => false,
        }
    }

    /// Which rows belong to a frozen period.
    pub fn rows(&self, batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
        let column = batch.column_by_name(&self.column).with_context(|| {
            let column = &self.column;
            format!(
                "rows that the table was computed from have expired, and the table lacks its refresh column \
                 {column}, so the rows to keep cannot be identified; use another table for the new \
                 statement"
            )
        })?;
        let periods = numbers(&cast(column, &self.kind)?)?;
        let is_frozen = |period: Option<i64>| Some(period.is_some_and(|it| it <= self.until));
        Ok(periods.iter().map(is_frozen).collect())
    }

    /// The rows of all other periods.
    pub fn without(&self, batch: &RecordBatch) -> anyhow::Result<RecordBatch> {
        Ok(filter_record_batch(batch, &not(&self.rows(batch)?)?)?)
    }
}
