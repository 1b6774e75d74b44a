//! The plant calendar: the production day, hour and shift of a time, and whether production is
//! planned.
//!
//! A production day starts with its first shift and ends where the next one starts, so a night
//! shift belongs to one day. On days of a clock change it has 23 or 25 hours. Past days keep their
//! calendar: shifts and rest days have a range of validity.

use crate::time::{DAY_S, HOUR_S, MINUTE_S, SECOND_US, date_from_days, second_of_us};
use crate::zone::ZoneTable;
use chrono::{Datelike as _, Weekday};
use chrono_tz::Tz;
use std::collections::BTreeSet;

const DAY_MIN: u16 = 24 * 60;

/// The calendar of a plant: its time zone, shifts and rest days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: ZoneTable,
    shifts: Vec<Shift>,
    rests: Vec<Rest>,
    /// Ordered by the first production day of their validity; the first one has no lower bound.
    periods: Vec<(i32, Pattern)>,
}

/// A shift, the same on every day it is valid for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shift {
    /// Name shown to people. Shifts with different ranges of validity may share a name.
    pub name: String,
    /// First minute after local midnight; below 1440.
    pub start_min: u16,
    /// Exclusive end in minutes, at most 1440. A shift whose end is not after its start ends on the
    /// next day.
    pub end_min: u16,
    /// Breaks as first minute and exclusive end, in minutes of the day.
    pub breaks: Vec<(u16, u16)>,
    /// First and last production day of validity, in days since 1970-01-01.
    pub valid: Span,
}

/// A range of days, both ends inclusive; `None` means unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub from: Option<i32>,
    pub until: Option<i32>,
}

/// A rule for rest days, or an exception on which work is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Name shown to people.
    pub name: String,
    pub days: RestDays,
    /// Lines the rule applies to; empty for all.
    pub lines: Vec<String>,
    /// Whether work is planned on these days; the last rule that matches a day and line wins.
    pub is_working: bool,
}

/// The days a rest rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestDays {
    /// A range of days.
    Days(Span),
    /// A weekday.
    Weekday(Weekday),
}

/// The shift and break of each minute of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Minute of the day at which the first shift starts.
    start_min: u16,
    minutes: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Slot {
    shift: Option<u16>,
    is_break: bool,
}

/// A time in terms of the plant calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalParts {
    /// Local calendar day in days since 1970-01-01.
    pub day: i32,
    /// Local hour, 0 to 23.
    pub hour: i32,
    /// Local minute of the day, 0 to 1439.
    pub minute_of_day: u16,
    /// Index of the shift in [`Calendar::shifts`]; `None` outside every shift.
    pub shift: Option<u16>,
    /// Whether the time is in a break.
    pub is_break: bool,
    /// Production day in days since 1970-01-01.
    pub production_day: i32,
}

/// A stretch of time within one hour, shift and production day, entirely inside or outside breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Start in seconds since 1970-01-01T00:00:00Z.
    pub from_s: i64,
    /// Exclusive end.
    pub to_s: i64,
    pub parts: LocalParts,
}

impl Calendar {
    /// Creates the calendar of a zone and its shifts, which may leave parts of the day uncovered.
    ///     ///
    /// # Errors
    ///     ///
    /// Describes shifts that overlap, share a name or have an invalid time of day.
    pub fn new(zone: Tz, shifts: Vec<Shift>) -> Result<Self, String> {
        let mut begins: BTreeSet<i32> = [i32::MIN].into();
        for (number, shift) in shifts.iter().enumerate() {
            shift.check(&shifts[..number])?;
            begins.extend(shift.valid.from);
            begins.extend(shift.valid.until.map(|day| day.saturating_add(1)));
        }
        let mut periods = Vec::new();
        for day in begins {
            periods.push((day, Pattern::of(day, &shifts)?));
        }
        Ok(Self { zone: ZoneTable::new(zone), shifts, rests: Vec::new(), periods })
    }

    /// Sets the rest rules; the last rule that matches a day and a line wins.
    #[must_use]
    pub fn with_rests(mut self, rests: Vec<Rest>) -> Self {
        self.rests = rests;
        self
    }

    /// The zone of the plant with its offset transitions.
    pub fn zone(&self) -> &ZoneTable {
        &self.zone
    }

