//! The equipment hierarchy of a plant (ISA-95): enterprise, site, area, line, unit.

use std::collections::BTreeSet;

/// The units of a plant and the names by which its systems refer to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Equipment {
    pub enterprise: String,
    pub site: String,
    pub units: Vec<Unit>,
}

/// A machine, or a group of machines operated as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    pub name: String,
    pub line: String,
    pub area: String,
    /// Stations of the MES that belong to this unit.
    pub stations: Vec<String>,
    /// Sensors on this unit, as plant and lane, such as `Plant1.4`.
    pub lanes: Vec<String>,
}

impl Equipment {
    /// Units, stations and lanes that are listed more than once, which makes records ambiguous.
    pub fn duplicate_names(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut duplicates = Vec::new();
        for unit in &self.units {
            let stations = unit.stations.iter().map(|it| ("station", it));
            let lanes = unit.lanes.iter().map(|it| ("lane", it));
            for (kind, name) in [("unit", &unit.name)].into_iter().chain(stations).chain(lanes) {
                if !seen.insert((kind, name)) {
                    duplicates.push(format!("{kind} {name}"));
                }
            }
        }
        duplicates
    }
}
