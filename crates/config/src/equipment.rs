//! `[[line]]` and `[[unit]]` of `plant.toml`: the equipment, from the enterprise to the unit.

use super::toml_reader::TomlReader;
use plant::equipment::{Equipment, Unit};

/// The equipment of a plant.
pub fn read(reader: &mut TomlReader<'_, '_>) -> Equipment {
    let enterprise = reader.text("enterprise").unwrap_or_default();
    let site = reader.text("site").unwrap_or_default();
    let mut areas: Vec<(String, String)> = Vec::new();
    for mut table in reader.tables("line") {
        let name = table.required("name", "Give the line its name.");
        let area = table.text("area").unwrap_or_default();
        table.finish();
        areas.extend(name.map(|name| (name, area)));
    }
    let mut units = Vec::new();
    for mut table in reader.tables("unit") {
        let name = table.required("name", "Give the unit its name.");
        let line = table.text("line").unwrap_or_default();
        let stations = table.texts("stations").unwrap_or_default();
        let lanes = table.texts("lanes").unwrap_or_default();
        let area = areas.iter().find(|(name, _)| *name == line).map(|(_, area)| area.clone());
        if area.is_none() && !line.is_empty() {
            let remedy = "Name one of the lines, or add a [[line]].";
            table.note("line", format!("there is no line `{line}`"), remedy);
        }
        table.finish();
        let area = area.unwrap_or_default();
        units.extend(name.map(|name| Unit { name, line, area, stations, lanes }));
    }
    let equipment = Equipment { enterprise, site, units };
    for name in equipment.duplicate_names() {
        let remedy = "Keep it at one unit; a record could not be told to be of either.";
        reader.note("unit", format!("{name} stands twice"), remedy);
    }
    equipment
}
