//! The evaluation of rules, without I/O: the same code runs live and in a back-test.
//!
//! *In*: readings with the time of their arrival, results of statements, commands of people.
//! *Out*: transitions, numbered in order, each with the state it leads to ([`Evaluator::take_changes`]).
//! *Promise*: the transitions of a sensor depend only on its own readings in their order of time, those of a
//! group only on the readings of each second; so an input that is repeated gives the same transitions,
//! however it was divided into batches.
//!
//! **Time.** Engine time is the newest event time of any reading that is not ahead of the clock, advanced
//! by the clock while no reading arrives. A sensor has a time of its own, that of its last reading: delays
//! are measured in it, so a sensor whose clock is wrong has exact delays too. While a sensor sends nothing,
//! its time passes with engine time. A delay that ends without a reading is noticed [`SLACK_US`] later, so
//! that a reading on its way is considered first; the transition has the time of the end of the delay.
//! Groups are evaluated for each second, [`SLACK_US`] after its end.

mod clock;
mod groups;
mod inputs;
mod instance;
mod measures;
mod observed;
mod rebuild;
mod rules;
mod sensors;
mod suppression;
mod timers;
mod window;

pub use clock::{AHEAD_US, SLACK_US};
pub use observed::{Observation, Observed};
pub use suppression::SuppressedPlace;

use crate::alarm::Alarm;
use crate::journal::Saved;
use clock::Clock;
use groups::Groups;
use instance::Instance;
use plant::alarm::{AlarmEvent, AlarmKey, Condition, Place, Rule};
use plant::equipment::Equipment;
use plant::reading::{Registry, SensorId};
use rules::Rules;
use sensors::Sensor;
use std::collections::HashMap;
use std::sync::Arc;
use suppression::Suppressions;
use timers::Timers;

/// A transition with the state that it leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub event: AlarmEvent,
    pub saved: Saved,
}

/// Where the object of an alarm is, by its name.
pub(crate) fn place_of(
    object: &str,
    condition: Option<&Condition>,
    equipment: &Equipment,
) -> Place {
    match condition {
        Some(Condition::Count(_)) => groups::place(object, equipment),
        Some(condition) if condition.sensors().is_some() => {
            let mut parts = object.splitn(4, '.').map(str::to_owned);
            let mut part = || parts.next().unwrap_or_default();
            let (plant, lane) = (part(), part());
            let (component, manufacturer) = (part(), part());
            Place::from_sensor(&SensorId { plant, lane, component, manufacturer }, equipment)
        }
        _ => Place::from_name(object, equipment),
    }
}

/// All alarms with what their conditions need to remember.
pub struct Evaluator {
    rules: Rules,
    equipment: Arc<Equipment>,
    registry: Registry,
    /// By the number of the sensor.
    sensors: Vec<Sensor>,
    alarms: Vec<Instance>,
    by_key: HashMap<AlarmKey, u32, foldhash::fast::RandomState>,
    groups: Groups,
    clock: Clock,
    timers: Timers,
    suppressions: Suppressions,
    /// Since when readings are received without interruption, in engine time and by the clock; `None` while
    /// they are not.
    observing_since: Option<(i64, i64)>,
    next_number: i64,
    changes: Vec<Change>,
}

impl Evaluator {
    /// Starts with the states that were saved, and numbers the next transition `next_number`.
    pub fn new(
        rules: &[Arc<Rule>],
        equipment: Arc<Equipment>,
        registry: Registry,
        saved: Vec<Saved>,
        next_number: i64,
    ) -> Self {
        let rules = Rules::new(rules);
        let mut evaluator = Self {
            groups: Groups::new(&rules),
            rules,
            equipment,
            registry,
            sensors: Vec::new(),
            alarms: Vec::new(),
            by_key: HashMap::default(),
            clock: Clock::default(),
            timers: Timers::default(),
            suppressions: Suppressions::default(),
            observing_since: Some((i64::MIN, i64::MIN)),
            next_number,
            changes: Vec::new(),
        };
        evaluator.adopt(saved);
        evaluator
    }

    /// Engine time at the time `now_us` of the clock.
    pub fn engine_us(&self, now_us: i64) -> i64 {
        self.clock.engine_us(now_us)
    }

    /// The transitions since the last call, in their order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Number of transitions that were not taken.
    pub fn pending(&self) -> usize {
        self.changes.len()
    }

    /// Number of alarms of all rules.
    pub fn len(&self) -> usize {
        self.alarms.len()
    }

    /// Whether no rule applies to anything yet.
    pub fn is_empty(&self) -> bool {
        self.alarms.is_empty()
    }

    /// The number of alarms of each rule, without the entry of the rule itself.
    pub fn objects(&self) -> HashMap<Arc<str>, usize> {
        let mut counts = HashMap::new();
        for alarm in self.alarms.iter().filter(|alarm| *alarm.object != *rebuild::RULE_OBJECT) {
            if let Some(rule) = self.rules.get(alarm.rule) {
                *counts.entry(Arc::clone(&rule.name)).or_insert(0) += 1;
            }
        }
        counts
    }

    /// Every alarm that is not normal.
    pub fn current(&self) -> impl Iterator<Item = &Alarm> {
        let alarms = self.alarms.iter().filter_map(|it| it.alarm.as_deref());
        alarms.filter(|alarm| alarm.state != plant::alarm::State::Normal)
    }

    /// When to call [`Evaluator::tick`] at the latest, in engine time.
    pub fn next_due_us(&self) -> Option<i64> {
        self.timers.next_us().into_iter().chain(self.groups.next_due_us()).min()
    }

    /// The alarm of a rule on an object; made if it is new. `sensor` is the number of a sensor.
    fn alarm(&mut self, rule: u32, object: &Arc<str>, sensor: Option<u32>) -> u32 {
        let name = self.rules.name(rule);
        let key = AlarmKey { rule: name, object: Arc::clone(object) };
        let next = u32::try_from(self.alarms.len()).unwrap_or(u32::MAX);
        let index = *self.by_key.entry(key).or_insert(next);
        if index == next {
            self.alarms.push(Instance::new(rule, Arc::clone(object)));
        }
        let alarm = &mut self.alarms[index as usize];
        alarm.sensor = sensor.or(alarm.sensor);
        if let Some(engine_us) = self.clock.newest_us().filter(|_| index == next) {
            self.suppress_new(index, engine_us);
        }
        index
    }

    /// Where the object of an alarm is.
    fn place(&self, alarm: &Instance) -> Place {
        let condition = self.rules.get(alarm.rule).map(|rule| &rule.condition);
        place_of(&alarm.object, condition, &self.equipment)
    }
}

#[cfg(test)]
mod tests;
