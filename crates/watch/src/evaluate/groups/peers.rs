//! Sensors of the same component of a plant, which are compared with each other.

use plant::time::MINUTE_US;

/// The value of a sensor whose last reading is older than this, relative to the newest of the group, does
/// not count: the sensor may be silent.
const FRESH_US: i64 = MINUTE_US;

/// The last temperatures of like sensors.
#[derive(Debug, Default)]
pub(super) struct Peers {
    sensors: Vec<u32>,
    /// Time and temperature, by position.
    latest: Vec<(i64, f64)>,
    newest_us: i64,
}

impl Peers {
    pub fn add(&mut self, sensor: u32) {
        if let Err(position) = self.sensors.binary_search(&sensor) {
            self.sensors.insert(position, sensor);
            self.latest.insert(position, (i64::MIN, 0.0));
        }
    }

    pub fn take(&mut self, sensor: u32, at_us: i64, temp_c: f64) {
        if let Ok(position) = self.sensors.binary_search(&sensor) {
            self.latest[position] = (at_us, temp_c);
            self.newest_us = self.newest_us.max(at_us);
        }
    }

    /// Whether a sensor is in both groups, which are then of the same component.
    pub fn has_sensor_of(&self, other: &Self) -> bool {
        other.sensors.first().is_some_and(|sensor| self.sensors.binary_search(sensor).is_ok())
    }

    /// Takes over the temperatures of the same group before the rules changed.
    pub fn inherit(&mut self, old: &Self) {
        for (sensor, (at_us, temp_c)) in old.sensors.iter().zip(&old.latest) {
            self.take(*sensor, *at_us, *temp_c);
        }
    }

    /// Median of the temperatures that are not too old, and their number.
    pub fn median(&self) -> (f64, usize) {
        let from_us = self.newest_us.saturating_sub(FRESH_US);
        let fresh = self.latest.iter().filter(|(at_us, _)| *at_us >= from_us);
        let mut temps: Vec<f64> = fresh.map(|(_, temp_c)| *temp_c).collect();
        temps.sort_by(f64::total_cmp);
        let middle = temps.len() / 2;
        let median = match temps.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => temps[middle],
            _ => f64::midpoint(temps[middle - 1], temps[middle]),
        };
        (median, temps.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_fresh_values() {
        let mut peers = Peers::default();
        [5, 1, 3].into_iter().for_each(|sensor| peers.add(sensor));
        assert_eq!(peers.median().1, 0);
        peers.take(5, 1_000_000, 40.0);
        peers.take(1, 1_000_000, 44.0);
        assert_eq!(peers.median(), (42.0, 2));
        peers.take(3, 90_000_000, 60.0);
        assert_eq!(peers.median(), (60.0, 1), "the others are silent");
    }
}
