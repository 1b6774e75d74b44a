//! Simulates machines second by second, and the boards they make.

use super::order::Order;
use super::random::{Rng, happens, pick};
use super::site::{Site, WorkWindow};
use crate::time::DAY_S;
use rand::RngExt as _;
use std::collections::VecDeque;

const REASONS: [&str; 6] = [
    "feeder_jam",
    "nozzle_fault",
    "oven_temperature",
    "conveyor_fault",
    "vision_fault",
    "material_missing",
];
const MINOR_REASONS: [&str; 3] = ["misfeed", "sensor_blocked", "board_jam"];

const SETUP_S: std::ops::Range<i64> = 600..1_800;
const UNTIL_STOP_S: std::ops::Range<i64> = 600..7_200;
const MINOR_STOP_S: std::ops::Range<i64> = 20..180;
const STOP_S: std::ops::Range<i64> = 300..3_600;
const SLOW_S: std::ops::Range<i64> = 600..2_400;
const MAINTENANCE_S: i64 = 1_800;
const OVERTIME_S: i64 = 7_200;

const MINOR_PER_100K: u32 = 60_000;
const SLOW_PER_100K: u32 = 12_000;
const MAINTENANCE_PER_100K: u32 = 15_000;
const OVERTIME_PER_100K: u32 = 40_000;

/// State of a machine, in the categories of ISO 22400-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MachineState {
    Production,
    Setup,
    /// Break, maintenance, or a shift without work.
    PlannedStop,
    /// Failure while an order is in production.
    UnplannedStop,
    /// Interruption of seconds to minutes.
    MinorStop,
    /// No order to work on.
    Idle,
}

impl MachineState {
    /// Name in the dumps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Setup => "setup",
            Self::PlannedStop => "planned_stop",
            Self::UnplannedStop => "unplanned_stop",
            Self::MinorStop => "minor_stop",
            Self::Idle => "idle",
        }
    }
}

/// A stretch of time of a unit in one state, within one calendar day of the plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineEvent {
    pub unit: u16,
    pub state: MachineState,
    pub reason: Option<&'static str>,
    pub from_s: i64,
    pub to_s: i64,
    pub order: Option<u32>,
}

/// A board that left a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    pub unit: u16,
    pub order: u32,
    pub at_s: i64,
    /// Position among the boards of its order, from 0.
    pub place: u32,
}

/// Sink of the events and boards of machines.
#[derive(Debug)]
pub struct Floor<'a> {
    pub site: &'a Site,
    pub orders: &'a mut [Order],
    pub rng: Rng,
    pub events: Vec<MachineEvent>,
    pub made: Vec<Made>,
}

/// A machine between two days.
#[derive(Debug, Clone)]
pub struct Machine {
    unit: u16,
    /// Orders waiting for it.
    pub queue: VecDeque<u32>,
    job: Option<Job>,
    /// Time up to which it is simulated.
    now_s: i64,
    until_stop_s: i64,
    slow_until_s: i64,
}

#[derive(Debug, Clone, Copy)]
struct Job {
    order: u32,
    setup_left_s: i64,
    /// Work done on the current board, and work it needs.
    done_ms: i64,
    cycle_ms: i64,
}

impl Machine {
    /// A machine that has been idle until now.
    pub fn new(unit: u16, now_s: i64) -> Self {
        let queue = VecDeque::new();
        Self { unit, queue, job: None, now_s, until_stop_s: 1_800, slow_until_s: 0 }
    }

    /// Works through the shifts that start on a day. `free_s` is the earliest start of the next
    /// one.
    pub fn day(&mut self, windows: &[WorkWindow], free_s: i64, floor: &mut Floor<'_>) {
        for (number, window) in windows.iter().enumerate() {
            self.stand(window.from_s, "off_shift", floor);
            if happens(&mut floor.rng, MAINTENANCE_PER_100K) && self.now_s <= window.from_s {
                let until_s = window.breaks.first().map_or(window.to_s, |pause| pause.0);
                self.stand(until_s.min(self.now_s + MAINTENANCE_S), "maintenance", floor);
            }
            for (from_s, to_s) in &window.breaks {
                self.run(*from_s, floor);
                self.stand(*to_s, "break", floor);
            }
            self.run(window.to_s, floor);
            let next_s = windows.get(number + 1).map_or(free_s, |next| next.from_s);
            self.stay_on(next_s.min(window.to_s + OVERTIME_S), floor);
        }
    }

    /// Planned standstill until a time; no effect if that is in the past.
    pub fn stand(&mut self, to_s: i64, reason: &'static str, floor: &mut Floor<'_>) {
        self.spend(MachineState::PlannedStop, Some(reason), to_s, floor);
    }

    fn run(&mut self, to_s: i64, floor: &mut Floor<'_>) {
        while self.now_s < to_s {
            if self.job.is_none() && !self.take_order(floor) {
                return self.spend(MachineState::Idle, Some("no_order"), to_s, floor);
            }
            self.step(to_s, floor);
        }
    }

