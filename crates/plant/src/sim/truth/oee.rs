//! The sums behind OEE, second by second.

use super::{Lines, Truth, Value};
use crate::sim::dump::date;
use crate::sim::machine::{MachineEvent, State};
use crate::sim::site::Site;
use std::collections::{BTreeMap, HashSet};

const MINUTE_S: i64 = 60;
/// No event has the second.
const NOBODY: u32 = u32::MAX;

/// A production day, a shift by its place in the calendar, and a unit.
type ShiftOf = (i32, Option<u16>, u16);

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    calendar_s: i64,
    no_production_planned_s: i64,
    planned_stop_s: i64,
    apt_s: i64,
    aust_s: i64,
    adet_s: i64,
    adot_s: i64,
    unknown_s: i64,
    order_s: i64,
    breakdown_s: i64,
    minor_stop_s: i64,
    breakdowns: i64,
    overlap_s: i64,
    made: i64,
    good: i64,
    scrap: i64,
    rework: i64,
    verdict_unknown: i64,
    ideal_unknown: i64,
    ideal_made_ms: i64,
    ideal_good_ms: i64,
    ideal_verdict_unknown_ms: i64,
}

impl Truth {
    /// One row for each production day, shift and unit. Each second of a unit is given to the state
    /// that began last of those that have it; seconds nobody has are unknown within a shift.
    pub(super) fn oee_shift(&self, site: &Site) -> String {
        let mut shifts: BTreeMap<ShiftOf, Sums> = BTreeMap::new();
        for unit in 0..site.size.units {
            self.time(site, unit, &mut shifts);
        }
        self.add_boards(site, &mut shifts);
        let ideal_ms = |item: &u16| i64::from(site.items[usize::from(*item)].ideal_cycle_ms);
        let longest_ms = self.cycle_times.iter().map(ideal_ms).max().unwrap_or(0);
        let mut boards: BTreeMap<i32, i64> = BTreeMap::new();
        for ((day, ..), sums) in &shifts {
            *boards.entry(*day).or_default() += sums.made;
        }
        let mut lines = Lines::default();
        for ((day, shift, unit), sums) in &shifts {
            // What boards can add of which none has come.
            let longest_ms = (boards[day] == 0).then_some(longest_ms);
            push(site, (*day, *shift, *unit), sums, longest_ms, &mut lines);
        }
        lines.0
    }

    /// The production days a unit was there on: its first second and the one after its last.
    fn reach(&self, site: &Site, unit: u16) -> Option<(i64, i64)> {
        let events = self.events.values().filter(|event| event.unit == unit);
        let ends = events.flat_map(|event| [event.from_s, event.to_s - 1]);
        let seen = self.seen_s.get(&unit).into_iter().flat_map(|(first, last)| [*first, *last]);
        let all: Vec<i64> = ends.chain(seen).collect();
        let day = |at_s: &i64| site.calendar.local_parts(at_s * 1_000_000).production_day;
        let (first, last) = (all.iter().map(day).min()?, all.iter().map(day).max()?);
        Some((site.calendar.production_day(first).0, site.calendar.production_day(last).1))
    }

    fn time(&self, site: &Site, unit: u16, shifts: &mut BTreeMap<ShiftOf, Sums>) {
        let Some((from_s, to_s)) = self.reach(site, unit) else { return };
        let events: Vec<&MachineEvent> =
            self.events.values().filter(|event| event.unit == unit).collect();
        let place = |at_s: i64| usize::try_from(at_s - from_s).unwrap_or_default();
        let mut owner = vec![NOBODY; place(to_s)];
        let mut claims = vec![0_u8; place(to_s)];
        // In the order in which they began, so that the last one stays.
        for (number, event) in (0..).zip(&events) {
            for at in place(event.from_s)..place(event.to_s) {
                owner[at] = number;
                claims[at] += 1;
            }
        }
        let mut before = NOBODY;
        for minute_s in (from_s..to_s).step_by(MINUTE_S as usize) {
            let parts = site.calendar.local_parts(minute_s * 1_000_000);
            let sums = shifts.entry((parts.production_day, parts.shift, unit)).or_default();
            for at in place(minute_s)..place(minute_s + MINUTE_S) {
                let event = events.get(owner[at] as usize).copied();
                let last = events.get(before as usize).copied();
                before = owner[at];
                sums.overlap_s += i64::from(claims[at].saturating_sub(1));
                sums.second(event, last, parts.shift.is_some());
            }
        }
    }

