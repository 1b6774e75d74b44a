//! The sums behind OEE.

use super::production::{shift, station};
use super::time::{Category, Stretch};
use super::{Lines, ShiftOf, Truth, Value};
use crate::sim::dump::date;
use crate::sim::machine::State;
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

impl Truth {
    /// One row for each production day, shift and unit.
    pub(super) fn oee_shift(&self, site: &Site, time: &[Stretch<'_>]) -> String {
        let mut shifts: BTreeMap<ShiftOf, Sums> = BTreeMap::new();
        for stretch in time {
            shifts.entry(stretch.shift()).or_default().add_time(stretch);
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

    fn add_boards(&self, site: &Site, shifts: &mut BTreeMap<ShiftOf, Sums>) {
        for ((shift, order), [good, scrap, rework, unknown]) in &self.verdicts {
            let sums = shifts.entry(*shift).or_default();
            let made = good + scrap + rework + unknown;
            sums.made += made;
            sums.good += good;
            sums.scrap += scrap;
            sums.rework += rework;
            sums.verdict_unknown += unknown;
            match self.ideal_ms(site, *order) {
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
            State::UnplannedStop => {
                self.breakdown_s += duration_s;
                self.breakdowns += i64::from(stretch.begins);
            }
            State::MinorStop => self.minor_stop_s += duration_s,
            _ => {}
        }
    }
}

fn push(site: &Site, of: ShiftOf, sums: &Sums, longest_ms: Option<i64>, lines: &mut Lines) {
    let (day, of_shift, unit) = of;
    let day = date(day).to_string();
    let pot_s = sums.calendar_s - sums.no_production_planned_s;
    let open_s = sums.apt_s + sums.unknown_s;
    let no_boards_ms = match longest_ms {
        Some(longest_ms) if open_s > 0 => open_s * 1_000 + longest_ms,
        _ => 0,
    };
    lines.push(&[
        ("production_day", Value::Text(&day)),
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
}
