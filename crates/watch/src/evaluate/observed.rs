//! Results of conditions on the lake and on the flow of data.

use super::Evaluator;
use super::instance::{Instance, Measured};
use plant::alarm::{Condition, Input};
use std::collections::HashSet;
use std::sync::Arc;

/// The value of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    pub object: String,
    /// `None` if it is not known, which changes nothing.
    pub value: Option<f64>,
    pub evidence: Option<String>,
}

/// The result of a rule at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Name of the rule.
    pub rule: Arc<str>,
    pub values: Vec<Observed>,
    /// Whether an object that is not listed does not meet the condition.
    pub is_complete: bool,
}

impl Evaluator {
    /// Evaluates a result that was computed at the time `now_us` of the clock. One of a rule that no longer
    /// exists is ignored.
    pub fn observe(&mut self, observation: &Observation, now_us: i64) {
        let Some(rule) = self.rules.index(&observation.rule) else { return };
        let condition = self.rules.get(rule).map(|it| it.condition.clone());
        let Some(comparison) = condition.as_ref().and_then(Condition::comparison) else { return };
        let engine_us = self.engine_us(now_us);
        let mut seen = HashSet::new();
        for observed in &observation.values {
            let known = self.alarms.len();
            let alarm = self.alarm(rule, &observed.object.as_str().into(), None);
            if known < self.alarms.len() {
                // Before the first reading only the clock gives the time.
                self.suppress_new(alarm, engine_us);
            }
            seen.insert(alarm);
            let Some(value) = observed.value else { continue };
            let was_met = self.alarms[alarm as usize].status.is_met();
            let is_met = comparison.is_met(value, was_met);
            let evidence = observed.evidence.clone().filter(|_| is_met);
            let measured = Measured { value: Some(value), reading_at_us: None, evidence };
            self.measure(alarm, Input::Condition(is_met), engine_us, measured);
        }
        if observation.is_complete {
            self.end_missing(rule, &seen, engine_us);
        }
    }

    fn end_missing(&mut self, rule: u32, seen: &HashSet<u32>, engine_us: i64) {
        let all = (0_u32..).zip(&self.alarms);
        let is_missing = |index: u32, alarm: &Instance| {
            alarm.rule == rule && alarm.status.is_met() && !seen.contains(&index)
        };
        let missing = all.filter(|(index, alarm)| is_missing(*index, alarm));
        let missing: Vec<u32> = missing.map(|(index, _)| index).collect();
        for index in missing {
            self.measure(index, Input::Condition(false), engine_us, Measured::default());
        }
    }
}
