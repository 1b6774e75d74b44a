//! The alarms of tried rules beside those of the rules in use.

use super::{BacktestRequest, Suggestion};
use chrono::NaiveDate;
use plant::alarm::performance::Performance;
use plant::alarm::{AlarmEvent, AlarmKey, Priority, Transition};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Alarms on the same object belong to one fault if the second begins at most this long after the first ended:
/// half an hour.
const SAME_FAULT_US: i64 = 30 * 60_000_000;

/// Result of a back-test.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BacktestReport {
    /// Readings that were replayed.
    pub readings: u64,
    /// Annunciations of the tried rules, and of the rules in use.
    pub alarms: usize,
    pub alarms_before: usize,
    pub per_day: Vec<Day>,
    pub floods: usize,
    pub floods_before: usize,
    /// Alarms that annunciated three times within a minute.
    pub chattering: usize,
    /// How much later the first alarm comes, in microseconds; negative if earlier.
    pub first_delay_us: Option<i64>,
    /// Faults that only the rules in use show.
    pub missed: Vec<Compared>,
    /// Faults that only the tried rules show.
    pub added: Vec<Compared>,
    /// Faults that both show, with the delay.
    pub kept: Vec<Compared>,
    pub suggestion: Option<Suggestion>,
    /// Rules whose conditions are not on readings.
    pub not_replayed: Vec<Arc<str>>,
    /// All transitions of the tried rules.
    pub events: Vec<AlarmEvent>,
}

/// Annunciations of a day, in plant time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub day: NaiveDate,
    pub alarms: usize,
    pub alarms_before: usize,
}

/// The first alarm of a fault: alarms on one object that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    pub key: AlarmKey,
    /// In microseconds since 1970, UTC.
    pub at_us: i64,
    pub priority: Priority,
    pub value: Option<f64>,
    /// How much later than with the rules in use.
    pub delay_us: Option<i64>,
}

/// Alarms on one object, from the first until the condition of the last ended.
struct Fault {
    first: Compared,
    end_us: i64,
}

/// Compares the events of the tried rules with those of the rules in use.
pub(super) fn compare(
    after: Vec<AlarmEvent>,
    before: &[AlarmEvent],
    request: &BacktestRequest,
    day: impl Fn(i64) -> Option<NaiveDate>,
) -> BacktestReport {
    let measure =
        |events: &[AlarmEvent]| Performance::from_events(events, request.from_us, request.to_us, 1);
    let (now, then) = (measure(&after), measure(before));
    let (new, old) = (faults(&after, request.to_us), faults(before, request.to_us));
    let first_us = |events: &[AlarmEvent]| raised(events).map(|event| event.at_us).min();
    let first_delay_us = first_us(&after).zip(first_us(before)).map(|(a, b)| a - b);
    let (missed, kept) = matched(&old, &new);
    let (added, _) = matched(&new, &old);
    BacktestReport {
        alarms: now.annunciations,
        alarms_before: then.annunciations,
        per_day: per_day(&after, before, day),
        floods: now.floods.len(),
        floods_before: then.floods.len(),
        chattering: now.chattering.len(),
        first_delay_us,
        missed,
        added,
        kept,
        events: after,
        ..BacktestReport::default()
    }
}

fn raised(events: &[AlarmEvent]) -> impl Iterator<Item = &AlarmEvent> {
    events.iter().filter(|event| event.transition.is_annunciation(event.to))
}

fn per_day(
    after: &[AlarmEvent],
    before: &[AlarmEvent],
    day: impl Fn(i64) -> Option<NaiveDate>,
) -> Vec<Day> {
    let mut days: BTreeMap<NaiveDate, (usize, usize)> = BTreeMap::new();
    for day in raised(after).filter_map(|event| day(event.at_us)) {
        days.entry(day).or_default().0 += 1;
    }
    for day in raised(before).filter_map(|event| day(event.at_us)) {
        days.entry(day).or_default().1 += 1;
    }
    let day = |(day, (alarms, alarms_before))| Day { day, alarms, alarms_before };
    days.into_iter().map(day).collect()
}

/// The faults of each object, in order of their begin. A fault that has not ended lasts until `to_us`.
fn faults(events: &[AlarmEvent], to_us: i64) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut last: HashMap<&AlarmKey, usize> = HashMap::new();
    for event in events {
        match event.transition {
            Transition::Raised => {
                let known = last.get(&event.key).copied();
                let same = known.filter(|it| event.at_us - faults[*it].end_us <= SAME_FAULT_US);
                let index = same.unwrap_or(faults.len());
                if same.is_none() {
                    let first = Compared {
                        key: event.key.clone(),
                        at_us: event.at_us,
                        priority: event.priority,
                        value: event.value,
                        delay_us: None,
                    };
                    faults.push(Fault { first, end_us: to_us });
                }
                faults[index].end_us = to_us;
                last.insert(&event.key, index);
            }
            Transition::Returned | Transition::Cleared | Transition::Suppressed => {
                if let Some(index) = last.get(&event.key) {
                    faults[*index].end_us = event.at_us;
                }
            }
            _ => {}
        }
    }
    faults
}

/// The faults that are not among `others`, and those that are, with the delay of the other.
fn matched(own: &[Fault], others: &[Fault]) -> (Vec<Compared>, Vec<Compared>) {
    let mut by_object: HashMap<&str, Vec<&Fault>> = HashMap::new();
    for other in others {
        by_object.entry(&other.first.key.object).or_default().push(other);
    }
    let (mut alone, mut both) = (Vec::new(), Vec::new());
    for fault in own {
        let others = by_object.get(&*fault.first.key.object).map_or(&[][..], Vec::as_slice);
        let overlaps = |other: &&&Fault| {
            other.first.at_us <= fault.end_us.saturating_add(SAME_FAULT_US)
                && fault.first.at_us <= other.end_us.saturating_add(SAME_FAULT_US)
        };
        match others.iter().find(overlaps) {
            Some(other) => {
                let delay_us = Some(other.first.at_us - fault.first.at_us);
                both.push(Compared { delay_us, ..fault.first.clone() });
            }
            None => alone.push(fault.first.clone()),
        }
    }
    (alone, both)
}