    /// Overtime to finish an order that is nearly done.
    fn stay_on(&mut self, limit_s: i64, floor: &mut Floor<'_>) {
        let Some(job) = self.job else { return };
        let left_ms = i64::from(floor.orders[job.order as usize].left()) * job.cycle_ms;
        let is_near = job.setup_left_s == 0 && left_ms < (limit_s - self.now_s) * 1_000;
        if !is_near || !happens(&mut floor.rng, OVERTIME_PER_100K) {
            return;
        }
        while self.job.is_some() && self.now_s < limit_s {
            self.step(limit_s, floor);
        }
    }

    fn take_order(&mut self, floor: &mut Floor<'_>) -> bool {
        let Some(order) = self.queue.pop_front() else { return false };
        let setup_left_s = floor.rng.random_range(SETUP_S);
        let cycle_ms = self.cycle_ms(order, floor);
        let begun = &mut floor.orders[order as usize];
        begun.started_s = Some(self.now_s);
        begun.is_changed = true;
        self.job = Some(Job { order, setup_left_s, done_ms: 0, cycle_ms });
        true
    }

    /// One activity, at most until a time.
    fn step(&mut self, to_s: i64, floor: &mut Floor<'_>) {
        let Some(job) = &mut self.job else { return };
        if job.setup_left_s > 0 {
            let until_s = to_s.min(self.now_s + job.setup_left_s);
            job.setup_left_s -= until_s - self.now_s;
            return self.spend(MachineState::Setup, None, until_s, floor);
        }
        if self.until_stop_s == 0 {
            return self.stop(to_s, floor);
        }
        self.produce(to_s.min(self.now_s + self.until_stop_s), floor);
    }

    fn stop(&mut self, to_s: i64, floor: &mut Floor<'_>) {
        self.until_stop_s = floor.rng.random_range(UNTIL_STOP_S);
        if happens(&mut floor.rng, SLOW_PER_100K) {
            self.slow_until_s = self.now_s + floor.rng.random_range(SLOW_S);
            return;
        }
        let is_minor = happens(&mut floor.rng, MINOR_PER_100K);
        let (state, reasons, length) = if is_minor {
            (MachineState::MinorStop, &MINOR_REASONS[..], MINOR_STOP_S)
        } else {
            (MachineState::UnplannedStop, &REASONS[..], STOP_S)
        };
        let reason = *pick(&mut floor.rng, reasons);
        let until_s = to_s.min(self.now_s + floor.rng.random_range(length));
        self.spend(state, Some(reason), until_s, floor);
    }

    /// Makes boards until a time or until the order is finished.
    fn produce(&mut self, to_s: i64, floor: &mut Floor<'_>) {
        let Some(mut job) = self.job else { return };
        let mut at_ms = self.now_s * 1_000;
        let mut is_done = false;
        while !is_done {
            let ready_ms = at_ms + job.cycle_ms - job.done_ms;
            if ready_ms > to_s * 1_000 {
                job.done_ms += to_s * 1_000 - at_ms;
                break;
            }
            at_ms = ready_ms;
            let order = &mut floor.orders[job.order as usize];
            let (place, at_s) = (order.made, at_ms.div_euclid(1_000));
            floor.made.push(Made { unit: self.unit, order: job.order, at_s, place });
            order.made += 1;
            is_done = order.left() == 0;
            job.done_ms = 0;
            job.cycle_ms = self.cycle_ms(job.order, floor);
        }
        let end_s = if is_done { (at_ms + 999).div_euclid(1_000).min(to_s) } else { to_s };
        self.until_stop_s -= end_s - self.now_s;
        self.spend(MachineState::Production, None, end_s, floor);
        self.job = Some(job).filter(|_| !is_done);
        if is_done {
            let order = &mut floor.orders[job.order as usize];
            order.ended_s = Some(end_s);
            order.is_changed = true;
        }
    }

    /// Time for the next board: the ideal cycle time plus up to a tenth, and half as much again at
    /// reduced speed.
    fn cycle_ms(&self, order: u32, floor: &mut Floor<'_>) -> i64 {
        let item = floor.orders[order as usize].item;
        let ideal_ms = i64::from(floor.site.items[usize::from(item)].ideal_cycle_ms);
        let slow = if self.now_s < self.slow_until_s { 50 } else { 0 };
        ideal_ms * (100 + slow + floor.rng.random_range(0..10)) / 100
    }

    fn spend(
        &mut self,
        state: MachineState,
        reason: Option<&'static str>,
        to_s: i64,
        floor: &mut Floor<'_>,
    ) {
        let has_order = !matches!(state, MachineState::Idle | MachineState::PlannedStop);
        let order = self.job.filter(|_| has_order).map(|job| job.order);
        let (unit, site) = (self.unit, floor.site);
        // The system splits every record at midnight, plant time.
        while self.now_s < to_s {
            let from_s = self.now_s;
            let next_day = site.local_s(from_s).div_euclid(DAY_S) + 1;
            let to_s = to_s.min(site.utc_s(next_day * DAY_S));
            floor.events.push(MachineEvent { unit, state, reason, from_s, to_s, order });
            self.now_s = to_s;
        }
    }
}
