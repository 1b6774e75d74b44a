//! Readings of sensors, and the conditions on single sensors.

use super::Evaluator;
use super::clock::SLACK_US;
use super::instance::{Instance, Measured, Origin};
use super::measures::{Measure, Sample, Slot};
use super::timers::Due;
use plant::alarm::Input;
use plant::anomaly::Detector;
use plant::reading::{Reading, SensorId};
use plant::time::SECOND_US;
use std::sync::{Arc, PoisonError};

/// A sensor whose readings are older than its newest one for this long, at the pace of the clock, has a clock
/// that was set back. Readings that are read again come faster.
const SET_BACK_AFTER_US: i64 = 10 * SECOND_US;

/// What is known of a sensor.
#[derive(Debug, Default)]
pub(super) struct Sensor {
    pub id: Option<Arc<SensorId>>,
    /// Time of the newest reading.
    pub last_at_us: i64,
    temp_c: f64,
    same_since_us: i64,
    /// Engine time minus the time of the sensor when its newest reading arrived.
    pub lag_us: i64,
    /// The clock when the newest reading arrived.
    pub arrived_us: i64,
    /// The first of the late readings in succession: its time and that of its arrival.
    late: Option<(i64, i64)>,
    has_reading: bool,
    pub is_grouped: bool,
    pub slots: Vec<Slot>,
    pub detector: Option<Box<Detector>>,
}

/// Whether a reading is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Newest,
    /// Older than a reading before; not used.
    Late,
    /// The clock of the sensor was set back.
    SetBack,
}

impl Sensor {
    fn order(&mut self, at_us: i64, now_us: i64) -> Order {
        if !self.has_reading || at_us > self.last_at_us {
            self.late = None;
            return Order::Newest;
        }
        let (first_at_us, first_now_us) = *self.late.get_or_insert((at_us, now_us));
        let (passed_us, waited_us) = (at_us - first_at_us, now_us - first_now_us);
        if passed_us < 0 {
            self.late = Some((at_us, now_us));
        }
        let is_at_pace = (passed_us - waited_us).abs() <= waited_us / 2;
        if waited_us < SET_BACK_AFTER_US || !is_at_pace {
            return Order::Late;
        }
        self.late = None;
        Order::SetBack
    }

    fn take(&mut self, reading: &Reading) -> Sample {
        let Reading { at_us, temp_c, .. } = *reading;
        let is_same = self.has_reading && self.temp_c.to_bits() == temp_c.to_bits();
        if !is_same || at_us < self.same_since_us {
            self.same_since_us = at_us;
        }
        (self.last_at_us, self.temp_c, self.has_reading) = (at_us, temp_c, true);
        let score = self.detector.as_mut().and_then(|detector| detector.take(at_us, temp_c));
        Sample { at_us, temp_c, same_since_us: self.same_since_us, score }
    }
}

impl Evaluator {
    /// Evaluates readings that arrived at `now_us`, in their order.
    pub fn take(&mut self, readings: &[Reading], now_us: i64) {
        for reading in readings {
            self.take_one(reading, now_us, true);
        }
    }

    /// Evaluates readings of the lake that were received before a restart, in order of their time. What was
    /// journaled before is not repeated.
    pub fn restore(&mut self, readings: &[Reading], now_us: i64) {
        for reading in readings {
            self.take_one(reading, now_us, false);
        }
    }

    fn take_one(&mut self, reading: &Reading, now_us: i64, is_live: bool) {
        self.register(reading.sensor.0);
        if self.clock.advance(reading.at_us, now_us, is_live) {
            self.fire(reading.at_us, now_us);
        }
        let number = reading.sensor.0 as usize;
        let newest_us = self.clock.newest_us().unwrap_or(reading.at_us);
        let sensor = &mut self.sensors[number];
        let order = match is_live {
            true => sensor.order(reading.at_us, now_us),
            false if sensor.has_reading && reading.at_us <= sensor.last_at_us => Order::Late,
            false => Order::Newest,
        };
        if order == Order::Late {
            return;
        }
        let sample = sensor.take(reading);
        sensor.lag_us = newest_us - reading.at_us;
        sensor.arrived_us = if is_live { now_us } else { newest_us };
        if sensor.is_grouped {
            self.groups.take(reading, newest_us);
        }
        if order == Order::SetBack {
            self.set_back(reading.sensor.0, reading.at_us);
        }
        self.evaluate_slots(reading.sensor.0, &sample);
    }

    fn evaluate_slots(&mut self, sensor: u32, sample: &Sample) {
        let mut slots = std::mem::take(&mut self.sensors[sensor as usize].slots);
        for slot in &mut slots {
            self.evaluate_slot(slot, sample);
        }
        let is_idle = |slot: &Slot| matches!(slot.measure, Measure::Silent { is_armed: false, .. });
        let idle = slots.iter().position(is_idle);
        self.sensors[sensor as usize].slots = slots;
        if let Some(position) = idle {
            self.watch_silence(sensor, position);
        }
    }

    fn evaluate_slot(&mut self, slot: &mut Slot, sample: &Sample) {
        let alarm = &self.alarms[slot.alarm as usize];
        let was_met = alarm.status.is_met();
        let Some(verdict) = slot.measure.evaluate(sample, was_met) else { return };
        if sample.at_us <= alarm.evaluated_us {
            return;
        }
        if verdict.is_met == was_met && alarm.status.pending_us.is_none() {
            return self.remember(slot, verdict.value, sample.at_us);
        }
        let measured = slot.measure.measured(verdict, sample);
        let condition = Input::Condition(verdict.is_met);
        self.measure(slot.alarm, condition, sample.at_us, measured);
    }

