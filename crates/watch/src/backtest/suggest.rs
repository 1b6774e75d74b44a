//! Deadband and on-delay that would have caused fewer alarms.

use super::{BacktestRequest, History, Replay};
use crate::error::Error;
use plant::alarm::{AlarmEvent, AlarmKey, Comparison, Condition, Rule, Timing, Transition};
use plant::reading::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Alarms that are looked at: those with the most annunciations.
const WORST: usize = 10;

/// Deadbands that are tried, as parts of the limit.
const DEADBANDS: [f64; 5] = [0.0, 0.02, 0.04, 0.06, 0.1];

/// On-delays that are tried, in seconds.
const ON_DELAYS_S: [i64; 6] = [0, 10, 30, 60, 120, 300];

/// A suggestion for one rule, tried out on its worst alarms.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    pub rule: Arc<str>,
    /// In the unit of the rule.
    pub deadband: f64,
    pub on_delay_us: i64,
    /// Annunciations of the worst alarms as they are, and with the suggestion.
    pub alarms: usize,
    pub alarms_suggested: usize,
    /// In words.
    pub text: String,
}

/// Suggests deadband and on-delay for the rule with the most annunciations on its worst alarms. `None` if
/// nothing is better, or the rule compares no value of a sensor.
pub(super) async fn suggest(
    history: &History,
    request: &BacktestRequest,
    events: &[AlarmEvent],
) -> Result<Option<Suggestion>, Error> {
    let Some((rule, worst)) = worst(request, events) else { return Ok(None) };
    let variants = variants(&rule);
    let registry = Registry::default();
    let equipment = history.equipment();
    let mut replays: Vec<Replay> = variants
        .iter()
        .map(|variant| Replay::new(std::slice::from_ref(variant), &equipment, &registry))
        .collect();
    let period = (request.from_us, request.to_us);
    let sensors = is_of_sensors(&rule.condition).then_some(worst.as_slice());
    let take = |readings: &[plant::reading::Reading]| {
        replays.iter_mut().try_for_each(|replay| replay.take(readings))
    };
    history.read(period, sensors, &registry, take).await?;
    let worst: BTreeSet<Arc<str>> = worst.into_iter().collect();
    let results = replays.into_iter().map(|replay| {
        let mut events = replay.finish(request.to_us);
        events.retain(|event| worst.contains(&event.key.object));
        events
    });
    let tried: Vec<(Arc<Rule>, Vec<AlarmEvent>)> = variants.into_iter().zip(results).collect();
    Ok(best(&rule, &tried, events, &worst))
}

/// The rule with the most annunciations, and its worst objects.
fn worst(request: &BacktestRequest, events: &[AlarmEvent]) -> Option<(Arc<Rule>, Vec<Arc<str>>)> {
    let mut counts: BTreeMap<&AlarmKey, usize> = BTreeMap::new();
    for event in events.iter().filter(|event| event.transition == Transition::Raised) {
        *counts.entry(&event.key).or_default() += 1;
    }
    let count_of = |rule: &Rule| {
        let own = counts.iter().filter(|(key, _)| key.rule == rule.name);
        own.map(|(_, count)| *count).sum::<usize>()
    };
    let adjustable = request.rules.iter().filter(|rule| comparison(&rule.condition).is_some());
    let rule = adjustable.max_by_key(|rule| count_of(rule)).filter(|rule| count_of(rule) > 1)?;
    let mut own: Vec<_> = counts.into_iter().filter(|(key, _)| key.rule == rule.name).collect();
    own.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let objects = own.into_iter().take(WORST).map(|(key, _)| Arc::clone(&key.object)).collect();
    Some((Arc::clone(rule), objects))
}

/// Whether each alarm depends on the readings of its own sensor only.
fn is_of_sensors(condition: &Condition) -> bool {
    matches!(
        condition,
        Condition::Temperature { .. } | Condition::Rate { .. } | Condition::Anomaly { .. }
    )
}

fn comparison(condition: &Condition) -> Option<Comparison> {
    condition.sensors().and(condition.comparison()).copied()
}

