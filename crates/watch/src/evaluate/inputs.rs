//! Inputs of the state machine, and the transitions they lead to.

use super::clock::SLACK_US;
use super::instance::{Instance, Origin};
use super::timers::Due;
use super::{Change, Evaluator};
use crate::alarm::{Alarm, limit_of};
use crate::command::{Actor, Command};
use crate::error::Error;
use crate::journal::Saved;
use plant::alarm::{
    AlarmEvent, AlarmKey, Input, Priority, Refused, State, Step, Transition, next_due, step,
};
use std::sync::Arc;

impl Evaluator {
    /// Applies an input at the time `at_us`, in the time of the alarm's object.
    pub(super) fn input(
        &mut self,
        alarm: u32,
        input: Input,
        at_us: i64,
        origin: Origin<'_>,
    ) -> Result<(), Refused> {
        let timing = self.rules.get(self.alarms[alarm as usize].rule).map(|it| it.timing);
        let timing = timing.unwrap_or_default();
        let before = self.alarms[alarm as usize].status;
        // Commands have engine time, readings that of their sensor, which may be a little behind.
        let at_us = at_us.max(before.last_us);
        let (status, steps) = step(&before, &timing, input, at_us)?;
        self.alarms[alarm as usize].status = status;
        for step in steps.iter() {
            self.record(alarm, step, origin);
        }
        if next_due(&status, &timing) != next_due(&before, &timing) {
            self.schedule(alarm);
        }
        if status.is_active != before.is_active {
            self.suppress_dependents(alarm);
        }
        Ok(())
    }

    /// Sets a timer for the next delay or the end of shelving.
    fn schedule(&mut self, alarm: u32) {
        if let Some(due_us) = self.due_us(alarm) {
            self.timers.push(due_us, Due::Delay(alarm));
        }
    }

    /// When the next delay of an alarm is noticed without a reading, in engine time.
    fn due_us(&self, alarm: u32) -> Option<i64> {
        let Instance { status, rule, sensor, .. } = &self.alarms[alarm as usize];
        let timing = self.rules.get(*rule).map(|it| it.timing).unwrap_or_default();
        let due_us = next_due(status, &timing)?;
        let slack_us = if status.shelved_until_us == Some(due_us) { 0 } else { SLACK_US };
        Some(due_us.saturating_add(self.lag_us(*sensor)).saturating_add(slack_us))
    }

    /// Engine time minus the time of a sensor.
    pub(super) fn lag_us(&self, sensor: Option<u32>) -> i64 {
        sensor.map_or(0, |number| self.sensors[number as usize].lag_us)
    }

    /// The time of the object of an alarm at engine time `engine_us`.
    pub(super) fn own_us(&self, alarm: u32, engine_us: i64) -> i64 {
        engine_us.saturating_sub(self.lag_us(self.alarms[alarm as usize].sensor))
    }

    /// A delay or shelving may have ended.
    pub(super) fn check_delay(&mut self, alarm: u32, engine_us: i64) {
        let Some(due_us) = self.due_us(alarm) else { return };
        if due_us > engine_us {
            return self.timers.push(due_us, Due::Delay(alarm));
        }
        let instance = &self.alarms[alarm as usize];
        let timing = self.rules.get(instance.rule).map(|it| it.timing).unwrap_or_default();
        let at_us = next_due(&instance.status, &timing).unwrap_or(engine_us);
        // Time passes without refusal.
        self.input(alarm, Input::Tick, at_us, Origin::default()).ok();
        // More than one delay may have ended.
        self.schedule(alarm);
    }

    /// Ends delays and evaluates groups up to engine time `engine_us`.
    pub(super) fn fire(&mut self, engine_us: i64, now_us: i64) {
        self.close_seconds(engine_us);
        while let Some(due) = self.timers.pop(engine_us) {
            match due {
                Due::Delay(alarm) => self.check_delay(alarm, engine_us),
                Due::Silence { sensor, slot } => {
                    self.check_silence(sensor, slot, engine_us, now_us);
                }
                Due::Count(group) => self.check_count(group, engine_us),
            }
        }
    }

    /// Lets time pass until `now_us`.
    pub fn tick(&mut self, now_us: i64) {
        let engine_us = self.engine_us(now_us);
        self.fire(engine_us, now_us);
    }

