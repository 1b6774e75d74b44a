//! The same transitions whatever the batches, after a restart, and after a change of rules.

use super::world::{S, T0, equipment, evaluator, hot, reading, registry, run, silent, texts};
use crate::evaluate::Evaluator;
use crate::journal::Saved;
use plant::alarm::{AlarmKey, Rule};
use plant::reading::Reading;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Readings of three sensors, once a second with gaps, around the limit.
fn stream() -> impl Strategy<Value = Vec<Reading>> {
    let temps = prop::collection::vec((0..3_u32, 0..3_i64, 40.0..60.0_f64), 1..150);
    temps.prop_map(|steps| {
        let mut second = 0;
        let step = |(sensor, gap, temp_c)| {
            second += gap;
            reading(sensor, second, temp_c)
        };
        steps.into_iter().map(step).collect()
    })
}

fn rules() -> Vec<Rule> {
    vec![hot(3), silent(20)]
}

/// Sorted, because alarms that change at the same time have no order.
fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

proptest! {
    /// However readings are divided into batches, and however often time is reported, the transitions are the
    /// same up to the last reading.
    #[test]
    fn batches_do_not_matter(readings in stream(), size in 1..20_usize, ticks: bool) {
        let mut one = evaluator(vec![hot(3)], 3);
        let expected = sorted(run(&mut one, &readings));
        let mut other = evaluator(vec![hot(3)], 3);
        for batch in readings.chunks(size) {
            let now_us = batch.last().unwrap().at_us;
            other.take(batch, now_us);
            if ticks {
                other.tick(now_us);
            }
        }
        prop_assert_eq!(sorted(texts(&other.take_changes())), expected);
    }

    /// A process that ends after any reading, and restores the readings of the lake, repeats no transition and
    /// loses none.
    #[test]
    fn a_restart_does_not_matter(readings in stream(), at in 0..150_usize) {
        let at = at.min(readings.len());
        let mut whole = evaluator(rules(), 3);
        let expected = sorted(run(&mut whole, &readings));
        let mut first = evaluator(rules(), 3);
        for reading in &readings[..at] {
            first.take(&[*reading], reading.at_us);
        }
        let changes = first.take_changes();
        let mut found = texts(&changes);
        let mut saved: HashMap<AlarmKey, Saved> = HashMap::new();
        for change in changes {
            saved.insert(change.event.key, change.saved);
        }
        let rules: Vec<Arc<Rule>> = rules().into_iter().map(Arc::new).collect();
        let saved = saved.into_values().collect();
        let mut second =
            Evaluator::new(&rules, equipment(), registry(3), saved, found.len() as i64 + 1);
        second.restore(&readings[..at], T0 + 10_000 * S);
        for reading in &readings[at..] {
            second.take(&[*reading], reading.at_us);
        }
        found.extend(texts(&second.take_changes()));
        prop_assert_eq!(sorted(found), expected);
    }
}

#[test]
fn a_changed_limit_is_used_and_a_removed_rule_ends_its_alarms() {
    let mut evaluator = evaluator(vec![hot(0), silent(60)], 1);
    assert_eq!(run(&mut evaluator, &[reading(0, 0, 60.0)]), ["0 m1 hot raised"]);
    let mut changed = hot(0);
    changed.condition = plant::alarm::Condition::Temperature {
        sensors: plant::alarm::SensorPattern::any(),
        comparison: super::world::above(70.0, 1.0),
    };
    evaluator.reload(&[Arc::new(changed), Arc::new(silent(60))], (Some("anna"), None), T0 + S);
    assert_eq!(
        run(&mut evaluator, &[reading(0, 1, 60.0)]),
        ["1 rule hot rule_changed", "1 m1 hot returned"]
    );
    run(&mut evaluator, &[reading(0, 2, 80.0)]);
    evaluator.reload(&[Arc::new(silent(60))], (None, None), T0 + 3 * S);
    assert_eq!(
        texts(&evaluator.take_changes()),
        ["2 m1 hot rule_changed", "3 rule hot rule_changed"]
    );
    assert_eq!(evaluator.current().count(), 0);
}

#[test]
fn a_silence_is_noticed_after_a_reload() {
    let mut evaluator = evaluator(vec![silent(60)], 1);
    run(&mut evaluator, &[reading(0, 0, 20.0)]);
    evaluator.reload(&[Arc::new(silent(60)), Arc::new(hot(0))], (None, None), T0 + S);
    evaluator.take_changes();
    evaluator.tick(T0 + 70 * S);
    assert_eq!(texts(&evaluator.take_changes()), ["60 m1 silent raised"]);
}
