//! Laws of the state machine for arbitrary sequences of inputs.

use super::*;
use proptest::prelude::*;

/// Longest delay and longest pause between two inputs.
const DELAY_MAX_US: i64 = 50;
const HOUR_US: i64 = 3_600_000_000;

fn timings() -> impl Strategy<Value = Timing> {
    (0..=DELAY_MAX_US, 0..=DELAY_MAX_US, any::<bool>()).prop_map(
        |(on_delay_us, off_delay_us, latching)| Timing { on_delay_us, off_delay_us, latching },
    )
}

/// An input with the pause before it; a shelving ends that long after its input.
fn inputs() -> impl Strategy<Value = Vec<(i64, Input)>> {
    let input = prop_oneof![
        6 => any::<bool>().prop_map(Input::Condition),
        2 => Just(Input::Tick),
        2 => Just(Input::Acknowledge),
        1 => (1..100_i64).prop_map(|until_us| Input::Shelve { until_us }),
        1 => Just(Input::Unshelve),
        1 => Just(Input::Suppress),
        1 => Just(Input::Unsuppress),
        1 => Just(Input::TakeOutOfService),
        1 => Just(Input::ReturnToService),
    ];
    prop::collection::vec((0..=DELAY_MAX_US, input), 0..60)
}

/// Applies an input whose shelving is relative to now; refused inputs only let time pass.
fn apply(status: &Status, timing: &Timing, input: Input, now_us: i64) -> (Status, Steps, bool) {
    let input = match input {
        Input::Shelve { until_us } => Input::Shelve { until_us: now_us + until_us },
        input => input,
    };
    match step(status, timing, input, now_us) {
        Ok((status, steps)) => (status, steps, true),
        Err(_) => {
            let (status, steps) = step(status, timing, Input::Tick, now_us).unwrap();
            (status, steps, false)
        }
    }
}

fn check_invariants(status: &Status, timing: &Timing, now_us: i64) -> Result<(), TestCaseError> {
    let Status { state, is_active, .. } = *status;
    match state {
        State::Normal | State::ReturnedUnacknowledged => prop_assert!(!is_active),
        State::Unacknowledged | State::Acknowledged => prop_assert!(is_active),
        State::Shelved | State::Suppressed | State::OutOfService => {}
    }
    prop_assert_eq!(status.shelved_until_us.is_some(), state == State::Shelved);
    prop_assert!(state != State::Suppressed || status.is_suppressed);
    prop_assert!(!(status.is_suppressed && (state == State::Normal || state.is_open())));
    prop_assert_eq!(status.last_us, now_us);
    prop_assert!(next_due(status, timing).is_none_or(|due_us| due_us > now_us));
    Ok(())
}

