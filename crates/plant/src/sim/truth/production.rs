//! Boards planned, made and inspected.

use super::{Hour, Lines, Planned, Truth, Value, timestamp};
use crate::sim::dump::date;
use crate::sim::site::Site;
use std::collections::{BTreeMap, BTreeSet};

const TOP: usize = 10;

/// Boards of an order in an hour at a unit, by item.
type Place = (Hour, u16, Option<u16>, u32);

/// Planned and made boards by hour, unit, item and order.
pub(super) struct Production<'a> {
    site: &'a Site,
    truth: &'a Truth,
    /// Planned and made boards; the item is that of the plan row or of the order.
    rows: BTreeMap<Place, (Planned, u64)>,
}

impl Truth {
    pub(super) fn production<'a>(&'a self, site: &'a Site) -> Production<'a> {
        let mut rows: BTreeMap<Place, (Planned, u64)> = BTreeMap::new();
        for ((hour, unit, item, order), planned) in &self.planned {
            rows.entry((*hour, *unit, Some(*item), *order)).or_default().0 = *planned;
        }
        for ((hour, unit, order), made) in &self.made {
            let item = self.orders.get(order).map(|seen| seen.order.item);
            rows.entry((*hour, *unit, item, *order)).or_default().1 = *made;
        }
        Production { site, truth: self, rows }
    }

    pub(super) fn quality(&self, site: &Site) -> String {
        let mut lines = Lines::default();
        for ((hour, unit), looks) in BTreeMap::from_iter(&self.looks) {
            let day = date(hour.0).to_string();
            lines.push(&[
                ("day_local", Value::Text(&day)),
                ("hour_local", Value::Whole(hour.1.into())),
                ("shift", shift(site, hour.2)),
                ("station", station(site, *unit)),
                ("inspected", Value::count(looks.inspected)),
                ("passed", Value::count(looks.passed)),
                ("verdict_unknown", Value::count(looks.unknown)),
                ("reinspected", Value::count(looks.reinspected)),
                ("deviations", Value::count(looks.deviations)),
            ]);
        }
        lines.0
    }

    pub(super) fn progress(&self, site: &Site) -> String {
        let mut planned: BTreeMap<u32, u64> = BTreeMap::new();
        for ((.., order), plan) in &self.planned {
            *planned.entry(*order).or_default() += plan.boards;
        }
        let mut named: BTreeSet<u32> = self.orders.keys().copied().collect();
        named.extend(planned.keys());
        named.extend(self.boards.keys());
        let mut lines = Lines::default();
        for order in named {
            self.push_progress(site, order, planned.get(&order).copied(), &mut lines);
        }
        lines.0
    }

    fn push_progress(&self, site: &Site, index: u32, planned: Option<u64>, lines: &mut Lines) {
        let seen = self.orders.get(&index);
        let order = seen.map(|seen| &seen.order);
        let boards = self.boards.get(&index).copied().unwrap_or_default();
        let first = (boards.made > 0).then(|| timestamp(boards.first_s));
        let last = (boards.made > 0).then(|| timestamp(boards.last_s));
        let clock = |local_s: Option<i64>| local_s.map(|at_s| timestamp(site.utc_s(at_s)));
        let started = clock(seen.and_then(|seen| seen.started_local_s));
        let ended = clock(order.and_then(|order| order.ended_s).map(|at_s| site.local_s(at_s)));
        let number = self.number(index);
        let quantity = order.map(|order| u64::from(order.quantity));
        lines.push(&[
            ("work_order", Value::Text(&number)),
            ("item", Value::text(order.map(|order| item(site, order.item)))),
            ("quantity", count(quantity)),
            ("planned", Value::count(planned.unwrap_or(0))),
            ("actual", Value::count(boards.made)),
            ("remaining", count(quantity.map(|ordered| ordered.saturating_sub(boards.made)))),
            ("first_board_at", Value::text(first.as_deref())),
            ("last_board_at", Value::text(last.as_deref())),
            ("started_at", Value::text(started.as_deref())),
            ("ended_at", Value::text(ended.as_deref())),
            ("is_started", flag(order.map(|order| order.started_s.is_some()))),
            ("is_blocked", flag(order.map(|order| order.is_blocked))),
            ("is_closed", flag(order.map(|order| order.ended_s.is_some()))),
            ("short_closed_quantity", count(order.map(|order| order.short_closed().into()))),
        ]);
    }

