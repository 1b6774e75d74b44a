//! Production rate compared with the plan and with the ideal.

use super::production::{shift, station};
use super::time::{Category, Stretch};
use super::{Hour, Lines, Truth, Value};
use crate::sim::dump::date;
use crate::sim::site::Site;
use std::collections::BTreeMap;

/// Planned and actual production of a unit in an hour.
#[derive(Debug, Clone, Copy, Default)]
struct Rate {
    made: u64,
    planned: u64,
    production_s: i64,
    ideal_made_ms: i64,
}

impl Truth {
    /// Hours in which a unit was planned to make boards, made some, or was in production.
    pub(super) fn production_rate(&self, site: &Site, time: &[Stretch<'_>]) -> String {
        let mut hours: BTreeMap<(Hour, u16), Rate> = BTreeMap::new();
        for ((hour, unit, ..), planned) in &self.planned {
            hours.entry((*hour, *unit)).or_default().planned += planned.boards;
        }
        for ((hour, unit, order), made) in &self.made {
            let rate = hours.entry((*hour, *unit)).or_default();
            let ideal_ms = self.ideal_ms(site, *order).unwrap_or(0);
            rate.made += made;
            rate.ideal_made_ms += made.cast_signed() * ideal_ms;
        }
        for stretch in time.iter().filter(|it| it.category == Category::Production) {
            let rate = hours.entry((stretch.hour(), stretch.unit)).or_default();
            rate.production_s += stretch.duration_s();
        }
        let mut lines = Lines::default();
        for ((hour, unit), rate) in hours {
            let day = date(hour.0).to_string();
            let one_if = |is_so: bool| Value::Whole(is_so.into());
            let (is_planned, is_made) = (rate.planned > 0, rate.made > 0);
            lines.push(&[
                ("day_local", Value::Text(&day)),
                ("hour_local", Value::Whole(hour.1.into())),
                ("shift", shift(site, hour.2)),
                ("unit", station(site, unit)),
                ("made", Value::count(rate.made)),
                ("planned", Value::count(rate.planned)),
                ("apt_s", Value::Whole(rate.production_s)),
                ("ideal_made_ms", Value::Whole(rate.ideal_made_ms)),
                ("planned_hours", one_if(is_planned)),
                ("productive_planned_hours", one_if(is_planned && is_made)),
                ("productive_hours", one_if(is_made)),
            ]);
        }
        lines.0
    }
}