/// Whether the condition was met or not, without a gap, for at least the delay until `at_us`.
fn is_held(changes: &[(i64, bool)], expected: bool, delay_us: i64, at_us: i64) -> bool {
    let before = changes.iter().rev().find(|(changed_us, _)| *changed_us <= at_us - delay_us);
    let is_met_then = before.is_some_and(|(_, is_met)| *is_met);
    let between = changes.iter().filter(|(us, _)| *us > at_us - delay_us && *us < at_us);
    is_met_then == expected && between.into_iter().all(|(_, is_met)| *is_met == expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Transitions form a chain in order of time, and every status obeys the invariants.
    #[test]
    fn every_sequence_keeps_the_invariants(timing in timings(), inputs in inputs()) {
        let mut status = Status::normal(0);
        let (mut now_us, mut state, mut last_us) = (0, State::Normal, 0);
        for (pause_us, input) in inputs {
            now_us += pause_us;
            let (next, steps, _) = apply(&status, &timing, input, now_us);
            for step in steps.iter() {
                prop_assert_eq!(step.from, state);
                prop_assert!(step.at_us >= last_us && step.at_us <= now_us);
                (state, last_us) = (step.to, step.at_us);
            }
            prop_assert_eq!(next.state, state);
            prop_assert!(next.since_us == last_us || steps.is_empty());
            check_invariants(&next, &timing, now_us)?;
            status = next;
        }
    }

    /// An alarm is raised or returns only if its condition held for the whole delay, and exactly when
    /// the delay ends or the evaluation begins again.
    #[test]
    fn no_alarm_without_cause_and_delays_are_exact(timing in timings(), inputs in inputs()) {
        let mut status = Status::normal(0);
        let mut changes = vec![(i64::MIN / 2, false)];
        let mut now_us = 0;
        for (pause_us, input) in inputs {
            now_us += pause_us;
            let (next, steps, _) = apply(&status, &timing, input, now_us);
            if let Input::Condition(is_met) = input {
                // A condition that changes and changes back at the same time did not hold.
                changes.push((now_us, is_met));
            }
            for step in steps.iter() {
                let (expected, delay_us) = match step.transition {
                    Transition::Raised => (true, timing.on_delay_us),
                    Transition::Returned | Transition::Cleared => (false, timing.off_delay_us),
                    _ => continue,
                };
                prop_assert!(is_held(&changes, expected, delay_us, step.at_us), "{step:?}");
            }
            status = next;
        }
    }

    /// How often time is reported does not change what happens when.
    #[test]
    fn ticks_change_nothing(timing in timings(), inputs in inputs()) {
        let (mut rare, mut often) = (Status::normal(0), Status::normal(0));
        let (mut from_rare, mut from_often) = (Vec::new(), Vec::new());
        let mut now_us = 0;
        for (pause_us, input) in inputs {
            for at_us in now_us..now_us + pause_us {
                let (next, steps, _) = apply(&often, &timing, Input::Tick, at_us);
                often = next;
                from_often.extend(steps.iter().copied());
            }
            now_us += pause_us;
            let (next, steps, _) = apply(&rare, &timing, input, now_us);
            rare = next;
            from_rare.extend(steps.iter().copied());
            let (next, steps, _) = apply(&often, &timing, input, now_us);
            often = next;
            from_often.extend(steps.iter().copied());
            prop_assert_eq!(rare, often);
            prop_assert_eq!(&from_rare, &from_often);
        }
    }

    /// A condition that remains met is annunciated in the end, once no person and no rule prevents
    /// it: no alarm is lost.
    #[test]
    fn no_alarm_is_lost(timing in timings(), inputs in inputs()) {
        let mut status = Status::normal(0);
        let mut now_us = 0;
        for (pause_us, input) in inputs {
            now_us += pause_us;
            status = apply(&status, &timing, input, now_us).0;
        }
        let end = [Input::Unsuppress, Input::ReturnToService, Input::Condition(true)];
        for input in end {
            status = apply(&status, &timing, input, now_us).0;
        }
        let was_acknowledged = status.state == State::Acknowledged;
        let (status, _) = step(&status, &timing, Input::Tick, now_us + 1_000).unwrap();
        let expected = if was_acknowledged { State::Acknowledged } else { State::Unacknowledged };
        prop_assert_eq!(status.state, expected);
    }

    /// Between taking out of service and returning, nothing happens; the same for suppression, except
    /// by taking out of service.
    #[test]
    fn suppressed_alarms_are_not_annunciated(timing in timings(), inputs in inputs()) {
        let mut status = Status::normal(0);
        let mut now_us = 0;
        for (pause_us, input) in inputs {
            now_us += pause_us;
            let (next, steps, _) = apply(&status, &timing, input, now_us);
            let is_annunciated =
                steps.iter().any(|step| step.transition.is_annunciation(step.to));
            if status.state == State::OutOfService && input != Input::ReturnToService {
                prop_assert!(steps.is_empty());
            }
            if status.is_suppressed && !matches!(input, Input::Unsuppress) {
                prop_assert!(!is_annunciated);
            }
            status = next;
        }
    }

    /// A clock that is set back or forward by an hour and then is right again. Set back, everything
    /// happens after the same running time; set forward, delays and shelving are shortened by at
    /// most the step, and nothing is lost.
    #[test]
    fn clock_steps_change_no_delay_by_more_than_the_step(
        timing in timings(),
        inputs in inputs(),
        at in 0..60_usize,
    ) {
        let (mut right, mut stepped) = (Status::normal(0), Status::normal(0));
        let mut now_us = 0;
        for (number, (pause_us, input)) in inputs.into_iter().enumerate() {
            now_us += pause_us;
            let offset_us = if number >= at { -HOUR_US } else { 0 };
            if number == at {
                // The first input after the step arrives without a pause: elapsed time is not known.
                right = apply(&right, &timing, Input::Tick, now_us).0;
                stepped = apply(&stepped, &timing, Input::Tick, now_us).0;
                stepped = apply(&stepped, &timing, Input::Tick, now_us + offset_us).0;
            }
            let (next, expected, _) = apply(&right, &timing, input, now_us);
            right = next;
            let (next, steps, _) = apply(&stepped, &timing, input, now_us + offset_us);
            stepped = next;
            let times = |steps: &Steps, offset_us: i64| -> Vec<_> {
                steps.iter().map(|it| (it.at_us - offset_us, it.transition, it.to)).collect()
            };
            prop_assert_eq!(times(&steps, offset_us), times(&expected, 0));
        }
    }

    /// A clock that is set forward ends running delays early, and each only once.
    #[test]
    fn a_clock_set_forward_raises_once(timing in timings(), is_back in any::<bool>()) {
        let on = step(&Status::normal(0), &timing, Input::Condition(true), 0).unwrap();
        let (ahead, steps) = step(&on.0, &timing, Input::Tick, HOUR_US).unwrap();
        prop_assert_eq!(ahead.state, State::Unacknowledged);
        prop_assert_eq!(on.1.len() + steps.len(), 1);
        let back_us = if is_back { 1 } else { HOUR_US + 1 };
        let (after, steps) = step(&ahead, &timing, Input::Condition(true), back_us).unwrap();
        prop_assert_eq!((after.state, steps.len()), (State::Unacknowledged, 0));
    }
}
