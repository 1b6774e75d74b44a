//! The sums behind OEE.

use super::production::{shift, station};
use super::time::{Category, Stretch};
use super::{Clock, Lines, ShiftOf, Truth, Value};
use crate::sim::dump::date;
use crate::sim::machine::MachineState;
use crate::sim::site::Site;
use std::collections::BTreeMap;

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

/// The time a row refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    Hour,
    Shift,
}

/// A shift of a unit, or an hour of it.
type Place = (ShiftOf, Option<Clock>);

impl Truth {
    /// One row per production day, shift and unit, or per hour of it.
    pub(super) fn oee(&self, site: &Site, time: &[Stretch<'_>], each: Each) -> String {
        let place = |shift: ShiftOf, clock: Clock| (shift, (each == Each::Hour).then_some(clock));
        let mut places: BTreeMap<Place, Sums> = BTreeMap::new();
        for stretch in time {
            let clock = (stretch.parts.day, stretch.parts.hour);
            places.entry(place(stretch.shift(), clock)).or_default().add_time(stretch);
        }
        for ((shift, clock, order), boards) in &self.verdicts {
            let ideal_ms = self.ideal_ms(site, *order);
            places.entry(place(*shift, *clock)).or_default().add_boards(*boards, ideal_ms);
        }
        let ideal_ms = |item: &u16| i64::from(site.items[usize::from(*item)].ideal_cycle_ms);
        let longest_ms = self.cycle_times.iter().map(ideal_ms).max().unwrap_or(0);
        let mut boards: BTreeMap<i32, i64> = BTreeMap::new();
        for (((day, ..), _), sums) in &places {
            *boards.entry(*day).or_default() += sums.made;
        }
        let mut lines = Lines::default();
        for (place, sums) in &places {
            // What boards would add if none was made.
            let longest_ms = (boards[&place.0.0] == 0).then_some(longest_ms);
            push(site, *place, sums, longest_ms, &mut lines);
        }
        lines.0
    }
}

impl Sums {
    /// Adds good, scrap, rework and unknown boards.
    fn add_boards(&mut self, [good, scrap, rework, unknown]: [i64; 4], ideal_ms: Option<i64>) {
        let made = good + scrap + rework + unknown;
        self.made += made;
        self.good += good;
        self.scrap += scrap;
        self.rework += rework;
        self.verdict_unknown += unknown;
        match ideal_ms {
            None => self.ideal_unknown += made,
            Some(ideal_ms) => {
                self.ideal_made_ms += made * ideal_ms;
                self.ideal_good_ms += good * ideal_ms;
                self.ideal_verdict_unknown_ms += unknown * ideal_ms;
            }
        }
    }

    fn add_time(&mut self, stretch: &Stretch<'_>) {
        let duration_s = stretch.duration_s();
        self.calendar_s += duration_s;
        self.overlap_s += stretch.overlap_s;
        let into = match stretch.category {
            Category::NoProductionPlanned => &mut self.no_production_planned_s,
            Category::PlannedStop => &mut self.planned_stop_s,
            Category::Production => &mut self.apt_s,
            Category::Setup => &mut self.aust_s,
            Category::Delay => &mut self.adet_s,
            Category::DownWithoutOrder => &mut self.adot_s,
            Category::Unknown => &mut self.unknown_s,
        };
        *into += duration_s;
        let Some(event) = stretch.event.filter(|event| event.order.is_some()) else { return };
        self.order_s += duration_s;
        match event.state {
            MachineState::UnplannedStop => {
                self.breakdown_s += duration_s;
                self.breakdowns += i64::from(stretch.begins);
            }
            MachineState::MinorStop => self.minor_stop_s += duration_s,
            _ => {}
        }
    }
}

fn push(site: &Site, (of, clock): Place, sums: &Sums, longest_ms: Option<i64>, lines: &mut Lines) {
    let (day, of_shift, unit) = of;
    let day = date(day).to_string();
    let pot_s = sums.calendar_s - sums.no_production_planned_s;
    let open_s = sums.apt_s + sums.unknown_s;
    let no_boards_ms = match longest_ms {
        Some(longest_ms) if open_s > 0 => open_s * 1_000 + longest_ms,
        _ => 0,
    };
    let day_local = clock.map(|(day, _)| date(day).to_string()).unwrap_or_default();
    let hour = clock.map(|(_, hour)| {
        [("day_local", Value::Text(&day_local)), ("hour_local", Value::Whole(hour.into()))]
    });
    let mut row = vec![("production_day", Value::Text(&day))];
    row.extend(hour.into_iter().flatten());
    row.extend([
        ("shift", shift(site, of_shift)),
        ("unit", station(site, unit)),
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
    lines.push(&row);
}
