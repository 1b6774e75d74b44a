//! The state machine as a table: every state and every input.

use super::*;

const NOW_US: i64 = 1_000;
const SHELVED_UNTIL_US: i64 = 5_000;
const UNTIL_US: i64 = 7_000;
const NO_DELAY: Timing = Timing { on_delay_us: 0, off_delay_us: 0, latching: false };
const LATCHING: Timing = Timing { latching: true, ..NO_DELAY };

/// Situations: each state, with the condition met and not where both are possible.
const SITUATIONS: [&str; 11] = [
    "normal",
    "unacknowledged",
    "acknowledged",
    "returned",
    "shelved",
    "shelved met",
    "suppressed",
    "suppressed met",
    "out of service",
    "out of service met",
    "shelved suppressed met",
];

/// The result of an input: situation, input, transitions with the state after each; `refused`; or
/// `-` for none. Every pair is listed once.
const TABLE: &[(&str, &str, &str)] = &[
    ("normal", "met", "raised unacknowledged"),
    ("normal", "unmet", "-"),
    ("normal", "tick", "-"),
    ("normal", "acknowledge", "refused"),
    ("normal", "shelve", "shelved shelved"),
    ("normal", "unshelve", "refused"),
    ("normal", "suppress", "suppressed suppressed"),
    ("normal", "unsuppress", "-"),
    ("normal", "take out", "out_of_service out_of_service"),
    ("normal", "return", "refused"),
    ("unacknowledged", "met", "-"),
    ("unacknowledged", "unmet", "returned returned_unacknowledged"),
    ("unacknowledged", "tick", "-"),
    ("unacknowledged", "acknowledge", "acknowledged acknowledged"),
    ("unacknowledged", "shelve", "shelved shelved"),
    ("unacknowledged", "unshelve", "refused"),
    ("unacknowledged", "suppress", "suppressed suppressed"),
    ("unacknowledged", "unsuppress", "-"),
    ("unacknowledged", "take out", "out_of_service out_of_service"),
    ("unacknowledged", "return", "refused"),
    ("acknowledged", "met", "-"),
    ("acknowledged", "unmet", "cleared normal"),
    ("acknowledged", "tick", "-"),
    ("acknowledged", "acknowledge", "refused"),
    ("acknowledged", "shelve", "shelved shelved"),
    ("acknowledged", "unshelve", "refused"),
    ("acknowledged", "suppress", "suppressed suppressed"),
    ("acknowledged", "unsuppress", "-"),
    ("acknowledged", "take out", "out_of_service out_of_service"),
    ("acknowledged", "return", "refused"),
    ("returned", "met", "raised unacknowledged"),
    ("returned", "unmet", "-"),
    ("returned", "tick", "-"),
    ("returned", "acknowledge", "acknowledged normal"),
    ("returned", "shelve", "shelved shelved"),
    ("returned", "unshelve", "refused"),
    ("returned", "suppress", "suppressed suppressed"),
    ("returned", "unsuppress", "-"),
    ("returned", "take out", "out_of_service out_of_service"),
    ("returned", "return", "refused"),
    ("shelved", "met", "-"),
    ("shelved", "unmet", "-"),
    ("shelved", "tick", "-"),
    ("shelved", "acknowledge", "refused"),
    ("shelved", "shelve", "shelved shelved"),
    ("shelved", "unshelve", "unshelved normal"),
    ("shelved", "suppress", "-"),
    ("shelved", "unsuppress", "-"),
    ("shelved", "take out", "out_of_service out_of_service"),
    ("shelved", "return", "refused"),
    ("shelved met", "met", "-"),
    ("shelved met", "unmet", "-"),
    ("shelved met", "tick", "-"),
    ("shelved met", "acknowledge", "refused"),
    ("shelved met", "shelve", "shelved shelved"),
    ("shelved met", "unshelve", "unshelved acknowledged"),
    ("shelved met", "suppress", "-"),
    ("shelved met", "unsuppress", "-"),
    ("shelved met", "take out", "out_of_service out_of_service"),
    ("shelved met", "return", "refused"),
    ("suppressed", "met", "-"),
    ("suppressed", "unmet", "-"),
    ("suppressed", "tick", "-"),
    ("suppressed", "acknowledge", "refused"),
    ("suppressed", "shelve", "refused"),
    ("suppressed", "unshelve", "refused"),
    ("suppressed", "suppress", "-"),
    ("suppressed", "unsuppress", "unsuppressed normal"),
    ("suppressed", "take out", "out_of_service out_of_service"),
    ("suppressed", "return", "refused"),
    ("suppressed met", "met", "-"),
    ("suppressed met", "unmet", "-"),
    ("suppressed met", "tick", "-"),
    ("suppressed met", "acknowledge", "refused"),
    ("suppressed met", "shelve", "refused"),
    ("suppressed met", "unshelve", "refused"),
    ("suppressed met", "suppress", "-"),
    ("suppressed met", "unsuppress", "unsuppressed normal, raised unacknowledged"),
    ("suppressed met", "take out", "out_of_service out_of_service"),
    ("suppressed met", "return", "refused"),
    ("out of service", "met", "-"),
    ("out of service", "unmet", "-"),
    ("out of service", "tick", "-"),
    ("out of service", "acknowledge", "refused"),
    ("out of service", "shelve", "refused"),
    ("out of service", "unshelve", "refused"),
    ("out of service", "suppress", "-"),
    ("out of service", "unsuppress", "-"),
    ("out of service", "take out", "refused"),
    ("out of service", "return", "in_service normal"),
    ("out of service met", "met", "-"),
    ("out of service met", "unmet", "-"),
    ("out of service met", "tick", "-"),
    ("out of service met", "acknowledge", "refused"),
    ("out of service met", "shelve", "refused"),
    ("out of service met", "unshelve", "refused"),
    ("out of service met", "suppress", "-"),
    ("out of service met", "unsuppress", "-"),
    ("out of service met", "take out", "refused"),
    ("out of service met", "return", "in_service normal, raised unacknowledged"),
    ("shelved suppressed met", "met", "-"),
    ("shelved suppressed met", "unmet", "-"),
    ("shelved suppressed met", "tick", "-"),
    ("shelved suppressed met", "acknowledge", "refused"),
    ("shelved suppressed met", "shelve", "shelved shelved"),
    ("shelved suppressed met", "unshelve", "unshelved suppressed"),
    ("shelved suppressed met", "suppress", "-"),
    ("shelved suppressed met", "unsuppress", "-"),
    ("shelved suppressed met", "take out", "out_of_service out_of_service"),
    ("shelved suppressed met", "return", "refused"),
];

