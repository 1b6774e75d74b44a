//! When the clocks of a time zone change, laid out for fast lookup in both directions.

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

const FIRST_YEAR: i32 = 1800;
const LAST_YEAR: i32 = 2101;
const DAY_S: i64 = 86_400;

/// Every clock change of one time zone. Building one takes milliseconds, asking it nanoseconds; it
/// never changes, so one table serves all threads.
///
/// All moments are whole seconds since 1970-01-01: `utc_s` counted in UTC, `local_s` on the wall
/// clock of the zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneTable {
    zone: Tz,
    /// When the clock changed, in UTC seconds, ascending.
    changes_utc_s: Vec<i64>,
    /// Seconds east of UTC before the first change, then after each.
    offsets_s: Vec<i32>,
    /// What the clock would have shown at each change, had it not changed; ascending.
    ends_local_s: Vec<i64>,
}

impl ZoneTable {
    /// The table of a zone, with its changes from 1800 to 2100; the time zone database knows none
    /// outside these years.
    pub fn new(zone: Tz) -> Self {
        let mut table = Self {
            zone,
            changes_utc_s: Vec::new(),
            offsets_s: Vec::new(),
            ends_local_s: Vec::new(),
        };
        let days = new_year_day(FIRST_YEAR)..new_year_day(LAST_YEAR);
        let mut before = Sample::take(zone, days.start * DAY_S);
        table.offsets_s.push(before.offset_s);
        for day in days {
            let after = Sample::take(zone, (day + 1) * DAY_S);
            table.add_changes(before, after);
            before = after;
        }
        table
    }

    /// The zone of this table.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Seconds the wall clock is ahead of UTC at a moment.
    pub fn offset_s(&self, utc_s: i64) -> i32 {
        self.offsets_s[self.changes_utc_s.partition_point(|change| *change <= utc_s)]
    }

    /// The moment at which the wall clock shows `local_s`. If it does so twice because the clock was
    /// set back, the first of them; `None` if never because it was set forward over that time.
    pub fn utc_s(&self, local_s: i64) -> Option<i64> {
        let span = self.ends_local_s.partition_point(|end| *end <= local_s);
        let utc_s = local_s - i64::from(self.offsets_s[span]);
        let begun = span == 0 || self.changes_utc_s[span - 1] <= utc_s;
        begun.then_some(utc_s)
    }

    /// Finds the changes between two moments by halving the time between them.
    fn add_changes(&mut self, before: Sample, after: Sample) {
        if before.offset_s == after.offset_s {
            return;
        }
        if after.utc_s - before.utc_s > 1 {
            let middle = Sample::take(self.zone, i64::midpoint(before.utc_s, after.utc_s));
            self.add_changes(before, middle);
            return self.add_changes(middle, after);
        }
        self.changes_utc_s.push(after.utc_s);
        self.offsets_s.push(after.offset_s);
        self.ends_local_s.push(after.utc_s + i64::from(before.offset_s));
    }
}

/// What a zone's clock is ahead of UTC at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    utc_s: i64,
    offset_s: i32,
}

impl Sample {
    fn take(zone: Tz, utc_s: i64) -> Self {
        let utc = DateTime::from_timestamp(utc_s, 0).unwrap_or_default().naive_utc();
        let offset_s = zone.offset_from_utc_datetime(&utc).fix().local_minus_utc();
        Self { utc_s, offset_s }
    }
}

/// Days from 1970-01-01 to the first of January of a year.
fn new_year_day(year: i32) -> i64 {
    let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    i64::from(day.num_days_from_ce() - NaiveDate::default().num_days_from_ce())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{LocalResult, NaiveDateTime};
    use chrono_tz::TZ_VARIANTS;

    fn local(text: &str) -> i64 {
        text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp()
    }

    fn check(zone: Tz, local_text: &str, expected_utc: Option<&str>) {
        let got = ZoneTable::new(zone).utc_s(local(local_text));
        assert_eq!(got, expected_utc.map(local), "{zone} {local_text}");
    }

    #[test]
    fn a_wall_clock_time_becomes_a_moment() {
        check(Tz::Asia__Kolkata, "2023-01-03T19:35:32", Some("2023-01-03T14:05:32"));
        check(Tz::UTC, "2023-01-03T19:35:32", Some("2023-01-03T19:35:32"));
        check(Tz::Europe__Berlin, "2024-03-31T01:59:59", Some("2024-03-31T00:59:59"));
        check(Tz::Europe__Berlin, "2024-03-31T02:00:00", None);
        check(Tz::Europe__Berlin, "2024-03-31T02:59:59", None);
        check(Tz::Europe__Berlin, "2024-03-31T03:00:00", Some("2024-03-31T01:00:00"));
        check(Tz::Europe__Berlin, "2024-10-27T02:30:00", Some("2024-10-27T00:30:00"));
        check(Tz::Europe__Berlin, "2024-10-27T03:00:00", Some("2024-10-27T02:00:00"));
        check(Tz::Africa__Cairo, "2024-04-26T00:00:00", None);
        check(Tz::Pacific__Apia, "2011-12-30T12:00:00", None);
    }

    /// Chrono's own answer to the same question, the earlier one if there are two.
    fn chrono_utc_s(zone: Tz, local_s: i64) -> Option<i64> {
        let wall = DateTime::from_timestamp(local_s, 0).unwrap().naive_utc();
        match zone.from_local_datetime(&wall) {
            LocalResult::Single(at) => Some(at.timestamp()),
            LocalResult::Ambiguous(a, b) => Some(a.timestamp().min(b.timestamp())),
            LocalResult::None => None,
        }
    }

    #[test]
    fn every_zone_agrees_with_chrono_around_every_change() {
        for zone in TZ_VARIANTS {
            let table = ZoneTable::new(zone);
            assert!(table.ends_local_s.is_sorted(), "{zone}");
            for change in &table.changes_utc_s {
                for minutes in [-1500, -61, -60, -31, -1, 0, 1, 29, 30, 59, 60, 61, 1500] {
                    let utc_s = change + minutes * 60;
                    let offset_s = table.offset_s(utc_s);
                    assert_eq!(offset_s, Sample::take(zone, utc_s).offset_s, "{zone} {utc_s}");
                    let local_s = utc_s + i64::from(offset_s);
                    assert_eq!(
                        table.utc_s(local_s),
                        chrono_utc_s(zone, local_s),
                        "{zone} {local_s}"
                    );
                }
            }
        }
    }
}
