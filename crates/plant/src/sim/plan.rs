//! The production plan: boards to be made per hour.

use super::order::Order;
use super::random::{Purpose, generator, happens};
use super::site::{Site, WorkWindow};
use crate::time::HOUR_S;
use rand::RngExt as _;
use std::collections::VecDeque;

/// The planner adds a tenth for losses.
const PLANNED_PERCENT: i64 = 90;
/// Share of rows that are split in two.
const SPLIT_PER_100K: u32 = 4_000;
/// Share of hours that are missing.
const FORGOTTEN_PER_100K: u32 = 2_000;

/// A row of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    pub id: u64,
    pub unit: u16,
    pub order: u32,
    pub item: u16,
    /// Day and hour in plant time.
    pub day: i32,
    pub hour: u8,
    pub shift: u16,
    pub quantity: u32,
    pub break_min: u8,
    /// Time of creation in plant time.
    pub created_local_s: i64,
}

/// The work of a unit in order.
pub struct Work<'a> {
    pub site: &'a Site,
    pub unit: u16,
    pub orders: &'a [Order],
    pub queue: &'a VecDeque<u32>,
}

/// An hour of work, or a part of one.
struct Hour {
    from_s: i64,
    to_s: i64,
    shift: u16,
    pause_s: i64,
}

impl Work<'_> {
    /// Plans the unit for the shifts that start on a day. Rows are numbered from `next_id`.
    pub fn plan(
        &self,
        day: i32,
        windows: &[WorkWindow],
        next_id: &mut u64,
        rows: &mut Vec<PlanRow>,
    ) {
        let mut rng = generator(self.site.seed, Purpose::Plan, day, self.unit.into());
        let created_local_s = i64::from(day - 1) * 86_400 + rng.random_range(50_000..80_000);
        let mut waiting: VecDeque<(u32, u32)> =
            self.queue.iter().map(|order| (*order, self.left(*order))).collect();
        for hour in windows.iter().flat_map(|window| self.hours(window)) {
            let is_forgotten = happens(&mut rng, FORGOTTEN_PER_100K);
            for (order, quantity) in self.fitting(&hour, &mut waiting) {
                let row = self.row(&hour, order, quantity, created_local_s);
                let is_split = happens(&mut rng, SPLIT_PER_100K);
                if !is_forgotten {
                    push(row, is_split, next_id, rows);
                }
            }
        }
    }

    /// The hours of a shift, split at full hours of plant time.
    fn hours(&self, window: &WorkWindow) -> Vec<Hour> {
        let mut hours = Vec::new();
        let mut from_s = window.from_s;
        while from_s < window.to_s {
            let struck_s = self.site.local_s(from_s).rem_euclid(HOUR_S);
            let to_s = (from_s - struck_s + HOUR_S).min(window.to_s);
            let pause_s = pause_s(window, from_s, to_s);
            hours.push(Hour { from_s, to_s, shift: window.shift, pause_s });
            from_s = to_s;
        }
        hours
    }

    /// Boards of waiting orders that can be made in an hour; the rest keeps waiting.
    fn fitting(&self, hour: &Hour, waiting: &mut VecDeque<(u32, u32)>) -> Vec<(u32, u32)> {
        let mut work_ms = (hour.to_s - hour.from_s - hour.pause_s) * 10 * PLANNED_PERCENT;
        let mut fitting = Vec::new();
        while let Some((order, left)) = waiting.front_mut().filter(|_| work_ms > 0) {
            let cycle_ms = i64::from(self.cycle_ms(*order));
            let fits = u32::try_from(work_ms / cycle_ms).unwrap_or(u32::MAX).min(*left);
            work_ms -= cycle_ms * i64::from(fits.max(1));
            *left -= fits;
            if fits > 0 {
                fitting.push((*order, fits));
            }
            if *left == 0 {
                waiting.pop_front();
            }
        }
        fitting
    }

    fn row(&self, hour: &Hour, order: u32, quantity: u32, created_local_s: i64) -> PlanRow {
        let local_s = self.site.local_s(hour.from_s);
        PlanRow {
            id: 0,
            unit: self.unit,
            order,
            item: self.orders[order as usize].item,
            day: local_s.div_euclid(86_400) as i32,
            hour: (local_s.rem_euclid(86_400) / HOUR_S) as u8,
            shift: hour.shift,
            quantity,
            break_min: (hour.pause_s / 60) as u8,
            created_local_s,
        }
    }

    fn left(&self, order: u32) -> u32 {
        self.orders[order as usize].left()
    }

    fn cycle_ms(&self, order: u32) -> u32 {
        let item = self.orders[order as usize].item;
        self.site.items[usize::from(item)].ideal_cycle_ms
    }
}

/// Seconds of breaks between two times.
fn pause_s(window: &WorkWindow, from_s: i64, to_s: i64) -> i64 {
    let within = |(begin, end): &(i64, i64)| ((*end).min(to_s) - (*begin).max(from_s)).max(0);
    window.breaks.iter().map(within).sum()
}

/// Adds a row, or two that share its quantity.
fn push(row: PlanRow, is_split: bool, next_id: &mut u64, rows: &mut Vec<PlanRow>) {
    let second = if is_split { row.quantity / 2 } else { 0 };
    for quantity in [row.quantity - second, second] {
        if quantity > 0 {
            *next_id += 1;
            rows.push(PlanRow { id: *next_id, quantity, ..row.clone() });
        }
    }
}
