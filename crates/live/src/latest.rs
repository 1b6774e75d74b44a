//! The last reading of every sensor, with the number of the change it arrived with.

use super::newest_of;
use plant::reading::Reading;
use std::collections::VecDeque;

/// Changes of slots in the log, so that a frame reads only the slots that changed and not every sensor.
/// Enough for some seconds of a busy plant.
const CHANGES_MAX: usize = 65_536;

/// The newest reading of a sensor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slot {
    pub at_us: i64,
    pub temp_c: f64,
    /// Number of the change that set it; 0 before the first reading.
    pub change: u64,
}

/// The last value of every sensor, by its number. A viewer that has received change `n` lacks exactly
/// the slots with a greater number, so that number is its whole state.
#[derive(Debug, Default)]
pub struct Latest {
    slots: Vec<Slot>,
    change: u64,
    newest: Option<Newest>,
    /// The slots that changed last, oldest first: number of the change, number of the sensor.
    recent: VecDeque<(u64, u32)>,
    /// The newest change that was removed from `recent`.
    evicted: u64,
}

/// The newest event time, and the wall clock at its arrival (`None` for one from the lake).
#[derive(Debug, Clone, Copy)]
struct Newest {
    at_us: i64,
    arrived_us: Option<i64>,
}

impl Latest {
    /// Records readings that arrived at `now_us`.
    pub fn take(&mut self, readings: &[Reading], now_us: i64) {
        self.put(readings);
        let newest_us = newest_of(readings, now_us);
        let before_us = self.newest.map(|newest| newest.at_us);
        let is_first = self.newest.is_none_or(|newest| newest.arrived_us.is_none());
        if let Some(at_us) = newest_us.filter(|_| is_first || newest_us > before_us) {
            let at_us = before_us.map_or(at_us, |before_us| before_us.max(at_us));
            self.newest = Some(Newest { at_us, arrived_us: Some(now_us) });
        }
    }

    /// Records readings of the lake. Their time of arrival is unknown, so the event time does not advance
    /// before the first reading of the stream.
    pub fn restore(&mut self, readings: &[Reading], now_us: i64) {
        self.put(readings);
        let newest_us = newest_of(readings, now_us);
        let is_newer = |at_us: &i64| self.newest.is_none_or(|newest| *at_us > newest.at_us);
        if let Some(at_us) = newest_us.filter(is_newer) {
            let arrived_us = self.newest.and(Some(now_us));
            self.newest = Some(Newest { at_us, arrived_us });
        }
    }

    fn put(&mut self, readings: &[Reading]) {
        self.change += 1;
        for reading in readings {
            let index = reading.sensor.0 as usize;
            if index >= self.slots.len() {
                self.slots.resize(index + 1, Slot::default());
            }
            let slot = &mut self.slots[index];
            if slot.change == 0 || reading.at_us >= slot.at_us {
                let (at_us, temp_c) = (reading.at_us, reading.temp_c);
                *slot = Slot { at_us, temp_c, change: self.change };
                if self.recent.len() >= CHANGES_MAX {
                    self.evicted = self.recent.pop_front().map_or(0, |(change, _)| change);
                }
                self.recent.push_back((self.change, reading.sensor.0));
            }
        }
    }

    /// Numbers of the sensors that changed after change `after`, ascending; `None` if the log does not
    /// reach back that far.
    pub fn changed_since(&self, after: u64) -> Option<Vec<u32>> {
        if after < self.evicted {
            return None;
        }
        let newer = self.recent.iter().rev().take_while(|(change, _)| *change > after);
        let mut numbers: Vec<u32> = newer.map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }

    /// Counts a change without a new value, such as a sensor that became silent.
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

    /// Event time at the wall clock time `now_us`: the watermark plus the time since it last advanced.
    pub fn event_us(&self, now_us: i64) -> i64 {
        let Some(newest) = self.newest else { return now_us };
        let since_us = newest.arrived_us.map_or(0, |arrived_us| (now_us - arrived_us).max(0));
        newest.at_us + since_us
    }

    /// Newest event time, and its delay at arrival.
    pub fn newest(&self) -> (Option<i64>, Option<i64>) {
        let delay = |newest: Newest| newest.arrived_us.map(|arrived_us| arrived_us - newest.at_us);
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
    fn the_newest_reading_by_event_time_is_kept() {
        let mut latest = Latest::default();
        latest.take(&[reading(1, 20, 50.0), reading(1, 10, 99.0)], 1_000);
        latest.take(&[reading(1, 15, 98.0), reading(0, 18, 40.0)], 1_100);
        assert_eq!((latest.slot(1).temp_c, latest.slot(1).change), (50.0, 1));
        assert_eq!((latest.slot(0).temp_c, latest.slot(0).change), (40.0, 2));
        assert_eq!((latest.slot(7).change, latest.change()), (0, 2));
    }

    #[test]
    fn the_log_contains_the_latest_changes() {
        let mut latest = Latest::default();
        latest.take(&[reading(3, 10, 1.0), reading(1, 10, 1.0)], 1_000);
        latest.take(&[reading(1, 20, 2.0), reading(2, 5, 2.0), reading(3, 5, 2.0)], 1_000);
        assert_eq!(latest.changed_since(0), Some(vec![1, 2, 3]));
        assert_eq!(latest.changed_since(1), Some(vec![1, 2]));
        assert_eq!(latest.changed_since(2), Some(vec![]));
        for at_us in 0..i64::try_from(CHANGES_MAX).unwrap() {
            latest.take(&[reading(0, at_us, 3.0)], 1_000);
        }
        assert_eq!(latest.changed_since(1), None);
        assert_eq!(latest.changed_since(2), Some(vec![0]));
    }

    #[test]
    fn event_time_advances_while_no_reading_arrives() {
        let mut latest = Latest::default();
        assert_eq!(latest.event_us(500), 500);
        latest.restore(&[reading(0, 100, 40.0)], 500);
        assert_eq!((latest.event_us(500), latest.newest()), (100, (Some(100), None)));
        latest.take(&[reading(0, 90, 40.0)], 600);
        assert_eq!((latest.event_us(650), latest.newest()), (150, (Some(100), Some(500))));
        latest.take(&[reading(0, 80, 40.0)], 900);
        assert_eq!(latest.event_us(950), 450, "an old reading does not hold it back");
    }
}
