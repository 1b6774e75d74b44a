//! The components of the simulated plants and their sensors.

use super::ThermalBody;
use super::random::{StreamPurpose, generator};
use crate::reading::SensorId;
use rand::RngExt as _;

/// Number of plants that share a topic, named `Plant1` and so on.
pub const PLANTS: usize = 5;

/// Lanes of a plant in the reference data.
const LANES: usize = 8;

/// Location and make of a component: lane, type, manufacturers. Where there are two manufacturers,
/// plants alternate.
type Place = (usize, Kind, [u8; 2]);

/// The components of a plant by lane.
const PLACES: [Place; 13] = [
    (1, Kind::LabelPrinter, [1, 1]),
    (1, Kind::SolderPastePrinter, [2, 2]),
    (2, Kind::LabelPrinter, [1, 3]),
    (2, Kind::SolderPastePrinter, [2, 2]),
    (3, Kind::LabelPrinter, [3, 3]),
    (3, Kind::OpticalInspectionModule, [2, 2]),
    (3, Kind::SolderPastePrinter, [1, 1]),
    (4, Kind::OpticalInspectionModule, [2, 2]),
    (4, Kind::SolderPastePrinter, [1, 1]),
    (5, Kind::OpticalInspectionModule, [2, 3]),
    (6, Kind::OpticalInspectionModule, [3, 2]),
    (7, Kind::OpticalInspectionModule, [3, 3]),
    (8, Kind::OpticalInspectionModule, [3, 3]),
];

/// Number of sensors in the reference data.
pub const REFERENCE_SENSORS: usize = PLANTS * PLACES.len();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    SolderPastePrinter,
    LabelPrinter,
    OpticalInspectionModule,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::SolderPastePrinter => "solder_paste_printer",
            Self::LabelPrinter => "label_printer",
            Self::OpticalInspectionModule => "optical_inspection_module",
        }
    }

    /// Temperature of a busy component of this type above the hall, in degC.
    const fn rise_c(self) -> f64 {
        match self {
            Self::SolderPastePrinter => 16.0,
            Self::LabelPrinter => 10.0,
            Self::OpticalInspectionModule => 21.0,
        }
    }
}

/// A sensor of the simulated plants.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    pub id: SensorId,
    /// Its number, from 0.
    pub number: u64,
    /// Number of its gateway: one per lane and plant.
    pub gateway: u64,
    pub body: ThermalBody,
}

/// Creates sensors; the first [`REFERENCE_SENSORS`] are those of the reference data. Plants
/// alternate, so that a few sensors cover all plants; sensors beyond the reference are on lanes
/// from 9 on.
pub fn sensors(count: usize, seed: u64) -> Vec<Sensor> {
    (0..count).map(|number| sensor(number, seed)).collect()
}

fn sensor(number: usize, seed: u64) -> Sensor {
    let plant = number % PLANTS;
    let place = number / PLANTS;
    let (lane, kind, makers) = PLACES[place % PLACES.len()];
    let lane = lane + place / PLACES.len() * LANES;
    let number = number as u64;
    let mut rng = generator(seed, StreamPurpose::Build, number, 0);
    Sensor {
        id: SensorId {
            plant: format!("Plant{}", plant + 1),
            lane: lane.to_string(),
            component: kind.name().to_owned(),
            manufacturer: format!("manufact{}", makers[plant % 2]),
        },
        number,
        gateway: (plant + lane * PLANTS) as u64,
        body: ThermalBody {
            rise_c: kind.rise_c() * rng.random_range(0.85..1.15),
            kept_share: rng.random_range(0.88..0.94),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_reference_has_13_lane_components_in_each_of_5_plants() {
        let sensors = sensors(REFERENCE_SENSORS, 1);
        let ids: BTreeSet<String> = sensors.iter().map(|it| it.id.to_string()).collect();
        assert_eq!(ids.len(), 65);
        let distinct = |part: fn(&SensorId) -> &str| {
            sensors.iter().map(|it| part(&it.id).to_owned()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(distinct(|id| &id.plant), 5);
        assert_eq!(distinct(|id| &id.lane), 8);
        assert_eq!(distinct(|id| &id.component), 3);
        assert_eq!(distinct(|id| &id.manufacturer), 3);
        assert!(ids.contains("Plant1.1.solder_paste_printer.manufact2"));
    }

    #[test]
    fn any_number_of_sensors_is_distinct() {
        let many = sensors(10_000, 1);
        let ids: BTreeSet<String> = many.iter().map(|it| it.id.to_string()).collect();
        assert_eq!(ids.len(), 10_000);
        assert_eq!(many[..65], sensors(65, 1));
    }
}