const INPUTS: [(&str, Input); 10] = [
    ("met", Input::Condition(true)),
    ("unmet", Input::Condition(false)),
    ("tick", Input::Tick),
    ("acknowledge", Input::Acknowledge),
    ("shelve", Input::Shelve { until_us: UNTIL_US }),
    ("unshelve", Input::Unshelve),
    ("suppress", Input::Suppress),
    ("unsuppress", Input::Unsuppress),
    ("take out", Input::TakeOutOfService),
    ("return", Input::ReturnToService),
];

fn status(situation: &str) -> Status {
    let state = match situation.split(' ').next().unwrap() {
        "normal" => State::Normal,
        "unacknowledged" => State::Unacknowledged,
        "acknowledged" => State::Acknowledged,
        "returned" => State::ReturnedUnacknowledged,
        "shelved" => State::Shelved,
        "suppressed" => State::Suppressed,
        _ => State::OutOfService,
    };
    let is_active = matches!(state, State::Unacknowledged | State::Acknowledged);
    Status {
        state,
        is_active: is_active || situation.ends_with("met"),
        shelved_until_us: (state == State::Shelved).then_some(SHELVED_UNTIL_US),
        is_suppressed: situation.contains("suppressed"),
        ..Status::normal(0)
    }
}

fn described(steps: &Steps) -> String {
    let one = |step: &Step| format!("{} {}", step.transition.as_str(), step.to.as_str());
    let texts: Vec<String> = steps.iter().map(one).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }
}

/// The status after the inputs at their times, and all transitions with their times.
fn run(timing: &Timing, inputs: &[(i64, Input)]) -> (Status, Vec<(i64, Transition)>) {
    let mut status = Status::normal(0);
    let mut found = Vec::new();
    for (at_us, input) in inputs {
        let (next, steps) = step(&status, timing, *input, *at_us).unwrap();
        status = next;
        found.extend(steps.iter().map(|step| (step.at_us, step.transition)));
    }
    (status, found)
}

#[test]
fn every_input_in_every_state_has_the_result_of_the_table() {
    for situation in SITUATIONS {
        for (name, input) in INPUTS {
            let mut rows = TABLE.iter().filter(|row| row.0 == situation && row.1 == name);
            let expected = rows.next().unwrap_or_else(|| panic!("no row {situation} {name}")).2;
            assert!(rows.next().is_none(), "two rows {situation} {name}");
            let found = match step(&status(situation), &NO_DELAY, input, NOW_US) {
                Ok((next, steps)) => {
                    let first = steps.iter().next().map_or(next.state, |step| step.from);
                    assert_eq!(first, status(situation).state);
                    assert!(steps.iter().all(|step| step.at_us == NOW_US));
                    described(&steps)
                }
                Err(refused) => {
                    assert_eq!(refused.state, status(situation).state);
                    "refused".to_owned()
                }
            };
            assert_eq!(found, expected, "{situation} {name}");
        }
    }
    assert_eq!(TABLE.len(), SITUATIONS.len() * INPUTS.len());
}