    /// The shifts, in the order of [`LocalParts::shift`].
    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }

    /// The rest rules, in order.
    pub fn rests(&self) -> &[Rest] {
        &self.rests
    }

    /// The rule by which a line rests on a production day; `None` if work is planned.
    pub fn rest(&self, production_day: i32, line: Option<&str>) -> Option<&Rest> {
        let is_named = |rest: &&Rest| {
            let is_line = |name: &String| Some(name.as_str()) == line;
            rest.contains(production_day)
                && (rest.lines.is_empty() || rest.lines.iter().any(is_line))
        };
        self.rests.iter().rfind(is_named).filter(|rest| !rest.is_working)
    }

    /// Calendar parts of a time in microseconds since 1970-01-01T00:00:00Z.
    pub fn local_parts(&self, at_us: i64) -> LocalParts {
        let utc_s = second_of_us(at_us);
        let local_s = utc_s + i64::from(self.zone.offset_s(utc_s));
        let (day, minute) = (local_s.div_euclid(DAY_S) as i32, local_s.rem_euclid(DAY_S) / 60);
        let minute_of_day = minute as u16;
        let is_before = minute_of_day < self.pattern(day).start_min;
        let production_day = if is_before { day - 1 } else { day };
        let slot = self.slot(production_day, day, minute_of_day);
        LocalParts {
            day,
            hour: (minute / 60) as i32,
            minute_of_day,
            shift: slot.shift,
            is_break: slot.is_break,
            production_day,
        }
    }

    /// Start and exclusive end of a production day, in seconds since 1970-01-01T00:00:00Z.
    pub fn production_day(&self, day: i32) -> (i64, i64) {
        (self.begin_s(day), self.begin_s(day + 1))
    }

    fn begin_s(&self, day: i32) -> i64 {
        let start_s = i64::from(self.pattern(day).start_min) * MINUTE_S;
        let local_s = i64::from(day) * DAY_S + start_s;
        // A local time that does not exist is shifted by an hour.
        let later = || self.zone.utc_s(local_s + HOUR_S).unwrap_or(local_s);
        self.zone.utc_s(local_s).unwrap_or_else(later)
    }

    /// Splits a range of time, without gaps, where the hour, the shift, the production day or the
    /// offset changes and where breaks start and end.
    pub fn pieces(&self, from_s: i64, to_s: i64) -> impl Iterator<Item = Piece> + '_ {
        let mut at_s = from_s;
        std::iter::from_fn(move || {
            if at_s >= to_s {
                return None;
            }
            let parts = self.local_parts(at_s * SECOND_US);
            let end_s = self.cut_after(at_s, parts).min(to_s);
            let piece = Piece { from_s: at_s, to_s: end_s, parts };
            at_s = end_s;
            Some(piece)
        })
    }

    /// The end of the shift that a time is in, in seconds since 1970-01-01T00:00:00Z; `None` outside every
    /// shift.
    pub fn shift_end_s(&self, at_s: i64) -> Option<i64> {
        let shift = |parts: &LocalParts| Some((parts.production_day, parts.shift?));
        let now = shift(&self.local_parts(at_s * SECOND_US))?;
        // A shift lasts a day at most, and an hour more when clocks are set back.
        let mut pieces = self.pieces(at_s, at_s + DAY_S + 2 * HOUR_S);
        pieces.find(|piece| shift(&piece.parts) != Some(now)).map(|piece| piece.from_s)
    }

    /// The next time at which another piece starts.
    fn cut_after(&self, at_s: i64, parts: LocalParts) -> i64 {
        let slot = |minute: u16| self.slot(parts.production_day, parts.day, minute);
        let now = slot(parts.minute_of_day);
        let start_min = self.pattern(parts.day).start_min;
        let mut minute = parts.minute_of_day + 1;
        // The hour after the last minute of a day always starts a piece.
        while !minute.is_multiple_of(60) && minute != start_min && slot(minute) == now {
            minute += 1;
        }
        let local_s = at_s + i64::from(self.zone.offset_s(at_s));
        let left_s = i64::from(minute) * MINUTE_S - local_s.rem_euclid(DAY_S);
        let end_s = at_s + left_s;
        self.zone.next_change_s(at_s).map_or(end_s, |change_s| change_s.min(end_s))
    }

    /// The slot of a minute of a calendar day that belongs to a production day.
    fn slot(&self, production_day: i32, day: i32, minute_of_day: u16) -> Slot {
        let pattern = self.pattern(production_day);
        // If the first shift of the next day starts later than that of this day, the time between
        // belongs to this production day and to none of its shifts.
        if day > production_day && minute_of_day >= pattern.start_min {
            return Slot::default();
        }
        pattern.minutes[usize::from(minute_of_day)]
    }

    fn pattern(&self, production_day: i32) -> &Pattern {
        let after = self.periods.partition_point(|(from, _)| *from <= production_day);
        &self.periods[after.saturating_sub(1)].1
    }
}

