//! Durations of machine states.

use super::{Lines, Truth, Value};
use crate::sim::dump::date;
use crate::sim::machine::MachineState;
use crate::sim::site::Site;
use crate::time::DAY_S;
use std::collections::BTreeMap;

/// States of a unit on a day with the same state and reason.
type StateKey = (i32, u16, MachineState, Option<&'static str>);

impl Truth {
    /// Seconds by day, unit, state and reason. A state ends when the next one of the unit starts
    /// and belongs to the day on which it started.
    pub(super) fn machine_time(&self, site: &Site) -> String {
        let mut sums: BTreeMap<StateKey, (u64, i64)> = BTreeMap::new();
        let mut following: Option<(u16, i64)> = None;
        for ((unit, from_s), event) in self.events.iter().rev() {
            let next_s = following.filter(|(of, _)| of == unit).map_or(i64::MAX, |(_, at_s)| at_s);
            following = Some((*unit, *from_s));
            let day = site.local_s(*from_s).div_euclid(DAY_S) as i32;
            let sum = sums.entry((day, *unit, event.state, event.reason)).or_default();
            sum.0 += 1;
            sum.1 += event.to_s.min(next_s) - from_s;
        }
        let mut lines = Lines::default();
        for ((day, unit, state, reason), (events, duration_s)) in sums {
            let day = date(day).to_string();
            lines.push(&[
                ("day_local", Value::Text(&day)),
                ("unit", Value::Text(&site.units[usize::from(unit)].code)),
                ("state", Value::Text(state.as_str())),
                ("reason", Value::text(reason)),
                ("events", Value::count(events)),
                ("duration_s", Value::Whole(duration_s)),
            ]);
        }
        lines.0
    }
}
