//! Simulates the plant day by day.

use super::board::{Inspection, Numbers, inspect};
use super::machine::{Floor, Machine, MachineEvent};
use super::order::Order;
use super::plan::{PlanRow, Work};
use super::random::{Purpose, generator};
use super::site::{Site, WorkWindow};
use super::stock::{Stock, StockEntry};
use crate::time::DAY_S;

/// Everything that happened in the shifts that started on one day.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// The day in days since 1970-01-01, plant time.
    pub day: i32,
    pub plan: Vec<PlanRow>,
    pub events: Vec<MachineEvent>,
    pub inspections: Vec<Inspection>,
    pub entries: Vec<StockEntry>,
}

/// The state of the simulated plant.
#[derive(Debug, Clone)]
pub struct World {
    pub site: Site,
    /// All orders so far; other records refer to them by index.
    pub orders: Vec<Order>,
    pub stock: Stock,
    pub first_day: i32,
    machines: Vec<Machine>,
    opening: Vec<StockEntry>,
    next_day: i32,
    last_day: i32,
    plan_rows: u64,
    numbers: Numbers,
}

impl World {
    /// A plant that works for `days` days from `first_day` on.
    pub fn new(site: Site, first_day: i32, days: u16) -> Self {
        let mut opening = Vec::new();
        let stock = Stock::opening(&site, first_day, &mut opening);
        let now_s = site.utc_s(i64::from(first_day) * DAY_S);
        Self {
            orders: Vec::new(),
            stock,
            first_day,
            machines: (0..site.size.units).map(|unit| Machine::new(unit, now_s)).collect(),
            opening,
            next_day: first_day,
            last_day: first_day + i32::from(days) - 1,
            plan_rows: 0,
            numbers: Numbers::default(),
            site,
        }
    }

    /// Creates orders so that no unit is idle on a day, and plans them.
    fn prepare(&mut self, windows: &[WorkWindow], day: &mut Day) {
        let work_s: i64 = windows.iter().map(|window| window.to_s - window.from_s).sum();
        for (unit, machine) in (0..).zip(&mut self.machines) {
            let items = self.site.items_of(usize::from(unit));
            let cost_ms = |order: &Order| {
                let item = &self.site.items[usize::from(order.item)];
                u64::from(order.left()) * u64::from(item.ideal_cycle_ms) + 1_200_000
            };
            let mut queued_ms: u64 =
                machine.queue.iter().map(|order| cost_ms(&self.orders[*order as usize])).sum();
            while queued_ms < work_s.unsigned_abs() * 1_000 {
                let index = self.orders.len() as u32;
                let order = Order::new(&self.site, index, unit, &items);
                if !order.is_blocked {
                    queued_ms += cost_ms(&order);
                    machine.queue.push_back(index);
                }
                self.orders.push(order);
            }
            let (site, orders, queue) = (&self.site, &self.orders[..], &machine.queue);
            let work = Work { site, unit, orders, queue };
            work.plan(day.day, windows, &mut self.plan_rows, &mut day.plan);
        }
    }

    fn work(&mut self, windows: &[WorkWindow], day: &mut Day) {
        let midnight_s = self.site.utc_s(i64::from(day.day + 1) * DAY_S);
        let next = self.site.windows(day.day + 1);
        let free_s = next.first().map_or(i64::MAX, |window| window.from_s);
        let is_last = day.day == self.last_day;
        for (unit, machine) in (0..).zip(&mut self.machines) {
            let rng = generator(self.site.seed, Purpose::Machine, day.day, unit);
            let (site, orders) = (&self.site, &mut self.orders[..]);
            let events = std::mem::take(&mut day.events);
            let mut floor = Floor { site, orders, rng, events, made: Vec::new() };
            machine.day(windows, free_s, &mut floor);
            if windows.is_empty() {
                machine.stand(midnight_s, "holiday", &mut floor);
            } else if is_last {
                machine.stand(midnight_s, "off_shift", &mut floor);
            }
            day.events = floor.events;
            let mut rng = generator(self.site.seed, Purpose::Inspection, day.day, unit);
            for made in &floor.made {
                let item = self.orders[made.order as usize].item;
                let out = &mut day.inspections;
                inspect(made, &self.site, item, &mut self.numbers, &mut rng, out);
            }
        }
    }
}

impl Iterator for World {
    type Item = Day;

    fn next(&mut self) -> Option<Day> {
        if self.next_day > self.last_day {
            return None;
        }
        let mut day = Day { day: self.next_day, ..Day::default() };
        day.entries.append(&mut self.opening);
        self.next_day += 1;
        let windows = self.site.windows(day.day);
        self.prepare(&windows, &mut day);
        self.work(&windows, &mut day);
        self.stock.day(&self.site, day.day, &mut day.entries);
        Some(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::machine::MachineState;
    use crate::sim::site::tests::site;
    use chrono_tz::Tz;
    use std::collections::{BTreeMap, HashSet};

    const THREE: [(&str, u16, u16); 3] = [("A", 6, 14), ("B", 14, 22), ("C", 22, 6)];
    /// 2024-03-26, five days before clocks in Berlin are set forward.
    const FIRST: i32 = 19_808;

    fn days(zone: Tz, shifts: &[(&str, u16, u16)]) -> (World, Vec<Day>) {
        let mut world = World::new(site(zone, shifts), FIRST, 8);
        let days = world.by_ref().collect();
        (world, days)
    }

    #[test]
    fn states_of_a_unit_do_not_overlap_or_leave_gaps() {
        let (world, days) = days(Tz::Europe__Berlin, &THREE);
        let mut until = BTreeMap::new();
        for event in days.iter().flat_map(|day| &day.events) {
            assert!(event.from_s < event.to_s);
            let end = until.entry(event.unit).or_insert(world.site.utc_s(i64::from(FIRST) * DAY_S));
            assert_eq!(*end, event.from_s, "{event:?}");
            *end = event.to_s;
        }
        let last_s = world.site.utc_s(i64::from(FIRST + 8) * DAY_S);
        assert!(until.len() == 5 && until.values().all(|end| *end >= last_s));
    }

    #[test]
    fn boards_are_made_while_their_order_is_in_production() {
        let (_, days) = days(Tz::Asia__Kolkata, &[("G", 9, 21)]);
        for day in &days {
            for board in day.inspections.iter().filter(|it| it.surface == 1) {
                let is_within = |event: &&MachineEvent| {
                    event.unit == board.unit
                        && (event.from_s..=event.to_s).contains(&board.at_s)
                        && event.order == Some(board.order)
                };
                let mut found = day.events.iter().filter(is_within);
                assert!(found.any(|event| event.state == MachineState::Production), "{board:?}");
            }
        }
    }

    #[test]
    fn orders_count_the_boards_made() {
        let (world, days) = days(Tz::Asia__Kolkata, &THREE);
        let mut made = vec![0; world.orders.len()];
        let boards = days.iter().flat_map(|day| &day.inspections).filter(|it| it.surface == 1);
        boards.for_each(|board| made[board.order as usize] += 1);
        for (order, made) in world.orders.iter().zip(made) {
            assert_eq!(order.made, made);
            assert!(order.ended_s.is_none() || order.left() == 0);
        }
        let ids: HashSet<u64> =
            days.iter().flat_map(|day| &day.inspections).map(|it| it.stage).collect();
        assert_eq!(ids.len(), days.iter().map(|day| day.inspections.len()).sum::<usize>());
        assert!(days.iter().any(|day| day.plan.is_empty()), "a holiday is among them");
    }
}