impl Pattern {
    /// The slots of a production day.
    fn of(day: i32, shifts: &[Shift]) -> Result<Self, String> {
        let mut minutes = vec![Slot::default(); usize::from(DAY_MIN)];
        let mut start_min: Option<u16> = None;
        for (number, shift) in (0..).zip(shifts).filter(|(_, shift)| shift.valid.contains(day)) {
            start_min = Some(start_min.map_or(shift.start_min, |it| it.min(shift.start_min)));
            for minute in shift.minutes() {
                let slot = Slot { shift: Some(number), is_break: shift.has_break(minute) };
                let minute = usize::from(minute);
                if let Some(other) = std::mem::replace(&mut minutes[minute], slot).shift {
                    return Err(overlap(shift, &shifts[usize::from(other)], minute));
                }
            }
        }
        Ok(Self { start_min: start_min.unwrap_or(0), minutes })
    }
}

impl Span {
    /// Whether the range contains a day.
    pub fn contains(&self, day: i32) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    fn meets(&self, other: &Self) -> bool {
        let is_before = |left: &Self, right: &Self| match (left.until, right.from) {
            (Some(until), Some(from)) => until < from,
            _ => false,
        };
        !is_before(self, other) && !is_before(other, self)
    }
}

impl Rest {
    fn contains(&self, day: i32) -> bool {
        match self.days {
            RestDays::Days(span) => span.contains(day),
            RestDays::Weekday(weekday) => {
                date_from_days(day).is_some_and(|date| date.weekday() == weekday)
            }
        }
    }
}

impl Shift {
    fn check(&self, before: &[Shift]) -> Result<(), String> {
        let Self { name, start_min, end_min, .. } = self;
        if *start_min >= DAY_MIN || *end_min > DAY_MIN {
            return Err(format!(
                "invalid times of shift \"{name}\": minutes {start_min} to {end_min}; expected at most 1440"
            ));
        }
        if before.iter().any(|shift| shift.name == *name && shift.valid.meets(&self.valid)) {
            return Err(format!("two shifts are named \"{name}\""));
        }
        let is_within = |minute: u16| self.minutes().any(|it| it == minute);
        for (from, to) in &self.breaks {
            if *from >= DAY_MIN || !minutes(*from, *to).all(is_within) {
                return Err(format!(
                    "a break from {} to {} is not within shift \"{name}\"",
                    clock(*from),
                    clock(*to)
                ));
            }
        }
        Ok(())
    }

    /// The minutes of the day this shift covers, in order.
    fn minutes(&self) -> impl Iterator<Item = u16> + use<> {
        minutes(self.start_min, self.end_min)
    }

    fn has_break(&self, minute: u16) -> bool {
        self.breaks.iter().any(|(from, to)| minutes(*from, *to).any(|it| it == minute))
    }
}

/// The minutes of the day in a range, across midnight if the end is not after the start.
fn minutes(from: u16, to: u16) -> impl Iterator<Item = u16> + use<> {
    let next_day = if to <= from { DAY_MIN } else { 0 };
    (from..to + next_day).map(|minute| minute % DAY_MIN)
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn overlap(shift: &Shift, other: &Shift, minute: usize) -> String {
    let (hour, minute) = (minute / 60, minute % 60);
    format!("shifts \"{}\" and \"{}\" both run at {hour:02}:{minute:02}", other.name, shift.name)
}

#[cfg(test)]
mod tests;
