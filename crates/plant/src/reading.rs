//! Temperature readings and the sensors they come from.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};

/// Identifies a sensor by its location and make.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SensorId {
    pub plant: String,
    /// Lane within the plant, as written in the messages.
    pub lane: String,
    /// Component type, such as `solder_paste_printer`.
    pub component: String,
    pub manufacturer: String,
}

/// The form shown to people and used in URLs: `Plant1.4.solder_paste_printer.manufact2`.
impl fmt::Display for SensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plant, lane, component, manufacturer } = self;
        write!(f, "{plant}.{lane}.{component}.{manufacturer}")
    }
}

/// Number of a sensor in the [`Sensors`] of this process; not stable across restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SensorNumber(pub u32);

/// One temperature measured by one sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub sensor: SensorNumber,
    /// Time of measurement: microseconds since 1970-01-01T00:00:00Z.
    pub at_us: i64,
    /// Degrees Celsius.
    pub temp_c: f64,
}

/// All known sensors, numbered in order of registration. The number of a sensor never changes.
#[derive(Debug, Default)]
pub struct Sensors {
    ids: Vec<Arc<SensorId>>,
    numbers: HashMap<Arc<SensorId>, SensorNumber>,
}

/// The sensors, shared by the threads that register them and those that display them.
pub type Registry = Arc<RwLock<Sensors>>;

impl Sensors {
    /// Returns the number of a sensor; registers the sensor if it is new.
    pub fn register(&mut self, id: SensorId) -> SensorNumber {
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        // No plant has 2^32 sensors; beyond that the last number would be shared.
        let number = SensorNumber(u32::try_from(self.ids.len()).unwrap_or(u32::MAX));
        let id = Arc::new(id);
        self.ids.push(id.clone());
        self.numbers.insert(id, number);
        number
    }

    /// The number of a registered sensor.
    pub fn number(&self, id: &SensorId) -> Option<SensorNumber> {
        self.numbers.get(id).copied()
    }

    /// The sensor with this number.
    pub fn id(&self, number: SensorNumber) -> Option<&Arc<SensorId>> {
        self.ids.get(number.0 as usize)
    }

    /// All sensors in order of their numbers.
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
