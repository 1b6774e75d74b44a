//! Judges detectors on simulated faults.
//!
//! In: a detector and seeds. Out: the share of faults that it finds and how late, by kind, at the
//! threshold at which it gives one false alarm per sensor and week. The threshold comes from sensors
//! without faults of other seeds than those of the faults.
//!
//! False alarms within half an hour are one. A fault is found if the score reaches the threshold
//! before it ends: the jump back at its end is too late.

pub mod fault;
pub mod group;

use super::baseline::{Chance, Ewma};
use super::{Detector, Sisters};
use crate::sim::thermal::random::{StreamPurpose, generator};
use crate::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use fault::{AnomalyKind, Fault};
use group::{START_US, Simulated, group};

/// Days in which detectors learn and nothing counts.
const WARM_UP_DAYS: i64 = 7;

/// Scores so long after a fault belong to its end.
const RECOVERY_US: i64 = 4 * HOUR_US;

/// False alarms in this time are one.
const EPISODE_US: i64 = 30 * MINUTE_US;

/// What a detector sees at a step.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub now_us: i64,
    pub value: Option<f64>,
    /// The newest readings of like sensors.
    pub sisters: &'a [f64],
}

/// A detector that is judged.
pub trait Judged {
    /// The score at a step.
    fn score(&mut self, seen: Seen<'_>) -> f64;
}

/// Our detectors of one sensor: its own and the one that compares it with like sensors.
#[derive(Debug, Default)]
pub struct Ours {
    own: Detector,
    sisters: Sisters,
}

impl Judged for Ours {
    fn score(&mut self, seen: Seen<'_>) -> f64 {
        let Some(value) = seen.value else {
            return self.own.silence(seen.now_us).map_or(0.0, |it| it.score);
        };
        let own = self.own.take(seen.now_us, value);
        let sisters = self.sisters.take(seen.now_us, value, seen.sisters);
        own.map_or(0.0, |it| it.score).max(sisters.map_or(0.0, |it| it.score))
    }
}

/// Control charts of a sensor and of its difference from the mean of like sensors.
#[derive(Debug)]
pub struct Charts {
    own: Ewma,
    sisters: Ewma,
}

impl Charts {
    pub const fn new(weight: f64) -> Self {
        Self { own: Ewma::new(weight), sisters: Ewma::new(weight) }
    }
}

impl Judged for Charts {
    fn score(&mut self, seen: Seen<'_>) -> f64 {
        let Some(value) = seen.value else { return 0.0 };
        let mean = seen.sisters.iter().sum::<f64>() / seen.sisters.len() as f64;
        let own = self.own.take(value);
        if mean.is_finite() { own.max(self.sisters.take(value - mean)) } else { own }
    }
}

impl Judged for Chance {
    fn score(&mut self, _: Seen<'_>) -> f64 {
        self.take()
    }
}

/// A baseline that scores by chance, different for each sensor.
pub fn chance(seed: u64, sensor: usize) -> Chance {
    Chance::new(generator(seed, StreamPurpose::Message, sensor as u64, i64::MIN))
}

/// How much is simulated.
#[derive(Debug, Clone)]
pub struct JudgedSize {
    pub sensors: usize,
    pub weeks: i64,
    pub interval_us: i64,
}

/// The result for one kind of faults.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub kind: AnomalyKind,
    pub faults: usize,
    pub found: usize,
    /// Median seconds from the begin of a fault until it is found, of those that are.
    pub delay_s: Option<f64>,
}

/// The result for a detector.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub threshold: f64,
    /// False alarms per sensor and week, without faults.
    pub false_alarms: f64,
    /// The same outside faults, of sensors that have faults.
    pub false_alarms_faulty: f64,
    pub found: Vec<Found>,
}

impl Judgement {
    /// Mean share of the faults that are found, over the kinds.
    pub fn recall(&self) -> f64 {
        let share = |it: &Found| it.found as f64 / it.faults.max(1) as f64;
        self.found.iter().map(share).sum::<f64>() / self.found.len() as f64
    }
}

/// Judges a detector: the threshold from the seeds `tuning`, the rest from the seeds `judging`.
pub fn judge<J: Judged>(
    make: impl Fn(u64, usize) -> J,
    (tuning, judging): (&[u64], &[u64]),
    size: &JudgedSize,
) -> Judgement {
    let weeks = |seeds: &[u64]| size.sensors as f64 * size.weeks as f64 * seeds.len() as f64;
    let threshold = threshold(&runs(&make, tuning, size, false), weeks(tuning));
    let healthy = runs(&make, judging, size, false);
    let faulty = runs(&make, judging, size, true);
    Judgement {
        threshold,
        false_alarms: episodes(&healthy, threshold) as f64 / weeks(judging),
        false_alarms_faulty: episodes(&faulty, threshold) as f64 / weeks(judging),
        found: AnomalyKind::ALL.map(|kind| found(&faulty, kind, threshold)).to_vec(),
    }
}

