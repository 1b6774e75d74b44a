//! Late data: rows whose day, or a period they belong to, has expired.

use crate::context::LakeContext;
use crate::delta::table::{State, Table};
use crate::retention::{Horizon, numbers, period_columns};
use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use plant::time::{DAY_US, day_of_us};

/// Reason code of a message for a day that has expired.
pub const TOO_LATE: &str = "too_late";

/// Finds the rows of the silver table of a stream that arrive too late.
#[derive(Debug, Clone, Default)]
pub struct LateDataFilter {
    /// The column whose day is the partition.
    pub time: String,
    pub kept_days: Option<u32>,
    /// What has expired; a longer retention does not restore it.
    pub horizon: Horizon,
}

impl LateDataFilter {
    /// The filter of a table that is partitioned by the day of `time`.
    pub async fn load(
        context: &LakeContext,
        table: &Table,
        state: Option<&State>,
        time: String,
    ) -> anyhow::Result<Self> {
        let columns = period_columns(&context.steps, &table.name);
        let columns = columns.iter().map(String::as_str);
        let kept_days = context.plant.retention.get(&table.name).map(|it| it.days);
        Ok(Self { time, kept_days, horizon: Horizon::load(table, state, columns).await? })
    }

    /// Whether each row arrives in time; `None` if all do.
    pub fn in_time(
        &self,
        rows: &RecordBatch,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<Vec<bool>>> {
        let today = day_of_us(now.timestamp_micros());
        let kept = self.kept_days.map(|days| today - i64::from(days));
        let Some(day) = kept.max(self.horizon.day) else { return Ok(None) };
        let mut in_time = vec![true; rows.num_rows()];
        let mut refuse = |column: &str, least: i64| -> anyhow::Result<()> {
            let values = numbers(rows.column(rows.schema().index_of(column)?))?;
            for (in_time, value) in in_time.iter_mut().zip(&values) {
                *in_time &= value.is_none_or(|value| value >= least);
            }
            Ok(())
        };
        refuse(&self.time, day * DAY_US)?;
        for (column, expired) in &self.horizon.columns {
            refuse(column, expired + 1)?;
        }
        Ok(in_time.contains(&false).then_some(in_time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Date32Array, TimestampMicrosecondArray};
    use std::sync::Arc;

    const TODAY: i64 = 100;

    fn check(late_data: &LateDataFilter, expected: Option<[bool; 4]>) {
        let times = [70, 90, 91, 99].map(|day| day * DAY_US);
        let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times.to_vec()));
        let day: ArrayRef = Arc::new(Date32Array::from(vec![Some(70), Some(91), Some(92), None]));
        let rows = RecordBatch::try_from_iter([("at", at), ("day_local", day)]).unwrap();
        let now = DateTime::from_timestamp_micros(TODAY * DAY_US + 5).unwrap();
        assert_eq!(
            late_data.in_time(&rows, now).unwrap(),
            expected.map(Vec::from),
            "{late_data:?}"
        );
    }

    #[test]
    fn rows_older_than_the_retention_or_the_horizon_are_late() {
        let at = || "at".to_owned();
        let kept = |kept_days, day| LateDataFilter {
            time: at(),
            kept_days,
            horizon: Horizon { day, ..Horizon::default() },
        };
        check(&kept(None, None), None);
        check(&kept(Some(30), None), None);
        check(&kept(Some(10), None), Some([false, true, true, true]));
        check(&kept(Some(9), None), Some([false, false, true, true]));
        check(&kept(Some(30), Some(91)), Some([false, false, true, true]));
        check(&kept(None, Some(91)), Some([false, false, true, true]));
        let columns = [("day_local".to_owned(), 91)].into();
        let horizon = Horizon { day: Some(90), columns };
        let late_data = LateDataFilter { time: at(), kept_days: None, horizon };
        check(&late_data, Some([false, false, true, true]));
    }
}
