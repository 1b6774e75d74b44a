//! Conditions on sensors and groups.

use super::world::{S, T0, above, evaluator, hot, reading, rule, run, silent, texts};
use crate::command::{Actor, Command};
use crate::evaluate::{Observation, Observed};
use plant::alarm::{
    AlarmKey, Condition, CountCondition, GroupBy, SensorPattern, SqlCondition, State, Statement,
    Suppression, SuppressionCause, Transition,
};

fn key(rule: &str, object: &str) -> AlarmKey {
    AlarmKey { rule: rule.into(), object: object.into() }
}

#[test]
fn a_limit_with_deadband_and_delays() {
    let mut evaluator = evaluator(vec![hot(5)], 1);
    let temps = [49.0, 51.0, 52.0, 49.0, 51.0, 51.0, 51.0, 47.0, 49.5, 47.0];
    let readings: Vec<_> = (0..).zip(temps).map(|(s, t)| reading(0, s, t)).collect();
    assert_eq!(run(&mut evaluator, &readings), ["6 m1 hot raised"], "49 is within the deadband");
    let cold: Vec<_> = (10..20).map(|second| reading(0, second, 40.0)).collect();
    assert_eq!(run(&mut evaluator, &cold), ["12 m1 hot returned"], "below since second 7");
}

#[test]
fn an_event_carries_value_limit_and_place() {
    let mut evaluator = evaluator(vec![hot(0)], 1);
    evaluator.take(&[reading(0, 0, 61.5)], T0);
    let changes = evaluator.take_changes();
    let event = &changes[0].event;
    assert_eq!((event.number, event.occurrence, event.at_us), (1, 1, T0));
    assert_eq!((event.value, event.limit), (Some(61.5), Some(50.0)));
    assert_eq!(event.reading_at_us, Some(T0));
    let alarm = &changes[0].saved.alarm;
    assert_eq!(alarm.place.line.as_deref(), Some("SMT-1"));
    assert_eq!((alarm.id, alarm.state, alarm.is_active), (1, State::Unacknowledged, true));
}

#[test]
fn a_delay_ends_without_a_reading() {
    let mut evaluator = evaluator(vec![hot(5)], 2);
    let only = [reading(0, 0, 60.0), reading(1, 0, 20.0)];
    assert!(run(&mut evaluator, &only).is_empty());
    evaluator.tick(T0 + 6 * S);
    assert!(evaluator.take_changes().is_empty(), "a reading may be on its way");
    evaluator.tick(T0 + 7 * S);
    assert_eq!(texts(&evaluator.take_changes()), ["5 m1 hot raised"]);
}

#[test]
fn a_silent_sensor_is_noticed_and_comes_back() {
    let mut evaluator = evaluator(vec![silent(60)], 2);
    let other = (0..100).map(|second| reading(1, second, 20.0));
    let mut readings = vec![reading(0, 0, 20.0)];
    readings.extend(other);
    readings.push(reading(0, 100, 20.0));
    let found = run(&mut evaluator, &readings);
    assert_eq!(found, ["60 m1 silent raised", "100 m1 silent returned"]);
}

#[test]
fn nothing_is_silent_while_nothing_is_received() {
    let mut evaluator = evaluator(vec![silent(60)], 1);
    run(&mut evaluator, &[reading(0, 0, 20.0)]);
    evaluator.set_observing(false, T0 + 10 * S);
    evaluator.tick(T0 + 600 * S);
    evaluator.set_observing(true, T0 + 700 * S);
    evaluator.tick(T0 + 755 * S);
    assert!(evaluator.take_changes().is_empty());
    evaluator.tick(T0 + 765 * S);
    assert_eq!(texts(&evaluator.take_changes()), ["60 m1 silent raised"]);
}

#[test]
fn equal_readings_are_stuck() {
    let condition = Condition::Stuck { sensors: SensorPattern::any(), after_us: 30 * S };
    let mut evaluator = evaluator(vec![rule("stuck", condition)], 1);
    let temp = |second: i64| if second < 10 { 20.0 + second as f64 } else { 41.2 };
    let mut readings: Vec<_> = (0..50).map(|second| reading(0, second, temp(second))).collect();
    readings.push(reading(0, 50, 41.3));
    assert_eq!(run(&mut evaluator, &readings), ["40 m1 stuck raised", "50 m1 stuck returned"]);
}

