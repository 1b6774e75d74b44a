//! One alarm as the evaluation works on it.

use crate::alarm::Alarm;
use plant::alarm::Status;
use std::sync::Arc;

/// A rule on one object.
#[derive(Debug)]
pub(super) struct Instance {
    pub rule: u32,
    /// Number of the sensor, if the object is one.
    pub sensor: Option<u32>,
    pub status: Status,
    /// Readings up to this time were evaluated before a restart.
    pub evaluated_us: i64,
    /// The last value that was compared.
    pub value: Option<f64>,
    /// Time of the reading behind it.
    pub reading_at_us: Option<i64>,
    pub evidence: Option<Box<str>>,
    pub object: Arc<str>,
    /// The alarm as people see it, from its first transition on.
    pub alarm: Option<Box<Alarm>>,
}

impl Instance {
    pub fn new(rule: u32, object: Arc<str>) -> Self {
        Self {
            rule,
            sensor: None,
            status: Status::normal(i64::MIN),
            evaluated_us: i64::MIN,
            value: None,
            reading_at_us: None,
            evidence: None,
            object,
            alarm: None,
        }
    }
}

/// What was measured, for the journal.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    pub value: Option<f64>,
    pub reading_at_us: Option<i64>,
    pub evidence: Option<String>,
}

/// Who gives an input, when, and why.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origin<'a> {
    /// Engine time of a command, which the journal shows instead of the time of the alarm's object.
    pub at_us: Option<i64>,
    pub actor: Option<&'a str>,
    pub comment: Option<&'a str>,
}
