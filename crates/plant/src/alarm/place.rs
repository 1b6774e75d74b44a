//! Where an alarm belongs to.

use crate::equipment::Equipment;
use crate::reading::SensorId;

/// Location of the object of an alarm, as far as it is known: by it, alarms are filtered by the
/// scopes of a user, suppressed with their line, and routed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// As in messages, such as `Plant1`.
    pub plant: Option<String>,
    /// As in messages, such as `4`.
    pub lane: Option<String>,
    pub unit: Option<String>,
    pub line: Option<String>,
    pub area: Option<String>,
}

impl Place {
    /// The place of a sensor: its plant and lane, and the unit that has this lane.
    pub fn from_sensor(sensor: &SensorId, equipment: &Equipment) -> Self {
        let lane = format!("{}.{}", sensor.plant, sensor.lane);
        let unit = equipment.units.iter().find(|unit| unit.lanes.contains(&lane));
        Self {
            plant: Some(sensor.plant.clone()),
            lane: Some(sensor.lane.clone()),
            unit: unit.map(|unit| unit.name.clone()),
            line: unit.map(|unit| unit.line.clone()),
            area: unit.map(|unit| unit.area.clone()),
        }
    }

    /// The place of a unit, with its line and area. A name that is not a unit but a line or an area
    /// is the place of that; another name has no place.
    pub fn from_name(name: &str, equipment: &Equipment) -> Self {
        let own = |name: &str| Some(name.to_owned());
        let units = &equipment.units;
        if let Some(unit) = units.iter().find(|unit| unit.name == name) {
            return Self {
                unit: own(name),
                line: own(&unit.line),
                area: own(&unit.area),
                ..Self::default()
            };
        }
        if let Some(unit) = units.iter().find(|unit| unit.line == name) {
            return Self { line: own(name), area: own(&unit.area), ..Self::default() };
        }
        if units.iter().any(|unit| unit.area == name) {
            return Self { area: own(name), ..Self::default() };
        }
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::equipment::Unit;

    #[test]
    fn places_are_found_by_lane_unit_line_and_area() {
        let unit = Unit {
            name: "Oven 1".to_owned(),
            line: "SMT-1".to_owned(),
            area: "SMT".to_owned(),
            stations: Vec::new(),
            lanes: vec!["Plant1.4".to_owned()],
        };
        let equipment = Equipment { units: vec![unit], ..Equipment::default() };
        let sensor = SensorId {
            plant: "Plant1".to_owned(),
            lane: "4".to_owned(),
            component: "reflow_oven".to_owned(),
            manufacturer: "manufact1".to_owned(),
        };
        let place = Place::from_sensor(&sensor, &equipment);
        assert_eq!(place.unit.as_deref(), Some("Oven 1"));
        assert_eq!(Place::from_name("Oven 1", &equipment).line.as_deref(), Some("SMT-1"));
        let line = Place::from_name("SMT-1", &equipment);
        assert_eq!((line.unit, line.area.as_deref()), (None, Some("SMT")));
        assert_eq!(Place::from_name("SMT", &equipment).area.as_deref(), Some("SMT"));
        assert_eq!(Place::from_name("board_result", &equipment), Place::default());
    }
}
