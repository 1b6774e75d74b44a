//! Runs over clock changes, night shifts, rest days and downtime.

use super::{Progress, SEARCHED_DAYS, due_us, next_start_us, next_us};
use chrono::{DateTime, Weekday};
use config::reports::Moment;
use plant::calendar::{Calendar, Rest, RestDays, Shift};
use plant::time::{DAY_S, SECOND_US};
use proptest::prelude::*;

/// Berlin with an early, a late and a night shift: clocks go forward on 2026-03-29 at 02:00, back on 2026-10-25
/// at 03:00.
fn berlin() -> Calendar {
    let shift = |name: &str, from: u16, to: u16| Shift {
        name: name.into(),
        start_min: from * 60,
        end_min: to * 60,
        ..Shift::default()
    };
    let shifts = vec![shift("early", 6, 14), shift("late", 14, 22), shift("night", 22, 6)];
    Calendar::new(chrono_tz::Europe::Berlin, shifts).unwrap()
}

fn us(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

fn at_time(now: &str) -> Progress {
    Progress { now_us: us(now), refined_at_us: None }
}

const WEEK: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

fn at(minute_of_day: u16) -> Moment {
    Moment::At { minute_of_day, days: WEEK.to_vec() }
}

fn after(shift: &str, delay_min: u32) -> Moment {
    Moment::AfterShift { shift: shift.into(), delay_min }
}

/// Checks the run that is due after `last` at `now`.
fn check(timing: &Moment, last: &str, now: &str, expected: Option<&str>) {
    let due = due_us(timing, &berlin(), us(last), at_time(now));
    assert_eq!(due, expected.map(us), "{timing:?} after {last} at {now}");
}

#[test]
fn a_run_is_due_from_its_local_time_on_and_once() {
    let timing = at(390);
    check(&timing, "2026-06-01T00:00:00Z", "2026-06-01T04:29:59Z", None);
    let run = "2026-06-01T06:30:00+02:00";
    check(&timing, "2026-06-01T00:00:00Z", "2026-06-01T04:30:00Z", Some(run));
    check(&timing, run, "2026-06-01T12:00:00Z", None);
    check(&timing, run, "2026-06-02T04:30:00Z", Some("2026-06-02T06:30:00+02:00"));
}

#[test]
fn of_the_runs_missed_in_a_downtime_only_the_last_is_due() {
    let (last, now) = ("2026-06-01T06:30:00+02:00", "2026-06-09T11:00:00+02:00");
    let run = "2026-06-09T06:30:00+02:00";
    check(&at(390), last, now, Some(run));
    check(&at(390), run, now, None);
    let monday = Moment::At { minute_of_day: 390, days: vec![Weekday::Mon] };
    check(&monday, last, now, Some("2026-06-08T06:30:00+02:00"));
}

#[test]
fn a_downtime_longer_than_the_search_still_has_its_last_run() {
    check(
        &at(390),
        "2025-01-01T00:00:00Z",
        "2026-06-09T11:00:00+02:00",
        Some("2026-06-09T06:30:00+02:00"),
    );
}

#[test]
fn a_clock_that_is_set_back_repeats_no_run() {
    check(&at(390), "2026-06-09T06:30:00+02:00", "2026-06-08T12:00:00+02:00", None);
}

#[test]
fn a_local_time_that_is_skipped_runs_an_hour_later_and_one_that_occurs_twice_runs_once() {
    let timing = at(150);
    // 02:30 does not exist on this day.
    let run = "2026-03-29T03:30:00+02:00";
    check(&timing, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", Some(run));
    check(&timing, run, "2026-03-29T23:00:00Z", None);
    let first = "2026-10-25T02:30:00+02:00";
    check(&timing, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", Some(first));
    check(&timing, first, "2026-10-25T12:00:00Z", None);
}

#[test]
fn a_night_shift_ends_on_the_next_day_also_when_clocks_change() {
    let timing = after("night", 0);
    let run = "2026-06-02T06:00:00+02:00";
    check(&timing, "2026-06-01T12:00:00Z", "2026-06-02T03:59:59Z", None);
    check(&timing, "2026-06-01T12:00:00Z", "2026-06-02T04:00:00Z", Some(run));
    check(&timing, run, "2026-06-02T20:00:00Z", None);
    check(
        &timing,
        "2026-03-28T12:00:00Z",
        "2026-03-29T12:00:00Z",
        Some("2026-03-29T06:00:00+02:00"),
    );
    check(
        &timing,
        "2026-10-24T12:00:00Z",
        "2026-10-25T12:00:00Z",
        Some("2026-10-25T06:00:00+01:00"),
    );
}

#[test]
fn a_shift_has_no_run_on_a_rest_day() {
    let rest = Rest {
        name: "Sunday".into(),
        days: RestDays::Weekday(Weekday::Sun),
        lines: Vec::new(),
        is_working: false,
    };
    let calendar = berlin().with_rests(vec![rest]);
    let timing = after("early", 0);
    // 2026-06-07 is a Sunday.
    let due =
        due_us(&timing, &calendar, us("2026-06-06T00:00:00Z"), at_time("2026-06-07T20:00:00Z"));
    assert_eq!(due, Some(us("2026-06-06T14:00:00+02:00")));
}

#[test]
fn a_delay_moves_the_start_and_not_the_time_of_the_run() {
    let timing = after("night", 30);
    let run = "2026-06-02T06:00:00+02:00";
    check(&timing, "2026-06-01T12:00:00Z", "2026-06-02T06:29:59+02:00", None);
    check(&timing, "2026-06-01T12:00:00Z", "2026-06-02T06:30:00+02:00", Some(run));
    check(&timing, run, "2026-06-02T20:00:00Z", None);
    let next = next_start_us(&timing, &berlin(), us("2026-06-02T06:10:00+02:00"));
    assert_eq!(next, Some(us("2026-06-02T06:30:00+02:00")));
}

#[test]
fn an_unknown_shift_is_never_due() {
    let timing = after("removed", 0);
    check(&timing, "2026-06-01T00:00:00Z", "2026-06-09T00:00:00Z", None);
    assert_eq!(next_us(&timing, &berlin(), us("2026-06-01T00:00:00Z")), None);
}

#[test]
fn a_day_is_final_after_the_refinement_that_began_after_its_end() {
    let refined = |now: &str, refined: Option<&str>| {
        let progress = Progress { now_us: us(now), refined_at_us: refined.map(us) };
        due_us(&Moment::Final, &berlin(), us("2026-06-01T12:00:00Z"), progress)
    };
    let now = "2026-06-02T12:00:00+02:00";
    assert_eq!(refined(now, None), None);
    assert_eq!(refined(now, Some("2026-06-02T05:59:59+02:00")), None);
    let end = us("2026-06-02T06:00:00+02:00");
    assert_eq!(refined(now, Some("2026-06-02T06:00:00+02:00")), Some(end));
    // A clock that was ahead during the refinement.
    assert_eq!(refined(now, Some("2026-06-09T06:00:00+02:00")), Some(end));
}

#[test]
fn the_next_run_follows() {
    let next = |timing: &Moment, from: &str| next_us(timing, &berlin(), us(from));
    let from = "2026-06-01T06:30:00+02:00";
    assert_eq!(next(&at(390), from), Some(us("2026-06-02T06:30:00+02:00")));
    let friday = Moment::At { minute_of_day: 0, days: vec![Weekday::Fri] };
    assert_eq!(next(&friday, from), Some(us("2026-06-05T00:00:00+02:00")));
    let late = after("late", 0);
    assert_eq!(next(&late, from), Some(us("2026-06-01T22:00:00+02:00")));
    assert_eq!(next(&Moment::Final, from), Some(us("2026-06-02T06:00:00+02:00")));
}

fn timings() -> impl Strategy<Value = Moment> {
    let days = proptest::sample::subsequence(WEEK.as_slice(), 1..=7);
    prop_oneof![
        (0..1440_u16, days).prop_map(|(minute_of_day, days)| Moment::At { minute_of_day, days }),
        proptest::sample::select(vec!["early", "late", "night"]).prop_map(|shift| after(shift, 0)),
        Just(Moment::Final),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the time is divided into checks, each run is made once, and its successor is the next one.
    #[test]
    fn every_run_is_made_once(timing in timings(), steps in prop::collection::vec(1..40_000_i64, 1..40)) {
        let calendar = berlin();
        let start_s = us("2026-03-27T00:00:00Z") / SECOND_US;
        let mut now_s = start_s;
        let mut last_us = now_s * SECOND_US;
        let mut runs = Vec::new();
        for step_s in steps {
            now_s += step_s;
            let now_us = now_s * SECOND_US;
            let progress = Progress { now_us, refined_at_us: Some(now_us) };
            if let Some(run_us) = due_us(&timing, &calendar, last_us, progress) {
                prop_assert!(run_us > last_us && run_us <= now_us);
                runs.push(run_us);
                last_us = run_us;
            }
        }
        let mut expected = Vec::new();
        let mut after_us = start_s * SECOND_US;
        while let Some(run_us) = next_us(&timing, &calendar, after_us).filter(|at| *at <= now_s * SECOND_US) {
            expected.push(run_us);
            after_us = run_us;
        }
        // A check may skip runs that were missed, but makes no others, and the last one always.
        prop_assert!(runs.iter().all(|run| expected.contains(run)));
        prop_assert_eq!(runs.last(), expected.last());
        let days = i32::try_from((now_s - start_s) / DAY_S).unwrap();
        prop_assert!(days < SEARCHED_DAYS);
    }
}
