//! The last minutes of one sensor, stored so that every window of whole seconds is exact.
//!
//! A minute stores its readings one by one while there are few, and statistics per second once
//! there are many. A slow sensor costs 16 bytes per reading, a fast one a fixed number of bytes per
//! minute; both give the same result as if every reading were stored, for windows that begin on a
//! whole second. Readings may arrive in any order.

use crate::running_stats::RunningStats;
use crate::time::{MINUTE_US, SECOND_US, minute_of_us};
use std::collections::VecDeque;

/// Readings stored one by one per minute; 128 of them take about as much memory as the statistics
/// of 60 seconds.
const SINGLE_READINGS: usize = 128;

/// The last minutes of one sensor.
#[derive(Debug, Clone, Default)]
pub struct SensorWindow {
    /// Oldest first; minutes without a reading are omitted.
    minutes: VecDeque<Minute>,
}

#[derive(Debug, Clone)]
struct Minute {
    /// Minutes since 1970-01-01T00:00:00Z.
    number: i64,
    whole: RunningStats,
    detail: Detail,
}

#[derive(Debug, Clone)]
enum Detail {
    /// Microseconds since the start of the minute, and degrees Celsius.
    Readings(Vec<(u32, f64)>),
    Seconds(Box<[RunningStats; 60]>),
}

impl Minute {
    fn new(number: i64) -> Self {
        Self { number, whole: RunningStats::default(), detail: Detail::Readings(Vec::new()) }
    }

    fn add(&mut self, offset_us: u32, temp_c: f64) {
        self.whole.add(temp_c);
        match &mut self.detail {
            Detail::Readings(readings) if readings.len() < SINGLE_READINGS => {
                readings.push((offset_us, temp_c));
            }
            Detail::Readings(readings) => {
                let mut seconds = Box::new([RunningStats::default(); 60]);
                for (offset_us, temp_c) in readings.iter().chain([&(offset_us, temp_c)]) {
                    seconds[second_of(*offset_us)].add(*temp_c);
                }
                self.detail = Detail::Seconds(seconds);
            }
            Detail::Seconds(seconds) => seconds[second_of(offset_us)].add(temp_c),
        }
    }

    fn begin_us(&self) -> i64 {
        self.number * MINUTE_US
    }

    /// Calls `take` with the time and the statistics of each piece: a single reading, or the
    /// readings of one second at the start of that second.
    fn pieces(&self, mut take: impl FnMut(i64, RunningStats)) {
        let begin_us = self.begin_us();
        match &self.detail {
            Detail::Readings(readings) => {
                for (offset_us, temp_c) in readings {
                    take(begin_us + i64::from(*offset_us), RunningStats::from_value(*temp_c));
                }
            }
            Detail::Seconds(seconds) => {
                for (second, stats) in (0..).zip(seconds.iter()).filter(|it| !it.1.is_empty()) {
                    take(begin_us + second * SECOND_US, *stats);
                }
            }
        }
    }

    /// Statistics of the readings at or after `from_us`.
    fn since(&self, from_us: i64) -> RunningStats {
        if self.begin_us() >= from_us {
            return self.whole;
        }
        let mut sum = RunningStats::default();
        self.pieces(|at_us, stats| {
            if at_us >= from_us {
                sum.merge(&stats);
            }
        });
        sum
    }

    /// Number of seconds at or after `from_us` with a reading above `limit_c`.
    fn seconds_over(&self, limit_c: f64, from_us: i64) -> u32 {
        let mut over = [false; 60];
        self.pieces(|at_us, stats| {
            let second = usize::try_from((at_us - self.begin_us()) / SECOND_US).unwrap_or(0);
            over[second] |= at_us >= from_us && stats.max().is_some_and(|max| max > limit_c);
        });
        over.iter().map(|is_over| u32::from(*is_over)).sum()
    }
}

fn second_of(offset_us: u32) -> usize {
    (i64::from(offset_us) / SECOND_US) as usize
}

