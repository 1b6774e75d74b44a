//! The offset transitions of a time zone, laid out for fast lookup in both directions.

use crate::time::DAY_S;
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// 1800-01-01 and 2101-01-01.
const FIRST_S: i64 = -62_091 * DAY_S;
const END_S: i64 = 47_847 * DAY_S;
const STRETCH_S: usize = 1 << STRETCH_BITS;
const STRETCH_BITS: u32 = 24;

/// All offset transitions of one time zone. Building a table takes milliseconds, a lookup
/// nanoseconds; it is immutable, so one table serves all threads.
///
/// All times are whole seconds since 1970-01-01T00:00:00: `utc_s` in UTC, `local_s` in local time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneTable {
    zone: Tz,
    /// Transitions in UTC seconds, ascending.
    changes_utc_s: Vec<i64>,
    /// Offset from UTC in seconds before the first transition, then after each.
    offsets_s: Vec<i32>,
    /// Local time of each transition under the offset before it; ascending.
    ends_local_s: Vec<i64>,
    /// Number of transitions before each stretch of [`STRETCH_S`]. A linear scan from there takes a
    /// step or two, a binary search eight.
    before_stretch: Vec<usize>,
}

impl ZoneTable {
    /// Builds the table of a zone with its transitions from 1800 to 2100; the time zone database
    /// has none outside these years.
    pub fn new(zone: Tz) -> Self {
        let mut table = Self {
            zone,
            changes_utc_s: Vec::new(),
            offsets_s: Vec::new(),
            ends_local_s: Vec::new(),
            before_stretch: Vec::new(),
        };
        let mut before = Sample::take(zone, FIRST_S);
        table.offsets_s.push(before.offset_s);
        while before.utc_s < END_S {
            let after = Sample::take(zone, before.utc_s + DAY_S);
            table.add_changes(before, after);
            before = after;
        }
        let stretches = (FIRST_S..before.utc_s).step_by(STRETCH_S);
        // Local time and UTC differ by less than a day, so this holds for both.
        let count = |begin: i64| table.changes_utc_s.partition_point(|at| at + DAY_S <= begin);
        table.before_stretch = stretches.map(count).collect();
        table
    }

    /// The zone of this table.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Offset of local time from UTC in seconds.
    pub fn offset_s(&self, utc_s: i64) -> i32 {
        self.offsets_s[self.count(&self.changes_utc_s, utc_s)]
    }

    /// The next transition after `utc_s`; `None` if none is known.
    pub fn next_change_s(&self, utc_s: i64) -> Option<i64> {
        self.changes_utc_s.get(self.count(&self.changes_utc_s, utc_s)).copied()
    }

    /// Converts a local time to UTC. An ambiguous time (clocks set back) is converted to the first
    /// of its two times; `None` for a time that does not exist (clocks set forward).
    pub fn utc_s(&self, local_s: i64) -> Option<i64> {
        let span = self.count(&self.ends_local_s, local_s);
        let utc_s = local_s - i64::from(self.offsets_s[span]);
        let begun = span == 0 || self.changes_utc_s[span - 1] <= utc_s;
        begun.then_some(utc_s)
    }

    /// Converts an ambiguous local time (clocks set back) to the second of its two UTC times; `None`
    /// if the local time occurs once or never.
    pub fn second_utc_s(&self, local_s: i64) -> Option<i64> {
        let span = self.count(&self.ends_local_s, local_s);
        let change_s = *self.changes_utc_s.get(span)?;
        let utc_s = local_s - i64::from(self.offsets_s[span + 1]);
        let is_first_real =
            span == 0 || self.changes_utc_s[span - 1] <= local_s - i64::from(self.offsets_s[span]);
        (utc_s >= change_s && is_first_real).then_some(utc_s)
    }

    /// The range of ambiguous local times nearest to `local_s`, if it is at most `within_s` away.
    pub fn repeat_near(&self, local_s: i64, within_s: i64) -> Option<Repeat> {
        let span = self.count(&self.ends_local_s, local_s);
        let repeat = |change: usize| {
            let (before_s, after_s) =
                (*self.offsets_s.get(change)?, *self.offsets_s.get(change + 1)?);
            let change_s = *self.changes_utc_s.get(change)?;
            let (from, to) = (i64::from(after_s), i64::from(before_s));
            (from < to)
                .then_some(Repeat { from_local_s: change_s + from, to_local_s: change_s + to })
        };
        let is_near =
            |it: &Repeat| (it.from_local_s - within_s..it.to_local_s + within_s).contains(&local_s);
        let before = span.checked_sub(1).and_then(repeat);
        repeat(span).filter(is_near).or_else(|| before.filter(is_near))
    }

