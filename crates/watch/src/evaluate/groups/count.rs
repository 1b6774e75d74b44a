//! The number of sensors with a high reading within a window.

use plant::alarm::CountCondition;

/// The sensors of one alarm that counts.
#[derive(Debug)]
pub(super) struct CountGroup {
    pub alarm: u32,
    pub newest_us: i64,
    above_c: f64,
    window_us: i64,
    more_than: usize,
    sensors: Vec<u32>,
    /// Time of the last reading above the limit, by position.
    above_us: Vec<i64>,
}

impl CountGroup {
    pub fn new(alarm: u32, condition: &CountCondition) -> Self {
        Self {
            alarm,
            newest_us: i64::MIN,
            above_c: condition.above_c,
            window_us: condition.window_us,
            more_than: condition.more_than as usize,
            sensors: Vec::new(),
            above_us: Vec::new(),
        }
    }

    /// Adds a sensor and returns its position.
    pub fn add(&mut self, sensor: u32) -> u32 {
        self.sensors.push(sensor);
        self.above_us.push(i64::MIN);
        u32::try_from(self.sensors.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn take(&mut self, position: u32, temp_c: f64, at_us: i64) {
        if temp_c > self.above_c {
            let last_us = &mut self.above_us[position as usize];
            *last_us = at_us.max(*last_us);
        }
    }

    /// Number of sensors above the limit within the window that ends at `at_us`, and until when it stays
    /// greater than accepted; `None` if it is not.
    pub fn count(&self, at_us: i64) -> (usize, Option<i64>) {
        let begin_us = at_us.saturating_sub(self.window_us);
        let count = self.above_us.iter().filter(|above_us| **above_us > begin_us).count();
        let until_us = (count > self.more_than).then(|| self.ends_us()).flatten();
        (count, until_us)
    }

    /// When the count falls, or fell, to the accepted number if no reading above the limit follows; `None` if
    /// it never was greater.
    pub fn ends_us(&self) -> Option<i64> {
        let mut latest = self.above_us.clone();
        let (_, decisive, _) = match latest.len() > self.more_than {
            true => latest.select_nth_unstable_by(self.more_than, |a, b| b.cmp(a)),
            false => return None,
        };
        (*decisive != i64::MIN).then(|| decisive.saturating_add(self.window_us))
    }

    /// Takes over what another group of the same condition counted, by sensor.
    pub fn inherit(&mut self, old: &Self) {
        self.newest_us = old.newest_us;
        for (sensor, above_us) in old.sensors.iter().zip(&old.above_us) {
            if let Some(position) = self.sensors.iter().position(|it| it == sensor) {
                self.above_us[position] = *above_us;
            }
        }
    }

    /// Whether the same readings are counted as in another group.
    pub fn counts_alike(&self, other: &Self) -> bool {
        self.above_c.to_bits() == other.above_c.to_bits() && self.window_us == other.window_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::alarm::{GroupBy, SensorPattern};

    #[test]
    fn sensors_are_counted_within_the_window() {
        let condition = CountCondition {
            sensors: SensorPattern::any(),
            group_by: GroupBy::Component,
            above_c: 50.0,
            window_us: 100,
            more_than: 1,
        };
        let mut group = CountGroup::new(0, &condition);
        let [a, b, c] = [7, 8, 9].map(|sensor| group.add(sensor));
        group.take(a, 50.0, 10);
        group.take(b, 50.1, 20);
        assert_eq!(group.count(20), (1, None));
        group.take(c, 60.0, 30);
        group.take(c, 40.0, 40);
        assert_eq!(group.count(40), (2, Some(120)));
        assert_eq!(group.count(119), (2, Some(120)));
        assert_eq!(group.count(120), (1, None));
        group.take(a, 51.0, 50);
        assert_eq!(group.count(50), (3, Some(130)), "the second newest decides");
    }
}
