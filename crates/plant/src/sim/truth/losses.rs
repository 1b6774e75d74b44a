//! The losses between the planned time of a unit and the ideal time of its good boards.

use super::production::{shift, station};
use super::time::{Category, Stretch};
use super::{Lines, ShiftOf, Truth, Value};
use crate::sim::dump::date;
use crate::sim::machine::MachineState;
use crate::sim::site::Site;
use std::collections::BTreeMap;

impl Truth {
    /// Milliseconds by production day, shift, unit and loss. Production time minus the ideal time
    /// of the boards made in it is speed loss.
    pub(super) fn losses_shift(&self, site: &Site, time: &[Stretch<'_>]) -> String {
        let mut losses: BTreeMap<(ShiftOf, &str), i64> = BTreeMap::new();
        for stretch in time {
            if let Some(loss) = loss(stretch) {
                *losses.entry((stretch.shift(), loss)).or_default() += stretch.duration_s() * 1_000;
            }
        }
        for ((shift, _, order), [good, scrap, rework, unknown]) in &self.verdicts {
            let Some(ideal_ms) = self.ideal_ms(site, *order) else { continue };
            let made = good + scrap + rework + unknown;
            *losses.entry((*shift, "reduced_speed")).or_default() -= made * ideal_ms;
            for (loss, boards) in
                [("scrap", scrap), ("rework", rework), ("verdict_unknown", unknown)]
            {
                *losses.entry((*shift, loss)).or_default() += boards * ideal_ms;
            }
        }
        let mut lines = Lines::default();
        for (((day, of_shift, unit), loss), lost_ms) in losses {
            if lost_ms == 0 {
                continue;
            }
            let day = date(day).to_string();
            lines.push(&[
                ("production_day", Value::Text(&day)),
                ("shift", shift(site, of_shift)),
                ("unit", station(site, unit)),
                ("loss", Value::Text(loss)),
                ("lost_ms", Value::Whole(lost_ms)),
            ]);
        }
        lines.0
    }
}

/// The loss category of a stretch; `None` if no work was planned.
fn loss(stretch: &Stretch<'_>) -> Option<&'static str> {
    let is_minor = stretch.event.is_some_and(|event| event.state == MachineState::MinorStop);
    match stretch.category {
        Category::NoProductionPlanned | Category::PlannedStop => None,
        Category::Production => Some("reduced_speed"),
        Category::Setup => Some("setup"),
        Category::Delay if is_minor => Some("minor_stop"),
        Category::Delay => Some("breakdown"),
        Category::DownWithoutOrder => Some("no_order"),
        Category::Unknown => Some("unknown_time"),
    }
}
