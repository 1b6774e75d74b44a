//! What a condition on one sensor remembers, and its value for a reading.

use super::instance::Measured;
use super::window::Slope;
use plant::alarm::{Comparison, Condition, Rule};
use plant::anomaly::Score;

/// A condition on a sensor.
#[derive(Debug)]
pub(super) struct Slot {
    /// Index of the alarm.
    pub alarm: u32,
    pub measure: Measure,
}

/// Kinds of conditions on a sensor.
#[derive(Debug)]
pub(super) enum Measure {
    Temperature(Comparison),
    Rate(Comparison, Box<Slope>),
    /// Time in microseconds.
    Stuck(i64),
    Anomaly(Comparison),
    /// Time in microseconds, and whether a timer is running.
    Silent {
        after_us: i64,
        is_armed: bool,
    },
}

/// A reading with what the sensor remembers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub at_us: i64,
    pub temp_c: f64,
    /// Since when the temperature is exactly the same.
    pub same_since_us: i64,
    pub score: Option<Score>,
}

/// A condition for a reading: whether it is met, and by which value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    pub is_met: bool,
    pub value: f64,
}

impl Measure {
    /// The measure of a rule on single sensors; `None` for rules on something else.
    pub fn new(rule: &Rule) -> Option<Self> {
        match &rule.condition {
            Condition::Temperature { comparison, .. } => Some(Self::Temperature(*comparison)),
            Condition::Rate { comparison, window_us, .. } => {
                Some(Self::Rate(*comparison, Box::new(Slope::new(*window_us))))
            }
            Condition::Stuck { after_us, .. } => Some(Self::Stuck(*after_us)),
            Condition::Anomaly { comparison, .. } => Some(Self::Anomaly(*comparison)),
            Condition::Silent { after_us, .. } => {
                Some(Self::Silent { after_us: *after_us, is_armed: false })
            }
            Condition::Deviation { .. }
            | Condition::Count(_)
            | Condition::Kpi(_)
            | Condition::Sql(_)
            | Condition::Data(_) => None,
        }
    }

    /// Evaluates a reading; `None` if the condition cannot be evaluated yet. `was_met` is the last result.
    pub fn evaluate(&mut self, sample: &Sample, was_met: bool) -> Option<Verdict> {
        let compare = |comparison: &Comparison, value: f64| Verdict {
            is_met: comparison.is_met(value, was_met),
            value,
        };
        match self {
            Self::Temperature(comparison) => Some(compare(comparison, sample.temp_c)),
            Self::Rate(comparison, slope) => {
                let value = slope.take(sample.at_us, sample.temp_c)?;
                Some(compare(comparison, value))
            }
            Self::Stuck(after_us) => {
                let same_us = sample.at_us - sample.same_since_us;
                Some(Verdict { is_met: same_us >= *after_us, value: same_us as f64 / 1e6 })
            }
            Self::Anomaly(comparison) => Some(compare(comparison, sample.score?.score)),
            // The reading itself ends the silence.
            Self::Silent { .. } => Some(Verdict { is_met: false, value: 0.0 }),
        }
    }

    /// Why the condition is met, in words.
    pub fn evidence(&self, sample: &Sample) -> Option<String> {
        match self {
            Self::Anomaly(_) => sample.score.map(|score| score.reason.to_string()),
            _ => None,
        }
    }

    /// What the journal shows of a verdict.
    pub fn measured(&self, verdict: Verdict, sample: &Sample) -> Measured {
        let evidence = if verdict.is_met { self.evidence(sample) } else { None };
        Measured { value: Some(verdict.value), reading_at_us: Some(sample.at_us), evidence }
    }
}
