//! The performance of an alarm system over a period, against the figures of ISA-18.2.

mod durations;
mod target;
#[cfg(test)]
mod tests;

pub use target::{Assessment, Metric};

use super::flood::{Flood, FloodMeter};
use super::{AlarmEvent, AlarmKey, Priority};
use durations::{Annunciation, annunciations};
use std::collections::BTreeMap;

const MINUTE_US: i64 = 60_000_000;
/// Intervals over which annunciations are counted.
pub const TEN_MINUTES_US: i64 = 10 * MINUTE_US;
/// Intervals over which annunciations are counted.
pub const HOUR_US: i64 = 60 * MINUTE_US;
/// An alarm chatters if it is annunciated this often (ISA-18.2, clause 16) …
pub const CHATTERING_TIMES: usize = 3;
/// … within this time.
pub const CHATTERING_US: i64 = MINUTE_US;
/// An alarm is fleeting if its condition ends within this time: no operator can respond.
pub const FLEETING_US: i64 = 10_000_000;
/// An alarm is stale if it is annunciated for longer than this (ISA-18.2, clause 16).
pub const STALE_US: i64 = 24 * HOUR_US;
/// An hour with more annunciations than this per position is overloaded (ISA-18.2, clause 16).
pub const OVERLOADED_HOUR: usize = 30;
/// Number of the most frequent alarms.
pub const TOP: usize = 10;

/// Figures of an alarm system. Only annunciations count: alarms raised, and alarms raised again
/// because their shelving expired. Shares are from 0 to 1; times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Performance {
    pub from_us: i64,
    /// Exclusive.
    pub to_us: i64,
    /// Operator positions that share the alarms.
    pub positions: usize,
    pub annunciations: usize,
    /// Mean per position.
    pub per_hour: f64,
    /// Mean per position.
    pub per_10_min: f64,
    /// Annunciations of each hour from the beginning, of all positions.
    pub hours: Vec<usize>,
    /// Most annunciations of all positions in one of the intervals of ten minutes from the beginning.
    pub peak_10_min: usize,
    /// Share of hours with more than [`OVERLOADED_HOUR`] annunciations per position.
    pub overloaded_hours_share: f64,
    pub floods: Vec<Flood>,
    /// Share of time in floods.
    pub flood_share: f64,
    /// Alarms that chatter, with the number of annunciations that are part of it, the worst first.
    pub chattering: Vec<(AlarmKey, usize)>,
    /// Alarms with annunciations whose condition ended within [`FLEETING_US`] and that are not chattering,
    /// with their numbers, the worst first.
    pub fleeting: Vec<(AlarmKey, usize)>,
    /// Alarms that were annunciated for longer than [`STALE_US`], with the beginning, the oldest first.
    pub stale: Vec<(AlarmKey, i64)>,
    /// The most frequent alarms, at most [`TOP`], with their numbers, the most frequent first.
    pub top: Vec<(AlarmKey, usize)>,
    /// Share of all annunciations that these have.
    pub top_share: f64,
    /// Annunciations of P1 to P4.
    pub by_priority: [usize; 4],
    /// Time from annunciation to acknowledgement, in microseconds; `None` without one.
    pub acknowledge_median_us: Option<i64>,
    /// Nine of ten acknowledgements were at least as fast.
    pub acknowledge_p90_us: Option<i64>,
    /// Annunciations without acknowledgement.
    pub unacknowledged: usize,
}

impl Performance {
    /// Computes the figures of `from_us..to_us`. `events` are in the order of the journal and may
    /// begin earlier: earlier ones only show which alarms were annunciated already.
    pub fn from_events(events: &[AlarmEvent], from_us: i64, to_us: i64, positions: usize) -> Self {
        let to_us = to_us.max(from_us);
        let positions = positions.max(1);
        let all = annunciations(events, to_us);
        let counted: Vec<&Annunciation<'_>> =
            all.iter().filter(|it| (from_us..to_us).contains(&it.at_us)).collect();
        let hours = per_interval(&counted, from_us, to_us, HOUR_US);
        let ten_minutes = per_interval(&counted, from_us, to_us, TEN_MINUTES_US);
        let overloaded = hours.iter().filter(|it| **it > OVERLOADED_HOUR * positions).count();
        let rate = |interval_us: i64| {
            let intervals = (to_us - from_us) as f64 / interval_us as f64;
            share(counted.len() as f64, intervals * positions as f64)
        };
        let floods = floods(&counted, to_us, positions);
        let flood_us: i64 = floods.iter().map(|it| it.to_us.min(to_us) - it.from_us).sum();
        let (chattering, fleeting) = chattering_and_fleeting(&counted);
        let top = most_frequent(&counted);
        let in_top: usize = top.iter().map(|(_, count)| count).sum();
        let mut waits: Vec<i64> = counted.iter().filter_map(|it| it.acknowledged_us).collect();
        waits.sort_unstable();
        Self {
            from_us,
            to_us,
            positions,
            annunciations: counted.len(),
            per_hour: rate(HOUR_US),
            per_10_min: rate(TEN_MINUTES_US),
            peak_10_min: ten_minutes.iter().copied().max().unwrap_or(0),
            overloaded_hours_share: share(overloaded as f64, hours.len() as f64),
            hours,
            flood_share: share(flood_us as f64, (to_us - from_us) as f64),
            floods,
            chattering,
            fleeting,
            stale: stale(&all, from_us),
            top_share: share(in_top as f64, counted.len() as f64),
            top,
            by_priority: Priority::ALL
                .map(|priority| counted.iter().filter(|it| it.priority == priority).count()),
            acknowledge_median_us: rank(&waits, 0.5),
            acknowledge_p90_us: rank(&waits, 0.9),
            unacknowledged: counted.len() - waits.len(),
        }
    }

