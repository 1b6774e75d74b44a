//! The equipment of a plant, as ISA-95 orders it: enterprise, site, area, line, unit.

use std::collections::BTreeSet;

/// What stands where, and by which names the plant's systems call it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Equipment {
    pub enterprise: String,
    pub site: String,
    pub units: Vec<Unit>,
}

/// A machine, or a group of machines that is run as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    pub name: String,
    pub line: String,
    pub area: String,
    /// Stations of the MES that are this unit.
    pub stations: Vec<String>,
    /// Sensors on it, as plant and lane, such as `Plant1.4`.
    pub lanes: Vec<String>,
}

impl Equipment {
    /// Units, stations and lanes that are named twice, so that a record could be of either.
    pub fn duplicate_names(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut twice = Vec::new();
        for unit in &self.units {
            let stations = unit.stations.iter().map(|it| ("station", it));
            let lanes = unit.lanes.iter().map(|it| ("lane", it));
            for (kind, name) in [("unit", &unit.name)].into_iter().chain(stations).chain(lanes) {
                if !seen.insert((kind, name)) {
                    twice.push(format!("{kind} {name}"));
                }
            }
        }
        twice
    }
}