/// The rule with each combination of deadband and on-delay that is at least its own.
fn variants(rule: &Rule) -> Vec<Arc<Rule>> {
    let Some(own) = comparison(&rule.condition) else { return Vec::new() };
    let deadbands = DEADBANDS.map(|share| (own.limit.abs() * share * 10.0).round() / 10.0);
    let deadbands = deadbands.into_iter().filter(|it| *it > own.deadband).chain([own.deadband]);
    let delays = ON_DELAYS_S.map(|delay_s| delay_s * 1_000_000);
    let own_us = rule.timing.on_delay_us;
    let delays: Vec<i64> = delays.into_iter().filter(|it| *it > own_us).chain([own_us]).collect();
    let mut variants = Vec::new();
    for deadband in deadbands {
        for on_delay_us in &delays {
            let mut variant = rule.clone();
            set_deadband(&mut variant.condition, deadband);
            variant.timing = Timing { on_delay_us: *on_delay_us, ..rule.timing };
            variant.suppress_while = None;
            variants.push(Arc::new(variant));
        }
    }
    variants
}

fn set_deadband(condition: &mut Condition, deadband: f64) {
    match condition {
        Condition::Temperature { comparison, .. }
        | Condition::Rate { comparison, .. }
        | Condition::Deviation { comparison, .. }
        | Condition::Anomaly { comparison, .. } => comparison.deadband = deadband,
        _ => {}
    }
}

/// The variant with the fewest alarms that still shows every object that has an alarm for longer than the
/// greatest on-delay; of equal ones that with the least delay, then the least deadband.
fn best(
    rule: &Rule,
    tried: &[(Arc<Rule>, Vec<AlarmEvent>)],
    events: &[AlarmEvent],
    worst: &BTreeSet<Arc<str>>,
) -> Option<Suggestion> {
    let is_own =
        |event: &&AlarmEvent| event.key.rule == rule.name && worst.contains(&event.key.object);
    let own: Vec<&AlarmEvent> = events.iter().filter(is_own).collect();
    let lasting = lasting(&own);
    let (variant, fewest) = tried
        .iter()
        .filter(|(_, events)| shows_all(events, &lasting))
        .map(|(variant, events)| (variant, raised(events)))
        .min_by(|(a, a_count), (b, b_count)| {
            let order = a_count.cmp(b_count);
            let order = order.then(a.timing.on_delay_us.cmp(&b.timing.on_delay_us));
            order.then(deadband(a).total_cmp(&deadband(b)))
        })?;
    let alarms = raised(own.iter().copied());
    if fewest >= alarms {
        return None;
    }
    let (deadband, on_delay_us) = (deadband(variant), variant.timing.on_delay_us);
    let text = format!(
        "with a deadband of {deadband} {} and an on-delay of {} s, the {} worst alarms are raised {fewest} \
         instead of {alarms} times",
        rule.unit,
        on_delay_us / 1_000_000,
        worst.len()
    );
    let rule = Arc::clone(&rule.name);
    Some(Suggestion { rule, deadband, on_delay_us, alarms, alarms_suggested: fewest, text })
}

fn raised<'a>(events: impl IntoIterator<Item = &'a AlarmEvent>) -> usize {
    events.into_iter().filter(|event| event.transition == Transition::Raised).count()
}

fn deadband(rule: &Rule) -> f64 {
    comparison(&rule.condition).map_or(0.0, |it| it.deadband)
}

fn shows_all(events: &[AlarmEvent], objects: &BTreeSet<&Arc<str>>) -> bool {
    let shown: BTreeSet<&Arc<str>> = events.iter().map(|event| &event.key.object).collect();
    objects.is_subset(&shown)
}

/// The objects with an alarm that lasted longer than the greatest on-delay.
fn lasting<'a>(events: &[&'a AlarmEvent]) -> BTreeSet<&'a Arc<str>> {
    let longest_us = ON_DELAYS_S.into_iter().max().unwrap_or(0) * 1_000_000;
    let mut raised: BTreeMap<&Arc<str>, i64> = BTreeMap::new();
    let mut lasting = BTreeSet::new();
    for event in events {
        match event.transition {
            Transition::Raised => {
                raised.insert(&event.key.object, event.at_us);
            }
            _ => {
                let began_us = raised.remove(&event.key.object);
                if began_us.is_some_and(|it| event.at_us - it > longest_us) {
                    lasting.insert(&event.key.object);
                }
            }
        }
    }
    lasting.extend(raised.into_keys());
    lasting
}