    fn record(&mut self, alarm: u32, step: &Step, origin: Origin<'_>) {
        let is_own = matches!(
            step.transition,
            Transition::Acknowledged
                | Transition::Shelved
                | Transition::Unshelved
                | Transition::OutOfService
                | Transition::InService
        );
        let origin = if is_own { origin } else { Origin::default() };
        let (from, to) = (step.from, step.to);
        let at_us = origin.at_us.unwrap_or(step.at_us);
        self.change(alarm, (step.transition, from, to), at_us, origin);
    }

    /// Records a transition with the state it leads to.
    pub(super) fn change(
        &mut self,
        index: u32,
        (transition, from, to): (Transition, State, State),
        at_us: i64,
        origin: Origin<'_>,
    ) {
        let number = self.next_number;
        self.next_number += 1;
        let instance = &self.alarms[index as usize];
        let rule = self.rules.get(instance.rule).cloned();
        let mut alarm = match &instance.alarm {
            Some(alarm) => alarm.as_ref().clone(),
            None => self.new_alarm(instance),
        };
        let occurrence = if transition == Transition::Raised { number } else { alarm.id };
        let event = AlarmEvent {
            number,
            at_us,
            key: alarm.key.clone(),
            occurrence,
            transition,
            from,
            to,
            priority: rule.as_ref().map_or(alarm.priority, |it| it.priority),
            value: instance.value.filter(|value| value.is_finite()),
            limit: rule.as_ref().and_then(|it| limit_of(&it.condition)),
            reading_at_us: instance.reading_at_us,
            actor: origin.actor.map(str::to_owned),
            comment: origin.comment.map(str::to_owned),
            evidence: instance.evidence.as_deref().map(str::to_owned),
        };
        alarm.apply(&event);
        if let Some(rule) = rule {
            alarm.describe(&rule);
        }
        let evaluated_us = match instance.sensor {
            Some(sensor) => self.sensors[sensor as usize].last_at_us,
            None => self.groups.closed_us(),
        };
        let instance = &mut self.alarms[index as usize];
        let status = instance.status;
        (alarm.is_active, alarm.shelved_until_us) = (status.is_active, status.shelved_until_us);
        instance.alarm = Some(Box::new(alarm.clone()));
        self.changes.push(Change { event, saved: Saved { alarm, status, evaluated_us } });
    }

    fn new_alarm(&self, instance: &Instance) -> Alarm {
        let (place, object) = (self.place(instance), Arc::clone(&instance.object));
        let key = AlarmKey { rule: self.rules.name(instance.rule), object };
        match self.rules.get(instance.rule) {
            Some(rule) => Alarm::new(key, rule, place),
            None => Alarm::without_rule(key, Priority::P4, place),
        }
    }

    /// Executes a command at the time `now_us` of the clock, on the alarm with this key.
    ///
    /// # Errors
    /// The alarm does not exist, its state does not permit the command, or a value is invalid.
    pub fn command(
        &mut self,
        key: &AlarmKey,
        command: &Command,
        actor: &Actor,
        now_us: i64,
    ) -> Result<Alarm, Error> {
        let index = self.commanded(key)?;
        let engine_us = self.engine_us(now_us);
        let comment = command.comment();
        let actor = Some(actor.name.as_str());
        let origin = Origin { at_us: Some(engine_us), actor, comment: comment.as_deref() };
        match self.input_of(index, command, now_us)? {
            Some(input) => self.input(index, input, self.own_us(index, engine_us), origin)?,
            None => {
                let state = self.alarms[index as usize].status.state;
                self.change(index, (command.remark(), state, state), engine_us, origin);
            }
        }
        let instance = &self.alarms[index as usize];
        Ok(instance.alarm.as_deref().cloned().unwrap_or_else(|| self.new_alarm(instance)))
    }

    /// The alarm of a command. A rule can be taken out of service on an object that never raised it.
    fn commanded(&mut self, key: &AlarmKey) -> Result<u32, Error> {
        if let Some(index) = self.by_key.get(key) {
            return Ok(*index);
        }
        Err(Error::NotFound(key.to_string()))
    }

    /// The input of a command; the end of shelving is converted from the clock to the time of the object.
    fn input_of(&self, index: u32, command: &Command, now_us: i64) -> Result<Option<Input>, Error> {
        let Command::Shelve { until_us, .. } = command else { return Ok(command.input()) };
        let rule = self.rules.get(self.alarms[index as usize].rule);
        if let Some(rule) = rule {
            rule.shelving.check(*until_us, now_us).map_err(Error::Invalid)?;
        }
        let own_us = self.own_us(index, self.engine_us(now_us));
        let until_us = own_us.saturating_add(until_us.saturating_sub(now_us));
        Ok(Some(Input::Shelve { until_us }))
    }
}
