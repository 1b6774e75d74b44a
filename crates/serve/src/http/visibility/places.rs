//! The scope of a place, by which alarms are visible and may be acted on.

use super::unit_scope;
use access::Scope;
use plant::alarm::Place;
use plant::equipment::{Equipment, Unit};
use std::collections::BTreeSet;

/// The narrowest scope that contains a place. A place that names no equipment, or equipment of several
/// scopes, is the whole plant.
pub fn find_scope(place: &Place, equipment: &Equipment) -> Scope {
    let mut scopes = match finest(place) {
        Finest::None => return Scope::Plant,
        Finest::Unit | Finest::Line => scopes_of(place, equipment, unit_scope),
        Finest::Area => scopes_of(place, equipment, area_scope),
    };
    match scopes.len() {
        1 => scopes.pop_first().unwrap_or(Scope::Plant),
        _ => Scope::Plant,
    }
}

/// The finest equipment that a place names.
enum Finest {
    Unit,
    Line,
    Area,
    None,
}

fn finest(place: &Place) -> Finest {
    if named(&place.unit).is_some() || lane(place).is_some() {
        return Finest::Unit;
    }
    match (named(&place.line), named(&place.area)) {
        (Some(_), _) => Finest::Line,
        (None, Some(_)) => Finest::Area,
        (None, None) => Finest::None,
    }
}

/// The scopes of the units to which all names of a place apply.
fn scopes_of(place: &Place, equipment: &Equipment, scope: fn(&Unit) -> Scope) -> BTreeSet<Scope> {
    let units = equipment.units.iter().filter(|unit| is_at(unit, place));
    units.map(scope).collect()
}

fn is_at(unit: &Unit, place: &Place) -> bool {
    named(&place.unit).is_none_or(|name| unit.name == name)
        && lane(place).is_none_or(|lane| unit.lanes.contains(&lane))
        && named(&place.line).is_none_or(|line| unit.line == line)
        && named(&place.area).is_none_or(|area| unit.area == area)
}

fn area_scope(unit: &Unit) -> Scope {
    Scope::Area(unit.area.clone())
}

fn named(part: &Option<String>) -> Option<&str> {
    part.as_deref().filter(|name| !name.is_empty())
}

/// Plant and lane, such as `Plant1.4`.
fn lane(place: &Place) -> Option<String> {
    Some(format!("{}.{}", named(&place.plant)?, named(&place.lane)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equipment() -> Equipment {
        let unit = |name: &str, area: &str, line: &str, lane: &str| Unit {
            name: name.into(),
            line: line.into(),
            area: area.into(),
            stations: Vec::new(),
            lanes: vec![lane.into()],
        };
        let units = vec![
            unit("printer", "SMT", "1", "Plant1.1"),
            unit("oven", "SMT", "1", "Plant1.10"),
            unit("mounter", "SMT", "2", "Plant1.2"),
            unit("tester", "", "3", "Plant1.3"),
            unit("store", "", "", "Plant1.4"),
        ];
        Equipment { units, ..Equipment::default() }
    }

    fn check(parts: [&str; 5], expected: &str) {
        let [plant, lane, unit, line, area] =
            parts.map(|part| Some(part.to_owned()).filter(|it| it != "-"));
        let place = Place { plant, lane, unit, line, area };
        assert_eq!(find_scope(&place, &equipment()).to_string(), expected, "{parts:?}");
    }

    #[test]
    fn the_finest_equipment_decides() {
        check(["-", "-", "printer", "-", "-"], "line:SMT/1");
        check(["Plant1", "10", "oven", "1", "SMT"], "line:SMT/1");
        check(["Plant1", "2", "-", "-", "-"], "line:SMT/2");
        check(["-", "-", "-", "1", "SMT"], "line:SMT/1");
        check(["-", "-", "-", "2", "-"], "line:SMT/2");
        check(["-", "-", "-", "-", "SMT"], "area:SMT");
        check(["-", "-", "-", "", "SMT"], "area:SMT");
    }

    #[test]
    fn everything_else_is_the_whole_plant() {
        for parts in [
            ["-", "-", "-", "-", "-"],
            ["Plant1", "-", "-", "-", "-"],
            ["Plant1", "9", "-", "-", "-"],
            ["-", "-", "unknown", "1", "SMT"],
            ["-", "-", "printer", "2", "SMT"],
            ["Plant1", "2", "printer", "-", "-"],
            ["-", "-", "tester", "3", ""],
            ["-", "-", "store", "", ""],
            ["-", "-", "-", "-", "gone"],
        ] {
            check(parts, "plant");
        }
    }
}