    fn add_boards(&self, site: &Site, shifts: &mut BTreeMap<ShiftOf, Sums>) {
        let timed: HashSet<u16> = self.cycle_times.iter().copied().collect();
        for ((day, shift, unit, order), [good, scrap, rework, unknown]) in &self.verdicts {
            let sums = shifts.entry((*day, *shift, *unit)).or_default();
            let made_of = self.orders.get(order).map(|seen| seen.order.item);
            let made_of = made_of.filter(|item| timed.contains(item));
            let ideal_ms =
                made_of.map(|item| i64::from(site.items[usize::from(item)].ideal_cycle_ms));
            let made = good + scrap + rework + unknown;
            sums.made += made;
            sums.good += good;
            sums.scrap += scrap;
            sums.rework += rework;
            sums.verdict_unknown += unknown;
            match ideal_ms {
                None => sums.ideal_unknown += made,
                Some(ideal_ms) => {
                    sums.ideal_made_ms += made * ideal_ms;
                    sums.ideal_good_ms += good * ideal_ms;
                    sums.ideal_verdict_unknown_ms += unknown * ideal_ms;
                }
            }
        }
    }
}

impl Sums {
    /// A second passes. `last` is what the second before was.
    fn second(
        &mut self,
        event: Option<&MachineEvent>,
        last: Option<&MachineEvent>,
        is_shift: bool,
    ) {
        self.calendar_s += 1;
        let Some(event) = event else {
            let into =
                if is_shift { &mut self.unknown_s } else { &mut self.no_production_planned_s };
            *into += 1;
            return;
        };
        self.order_s += i64::from(event.order.is_some());
        let is_rest = matches!(event.reason, Some("off_shift" | "holiday"));
        let into = match event.state {
            State::Production => &mut self.apt_s,
            State::Setup => &mut self.aust_s,
            State::PlannedStop if is_rest => &mut self.no_production_planned_s,
            State::PlannedStop => &mut self.planned_stop_s,
            _ if event.order.is_none() => &mut self.adot_s,
            _ => &mut self.adet_s,
        };
        *into += 1;
        let is_same = |last: &MachineEvent| {
            (last.state, last.reason, last.order) == (event.state, event.reason, event.order)
        };
        match event.state {
            State::UnplannedStop if event.order.is_some() => {
                self.breakdown_s += 1;
                self.breakdowns += i64::from(!last.is_some_and(is_same));
            }
            State::MinorStop if event.order.is_some() => self.minor_stop_s += 1,
            _ => {}
        }
    }
}

fn push(site: &Site, of: ShiftOf, sums: &Sums, longest_ms: Option<i64>, lines: &mut Lines) {
    let (day, shift, unit) = of;
    let day = date(day).to_string();
    let shift = shift.map(|shift| site.calendar.shifts()[usize::from(shift)].name.as_str());
    let pot_s = sums.calendar_s - sums.no_production_planned_s;
    let open_s = sums.apt_s + sums.unknown_s;
    let no_boards_ms = match longest_ms {
        Some(longest_ms) if open_s > 0 => open_s * 1_000 + longest_ms,
        _ => 0,
    };
    lines.push(&[
        ("production_day", Value::Text(&day)),
        ("shift", Value::text(shift)),
        ("unit", Value::Text(&site.units[usize::from(unit)].code)),
        ("calendar_s", Value::Whole(sums.calendar_s)),
        ("no_production_planned_s", Value::Whole(sums.no_production_planned_s)),
        ("pot_s", Value::Whole(pot_s)),
        ("planned_stop_s", Value::Whole(sums.planned_stop_s)),
        ("pbt_s", Value::Whole(pot_s - sums.planned_stop_s)),
        ("apt_s", Value::Whole(sums.apt_s)),
        ("aust_s", Value::Whole(sums.aust_s)),
        ("adet_s", Value::Whole(sums.adet_s)),
        ("adot_s", Value::Whole(sums.adot_s)),
        ("unknown_s", Value::Whole(sums.unknown_s)),
        ("order_s", Value::Whole(sums.order_s)),
        ("breakdown_s", Value::Whole(sums.breakdown_s)),
        ("minor_stop_s", Value::Whole(sums.minor_stop_s)),
        ("breakdowns", Value::Whole(sums.breakdowns)),
        ("overlap_s", Value::Whole(sums.overlap_s)),
        ("pq", Value::Whole(sums.made)),
        ("gq", Value::Whole(sums.good)),
        ("sq", Value::Whole(sums.scrap)),
        ("rq", Value::Whole(sums.rework)),
        ("verdict_unknown", Value::Whole(sums.verdict_unknown)),
        ("ideal_unknown", Value::Whole(sums.ideal_unknown)),
        ("ideal_pq_ms", Value::Whole(sums.ideal_made_ms)),
        ("ideal_gq_ms", Value::Whole(sums.ideal_good_ms)),
        ("ideal_verdict_unknown_ms", Value::Whole(sums.ideal_verdict_unknown_ms)),
        ("no_boards_ms", Value::Whole(no_boards_ms)),
    ]);
}
