//! Retention: the days of a stream's table that are older than its rows are kept.
//!
//! In: how long the plant keeps the rows of a table, and the table as it stands.
//! Out: the table without the files of those days, and `meta.expired`, which tells of each of them.
//! Promise: that raw rows expire is no correction. What was made of them stays as it is told, in a
//! refresh and in a table made anew alike: its periods end where the rows that are gone end, no period
//! is ever made of a part of its rows, and rows that come for a period that is gone are rejected.
//!
//! - A day goes only when its rows lie there for `retention_settle_ms`, each table made of it contains
//!   it, and no period of any of them (`refresh`) would keep a part of its rows or may still get some; so
//!   up to a period more than was said is kept. A message leaves bronze only when silver is past it.
//! - A row for a day older than that, or gone already, is rejected as `too_late`; a longer span said later
//!   brings nothing back. Models that read such a table need a `refresh` that is a time or day it has;
//!   [`check`] refuses others.
//! - Silver made anew takes from bronze what both have. Rows whose messages are gone stay as they are,
//!   and messages whose rows are gone keep the fate they had.
//! - `meta.expired` tells of each day that went, before it goes. The books of a stream count each row
//!   once, soon after it came, and keep the sums: what expires later does not open them.

mod check;
mod expire;
mod frozen;
mod lasting;
mod late;
mod period;

pub use check::check;
pub use expire::{expire, table};
pub use frozen::Frozen;
pub use lasting::{Lasting, Ranges};
pub use late::{Lateness, TOO_LATE};

use super::models::Step;
use super::stream;
use super::table::{RETENTION, State, Table};
use anyhow::Context as _;
use arrow::array::{ArrayRef, AsArray as _, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use chrono::{DateTime, NaiveDate};
use config::model::TableName;
use deltalake::kernel::Add;
use plant::time::{DAY_US, days_since_epoch};
use std::collections::{BTreeMap, BTreeSet};

/// What a table had once and has no more, as its log tells. Days and moments are numbers that grow
/// with them: days, or microseconds, since 1970 UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Horizon {
    /// The first day that is not gone.
    pub day: Option<i64>,
    /// Of columns of moments and days, the greatest value of a row that is gone.
    pub columns: BTreeMap<String, i64>,
}

impl Horizon {
    /// The horizon of a table, as to these columns.
    pub async fn of<'a>(
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

    /// As the table keeps it, in the commit that takes the rows out.
    fn checkpoints(&self) -> BTreeMap<String, i64> {
        let columns = self.columns.iter().map(|(column, value)| (checkpoint(column), *value));
        self.day.map(|day| (RETENTION.to_owned(), day)).into_iter().chain(columns).collect()
    }
}

/// The checkpoint that says which values of a column are gone.
fn checkpoint(column: &str) -> String {
    format!("{RETENTION}/{column}")
}

/// The columns of a table by whose values others are made of it, a period at a time.
fn periods(steps: &[Step], table: &TableName) -> BTreeSet<String> {
    let readers = steps.iter().filter(|step| step.model.upstreams.contains(table));
    readers.filter_map(|step| step.model.refresh.clone()).collect()
}

/// Whether the values of a column have an order in time.
fn is_period(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, _) | DataType::Date32)
}

/// A column of moments or days as numbers.
fn numbers(column: &ArrayRef) -> anyhow::Result<Int64Array> {
    Ok(cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// The day of the folder a data file lies in.
fn day_of(file: &Add) -> Option<i64> {
    let value = file.partition_values.get(stream::DAY)?.as_deref()?;
    value.parse().ok().map(|date| i64::from(days_since_epoch(date)))
}

/// The date of a day's number.
fn date_of(day: i64) -> anyhow::Result<NaiveDate> {
    let start = DateTime::from_timestamp_micros(day * DAY_US).context("no such day")?;
    Ok(start.date_naive())
}

#[cfg(test)]
mod tests;
