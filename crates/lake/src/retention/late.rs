//! Rows that come too late: their day, or a period they count in, has expired.

use super::{Horizon, numbers, periods};
use crate::refine::Refinery;
use crate::table::{State, Table};
use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use plant::time::{DAY_US, day_of_us};

/// Reason code of a message for a day that is no longer kept.
pub const TOO_LATE: &str = "too_late";

/// Tells which rows of a stream's silver table come too late.
#[derive(Debug, Clone, Default)]
pub struct Lateness {
    /// The column whose day decides the folder.
    pub time: String,
    pub kept_days: Option<u32>,
    /// What has expired: longer spans said later bring nothing of it back.
    pub horizon: Horizon,
}

impl Lateness {
    /// What comes too late for a table that is stored by the day of `time`.
    pub async fn of(
        refinery: &Refinery,
        table: &Table,
        state: Option<&State>,
        time: String,
    ) -> anyhow::Result<Self> {
        let columns = periods(&refinery.steps, &table.name);
        let columns = columns.iter().map(String::as_str);
        let kept_days = refinery.plant.retention.get(&table.name).map(|it| it.days);
        Ok(Self { time, kept_days, horizon: Horizon::of(table, state, columns).await? })
    }

    /// For each row whether it comes in time, if any does not.
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
        for (column, gone) in &self.horizon.columns {
            refuse(column, gone + 1)?;
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

    fn check(lateness: &Lateness, expected: Option<[bool; 4]>) {
        let times = [70, 90, 91, 99].map(|day| day * DAY_US);
        let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times.to_vec()));
        let day: ArrayRef = Arc::new(Date32Array::from(vec![Some(70), Some(91), Some(92), None]));
        let rows = RecordBatch::try_from_iter([("at", at), ("day_local", day)]).unwrap();
        let now = DateTime::from_timestamp_micros(TODAY * DAY_US + 5).unwrap();
        assert_eq!(lateness.in_time(&rows, now).unwrap(), expected.map(Vec::from), "{lateness:?}");
    }

    #[test]
    fn what_is_older_than_kept_or_gone_already_is_late() {
        let at = || "at".to_owned();
        let kept = |kept_days, day| Lateness {
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
        let lateness = Lateness { time: at(), kept_days: None, horizon };
        check(&lateness, Some([false, false, true, true]));
    }
}