#[test]
fn shelving_expires_to_the_state_of_its_condition() {
    let cases = [
        ("shelved", "shelving_expired normal"),
        ("shelved met", "shelving_expired unacknowledged"),
        ("shelved suppressed met", "shelving_expired suppressed"),
    ];
    for (situation, expected) in cases {
        let before = status(situation);
        assert_eq!(next_due(&before, &NO_DELAY), Some(SHELVED_UNTIL_US));
        let (_, steps) = step(&before, &NO_DELAY, Input::Tick, SHELVED_UNTIL_US - 1).unwrap();
        assert!(steps.is_empty());
        let (after, steps) = step(&before, &NO_DELAY, Input::Tick, SHELVED_UNTIL_US + 9).unwrap();
        assert_eq!(described(&steps), expected);
        assert_eq!(after.since_us, SHELVED_UNTIL_US);
        assert_eq!(next_due(&after, &NO_DELAY), None);
    }
}

#[test]
fn a_latched_alarm_is_acknowledged_again_after_its_return() {
    let acknowledged = status("acknowledged");
    let (returned, steps) = step(&acknowledged, &LATCHING, Input::Condition(false), 1).unwrap();
    assert_eq!(described(&steps), "returned returned_unacknowledged");
    let (normal, steps) = step(&returned, &LATCHING, Input::Acknowledge, 2).unwrap();
    assert_eq!((described(&steps).as_str(), normal.state), ("acknowledged normal", State::Normal));
}

#[test]
fn delays_end_exactly_even_if_time_is_reported_late() {
    let timing = Timing { on_delay_us: 30, off_delay_us: 20, latching: false };
    let inputs = [(10, Input::Condition(true)), (500, Input::Condition(false)), (900, Input::Tick)];
    let (_, found) = run(&timing, &inputs);
    assert_eq!(found, [(40, Transition::Raised), (520, Transition::Returned)]);
    // One microsecond less than the delay is not an alarm.
    let (_, found) = run(
        &timing,
        &[(10, Input::Condition(true)), (39, Input::Condition(false)), (90, Input::Tick)],
    );
    assert!(found.is_empty());
    // A short return does not restart the alarm.
    let inputs = [
        (0, Input::Condition(true)),
        (50, Input::Condition(false)),
        (60, Input::Condition(true)),
        (900, Input::Tick),
    ];
    assert_eq!(run(&timing, &inputs).1, [(30, Transition::Raised)]);
}

#[test]
fn one_input_causes_at_most_three_transitions() {
    let timing = Timing { on_delay_us: 0, off_delay_us: 20, latching: false };
    let inputs = [
        (0, Input::Condition(true)),
        (1, Input::Shelve { until_us: 10 }),
        (2, Input::Condition(false)),
        (90, Input::Condition(true)),
    ];
    let (status, found) = run(&timing, &inputs);
    let transitions: Vec<Transition> = found.iter().skip(2).map(|it| it.1).collect();
    assert_eq!(
        transitions,
        [Transition::ShelvingExpired, Transition::Returned, Transition::Raised]
    );
    assert_eq!(status.state, State::Unacknowledged);
}

#[test]
fn a_clock_that_is_set_back_changes_no_delay() {
    const HOUR_US: i64 = 3_600_000_000;
    let timing = Timing { on_delay_us: 30, off_delay_us: 0, latching: false };
    let inputs = [(HOUR_US, Input::Condition(true)), (HOUR_US + 10, Input::Tick), (0, Input::Tick)];
    let (status, found) = run(&timing, &inputs);
    assert!(found.is_empty());
    assert_eq!(next_due(&status, &timing), Some(20));
    let inputs = [
        (HOUR_US, Input::Shelve { until_us: HOUR_US + 50 }),
        (HOUR_US + 10, Input::Tick),
        (7, Input::Tick),
    ];
    assert_eq!(run(&timing, &inputs).0.shelved_until_us, Some(47));
}

#[test]
fn a_delay_that_the_rule_shortens_ends_at_the_next_input() {
    let long = Timing { on_delay_us: 500, off_delay_us: 0, latching: false };
    let (status, _) = run(&long, &[(0, Input::Condition(true)), (100, Input::Tick)]);
    let (_, steps) = step(&status, &NO_DELAY, Input::Tick, 120).unwrap();
    let found: Vec<i64> = steps.iter().map(|step| step.at_us).collect();
    assert_eq!(found, [100]);
}

#[test]
fn a_refusal_names_state_and_remedy() {
    let refused = step(&Status::normal(0), &NO_DELAY, Input::Acknowledge, 1).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot acknowledge an alarm in state normal: only an unacknowledged alarm can be acknowledged"
    );
}