#[test]
fn a_fast_rise_is_noticed() {
    let (sensors, comparison) = (SensorPattern::any(), above(2.0, 0.5));
    let condition = Condition::Rate { sensors, comparison, window_us: 60 * S };
    let mut evaluator = evaluator(vec![rule("rate", condition)], 1);
    let temp = |second: i64| 20.0 + (second - 100).max(0) as f64 * 0.1;
    let readings: Vec<_> = (0..200).map(|second| reading(0, second, temp(second))).collect();
    let found = run(&mut evaluator, &readings);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("m1 rate raised"), "{found:?}");
}

#[test]
fn a_sensor_deviates_from_the_median_of_its_like() {
    let (sensors, comparison) = (SensorPattern::any(), above(5.0, 1.0));
    let condition = Condition::Deviation { sensors, comparison, min_sensors: 3 };
    let mut evaluator = evaluator(vec![rule("deviation", condition)], 3);
    let mut readings = Vec::new();
    for second in 0..20 {
        let own = if second >= 10 { 48.0 } else { 41.0 };
        readings.extend([
            reading(0, second, own),
            reading(1, second, 40.0),
            reading(2, second, 42.0),
        ]);
    }
    for reading in &readings {
        evaluator.take(&[*reading], reading.at_us);
    }
    let changes = evaluator.take_changes();
    assert_eq!(texts(&changes), ["10 m1 deviation raised"]);
    let event = &changes[0].event;
    assert_eq!(event.value, Some(6.0));
    assert_eq!(event.evidence.as_deref(), Some("median 42.0 degC of 3 sensors"));
}

#[test]
fn hot_sensors_of_a_group_are_counted() {
    let condition = Condition::Count(CountCondition {
        sensors: SensorPattern::any(),
        group_by: GroupBy::Component,
        above_c: 50.0,
        window_us: 60 * S,
        more_than: 1,
    });
    let mut evaluator = evaluator(vec![rule("many", condition)], 3);
    let mut readings = Vec::new();
    for second in 0..100 {
        readings.push(reading(0, second, if second == 5 { 51.0 } else { 20.0 }));
        readings.push(reading(1, second, if second == 30 { 51.0 } else { 20.0 }));
        readings.push(reading(2, second, 20.0));
    }
    let found = run(&mut evaluator, &readings);
    assert_eq!(found, ["30 Plant1/oven many raised", "65 Plant1/oven many returned"]);
}

#[test]
fn an_active_alarm_suppresses_others_of_its_object() {
    let mut dependent = hot(0);
    let condition =
        Condition::Temperature { sensors: SensorPattern::any(), comparison: above(70.0, 1.0) };
    dependent.suppress_while = Some(Suppression {
        name: "very_hot".into(),
        cause: SuppressionCause::Rule("very_hot".into()),
    });
    let mut evaluator = evaluator(vec![rule("very_hot", condition), dependent], 1);
    let readings: Vec<_> =
        [60.0, 75.0, 60.0].into_iter().zip(0..).map(|(t, s)| reading(0, s, t)).collect();
    assert_eq!(
        run(&mut evaluator, &readings),
        [
            "0 m1 hot raised",
            "1 m1 very_hot raised",
            "1 m1 hot suppressed",
            "2 m1 very_hot returned",
            "2 m1 hot unsuppressed",
            "2 m1 hot raised",
        ]
    );
}

#[test]
fn a_late_reading_changes_nothing_and_a_clock_that_is_set_back_is_followed() {
    let mut evaluator = evaluator(vec![hot(0)], 1);
    run(&mut evaluator, &[reading(0, 3_600, 20.0), reading(0, 3_590, 60.0)]);
    assert_eq!(evaluator.pending(), 0, "late");
    for second in 0..60 {
        let now_us = T0 + (3_601 + second) * S;
        evaluator.take(&[reading(0, second, 60.0)], now_us);
    }
    let found = texts(&evaluator.take_changes());
    assert_eq!(found, ["10 m1 hot raised"], "after ten seconds at the pace of the clock");
}