    /// Share of a priority among all annunciations.
    pub fn priority_share(&self, priority: Priority) -> f64 {
        let count = self.by_priority[usize::from(priority.number() - 1)];
        share(count as f64, self.annunciations as f64)
    }
}

/// A part of a whole; 0 if there is no whole.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The value that this share of the sorted values does not exceed (nearest rank).
fn rank(sorted: &[i64], share: f64) -> Option<i64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Numbers of annunciations in equal intervals from `from_us`; the last one may be shorter.
fn per_interval(
    counted: &[&Annunciation<'_>],
    from_us: i64,
    to_us: i64,
    interval_us: i64,
) -> Vec<usize> {
    let intervals = (to_us - from_us + interval_us - 1) / interval_us;
    let mut counts = vec![0; usize::try_from(intervals).unwrap_or(0)];
    for annunciation in counted {
        let at = usize::try_from((annunciation.at_us - from_us) / interval_us).unwrap_or(0);
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
    }
    counts
}

fn floods(counted: &[&Annunciation<'_>], to_us: i64, positions: usize) -> Vec<Flood> {
    let mut meter = FloodMeter::new(positions);
    let mut floods: Vec<Flood> =
        counted.iter().filter_map(|it| meter.annunciate(it.at_us)).collect();
    floods.extend(meter.advance(to_us));
    floods.extend(meter.finish(to_us));
    floods
}

/// Alarms that chatter, and the number of fleeting annunciations that do not.
fn chattering_and_fleeting(counted: &[&Annunciation<'_>]) -> (KeyCounts, KeyCounts) {
    let mut by_key: BTreeMap<&AlarmKey, Vec<&Annunciation<'_>>> = BTreeMap::new();
    for annunciation in counted {
        by_key.entry(annunciation.key).or_default().push(annunciation);
    }
    let (mut chattering, mut fleeting) = (KeyCounts::new(), KeyCounts::new());
    for (key, annunciations) in by_key {
        let mut is_chattering = vec![false; annunciations.len()];
        for (start, window) in annunciations.windows(CHATTERING_TIMES).enumerate() {
            if window[CHATTERING_TIMES - 1].at_us - window[0].at_us <= CHATTERING_US {
                is_chattering[start..start + CHATTERING_TIMES].fill(true);
            }
        }
        chattering.push((key.clone(), is_chattering.iter().filter(|it| **it).count()));
        let is_fleeting = |it: &&Annunciation<'_>| it.ended_us.is_some_and(|us| us < FLEETING_US);
        let others = annunciations.into_iter().zip(is_chattering).filter(|(_, it)| !it);
        fleeting.push((key.clone(), others.filter(|(it, _)| is_fleeting(it)).count()));
    }
    (worst_first(chattering), worst_first(fleeting))
}

/// Alarms with a number of annunciations each.
type KeyCounts = Vec<(AlarmKey, usize)>;

/// The alarms with a number above 0, the greatest first.
fn worst_first(mut counts: KeyCounts) -> KeyCounts {
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by(|(a_key, a), (b_key, b)| b.cmp(a).then_with(|| a_key.cmp(b_key)));
    counts
}

/// The most frequent alarms; of equally frequent ones the first by name.
fn most_frequent(counted: &[&Annunciation<'_>]) -> Vec<(AlarmKey, usize)> {
    let mut counts: BTreeMap<&AlarmKey, usize> = BTreeMap::new();
    for annunciation in counted {
        *counts.entry(annunciation.key).or_default() += 1;
    }
    let mut counts: Vec<(&AlarmKey, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().take(TOP).map(|(key, count)| (key.clone(), count)).collect()
}

/// Alarms that were annunciated for too long and still after `from_us`.
fn stale(all: &[Annunciation<'_>], from_us: i64) -> Vec<(AlarmKey, i64)> {
    let is_stale =
        |it: &&Annunciation<'_>| it.left_us - it.began_us > STALE_US && it.left_us > from_us;
    let mut stale: Vec<(AlarmKey, i64)> =
        all.iter().filter(is_stale).map(|it| (it.key.clone(), it.began_us)).collect();
    stale.sort_by(|(a_key, a), (b_key, b)| a.cmp(b).then_with(|| a_key.cmp(b_key)));
    stale
}
