//! Saved states after a start, and the change of rules while alarms are active.

use super::instance::{Instance, Origin};
use super::measures::{Measure, Slot};
use super::rules::{NO_RULE, Rules};
use super::timers::Due;
use super::{Evaluator, Groups};
use crate::journal::Saved;
use plant::alarm::{AlarmKey, Condition, Rule, State, Status, Transition};
use std::collections::HashMap;
use std::sync::Arc;

/// The object of journal entries about a rule itself.
pub const RULE_OBJECT: &str = "rule";

impl Evaluator {
    /// Takes over the states that were saved. An open alarm whose rule no longer exists ends.
    pub(super) fn adopt(&mut self, saved: Vec<Saved>) {
        for saved in saved {
            let key = saved.alarm.key.clone();
            let rule = self.rules.index(&key.rule).unwrap_or(NO_RULE);
            let index = u32::try_from(self.alarms.len()).unwrap_or(u32::MAX);
            let mut alarm = saved.alarm;
            if let Some(rule) = self.rules.get(rule) {
                alarm.describe(rule);
            }
            self.alarms.push(Instance {
                status: saved.status,
                evaluated_us: saved.evaluated_us,
                value: alarm.value,
                evidence: alarm.evidence.as_deref().map(Into::into),
                alarm: Some(Box::new(alarm)),
                ..Instance::new(rule, Arc::clone(&key.object))
            });
            self.by_key.insert(key, index);
            self.end_without_rule(index);
            self.wake(index);
        }
    }

    /// Sets a timer for delays that were running.
    fn wake(&mut self, alarm: u32) {
        // Whether it is due is checked when the timer ends.
        self.timers.push(i64::MIN, Due::Delay(alarm));
    }

    fn end_without_rule(&mut self, index: u32) {
        let alarm = &self.alarms[index as usize];
        let (state, since_us) = (alarm.status.state, alarm.status.last_us);
        if alarm.rule != NO_RULE || state == State::Normal {
            return;
        }
        let at_us = self.clock.newest_us().unwrap_or(since_us).max(since_us);
        self.alarms[index as usize].status = Status::normal(at_us);
        let origin =
            Origin { at_us: None, actor: None, comment: Some("the rule was removed or disabled") };
        self.change(index, (Transition::RuleChanged, state, State::Normal), at_us, origin);
    }

    /// Replaces the rules at the time `now_us` of the clock. Alarms keep their states; those of removed rules
    /// end. Each change is recorded with `actor` and `comment`.
    pub fn reload(
        &mut self,
        rules: &[Arc<Rule>],
        origin: (Option<&str>, Option<&str>),
        now_us: i64,
    ) {
        let old = std::mem::replace(&mut self.rules, Rules::new(rules));
        let old_groups = std::mem::replace(&mut self.groups, Groups::new(&self.rules));
        self.reindex(&old);
        self.timers.clear();
        let mut old_slots = self.take_slots();
        for number in 0..u32::try_from(self.sensors.len()).unwrap_or(u32::MAX) {
            self.equip(number);
            self.keep_measures(number, &old, &mut old_slots);
        }
        self.groups.inherit(old_groups);
        for group in self.groups.counting() {
            self.timers.push(i64::MIN, Due::Count(group));
        }
        for index in 0..u32::try_from(self.alarms.len()).unwrap_or(u32::MAX) {
            self.end_without_rule(index);
            self.wake(index);
        }
        self.record_changed_rules(&old, origin, now_us);
    }

    /// Points every alarm at the rule that has its name now.
    fn reindex(&mut self, old: &Rules) {
        for alarm in &mut self.alarms {
            let name = match &alarm.alarm {
                Some(alarm) => Arc::clone(&alarm.key.rule),
                None => old.name(alarm.rule),
            };
            alarm.rule = self.rules.index(&name).unwrap_or(NO_RULE);
            if let (Some(rule), Some(alarm)) = (self.rules.get(alarm.rule), &mut alarm.alarm) {
                alarm.describe(rule);
            }
        }
    }

    fn take_slots(&mut self) -> HashMap<u32, Measure> {
        let slots = self.sensors.iter_mut().flat_map(|it| std::mem::take(&mut it.slots));
        slots.map(|slot: Slot| (slot.alarm, slot.measure)).collect()
    }

    /// Keeps what a condition has measured if it is the same as before. Timers of silence start again.
    fn keep_measures(&mut self, sensor: u32, old: &Rules, slots: &mut HashMap<u32, Measure>) {
        let number = sensor as usize;
        for position in 0..self.sensors[number].slots.len() {
            let alarm = self.sensors[number].slots[position].alarm;
            let rule = self.rules.get(self.alarms[alarm as usize].rule);
            let is_same = rule.is_some_and(|rule| {
                let before = old.index(&rule.name).and_then(|index| old.get(index));
                before.is_some_and(|before| is_measured_alike(&before.condition, &rule.condition))
            });
            if let (true, Some(Measure::Rate(_, slope))) = (is_same, slots.remove(&alarm))
                && let Measure::Rate(_, kept) = &mut self.sensors[number].slots[position].measure
            {
                *kept = slope;
            }
            self.watch_silence(sensor, position);
        }
    }

    fn record_changed_rules(
        &mut self,
        old: &Rules,
        (actor, comment): (Option<&str>, Option<&str>),
        now_us: i64,
    ) {
        let added_or_changed = self.rules.iter().filter(|(_, rule)| {
            old.index(&rule.name).and_then(|it| old.get(it)).is_none_or(|before| before != *rule)
        });
        let removed = old.iter().filter(|(_, rule)| self.rules.index(&rule.name).is_none());
        let names: Vec<_> =
            added_or_changed.chain(removed).map(|(_, rule)| Arc::clone(&rule.name)).collect();
        let at_us = self.engine_us(now_us);
        for name in names {
            let index = self.rule_entry(&name);
            let origin = Origin {
                at_us: None,
                actor,
                comment: comment.or(Some("the file of the rules was changed")),
            };
            let states = (Transition::RuleChanged, State::Normal, State::Normal);
            self.change(index, states, at_us, origin);
        }
    }

    /// The entry of a rule itself, which is never raised.
    fn rule_entry(&mut self, name: &Arc<str>) -> u32 {
        let key = AlarmKey { rule: Arc::clone(name), object: RULE_OBJECT.into() };
        if let Some(index) = self.by_key.get(&key) {
            return *index;
        }
        let index = u32::try_from(self.alarms.len()).unwrap_or(u32::MAX);
        let rule = self.rules.index(name).unwrap_or(NO_RULE);
        let mut instance = Instance::new(rule, RULE_OBJECT.into());
        let place = plant::alarm::Place::default();
        let alarm = match self.rules.get(rule) {
            Some(rule) => crate::alarm::Alarm::new(key.clone(), rule, place),
            None => {
                crate::alarm::Alarm::without_rule(key.clone(), plant::alarm::Priority::P4, place)
            }
        };
        instance.alarm = Some(Box::new(alarm));
        self.alarms.push(instance);
        self.by_key.insert(key, index);
        index
    }
}

/// Whether the same of the readings is kept for two conditions, whatever their limits.
fn is_measured_alike(before: &Condition, after: &Condition) -> bool {
    match (before, after) {
        (Condition::Rate { window_us: a, .. }, Condition::Rate { window_us: b, .. }) => a == b,
        _ => before == after,
    }
}
