//! What every sensor said last, with the number of the change it came with.

use plant::reading::Reading;

/// The newest reading of a sensor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slot {
    pub at_us: i64,
    pub temp_c: f64,
    /// Number of the change that brought it; 0 before the first reading.
    pub change: u64,
}

/// The last value of every sensor, by its number. A viewer that has seen change `n` lacks exactly
/// the slots with a greater number, so it needs to remember nothing else.
#[derive(Debug, Default)]
pub struct Latest {
    slots: Vec<Slot>,
    change: u64,
    newest: Option<Newest>,
}

/// The newest event time, and the wall clock when it came (`None` for one from the lake).
#[derive(Debug, Clone, Copy)]
struct Newest {
    at_us: i64,
    came_us: Option<i64>,
}

impl Latest {
    pub fn take(&mut self, readings: &[Reading], now_us: i64) {
        self.put(readings, Some(now_us));
    }

    pub fn restore(&mut self, readings: &[Reading]) {
        self.put(readings, None);
    }

    fn put(&mut self, readings: &[Reading], came_us: Option<i64>) {
        self.change += 1;
        for reading in readings {
            let place = reading.sensor.0 as usize;
            if place >= self.slots.len() {
                self.slots.resize(place + 1, Slot::default());
            }
            let slot = &mut self.slots[place];
            if slot.change == 0 || reading.at_us >= slot.at_us {
                let (at_us, temp_c) = (reading.at_us, reading.temp_c);
                *slot = Slot { at_us, temp_c, change: self.change };
            }
        }
        let newest_us = readings.iter().map(|reading| reading.at_us).max();
        let Some(at_us) = newest_us else { return };
        if self.newest.is_none_or(|newest| at_us > newest.at_us || newest.came_us.is_none()) {
            let at_us = self.newest.map_or(at_us, |newest| at_us.max(newest.at_us));
            self.newest = Some(Newest { at_us, came_us });
        }
    }

    /// Counts a change that touches no slot, such as a sensor that fell silent.
    pub fn count_change(&mut self) {
        self.change += 1;
    }

    /// Number of the newest change.
    pub fn change(&self) -> u64 {
        self.change
    }

    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub fn slot(&self, number: u32) -> Slot {
        self.slots.get(number as usize).copied().unwrap_or_default()
    }

    /// Event time at the wall clock's `now_us`: the watermark, moved on since it last moved.
    pub fn event_us(&self, now_us: i64) -> i64 {
        let Some(newest) = self.newest else { return now_us };
        let since_us = newest.came_us.map_or(0, |came_us| (now_us - came_us).max(0));
        newest.at_us + since_us
    }

    /// Newest event time, and how far behind the clock it came.
    pub fn newest(&self) -> (Option<i64>, Option<i64>) {
        let delay = |newest: Newest| newest.came_us.map(|came_us| came_us - newest.at_us);
        (self.newest.map(|newest| newest.at_us), self.newest.and_then(delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::reading::SensorNumber;

    fn reading(sensor: u32, at_us: i64, temp_c: f64) -> Reading {
        Reading { sensor: SensorNumber(sensor), at_us, temp_c }
    }

    #[test]
    fn the_newest_reading_by_event_time_stands() {
        let mut latest = Latest::default();
        latest.take(&[reading(1, 20, 50.0), reading(1, 10, 99.0)], 1_000);
        latest.take(&[reading(1, 15, 98.0), reading(0, 18, 40.0)], 1_100);
        assert_eq!((latest.slot(1).temp_c, latest.slot(1).change), (50.0, 1));
        assert_eq!((latest.slot(0).temp_c, latest.slot(0).change), (40.0, 2));
        assert_eq!((latest.slot(7).change, latest.change()), (0, 2));
    }

    #[test]
    fn event_time_goes_on_while_nothing_comes() {
        let mut latest = Latest::default();
        assert_eq!(latest.event_us(500), 500);
        latest.restore(&[reading(0, 100, 40.0)]);
        assert_eq!((latest.event_us(500), latest.newest()), (100, (Some(100), None)));
        latest.take(&[reading(0, 90, 40.0)], 600);
        assert_eq!((latest.event_us(650), latest.newest()), (150, (Some(100), Some(500))));
        latest.take(&[reading(0, 80, 40.0)], 900);
        assert_eq!(latest.event_us(950), 450, "an old reading does not hold it back");
    }
}