    fn remember(&mut self, slot: &Slot, value: f64, at_us: i64) {
        let alarm = &mut self.alarms[slot.alarm as usize];
        (alarm.value, alarm.reading_at_us) = (Some(value), Some(at_us));
    }

    /// Makes the conditions of a sensor that is new.
    fn register(&mut self, number: u32) {
        let index = number as usize;
        if self.sensors.get(index).is_some_and(|sensor| sensor.id.is_some()) {
            return;
        }
        if index >= self.sensors.len() {
            self.sensors.resize_with(index + 1, Sensor::default);
        }
        let known = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let id = known.ids().get(index).cloned();
        drop(known);
        if let Some(id) = id {
            self.sensors[index].id = Some(id);
            self.equip(number);
        }
    }

    /// Makes the conditions of a sensor from the rules.
    pub(super) fn equip(&mut self, number: u32) {
        let Some(id) = self.sensors[number as usize].id.clone() else { return };
        let object: Arc<str> = id.to_string().into();
        let matching: Vec<_> = self
            .rules
            .iter()
            .filter(|(_, rule)| rule.condition.sensors().is_some_and(|it| it.matches(&id)))
            .map(|(index, rule)| (index, Arc::clone(rule)))
            .collect();
        self.join_peers(number, &id);
        let mut slots = Vec::new();
        for (index, rule) in matching {
            let Some(measure) = Measure::new(&rule) else {
                self.join_group(number, &id, index, &object);
                continue;
            };
            let alarm = self.alarm(index, &object, Some(number));
            slots.push(Slot { alarm, measure });
        }
        let sensor = &mut self.sensors[number as usize];
        let has_anomaly = slots.iter().any(|it| matches!(it.measure, Measure::Anomaly(_)));
        if has_anomaly && sensor.detector.is_none() {
            sensor.detector = Some(Box::new(Detector::new()));
        }
        sensor.slots = slots;
    }

    /// Starts the timer of a condition on silence.
    pub(super) fn watch_silence(&mut self, sensor: u32, position: usize) {
        let own = &mut self.sensors[sensor as usize];
        let begin_us = own.last_at_us + own.lag_us;
        let Some(Slot { measure: Measure::Silent { after_us, is_armed }, .. }) =
            own.slots.get_mut(position)
        else {
            return;
        };
        *is_armed = true;
        let slot = u32::try_from(position).unwrap_or(u32::MAX);
        self.timers.push(begin_us + *after_us + SLACK_US, Due::Silence { sensor, slot });
    }

    /// A sensor may have been silent for long enough.
    pub(super) fn check_silence(&mut self, sensor: u32, slot: u32, engine_us: i64, now_us: i64) {
        let own = &mut self.sensors[sensor as usize];
        let (last_us, lag_us, arrived_us) = (own.last_at_us, own.lag_us, own.arrived_us);
        let Some(Slot { alarm, measure: Measure::Silent { after_us, is_armed } }) =
            own.slots.get_mut(slot as usize)
        else {
            return;
        };
        let (alarm, after_us) = (*alarm, *after_us);
        // While nothing is received, nothing is known about the sensor.
        let (since_us, clock_us) = self.observing_since.unwrap_or((engine_us, now_us));
        let due_us = since_us.max(last_us + lag_us) + after_us + SLACK_US;
        let early_us = after_us - (now_us - clock_us.max(arrived_us));
        let due_us = due_us.max(engine_us.saturating_add(early_us));
        if due_us > engine_us {
            return self.timers.push(due_us, Due::Silence { sensor, slot });
        }
        *is_armed = false;
        let at_us = last_us + after_us;
        if at_us <= self.alarms[alarm as usize].evaluated_us {
            return;
        }
        let measured = Measured {
            value: Some(after_us as f64 / 1e6),
            reading_at_us: Some(last_us),
            evidence: None,
        };
        self.measure(alarm, Input::Condition(true), at_us, measured);
    }

    /// The clock of a sensor was set back to `at_us`: running delays of its alarms keep what is left.
    fn set_back(&mut self, sensor: u32, at_us: i64) {
        for alarm in self.alarms.iter_mut().filter(|alarm| alarm.sensor == Some(sensor)) {
            let Instance { status, evaluated_us, .. } = alarm;
            *evaluated_us = i64::MIN;
            let back_us = status.last_us.saturating_sub(at_us);
            if back_us > 0 && status.last_us != i64::MIN {
                let running = [&mut status.pending_us, &mut status.shelved_until_us];
                running.into_iter().flatten().for_each(|us| *us = us.saturating_sub(back_us));
                status.last_us = at_us;
            }
        }
    }

    /// Measures an alarm: a result of its condition at `at_us`, in the time of its object.
    pub(super) fn measure(&mut self, alarm: u32, input: Input, at_us: i64, measured: Measured) {
        let instance = &mut self.alarms[alarm as usize];
        instance.value = measured.value.or(instance.value);
        instance.reading_at_us = measured.reading_at_us.or(instance.reading_at_us);
        if measured.evidence.is_some() {
            instance.evidence = measured.evidence.map(String::into_boxed_str);
        }
        // Conditions are never refused.
        self.input(alarm, input, at_us, Origin::default()).ok();
    }

    /// Readings are received from now on, or no longer.
    pub fn set_observing(&mut self, is_observing: bool, now_us: i64) {
        let since = (self.engine_us(now_us), now_us);
        self.observing_since = match (is_observing, self.observing_since) {
            (true, None) => Some(since),
            (true, since) => since,
            (false, _) => None,
        };
    }
}
