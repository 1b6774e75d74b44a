//! Simulated sensors of one component type, step by step, with and without faults.

use super::fault::{AnomalyKind, Fault};
use crate::sim::thermal::TemperatureModel;
use crate::sim::thermal::random::{StreamPurpose, generator};
use crate::sim::thermal::sensors::sensors;
use crate::time::{DAY_US, SECOND_US};
use rand::RngExt as _;
use rand_pcg::Pcg32;

/// 2026-11-02 00:00:00 UTC, a Monday.
pub const START_US: i64 = 1_793_577_600 * SECOND_US;

/// Mean days between two faults of a sensor.
const FAULT_DAYS: i64 = 2;

/// Share of readings that are lost, and that arrive twice; share that scatters more, and how much.
const LOST: f64 = 0.01;
const REPEATED: f64 = 0.01;
const FAR: f64 = 0.002;
const FAR_TIMES: f64 = 4.0;

/// Scatter of readings in degC.
const NOISE_C: f64 = 0.12;

/// A sensor, its faults and its newest reading.
pub struct Simulated {
    model: TemperatureModel,
    random: Pcg32,
    noise: Pcg32,
    pub faults: Vec<Fault>,
    /// The first fault that may still have an effect.
    next: usize,
    /// The newest reading.
    pub newest_c: f64,
    /// How often the reading of this step arrives.
    pub times: u8,
}

/// `count` sensors of one component type. With faults, they begin after `warm_up_days`.
pub fn group(seed: u64, count: usize, days: std::ops::Range<i64>, faulty: bool) -> Vec<Simulated> {
    let all = sensors(13 * count, seed);
    let alike = all.iter().filter(|it| it.id.component == "solder_paste_printer");
    let simulated = |sensor: &crate::sim::thermal::sensors::Sensor| {
        let mut random = generator(seed, StreamPurpose::Fault, sensor.number, i64::MAX);
        let faults = if faulty { draw(&mut random, days.clone()) } else { Vec::new() };
        Simulated {
            model: TemperatureModel::healthy(seed, sensor),
            random,
            noise: generator(seed, StreamPurpose::Message, sensor.number, i64::MAX),
            faults,
            next: 0,
            newest_c: f64::NAN,
            times: 0,
        }
    };
    alike.take(count).map(simulated).collect()
}

/// Faults on some days, at any time of day.
fn draw(random: &mut Pcg32, days: std::ops::Range<i64>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for day in days.step_by(usize::try_from(FAULT_DAYS).unwrap_or(1)) {
        let kind = AnomalyKind::ALL[random.random_range(0..AnomalyKind::ALL.len())];
        let latest_us = FAULT_DAYS * DAY_US - 6 * 3600 * SECOND_US;
        let from_us = START_US + day * DAY_US + random.random_range(0..latest_us);
        faults.push(Fault::draw(kind, from_us, random));
    }
    faults
}

impl Simulated {
    /// The reading at a time, `None` if there is none.
    pub fn step(&mut self, at_us: i64) -> Option<f64> {
        let is_past = |it: &Fault| it.to_us + 6 * 3600 * SECOND_US < at_us;
        while self.faults.get(self.next).is_some_and(is_past) {
            self.next += 1;
        }
        let is_lost = self.random.random_bool(LOST);
        self.times = 1 + u8::from(self.random.random_bool(REPEATED));
        let times = if self.random.random_bool(FAR) { FAR_TIMES } else { 1.0 };
        let value_c = self.model.true_c(at_us) + self.bell() * NOISE_C * times;
        let scatter = self.bell();
        let value_c = match self.faults.get_mut(self.next) {
            Some(fault) => fault.reading(at_us, value_c, scatter),
            None => Some(value_c),
        };
        let value_c = value_c.filter(|_| !is_lost).map(|it| (it * 100.0).round() / 100.0);
        self.newest_c = value_c.unwrap_or(self.newest_c);
        value_c
    }

    /// An approximately standard normal number.
    fn bell(&mut self) -> f64 {
        let sum: f64 = (0..4).map(|_| self.noise.random_range(-1.0..1.0)).sum();
        sum * 0.75_f64.sqrt()
    }
}