    /// The name of an order.
    pub(super) fn number(&self, index: u32) -> String {
        let number = self.numbers.get(index as usize).copied().unwrap_or_default();
        format!("W-{number}")
    }
}

fn flag(value: Option<bool>) -> Value<'static> {
    value.map_or(Value::Null, Value::Flag)
}

fn count(value: Option<u64>) -> Value<'static> {
    value.map_or(Value::Null, Value::count)
}

impl Production<'_> {
    pub(super) fn hourly(&self) -> String {
        let mut lines = Lines::default();
        for ((hour, unit, made_of, order), (planned, made)) in &self.rows {
            let (day, number) = (date(hour.0).to_string(), self.truth.number(*order));
            lines.push(&[
                ("day_local", Value::Text(&day)),
                ("hour_local", Value::Whole(hour.1.into())),
                ("shift", shift(self.site, hour.2)),
                ("station", station(self.site, *unit)),
                ("item", Value::text(made_of.map(|it| item(self.site, it)))),
                ("work_order", Value::Text(&number)),
                ("planned", Value::count(planned.boards)),
                ("actual", Value::count(*made)),
                ("plan_rows", Value::count(planned.rows)),
            ]);
        }
        lines.0
    }

    pub(super) fn daily(&self) -> String {
        let mut days: BTreeMap<(i32, u16, Option<u16>), [u64; 3]> = BTreeMap::new();
        for ((hour, unit, item, _), (planned, made)) in &self.rows {
            let sums = days.entry((hour.0, *unit, *item)).or_default();
            sums[0] += planned.boards;
            sums[1] += made;
            sums[2] += if planned.rows == 0 { *made } else { 0 };
        }
        let mut lines = Lines::default();
        for ((day, unit, made_of), [planned, made, off_plan]) in days {
            let day = date(day).to_string();
            lines.push(&[
                ("day_local", Value::Text(&day)),
                ("station", station(self.site, unit)),
                ("item", Value::text(made_of.map(|it| item(self.site, it)))),
                ("planned", Value::count(planned)),
                ("actual", Value::count(made)),
                ("actual_off_plan", Value::count(off_plan)),
            ]);
        }
        lines.0
    }

    pub(super) fn top_items(&self) -> String {
        let mut days: BTreeMap<i32, BTreeMap<u16, u64>> = BTreeMap::new();
        for ((hour, _, made_of, _), (_, made)) in &self.rows {
            if let (Some(made_of), 1..) = (made_of, *made) {
                *days.entry(hour.0).or_default().entry(*made_of).or_default() += made;
            }
        }
        let mut lines = Lines::default();
        for (day, items) in days {
            let name = |(made_of, made): (u16, u64)| (u64::MAX - made, item(self.site, made_of));
            let mut ranked: Vec<(u64, &str)> = items.into_iter().map(name).collect();
            ranked.sort_unstable();
            let day = date(day).to_string();
            for (rank, (less, item)) in (1..).zip(ranked.into_iter().take(TOP)) {
                lines.push(&[
                    ("day_local", Value::Text(&day)),
                    ("rank", Value::Whole(rank)),
                    ("item", Value::Text(item)),
                    ("actual", Value::count(u64::MAX - less)),
                ]);
            }
        }
        lines.0
    }
}

pub(super) fn shift(site: &Site, shift: Option<u16>) -> Value<'_> {
    let name = |shift: u16| site.calendar.shifts()[usize::from(shift)].name.as_str();
    Value::text(shift.map(name))
}

pub(super) fn station(site: &Site, unit: u16) -> Value<'_> {
    Value::Text(&site.units[usize::from(unit)].code)
}

pub(super) fn item(site: &Site, item: u16) -> &str {
    &site.items[usize::from(item)].id
}
