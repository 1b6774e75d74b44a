//! The stored columns of a closed ledger: values of the claims, and those of the calendar for time that
//! no claim covers.

use anyhow::Context as _;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Date32Array, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use plant::calendar::Calendar;
use plant::ledger::Entry;
use plant::time::SECOND_US;
use std::sync::Arc;

const NO_PRODUCTION_PLANNED: &str = "no_production_planned";

/// The entries of one unit's ledger.
pub(super) struct LedgerRows<'a> {
    pub(super) calendar: &'a Calendar,
    pub(super) unit: &'a str,
    pub(super) line: Option<&'a str>,
    pub(super) entries: &'a [Entry],
}

impl<'a> LedgerRows<'a> {
    /// A column of the stored table. `claimed` has for each entry the value of its claim, if the claims
    /// have this column.
    pub(super) fn column(&self, name: &str, claimed: Option<ArrayRef>) -> anyhow::Result<ArrayRef> {
        Ok(match name {
            "unit" => self.texts(|_| Some(self.unit)),
            "line" => self.texts(|_| self.line),
            "category" | "reason" | "source" => self.claimed_or_calendar(name, claimed)?,
            "from_at" => self.times(|entry| entry.from_s),
            "to_at" => self.times(|entry| entry.to_s),
            "duration_s" => self.integers(Entry::duration_s),
            "overlap_s" => self.integers(|entry| entry.overlap_s),
            "begins" => {
                Arc::new(self.entries.iter().map(|it| Some(it.begins)).collect::<BooleanArray>())
            }
            "day_local" => self.days(|entry| entry.parts.day),
            "production_day" => self.days(|entry| entry.parts.production_day),
            "hour_local" => {
                let hours = self.entries.iter().map(|it| Some(it.parts.hour));
                Arc::new(hours.collect::<Int32Array>())
            }
            "shift" => self.texts(|entry| {
                let shift = self.calendar.shifts().get(usize::from(entry.parts.shift?))?;
                Some(shift.name.as_str())
            }),
            _ => claimed.with_context(|| format!("column {name} is missing"))?,
        })
    }

    fn times(&self, time_s: fn(&Entry) -> i64) -> ArrayRef {
        let times = self.entries.iter().map(|entry| Some(time_s(entry) * SECOND_US));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    }

    fn integers(&self, value: fn(&Entry) -> i64) -> ArrayRef {
        Arc::new(self.entries.iter().map(|entry| Some(value(entry))).collect::<Int64Array>())
    }

    fn days(&self, day: fn(&Entry) -> i32) -> ArrayRef {
        Arc::new(self.entries.iter().map(|entry| Some(day(entry))).collect::<Date32Array>())
    }

    fn texts(&self, text: impl Fn(&Entry) -> Option<&'a str>) -> ArrayRef {
        Arc::new(self.entries.iter().map(text).collect::<StringArray>())
    }

    fn claimed_or_calendar(
        &self,
        name: &str,
        claimed: Option<ArrayRef>,
    ) -> anyhow::Result<ArrayRef> {
        let claimed = claimed.with_context(|| format!("column {name} is missing"))?;
        let claimed = claimed.as_string_opt::<i32>();
        let claimed = claimed.with_context(|| format!("column `{name}` is not text"))?;
        let value = |(row, entry): (usize, &Entry)| match entry.claim {
            Some(_) => claimed.is_valid(row).then(|| claimed.value(row).to_owned()),
            None => self.calendar_value(entry, name).map(str::to_owned),
        };
        Ok(Arc::new(self.entries.iter().enumerate().map(value).collect::<StringArray>()))
    }

    /// Category, reason or source of time that no claim covers.
    fn calendar_value(&self, entry: &Entry, column: &str) -> Option<&'a str> {
        let parts = &entry.parts;
        let (category, reason) = match self.calendar.rest(parts.production_day, self.line) {
            Some(rest) => (NO_PRODUCTION_PLANNED, Some(rest.name.as_str())),
            None if parts.shift.is_none() => (NO_PRODUCTION_PLANNED, Some("off_shift")),
            None if parts.is_break => ("planned_stop", Some("break")),
            None => ("unknown", None),
        };
        match column {
            "category" => Some(category),
            "reason" => reason,
            _ => Some("calendar"),
        }
    }
}