#[test]
fn readings_that_are_read_again_are_not_a_clock_that_was_set_back() {
    let mut evaluator = evaluator(vec![hot(0)], 1);
    let readings: Vec<_> =
        (0..120).map(|s| reading(0, s, if s < 60 { 60.0 } else { 20.0 })).collect();
    run(&mut evaluator, &readings);
    evaluator.take(&readings, T0 + 200 * S);
    assert!(evaluator.take_changes().is_empty());
}

#[test]
fn the_delays_of_a_sensor_with_a_slow_clock_are_exact() {
    let mut evaluator = evaluator(vec![hot(5)], 2);
    for second in 0..30 {
        let now_us = T0 + (600 + second) * S;
        evaluator.take(&[reading(1, 600 + second, 20.0)], now_us);
        evaluator.take(&[reading(0, second, if second >= 10 { 60.0 } else { 20.0 })], now_us);
    }
    assert_eq!(texts(&evaluator.take_changes()), ["15 m1 hot raised"]);
}

#[test]
fn commands_are_recorded_with_their_actor() {
    let mut evaluator = evaluator(vec![hot(0)], 1);
    evaluator.take(&[reading(0, 0, 60.0)], T0);
    let (key, actor) = (key("hot", "Plant1.1.oven.m1"), Actor::new("anna"));
    let assign = Command::Assign { user: Some("otto".to_owned()) };
    let command = Command::Acknowledge { comment: Some("seen".to_owned()) };
    evaluator.command(&key, &assign, &actor, T0 + S).unwrap();
    let alarm = evaluator.command(&key, &command, &actor, T0 + 2 * S).unwrap();
    assert_eq!(
        (alarm.state, alarm.acknowledged_by.as_deref()),
        (State::Acknowledged, Some("anna"))
    );
    assert_eq!((alarm.assignee.as_deref(), alarm.comments), (Some("otto"), 1));
    assert!(evaluator.command(&key, &command, &actor, T0 + 3 * S).is_err());
    let changes = evaluator.take_changes();
    let last = &changes.last().unwrap().event;
    assert_eq!((last.number, last.occurrence, last.transition), (3, 1, Transition::Acknowledged));
    assert_eq!((last.at_us, last.comment.as_deref()), (T0 + 2 * S, Some("seen")));
}

#[test]
fn shelving_ends_by_time() {
    let mut evaluator = evaluator(vec![hot(0)], 1);
    evaluator.take(&[reading(0, 0, 60.0)], T0);
    let (key, actor) = (key("hot", "Plant1.1.oven.m1"), Actor::new("anna"));
    let shelve = Command::Shelve { until_us: T0 + 100 * S, reason: "repair".to_owned() };
    evaluator.command(&key, &shelve, &actor, T0).unwrap();
    evaluator.tick(T0 + 99 * S);
    evaluator.take_changes();
    evaluator.tick(T0 + 100 * S);
    assert_eq!(texts(&evaluator.take_changes()), ["100 m1 hot shelving_expired"]);
    let too_long = Command::Shelve { until_us: T0 + 1_000_000 * S, reason: "x".to_owned() };
    assert!(evaluator.command(&key, &too_long, &actor, T0 + 101 * S).is_err());
}

#[test]
fn without_readings_a_suppression_begins_at_the_time_of_the_clock() {
    let sql = |name: &str| {
        let statement = Statement { sql: "SELECT 1".to_owned(), every_us: 60 * S };
        let (object, value) = ("object".to_owned(), "value".to_owned());
        let condition = SqlCondition { statement, object, value, comparison: above(0.0, 0.0) };
        rule(name, Condition::Sql(condition))
    };
    let mut dependent = sql("dependent");
    dependent.suppress_while =
        Some(Suppression { name: "cause".into(), cause: SuppressionCause::Rule("cause".into()) });
    let mut evaluator = evaluator(vec![sql("cause"), dependent], 0);
    for (rule, second) in [("cause", 10), ("dependent", 20)] {
        let observed = Observed { object: "plant".to_owned(), value: Some(1.0), evidence: None };
        let values = vec![observed];
        let observation = Observation { rule: rule.into(), values, is_complete: true };
        evaluator.observe(&observation, T0 + second * S);
    }
    assert_eq!(
        texts(&evaluator.take_changes()),
        ["10 plant cause raised", "20 plant dependent suppressed"]
    );
}
