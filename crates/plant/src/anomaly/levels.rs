//! The level of a sensor over minutes and hours.
//!
//! Readings are averaged in buckets of a minute, or longer ones for a sensor with a longer
//! interval. From the averages follow the daily cycle, the change over the last buckets, and the
//! difference of the last half hour from the last hours.

use super::profile::DailyProfile;
use crate::time::MINUTE_US;

/// Widths of buckets in minutes.
const WIDTHS_MIN: [i64; 7] = [1, 2, 5, 10, 15, 30, 60];

/// Buckets over which the change is computed.
const RING: usize = 5;

/// Time constants of the fast and of the slow level, in minutes.
const FAST_MIN: f64 = 30.0;
const SLOW_MIN: f64 = 8.0 * 60.0;

/// After more buckets without a reading, or a step back of the clock, the change is unknown.
const GAP_BUCKETS: i64 = 3;

/// The level of a sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    profile: DailyProfile,
    /// The running bucket since 1970, its width and its readings.
    bucket: i64,
    width_us: i64,
    sum: f64,
    count: u32,
    /// The last averages without the daily cycle, newest last, and the medians of three of them.
    raw: [f64; 3],
    ring: [f64; RING],
    known: u8,
    /// Levels over half an hour and over hours; not a number while unknown.
    fast: f64,
    slow: f64,
}

/// What a complete bucket shows, without the daily cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// Change per minute, `None` after a gap.
    pub per_min: Option<f64>,
    /// Difference of the last half hour from the last hours.
    pub off: f64,
}

impl Levels {
    pub const fn new() -> Self {
        Self {
            profile: DailyProfile::new(),
            bucket: i64::MIN,
            width_us: MINUTE_US,
            sum: 0.0,
            count: 0,
            raw: [0.0; 3],
            ring: [0.0; RING],
            known: 0,
            fast: f64::NAN,
            slow: f64::NAN,
        }
    }

    /// Whether the daily cycle is known.
    pub const fn is_daily(&self) -> bool {
        self.profile.is_useful()
    }

    /// Adds a reading; returns what the bucket before it shows, if the reading begins a new one.
    pub fn take(&mut self, at_us: i64, value: f64, interval_us: f64) -> Option<Moved> {
        let bucket = at_us.div_euclid(self.width_us);
        if bucket == self.bucket {
            self.sum += value;
            self.count += 1;
            return None;
        }
        let moved = if self.count > 0 { self.end_bucket(bucket) } else { None };
        let width_us = width_us(interval_us);
        if width_us != self.width_us {
            (self.width_us, self.known) = (width_us, 0);
        }
        self.bucket = at_us.div_euclid(self.width_us);
        (self.sum, self.count) = (value, 1);
        moved
    }

    fn end_bucket(&mut self, next: i64) -> Option<Moved> {
        let mean = self.sum / f64::from(self.count);
        let at_us = self.bucket.saturating_mul(self.width_us).saturating_add(self.width_us / 2);
        if self.profile.add(at_us, mean) {
            (self.known, self.fast) = (0, f64::NAN);
        }
        let level = self.filtered(mean - self.profile.at(at_us));
        let is_first = self.fast.is_nan();
        if is_first {
            (self.fast, self.slow) = (level, level);
        }
        self.push(level);
        let width_min = self.width_us as f64 / MINUTE_US as f64;
        self.fast += (level - self.fast) * share(width_min, FAST_MIN);
        self.slow += (level - self.slow) * share(width_min, SLOW_MIN);
        let moved = Moved { per_min: self.per_min(width_min), off: self.fast - self.slow };
        if !(0..=GAP_BUCKETS).contains(&next.saturating_sub(self.bucket)) {
            self.known = 0;
        }
        (!is_first).then_some(moved)
    }

    /// The median of the last three averages, so that a single one far off does not change the level.
    fn filtered(&mut self, level: f64) -> f64 {
        if self.known == 0 {
            self.raw = [level; 3];
        }
        self.raw.rotate_left(1);
        self.raw[2] = level;
        let [one, two, three] = self.raw;
        one.min(two).max(one.max(two).min(three))
    }

    fn push(&mut self, level: f64) {
        self.ring.rotate_left(1);
        self.ring[RING - 1] = level;
        self.known = (self.known + 1).min(RING as u8);
    }

    /// Slope of the least-squares line through the last averages.
    fn per_min(&self, width_min: f64) -> Option<f64> {
        if usize::from(self.known) < RING {
            return None;
        }
        let middle = (RING - 1) as f64 / 2.0;
        let (mut products, mut squares) = (0.0, 0.0);
        for (at, level) in self.ring.iter().enumerate() {
            let from_middle = at as f64 - middle;
            products += from_middle * (level - self.ring[0]);
            squares += from_middle * from_middle;
        }
        Some(products / squares / width_min)
    }
}

/// Weight of the newest average for a time constant.
fn share(width_min: f64, constant_min: f64) -> f64 {
    (width_min / constant_min).min(1.0)
}

/// The narrowest bucket that holds a reading at this interval.
fn width_us(interval_us: f64) -> i64 {
    let fits = |width: &&i64| (**width * MINUTE_US) as f64 >= 0.9 * interval_us;
    WIDTHS_MIN.iter().find(fits).unwrap_or(&60) * MINUTE_US
}
