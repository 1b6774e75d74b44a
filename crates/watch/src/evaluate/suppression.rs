//! Suppression by design: alarms that are not annunciated while a statement or another alarm suppresses them.

use super::Evaluator;
use super::instance::Origin;
use plant::alarm::{AlarmKey, Input, Place, SuppressionCause};
use std::collections::HashMap;
use std::sync::Arc;

/// The object of an alarm that suppresses all alarms of its dependent rules.
const PLANT: &str = "plant";

/// A row of a statement that suppresses: an alarm is suppressed if it has every value that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuppressedPlace {
    pub object: Option<String>,
    pub place: Place,
}

impl SuppressedPlace {
    fn covers(&self, object: &str, place: &Place) -> bool {
        let is_own = |wanted: &Option<String>, own: &Option<String>| {
            wanted.is_none() || wanted.as_deref() == own.as_deref()
        };
        self.object.as_deref().is_none_or(|wanted| wanted == object)
            && is_own(&self.place.plant, &place.plant)
            && is_own(&self.place.lane, &place.lane)
            && is_own(&self.place.unit, &place.unit)
            && is_own(&self.place.line, &place.line)
            && is_own(&self.place.area, &place.area)
    }
}

/// The last result of each statement that suppresses, by rule.
#[derive(Debug, Default)]
pub(super) struct Suppressions(HashMap<Arc<str>, Vec<SuppressedPlace>>);

impl Suppressions {
    fn of(&self, rule: &str) -> Option<&[SuppressedPlace]> {
        self.0.get(rule).map(Vec::as_slice)
    }
}

impl Evaluator {
    /// Takes over the result of the statement that suppresses a rule.
    pub fn suppress(&mut self, rule: &Arc<str>, places: Vec<SuppressedPlace>, now_us: i64) {
        let Some(index) = self.rules.index(rule) else { return };
        self.suppressions.0.insert(Arc::clone(rule), places);
        let engine_us = self.engine_us(now_us);
        for alarm in self.alarms_of(index) {
            self.apply_suppression(alarm, engine_us);
        }
    }

    /// Applies what suppresses an alarm that is new, at the engine time `engine_us`.
    pub(super) fn suppress_new(&mut self, alarm: u32, engine_us: i64) {
        let is_suppressible = self
            .rules
            .get(self.alarms[alarm as usize].rule)
            .is_some_and(|rule| rule.suppress_while.is_some());
        if is_suppressible {
            self.apply_suppression(alarm, engine_us);
        }
    }

    /// Applies a change of an alarm to the alarms that it suppresses.
    pub(super) fn suppress_dependents(&mut self, alarm: u32) {
        let suppressor = &self.alarms[alarm as usize];
        let dependents = self.rules.dependents(suppressor.rule).to_vec();
        if dependents.is_empty() {
            return;
        }
        let object = Arc::clone(&suppressor.object);
        let own_us = suppressor.status.last_us;
        let engine_us = own_us.saturating_add(self.lag_us(suppressor.sensor));
        for rule in dependents {
            let key = AlarmKey { rule: self.rules.name(rule), object: Arc::clone(&object) };
            let affected = match self.by_key.get(&key) {
                _ if &*object == PLANT => self.alarms_of(rule),
                Some(alarm) => vec![*alarm],
                None => Vec::new(),
            };
            for alarm in affected {
                self.apply_suppression(alarm, engine_us);
            }
        }
    }

    fn alarms_of(&self, rule: u32) -> Vec<u32> {
        let all = (0_u32..).zip(&self.alarms);
        all.filter(|(_, alarm)| alarm.rule == rule).map(|(index, _)| index).collect()
    }

    /// Suppresses an alarm, or ends that, if what suppresses it is known.
    fn apply_suppression(&mut self, alarm: u32, engine_us: i64) {
        let instance = &self.alarms[alarm as usize];
        let Some(is_suppressed) = self.is_suppressed(alarm) else { return };
        let input = match (is_suppressed, instance.status.is_suppressed) {
            (true, false) => Input::Suppress,
            (false, true) => Input::Unsuppress,
            _ => return,
        };
        // Suppression is never refused.
        let own_us = self.own_us(alarm, engine_us);
        self.input(alarm, input, own_us, Origin::default()).ok();
    }

    /// Whether an alarm is to be suppressed; `None` if that is not known.
    fn is_suppressed(&self, alarm: u32) -> Option<bool> {
        let instance = &self.alarms[alarm as usize];
        let rule = self.rules.get(instance.rule)?;
        match &rule.suppress_while.as_ref()?.cause {
            SuppressionCause::Sql(_) => {
                let places = self.suppressions.of(&rule.name)?;
                let place = self.place(instance);
                Some(places.iter().any(|it| it.covers(&instance.object, &place)))
            }
            SuppressionCause::Rule(name) => {
                let is_active = |object: &str| {
                    let key = AlarmKey { rule: Arc::clone(name), object: object.into() };
                    let alarm = self.by_key.get(&key).map(|index| &self.alarms[*index as usize]);
                    alarm.is_some_and(|alarm| alarm.status.is_active)
                };
                Some(is_active(&instance.object) || is_active(PLANT))
            }
        }
    }
}
