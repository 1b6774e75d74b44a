//! Quality of the boards of a day, and their defects.

use super::production::{item, station};
use super::{Lines, Truth, Value};
use crate::sim::dump::date;
use crate::sim::site::Site;
use std::collections::BTreeMap;

impl Truth {
    /// Boards made by production day, unit and item, and their first inspections.
    pub(super) fn quality_daily(&self, site: &Site) -> String {
        let mut days: BTreeMap<(i32, u16, Option<u16>), [i64; 4]> = BTreeMap::new();
        for (((day, _, unit), _, order), boards) in &self.verdicts {
            let made_of = self.orders.get(order).map(|seen| seen.order.item);
            let sums = days.entry((*day, *unit, made_of)).or_default();
            sums.iter_mut().zip(boards).for_each(|(sum, boards)| *sum += boards);
        }
        let mut lines = Lines::default();
        for ((day, unit, made_of), sums) in days {
            let day = date(day).to_string();
            let [good, scrap, rework, unknown] = sums;
            lines.push(&[
                ("production_day", Value::Text(&day)),
                ("unit", station(site, unit)),
                ("item", Value::text(made_of.map(|it| item(site, it)))),
                ("pq", Value::Whole(sums.iter().sum())),
                ("gq", Value::Whole(good)),
                ("sq", Value::Whole(scrap)),
                ("rq", Value::Whole(rework)),
                ("verdict_unknown", Value::Whole(unknown)),
            ]);
        }
        lines.0
    }

    /// Bad boards by production day, unit, defect and verdict.
    pub(super) fn defects_daily(&self, site: &Site) -> String {
        let mut lines = Lines::default();
        for ((day, unit, defect, verdict), boards) in &self.defects {
            let day = date(*day).to_string();
            lines.push(&[
                ("production_day", Value::Text(&day)),
                ("unit", station(site, *unit)),
                ("defect", Value::text(*defect)),
                ("verdict", Value::Text(verdict)),
                ("boards", Value::count(*boards)),
            ]);
        }
        lines.0
    }
}
