//! The last minutes of one sensor, kept so that any window of whole seconds can be asked exactly.
//!
//! A minute holds its readings one by one while they are few, and what each of its seconds comes to
//! once they are many. So a slow sensor costs 16 bytes a reading, a fast one a fixed number of bytes
//! a minute, and both answer a window that begins on a whole second as if every reading had been
//! kept. Readings may come in any order.

use crate::running_stats::RunningStats;
use crate::time::{MINUTE_US, SECOND_US, minute_of_us};
use std::collections::VecDeque;

/// Readings a minute keeps one by one; 128 of them take about as much room as 60 seconds' moments.
const SINGLE_READINGS: usize = 128;

/// The last minutes of one sensor.
#[derive(Debug, Clone, Default)]
pub struct SensorWindow {
    /// Oldest first; minutes without a reading are left out.
    minutes: VecDeque<Minute>,
}

#[derive(Debug, Clone)]
struct Minute {
    /// Minutes since 1970.
    number: i64,
    whole: RunningStats,
    detail: Detail,
}

#[derive(Debug, Clone)]
enum Detail {
    /// Microseconds into the minute, and degrees Celsius.
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

    /// Calls `take` with the time and the moments of each piece: a reading, or a second's readings
    /// at the second's begin.
    fn pieces(&self, mut take: impl FnMut(i64, RunningStats)) {
        let begin_us = self.begin_us();
        match &self.detail {
            Detail::Readings(readings) => {
                for (offset_us, temp_c) in readings {
                    take(begin_us + i64::from(*offset_us), RunningStats::from_value(*temp_c));
                }
            }
            Detail::Seconds(seconds) => {
                for (second, moments) in (0..).zip(seconds.iter()).filter(|it| !it.1.is_empty()) {
                    take(begin_us + second * SECOND_US, *moments);
                }
            }
        }
    }

    /// What the readings from `from_us` on come to.
    fn since(&self, from_us: i64) -> RunningStats {
        if self.begin_us() >= from_us {
            return self.whole;
        }
        let mut sum = RunningStats::default();
        self.pieces(|at_us, moments| {
            if at_us >= from_us {
                sum.merge(&moments);
            }
        });
        sum
    }

    /// Seconds from `from_us` on in which a reading was above `limit_c`.
    fn seconds_over(&self, limit_c: f64, from_us: i64) -> u32 {
        let mut over = [false; 60];
        self.pieces(|at_us, moments| {
            let second = usize::try_from((at_us - self.begin_us()) / SECOND_US).unwrap_or(0);
            over[second] |= at_us >= from_us && moments.max().is_some_and(|max| max > limit_c);
        });
        over.iter().map(|is_over| u32::from(*is_over)).sum()
    }
}

fn second_of(offset_us: u32) -> usize {
    (i64::from(offset_us) / SECOND_US) as usize
}

impl SensorWindow {
    /// Takes a reading in. Minutes before `first_minute` are given up; a reading of one of them
    /// changes nothing and is told by `false`.
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
        // Nearly always the newest one, so the search begins there.
        let after = self.minutes.iter().rev().take_while(|minute| minute.number > number).count();
        let place = self.minutes.len() - after;
        let is_there = place > 0 && self.minutes[place - 1].number == number;
        if is_there {
            return &mut self.minutes[place - 1];
        }
        self.minutes.insert(place, Minute::new(number));
        &mut self.minutes[place]
    }

    /// What the readings from `from_us` (a whole second) on come to.
    pub fn since(&self, from_us: i64) -> RunningStats {
        let mut sum = RunningStats::default();
        for minute in self.minutes.iter().filter(|it| it.begin_us() + MINUTE_US > from_us) {
            sum.merge(&minute.since(from_us));
        }
        sum
    }

    /// Seconds from `from_us` (a whole second) on in which a reading was above `limit_c`.
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

    /// How fast the temperature changes, in degrees Celsius a minute: the slope of the straight
    /// line that fits the readings from `from_us` on best. `None` if they are of one moment.
    pub fn rate_c_per_min(&self, from_us: i64) -> Option<f64> {
        let (mut weight, mut times, mut temps) = (0.0, 0.0, 0.0);
        let (mut products, mut squares) = (0.0, 0.0);
        for minute in self.minutes.iter().filter(|it| it.begin_us() + MINUTE_US > from_us) {
            minute.pieces(|at_us, moments| {
                let Some(mean) = moments.mean().filter(|_| at_us >= from_us) else { return };
                let count = moments.count() as f64;
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

    /// What the readings of each bucket of `width_us` come to: from `from_us` until before
    /// `until_us`, by begin of the bucket, counted from 1970; empty buckets are left out. Both ends
    /// are whole seconds and the width is a number of them.
    pub fn buckets(&self, from_us: i64, until_us: i64, width_us: i64) -> Vec<(i64, RunningStats)> {
        let mut found = std::collections::BTreeMap::<i64, RunningStats>::new();
        for minute in self.minutes.iter().filter(|it| it.begin_us() + MINUTE_US > from_us) {
            minute.pieces(|at_us, moments| {
                if (from_us..until_us).contains(&at_us) {
                    let begin_us = at_us.div_euclid(width_us) * width_us;
                    found.entry(begin_us).or_default().merge(&moments);
                }
            });
        }
        found.into_iter().collect()
    }

    /// Bytes this trail takes on the heap, about.
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
