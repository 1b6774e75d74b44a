//! The time of each unit by category, computed second by second.

use super::production::{shift, station};
use super::{Hour, Lines, ShiftOf, Truth, Value, timestamp};
use crate::calendar::LocalParts;
use crate::sim::dump::date;
use crate::sim::machine::{MachineEvent, MachineState};
use crate::sim::site::Site;
use crate::time::MINUTE_S;
use std::collections::BTreeMap;

/// No event covers the second.
const NOBODY: u32 = u32::MAX;
/// Events have equal priority; a second belongs to the event that started last.
const EVENT_WEIGHT: i64 = 1;

/// Category of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    NoProductionPlanned,
    PlannedStop,
    Setup,
    Production,
    Delay,
    DownWithoutOrder,
    Unknown,
}

impl Category {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoProductionPlanned => "no_production_planned",
            Self::PlannedStop => "planned_stop",
            Self::Setup => "setup",
            Self::Production => "production",
            Self::Delay => "delay",
            Self::DownWithoutOrder => "down_without_order",
            Self::Unknown => "unknown",
        }
    }

    fn of(event: &MachineEvent) -> Self {
        match event.state {
            MachineState::Production => Self::Production,
            MachineState::Setup => Self::Setup,
            MachineState::PlannedStop if matches!(event.reason, Some("off_shift" | "holiday")) => {
                Self::NoProductionPlanned
            }
            MachineState::PlannedStop => Self::PlannedStop,
            _ if event.order.is_none() => Self::DownWithoutOrder,
            _ => Self::Delay,
        }
    }
}

/// Consecutive seconds of a unit that belong to one event or to none, within one hour and shift and
/// entirely inside or outside breaks.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    pub unit: u16,
    pub from_s: i64,
    /// Exclusive end.
    pub to_s: i64,
    /// Plant time of its first minute.
    pub parts: LocalParts,
    pub event: Option<&'a MachineEvent>,
    pub category: Category,
    pub reason: Option<&'a str>,
    /// Sum over its seconds of the number of additional events that cover them.
    pub overlap_s: i64,
    /// Whether the second before belongs to no event or to one of another state.
    pub begins: bool,
}

impl Stretch<'_> {
    pub const fn duration_s(&self) -> i64 {
        self.to_s - self.from_s
    }

    pub const fn shift(&self) -> ShiftOf {
        (self.parts.production_day, self.parts.shift, self.unit)
    }

    pub const fn hour(&self) -> Hour {
        (self.parts.day, self.parts.hour, self.parts.shift)
    }
}

/// The seconds of a unit, from the first to the last known one.
struct Seconds<'a> {
    unit: u16,
    from_s: i64,
    events: Vec<&'a MachineEvent>,
    /// Index of the event each second belongs to.
    owner: Vec<u32>,
    /// Number of events that cover it.
    claims: Vec<u8>,
}

impl Truth {
    /// The time of all units. Each second belongs to the event that started last among those that
    /// cover it; uncovered seconds are classified by the calendar.
    pub(super) fn time<'a>(&'a self, site: &'a Site) -> Vec<Stretch<'a>> {
        let mut time = Vec::new();
        for unit in 0..site.size.units {
            if let Some(seconds) = self.seconds(unit) {
                seconds.stretches(site, &mut time);
            }
        }
        time
    }

    /// The first known second of a unit and the exclusive end.
    fn reach(&self, unit: u16) -> Option<(i64, i64)> {
        let events = self.events.values().filter(|event| event.unit == unit);
        let ends = events.flat_map(|event| [event.from_s, event.to_s - 1]);
        let seen = self.seen_s.get(&unit).into_iter().flat_map(|(first, last)| [*first, *last]);
        let all: Vec<i64> = ends.chain(seen).collect();
        Some((*all.iter().min()?, all.iter().max()? + 1))
    }

    fn seconds(&self, unit: u16) -> Option<Seconds<'_>> {
        let (from_s, to_s) = self.reach(unit)?;
        let events: Vec<&MachineEvent> =
            self.events.values().filter(|event| event.unit == unit).collect();
        let place = |at_s: i64| usize::try_from(at_s - from_s).unwrap_or_default();
        let mut owner = vec![NOBODY; place(to_s)];
        let mut claims = vec![0_u8; place(to_s)];
        // In order of start, so that the last one remains.
        for (number, event) in (0..).zip(&events) {
            for at in place(event.from_s)..place(event.to_s) {
                owner[at] = number;
                claims[at] += 1;
            }
        }
        Some(Seconds { unit, from_s, events, owner, claims })
    }

    /// All seconds of all units, in order.
    pub(super) fn time_ledger(&self, site: &Site, time: &[Stretch<'_>]) -> String {
        let mut lines = Lines::default();
        for stretch in time {
            let day = |day: i32| date(day).to_string();
            let (day_local, production_day) =
                (day(stretch.parts.day), day(stretch.parts.production_day));
            let (from, to) = (timestamp(stretch.from_s), timestamp(stretch.to_s));
            let event = stretch.event;
            let order = event.and_then(|event| event.order).map(|order| self.number(order));
            let source = if event.is_some() { "machine_events" } else { "calendar" };
            let precedence = event.map_or(Value::Null, |_| Value::Whole(EVENT_WEIGHT));
            lines.push(&[
                ("unit", station(site, stretch.unit)),
                ("from_at", Value::Text(&from)),
                ("to_at", Value::Text(&to)),
                ("category", Value::Text(stretch.category.as_str())),
                ("reason", Value::text(stretch.reason)),
                ("state", Value::text(event.map(|event| event.state.as_str()))),
                ("work_order", Value::text(order.as_deref())),
                ("source", Value::Text(source)),
                ("precedence", precedence),
                ("duration_s", Value::Whole(stretch.duration_s())),
                ("overlap_s", Value::Whole(stretch.overlap_s)),
                ("begins", Value::Flag(stretch.begins)),
                ("day_local", Value::Text(&day_local)),
                ("hour_local", Value::Whole(stretch.parts.hour.into())),
                ("shift", shift(site, stretch.parts.shift)),
                ("production_day", Value::Text(&production_day)),
            ]);
        }
        lines.0
    }
}

