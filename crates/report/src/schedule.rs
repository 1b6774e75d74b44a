//! When a scheduled report is due: a function of its schedule, the calendar of the plant and the last run.
//!
//! A run belongs to a time of the calendar, not to the time at which the program notices it. So the default
//! parameters of a run (`yesterday`, the last shift) are those of its time, however late it is made, and the runs
//! that a stopped program missed are made once: only the latest one is due.

use chrono::{Datelike as _, Weekday};
use config::reports::Moment;
use plant::calendar::Calendar;
use plant::time::{DAY_S, HOUR_S, MINUTE_S, SECOND_US, date_from_days};

/// Days in which runs are searched, before and after a time. An older missed run is not made.
const SEARCHED_DAYS: i32 = 40;

/// The times that decide whether a report is due, in microseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub now_us: i64,
    /// When the last refinement without an error began; `None` before the first one.
    pub refined_at_us: Option<i64>,
}

/// The time of the run that is due: the latest one after `last_us`, the time of the last run. Of several missed
/// runs it is the last one. A run after a shift has the time of the end of the shift, without the delay.
pub fn due_us(
    schedule: &Moment,
    calendar: &Calendar,
    last_us: i64,
    progress: Progress,
) -> Option<i64> {
    let until_us = match schedule {
        Moment::Final => progress.refined_at_us?.min(progress.now_us),
        Moment::At { .. } => progress.now_us,
        Moment::AfterShift { delay_min, .. } => progress.now_us - minutes_us(*delay_min),
    };
    let (first, last) = (local_day(calendar, last_us) - 1, local_day(calendar, until_us) + 1);
    let mut days = (first.max(last - SEARCHED_DAYS)..=last).rev();
    let is_due = |at_us: &i64| (last_us + 1..=until_us).contains(at_us);
    days.find_map(|day| run_us(schedule, calendar, day).filter(is_due))
}

/// The first run after a time; `None` if there is none within some weeks.
pub fn next_us(schedule: &Moment, calendar: &Calendar, after_us: i64) -> Option<i64> {
    let first = local_day(calendar, after_us) - 1;
    let mut days = first..=first + SEARCHED_DAYS;
    days.find_map(|day| run_us(schedule, calendar, day).filter(|at_us| *at_us > after_us))
}

/// When the next run after a time is made: after its delay. A run of [`Moment::Final`] is made by the refinement
/// that follows.
pub fn next_start_us(schedule: &Moment, calendar: &Calendar, after_us: i64) -> Option<i64> {
    let delay_us = match schedule {
        Moment::AfterShift { delay_min, .. } => minutes_us(*delay_min),
        Moment::At { .. } | Moment::Final => 0,
    };
    Some(next_us(schedule, calendar, after_us - delay_us)? + delay_us)
}

/// The run of a day, counted from 1970-01-01; runs of later days are later.
fn run_us(schedule: &Moment, calendar: &Calendar, day: i32) -> Option<i64> {
    let at_s = match schedule {
        Moment::At { minute_of_day, days } => local_s(calendar, day, *minute_of_day, days)?,
        Moment::AfterShift { shift, .. } => shift_end_s(calendar, day, shift)?,
        Moment::Final => calendar.production_day(day).1,
    };
    Some(at_s * SECOND_US)
}

fn minutes_us(minutes: u32) -> i64 {
    i64::from(minutes) * MINUTE_S * SECOND_US
}

fn local_day(calendar: &Calendar, at_us: i64) -> i32 {
    calendar.local_parts(at_us).day
}

/// The UTC second of a local time. A time that is skipped when clocks are set forward is an hour later; of one
/// that occurs twice, the first is used.
fn local_s(calendar: &Calendar, day: i32, minute: u16, weekdays: &[Weekday]) -> Option<i64> {
    let weekday = date_from_days(day)?.weekday();
    if !weekdays.contains(&weekday) {
        return None;
    }
    let local_s = i64::from(day) * DAY_S + i64::from(minute) * MINUTE_S;
    let zone = calendar.zone();
    zone.utc_s(local_s).or_else(|| zone.utc_s(local_s + HOUR_S))
}

/// The end of a shift of a production day; `None` if the day has no such shift.
fn shift_end_s(calendar: &Calendar, day: i32, name: &str) -> Option<i64> {
    if calendar.rest(day, None).is_some() {
        return None;
    }
    let (from_s, to_s) = calendar.production_day(day);
    let is_shift = |number: u16| {
        calendar.shifts().get(usize::from(number)).is_some_and(|shift| shift.name == name)
    };
    let pieces = calendar.pieces(from_s, to_s);
    let own = pieces.filter(|piece| piece.parts.shift.is_some_and(is_shift));
    own.last().map(|piece| piece.to_s)
}

#[cfg(test)]
mod tests;
