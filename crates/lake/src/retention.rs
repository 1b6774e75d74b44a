//! Retention: rows of the tables of streams expire by day.
//!
//! In: how long the plant keeps the rows of a table, and the table.
//! Out: the table without the files of expired days, and `meta.expired` with a row for each of these.
//! Promise: expiry never changes what was computed from the rows, neither in an incremental nor in a full
//! refresh. Periods up to the expired rows are frozen, no period is computed from a part of its rows, and
//! rows that arrive for an expired period are rejected.
//!
//! - A day expires once its rows are older than `retention_settle_ms`, every table that reads it contains
//!   it, and no period (`refresh`) of such a table would keep a part of its rows or may still get more. So
//!   up to one period more than configured is kept. Messages leave bronze only when silver contains them.
//! - Rows for a day that is older, or has expired, are rejected as `too_late`; a longer retention restores
//!   nothing. Models that read such a table need a `refresh` column of timestamps or dates that it has;
//!   [`check::check`] reports others.
//! - A rebuild of silver takes from bronze what both have. Rows whose messages have expired stay as they
//!   are, and messages whose rows have expired stay expired or rejected.
//! - `meta.expired` is written before the rows are removed. The reconciliation of streams counts each row
//!   once, soon after it lands, and keeps the sums, so expiry does not unbalance it.

pub mod check;
pub mod expire;
pub mod frozen;
pub mod late;
mod period;

use crate::delta::table::{RETENTION, State, Table};
use crate::plan::Step;
use crate::stream;
use anyhow::Context as _;
use arrow::array::{ArrayRef, AsArray as _, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use chrono::NaiveDate;
use config::model::TableName;
use deltalake::kernel::Add;
use plant::time::{date_from_days, days_since_epoch};
use std::collections::{BTreeMap, BTreeSet};

/// How far the rows of a table have expired. Dates are days since 1970, timestamps microseconds since 1970
/// UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Horizon {
    /// The first day that has not expired.
    pub day: Option<i64>,
    /// The greatest expired value of each column of timestamps or dates.
    pub columns: BTreeMap<String, i64>,
}

impl Horizon {
    /// The horizon of a table for these columns.
    pub async fn load<'a>(
        table: &Table,
        state: Option<&State>,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> anyhow::Result<Self> {
        let Some(state) = state else { return Ok(Self::default()) };
        let day = table.checkpoint(state, RETENTION).await?;
        let mut horizon = Self { day, columns: BTreeMap::new() };
        if day.is_some() {
            for column in columns {
                let value = table.checkpoint(state, &checkpoint(column)).await?;
                horizon.columns.extend(value.map(|value| (column.to_owned(), value)));
            }
        }
        Ok(horizon)
    }

    /// The checkpoints of the commit that removes the rows.
    pub(crate) fn checkpoints(&self) -> BTreeMap<String, i64> {
        let columns = self.columns.iter().map(|(column, value)| (checkpoint(column), *value));
        self.day.map(|day| (RETENTION.to_owned(), day)).into_iter().chain(columns).collect()
    }
}

/// The checkpoint with the greatest expired value of a column.
pub(crate) fn checkpoint(column: &str) -> String {
    format!("{RETENTION}/{column}")
}

/// The columns of a table by which its readers are refreshed, one period at a time.
pub(crate) fn period_columns(steps: &[Step], table: &TableName) -> BTreeSet<String> {
    let readers = steps.iter().filter(|step| step.model.upstreams.contains(table));
    readers.filter_map(|step| step.model.refresh.clone()).collect()
}

/// Whether a column of this type can be a period.
pub(crate) fn is_period(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, _) | DataType::Date32)
}

/// A column of timestamps or dates as numbers.
pub(crate) fn numbers(column: &ArrayRef) -> anyhow::Result<Int64Array> {
    Ok(cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// The day of the partition of a data file.
pub(crate) fn partition_day(file: &Add) -> Option<i64> {
    let date = file.partition_values.get(stream::DAY)?.as_deref()?.parse().ok()?;
    Some(days_since_epoch(date).into())
}

/// The date of a day since 1970.
pub(crate) fn date(day: i64) -> anyhow::Result<NaiveDate> {
    let date = i32::try_from(day).ok().and_then(date_from_days);
    date.context("the day is out of range")
}

#[cfg(test)]
mod tests;