impl<'a> Seconds<'a> {
    /// Adds the time of a unit in order.
    fn stretches(&self, site: &'a Site, time: &mut Vec<Stretch<'a>>) {
        let own = time.len();
        let mut owner = NOBODY;
        // Minutes of the clock; the first may be partial.
        let cut_s = self.from_s.rem_euclid(MINUTE_S) as usize;
        for end_s in (MINUTE_S as usize - cut_s..).step_by(MINUTE_S as usize) {
            let minute_s = end_s.saturating_sub(MINUTE_S as usize);
            if minute_s >= self.owner.len() {
                break;
            }
            let parts = site.calendar.local_parts((self.from_s + minute_s as i64) * 1_000_000);
            for at in minute_s..self.owner.len().min(end_s) {
                let last = time[own..].last_mut();
                match last.filter(|last| owner == self.owner[at] && is_same(&last.parts, &parts)) {
                    Some(last) => last.to_s += 1,
                    None => {
                        let before = time[own..].last().and_then(|last| last.event);
                        let next = self.stretch(site, at, parts, before);
                        time.push(next);
                    }
                }
                owner = self.owner[at];
                let last = time.last_mut();
                let overlap_s = i64::from(self.claims[at].saturating_sub(1));
                last.into_iter().for_each(|last| last.overlap_s += overlap_s);
            }
        }
    }

    /// A stretch of one second.
    fn stretch(
        &self,
        site: &'a Site,
        at: usize,
        parts: LocalParts,
        before: Option<&MachineEvent>,
    ) -> Stretch<'a> {
        let event = self.events.get(self.owner[at] as usize).copied();
        let content = |it: &MachineEvent| (it.state, it.reason, it.order);
        let (category, reason) = match event {
            Some(event) => (Category::of(event), event.reason),
            None => uncovered(site, &parts),
        };
        let from_s = self.from_s + at as i64;
        Stretch {
            unit: self.unit,
            from_s,
            to_s: from_s + 1,
            parts,
            event,
            category,
            reason,
            overlap_s: 0,
            begins: event.is_some_and(|event| before.map(content) != Some(content(event))),
        }
    }
}

/// Whether two minutes are in the same hour, shift and production day, and both inside or outside
/// breaks.
fn is_same(one: &LocalParts, other: &LocalParts) -> bool {
    let parts = |it: &LocalParts| (it.day, it.hour, it.shift, it.is_break, it.production_day);
    parts(one) == parts(other)
}

/// Category and reason of a second without an event.
fn uncovered<'a>(site: &'a Site, parts: &LocalParts) -> (Category, Option<&'a str>) {
    match site.calendar.rest(parts.production_day, None) {
        Some(rest) => (Category::NoProductionPlanned, Some(&rest.name)),
        None if parts.shift.is_none() => (Category::NoProductionPlanned, Some("off_shift")),
        None if parts.is_break => (Category::PlannedStop, Some("break")),
        None => (Category::Unknown, None),
    }
}

/// Seconds by hour of plant time and unit.
pub(super) fn utilisation_hourly(site: &Site, time: &[Stretch<'_>]) -> String {
    let mut hours: BTreeMap<(i32, Hour, u16), BTreeMap<&str, i64>> = BTreeMap::new();
    for stretch in time {
        let hour = (stretch.parts.production_day, stretch.hour(), stretch.unit);
        let sums = hours.entry(hour).or_default();
        *sums.entry(stretch.category.as_str()).or_default() += stretch.duration_s();
    }
    let mut lines = Lines::default();
    for ((production_day, hour, unit), sums) in hours {
        let (production_day, day) = (date(production_day).to_string(), date(hour.0).to_string());
        let sum = |categories: &[&str]| {
            let seconds = categories.iter().filter_map(|category| sums.get(category));
            Value::Whole(seconds.sum())
        };
        let busy = ["setup", "production", "delay", "down_without_order", "unknown"];
        let planned = [&busy[..], &["planned_stop"]].concat();
        let all = [&planned[..], &["no_production_planned"]].concat();
        lines.push(&[
            ("production_day", Value::Text(&production_day)),
            ("day_local", Value::Text(&day)),
            ("hour_local", Value::Whole(hour.1.into())),
            ("shift", shift(site, hour.2)),
            ("unit", station(site, unit)),
            ("calendar_s", sum(&all)),
            ("pot_s", sum(&planned)),
            ("pbt_s", sum(&busy)),
            ("apt_s", sum(&["production"])),
            ("aust_s", sum(&["setup"])),
            ("adet_s", sum(&["delay"])),
            ("adot_s", sum(&["down_without_order"])),
            ("unknown_s", sum(&["unknown"])),
        ]);
    }
    lines.0
}
