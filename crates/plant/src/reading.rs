//! Temperature readings and the sensors they come from.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};

/// What tells one sensor from another: where it sits, and which make it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SensorId {
    pub plant: String,
    /// Lane within the plant, as the messages spell it.
    pub lane: String,
    /// Component type, such as `solder_paste_printer`.
    pub component: String,
    pub manufacturer: String,
}

/// The form people read and addresses carry: `Plant1.4.solder_paste_printer.manufact2`.
impl fmt::Display for SensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plant, lane, component, manufacturer } = self;
        write!(f, "{plant}.{lane}.{component}.{manufacturer}")
    }
}

/// Number of a sensor in the [`Sensors`] of this run of the program; not stable across runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SensorNumber(pub u32);

/// One temperature, taken at one moment by one sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub sensor: SensorNumber,
    /// When it was taken: microseconds since 1970 UTC.
    pub at_us: i64,
    /// Degrees Celsius.
    pub temp_c: f64,
}

/// Every sensor met so far, numbered in the order of meeting. A number never changes its sensor.
#[derive(Debug, Default)]
pub struct Sensors {
    ids: Vec<Arc<SensorId>>,
    numbers: HashMap<Arc<SensorId>, SensorNumber>,
}

/// The sensors shared by those who meet and those who show them.
pub type Registry = Arc<RwLock<Sensors>>;

impl Sensors {
    /// The number of a sensor, given anew if it was never met.
    pub fn register(&mut self, id: SensorId) -> SensorNumber {
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        // Four thousand million sensors are more than any plant has; the last number would repeat.
        let number = SensorNumber(u32::try_from(self.ids.len()).unwrap_or(u32::MAX));
        let id = Arc::new(id);
        self.ids.push(id.clone());
        self.numbers.insert(id, number);
        number
    }

    /// The number of a sensor that was met.
    pub fn number(&self, id: &SensorId) -> Option<SensorNumber> {
        self.numbers.get(id).copied()
    }

    /// Who has this number.
    pub fn id(&self, number: SensorNumber) -> Option<&Arc<SensorId>> {
        self.ids.get(number.0 as usize)
    }

    /// All sensors, by their numbers.
    pub fn ids(&self) -> &[Arc<SensorId>] {
        &self.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(lane: &str) -> SensorId {
        SensorId {
            plant: "Plant1".into(),
            lane: lane.into(),
            component: "label_printer".into(),
            manufacturer: "manufact2".into(),
        }
    }

    #[test]
    fn a_sensor_keeps_its_number() {
        let mut sensors = Sensors::default();
        let first = sensors.register(id("1"));
        let second = sensors.register(id("2"));
        assert_ne!(first, second);
        assert_eq!(sensors.register(id("1")), first);
        assert_eq!(sensors.number(&id("2")), Some(second));
        assert_eq!(sensors.id(second).map(|it| it.lane.as_str()), Some("2"));
        assert_eq!(sensors.ids()[0].to_string(), "Plant1.1.label_printer.manufact2");
    }
}