    /// Number of transitions up to a time; both arguments are in UTC or both in local time.
    fn count(&self, changes_s: &[i64], at_s: i64) -> usize {
        let stretch = usize::try_from(at_s.saturating_sub(FIRST_S) >> STRETCH_BITS).unwrap_or(0);
        let known = self.before_stretch.get(stretch).or(self.before_stretch.last());
        let mut count = known.copied().unwrap_or(0);
        while changes_s.get(count).is_some_and(|change| *change <= at_s) {
            count += 1;
        }
        count
    }

    /// Finds the transitions between two times by bisection.
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

/// A range of local times that occur twice because clocks are set back at its end, in seconds since
/// 1970-01-01T00:00:00 local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repeat {
    /// Start, inclusive.
    pub from_local_s: i64,
    /// End, exclusive: the local time at which clocks are set back.
    pub to_local_s: i64,
}

impl Repeat {
    /// Whether a local time is ambiguous.
    pub fn contains(&self, local_s: i64) -> bool {
        (self.from_local_s..self.to_local_s).contains(&local_s)
    }

    /// Length in seconds, which is the time after which a local time in the range repeats.
    pub fn len_s(&self) -> i64 {
        self.to_local_s - self.from_local_s
    }
}

/// Offset from UTC of a zone at one time.
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
    fn local_times_are_converted_to_utc() {
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

    /// The same conversion by chrono; the earlier result if there are two.
    fn chrono_utc_s(zone: Tz, local_s: i64) -> Option<i64> {
        let local_time = DateTime::from_timestamp(local_s, 0).unwrap().naive_utc();
        match zone.from_local_datetime(&local_time) {
            LocalResult::Single(at) => Some(at.timestamp()),
            LocalResult::Ambiguous(a, b) => Some(a.timestamp().min(b.timestamp())),
            LocalResult::None => None,
        }
    }

    /// The later result of chrono.
    fn chrono_second_utc_s(zone: Tz, local_s: i64) -> Option<i64> {
        let local_time = DateTime::from_timestamp(local_s, 0).unwrap().naive_utc();
        match zone.from_local_datetime(&local_time) {
            LocalResult::Ambiguous(a, b) => Some(a.timestamp().max(b.timestamp())),
            _ => None,
        }
    }

    #[test]
    fn an_ambiguous_local_time_has_two_utc_times() {
        let berlin = ZoneTable::new(Tz::Europe__Berlin);
        let second = |text: &str| berlin.second_utc_s(local(text));
        assert_eq!(second("2024-10-27T02:00:00"), Some(local("2024-10-27T01:00:00")));
        assert_eq!(second("2024-10-27T02:59:59"), Some(local("2024-10-27T01:59:59")));
        for text in ["2024-10-27T01:59:59", "2024-10-27T03:00:00", "2024-03-31T02:30:00"] {
            assert_eq!(second(text), None, "{text}");
        }
        let repeat = berlin.repeat_near(local("2024-10-27T04:59:59"), 7200).unwrap();
        assert_eq!((repeat.from_local_s, repeat.len_s()), (local("2024-10-27T02:00:00"), 3600));
        for text in ["2024-10-27T00:00:00", "2024-10-27T02:00:00", "2024-10-27T02:59:59"] {
            assert_eq!(berlin.repeat_near(local(text), 7200), Some(repeat), "{text}");
        }
        for text in ["2024-10-26T23:59:59", "2024-10-27T05:00:00", "2024-03-31T02:30:00"] {
            assert_eq!(berlin.repeat_near(local(text), 7200), None, "{text}");
        }
    }

    #[test]
    fn the_years_end_on_new_years_eve() {
        assert_eq!((FIRST_S, END_S), (local("1800-01-01T00:00:00"), local("2101-01-01T00:00:00")));
    }

    #[test]
    fn every_zone_agrees_with_chrono_around_every_change() {
        for zone in TZ_VARIANTS {
            let table = ZoneTable::new(zone);
            assert!(table.ends_local_s.is_sorted(), "{zone}");
            for change in &table.changes_utc_s {
                assert!((FIRST_S..END_S).contains(change), "{zone} {change}");
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
                    assert_eq!(
                        table.second_utc_s(local_s),
                        chrono_second_utc_s(zone, local_s),
                        "{zone} {local_s}"
                    );
                }
            }
        }
    }
}