fn runs<J: Judged>(
    make: &impl Fn(u64, usize) -> J,
    seeds: &[u64],
    size: &JudgedSize,
    faulty: bool,
) -> Vec<Run> {
    seeds.iter().flat_map(|seed| run(make, *seed, size, faulty)).collect()
}

fn episodes(runs: &[Run], threshold: f64) -> usize {
    runs.iter().map(|run| run.episodes(threshold)).sum()
}

/// The scores of one sensor.
struct Run {
    /// Greatest score outside faults in each half hour.
    maxima: Vec<f64>,
    /// Each fault with the scores that exceed those before, and their time.
    faults: Vec<(Fault, Vec<(i64, f64)>)>,
}

impl Run {
    /// False alarms: half hours above the threshold, those in succession once.
    fn episodes(&self, threshold: f64) -> usize {
        let mut before = false;
        let mut count = 0;
        for maximum in &self.maxima {
            let is_above = *maximum >= threshold;
            count += usize::from(is_above && !before);
            before = is_above;
        }
        count
    }

    fn take(&mut self, now_us: i64, score: f64) {
        if now_us < START_US + WARM_UP_DAYS * DAY_US {
            return;
        }
        let near = |it: &&mut (Fault, Vec<(i64, f64)>)| {
            it.0.from_us <= now_us && now_us < it.0.to_us + RECOVERY_US
        };
        if let Some((fault, scores)) = self.faults.iter_mut().find(near) {
            let is_record = scores.last().is_none_or(|(_, best)| score > *best);
            if now_us < fault.to_us && is_record && score > 0.0 {
                scores.push((now_us, score));
            }
            return;
        }
        let half_hour = (now_us - START_US - WARM_UP_DAYS * DAY_US) / EPISODE_US;
        let half_hour = usize::try_from(half_hour).unwrap_or(0);
        if half_hour >= self.maxima.len() {
            self.maxima.resize(half_hour + 1, 0.0);
        }
        self.maxima[half_hour] = self.maxima[half_hour].max(score);
    }
}

/// Runs a detector for each sensor of a group.
fn run<J: Judged>(
    make: &impl Fn(u64, usize) -> J,
    seed: u64,
    size: &JudgedSize,
    faulty: bool,
) -> Vec<Run> {
    let days = WARM_UP_DAYS..WARM_UP_DAYS + 7 * size.weeks;
    let end_us = START_US + days.end * DAY_US;
    let mut sensors = group(seed, size.sensors, days, faulty);
    let mut judged: Vec<J> = (0..sensors.len()).map(|it| make(seed, it)).collect();
    let faults = |it: &Simulated| it.faults.iter().map(|it| (*it, Vec::new())).collect();
    let mut runs: Vec<Run> =
        sensors.iter().map(|it| Run { maxima: Vec::new(), faults: faults(it) }).collect();
    let mut sisters = Vec::with_capacity(sensors.len());
    for step in 0..(end_us - START_US) / size.interval_us {
        let now_us = START_US + step * size.interval_us;
        for at in 0..sensors.len() {
            let value = sensors[at].step(now_us);
            sisters.clear();
            let others = sensors.iter().enumerate().filter(|it| it.0 != at);
            sisters.extend(others.map(|it| it.1.newest_c).filter(|it| it.is_finite()));
            for _ in 0..sensors[at].times {
                let score = judged[at].score(Seen { now_us, value, sisters: &sisters });
                runs[at].take(now_us, score);
            }
        }
    }
    runs
}

/// The least threshold with at most one false alarm per sensor and week.
fn threshold(runs: &[Run], weeks: f64) -> f64 {
    let mut scores: Vec<f64> = runs.iter().flat_map(|it| it.maxima.iter().copied()).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let is_too_low = |it: &f64| episodes(runs, *it) as f64 > weeks;
    // Episodes are not monotonous in the threshold where they merge, so the search ends at the
    // greatest one that is too low.
    let low = scores.len() - scores.iter().rev().take_while(|it| !is_too_low(it)).count();
    scores.get(low).copied().unwrap_or(f64::MAX)
}

fn found(runs: &[Run], kind: AnomalyKind, threshold: f64) -> Found {
    let all = runs.iter().flat_map(|it| &it.faults).filter(|it| it.0.kind == kind);
    let first = |(fault, scores): &(Fault, Vec<(i64, f64)>)| {
        let hit = scores.iter().find(|(_, score)| *score >= threshold)?;
        Some((hit.0 - fault.from_us) as f64 / SECOND_US as f64)
    };
    let mut delays: Vec<f64> = all.clone().filter_map(first).collect();
    delays.sort_by(f64::total_cmp);
    Found {
        kind,
        faults: all.count(),
        found: delays.len(),
        delay_s: delays.get(delays.len() / 2).copied(),
    }
}