impl SensorWindow {
    /// Adds a reading and drops minutes before `first_minute`. Returns `false`, without effect, for
    /// a reading before `first_minute`.
    pub fn add(&mut self, at_us: i64, temp_c: f64, first_minute: i64) -> bool {
        let number = minute_of_us(at_us);
        if number < first_minute {
            return false;
        }
        while self.minutes.front().is_some_and(|minute| minute.number < first_minute) {
            self.minutes.pop_front();
        }
        let offset_us = u32::try_from(at_us.rem_euclid(MINUTE_US)).unwrap_or(0);
        self.minute(number).add(offset_us, temp_c);
        true
    }

    fn minute(&mut self, number: i64) -> &mut Minute {
        // A reading nearly always belongs to the newest minute, so the search begins there.
        let after = self.minutes.iter().rev().take_while(|minute| minute.number > number).count();
        let place = self.minutes.len() - after;
        let is_there = place > 0 && self.minutes[place - 1].number == number;
        if is_there {
            return &mut self.minutes[place - 1];
        }
        self.minutes.insert(place, Minute::new(number));
        &mut self.minutes[place]
    }

    /// Statistics of the readings at or after `from_us` (a whole second).
    pub fn since(&self, from_us: i64) -> RunningStats {
        let mut sum = RunningStats::default();
        for minute in self.minutes.iter().filter(|it| it.begin_us() + MINUTE_US > from_us) {
            sum.merge(&minute.since(from_us));
        }
        sum
    }

    /// Number of seconds at or after `from_us` (a whole second) with a reading above `limit_c`.
    pub fn seconds_over(&self, limit_c: f64, from_us: i64) -> u32 {
        let mut seconds = 0;
        for minute in self.minutes.iter().filter(|it| it.begin_us() + MINUTE_US > from_us) {
            if minute.whole.max().is_none_or(|max| max <= limit_c) {
                continue;
            }
            seconds += minute.seconds_over(limit_c, from_us);
        }
        seconds
    }

    /// Rate of change in degrees Celsius per minute: the slope of the least-squares line through
    /// the readings at or after `from_us`. `None` if all of them have the same time.
    pub fn rate_c_per_min(&self, from_us: i64) -> Option<f64> {
        let (mut weight, mut times, mut temps) = (0.0, 0.0, 0.0);
        let (mut products, mut squares) = (0.0, 0.0);
        for minute in self.minutes.iter().filter(|it| it.begin_us() + MINUTE_US > from_us) {
            minute.pieces(|at_us, stats| {
                let Some(mean) = stats.mean().filter(|_| at_us >= from_us) else { return };
                let count = stats.count() as f64;
                let at_min = (at_us - from_us) as f64 / MINUTE_US as f64;
                weight += count;
                times += count * at_min;
                temps += count * mean;
                products += count * at_min * mean;
                squares += count * at_min * at_min;
            });
        }
        let over = weight * squares - times * times;
        (over > 1e-9).then(|| (weight * products - times * temps) / over)
    }

    /// Statistics of the readings in each bucket of `width_us` from `from_us` until before
    /// `until_us`, by the start of the bucket; buckets are aligned to 1970-01-01T00:00:00Z and
    /// empty ones are omitted. Both limits and the width are whole seconds.
    pub fn buckets(&self, from_us: i64, until_us: i64, width_us: i64) -> Vec<(i64, RunningStats)> {
        let mut found = std::collections::BTreeMap::<i64, RunningStats>::new();
        for minute in self.minutes.iter().filter(|it| it.begin_us() + MINUTE_US > from_us) {
            minute.pieces(|at_us, stats| {
                if (from_us..until_us).contains(&at_us) {
                    let begin_us = at_us.div_euclid(width_us) * width_us;
                    found.entry(begin_us).or_default().merge(&stats);
                }
            });
        }
        found.into_iter().collect()
    }

    /// Approximate heap size of this window in bytes.
    pub fn size_bytes(&self) -> usize {
        let detail = |minute: &Minute| match &minute.detail {
            Detail::Readings(readings) => readings.capacity() * size_of::<(u32, f64)>(),
            Detail::Seconds(seconds) => size_of_val(&**seconds),
        };
        self.minutes.capacity() * size_of::<Minute>()
            + self.minutes.iter().map(detail).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
