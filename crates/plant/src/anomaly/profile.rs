//! The daily cycle of a level: its mean by time of day.

use crate::time::DAY_US;

/// Parts of a day.
const PARTS: usize = 48;
const PART_US: i64 = DAY_US / PARTS as i64;

/// Days until the mean of a part is learned as slowly as it is later.
const MEMORY_DAYS: f64 = 7.0;

/// Weight of the newest part in the mean errors: about two days.
const ERROR: f64 = 0.01;

/// The cycle counts when it forecasts the change from part to part better by this share, and no
/// longer when it does not.
const USEFUL_SHARE: f64 = 0.9;

/// The daily cycle of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailyProfile {
    /// Mean level by part of the day (UTC), from the first level; not a number while unknown.
    means: [f32; PARTS],
    first: f64,
    /// What was learned of the part before the running one. It counts when that has ended too, so that
    /// the cycle never changes where it is compared with.
    learned: (u8, f32),
    /// The running part since 1970, and its levels.
    part: i64,
    sum: f64,
    count: u32,
    /// Mean of the part before, if it was complete, and what the cycle was for it.
    before: Option<(f64, f64)>,
    /// Mean absolute change from part to part, and the same without the cycle.
    change: f64,
    change_off_cycle: f64,
    days: f32,
    is_useful: bool,
}

impl DailyProfile {
    pub const fn new() -> Self {
        Self {
            means: [f32::NAN; PARTS],
            first: f64::NAN,
            learned: (0, f32::NAN),
            part: i64::MIN,
            sum: 0.0,
            count: 0,
            before: None,
            change: 0.0,
            change_off_cycle: 0.0,
            days: 0.0,
            is_useful: false,
        }
    }

    /// Whether the level has a daily cycle that is known.
    pub const fn is_useful(&self) -> bool {
        self.is_useful
    }

    /// The usual level at a time of day, 0 without a known cycle.
    pub fn at(&self, at_us: i64) -> f64 {
        if !self.is_useful {
            return 0.0;
        }
        let from_us = at_us.saturating_sub(PART_US / 2);
        let (part, next) = (from_us.div_euclid(PART_US), from_us.div_euclid(PART_US) + 1);
        let share = from_us.rem_euclid(PART_US) as f64 / PART_US as f64;
        let (one, other) = (self.mean(part), self.mean(next));
        one + (other - one) * share
    }

    fn mean(&self, part: i64) -> f64 {
        self.first + f64::from(self.means[usize::from(index(part))])
    }

    /// Adds a level. Returns whether [`DailyProfile::is_useful`] changes.
    pub fn add(&mut self, at_us: i64, level: f64) -> bool {
        let part = at_us.div_euclid(PART_US);
        let mut is_changed = false;
        if part != self.part {
            is_changed = self.end_part(part);
            (self.part, self.sum, self.count) = (part, 0.0, 0);
        }
        self.sum += level;
        self.count += 1;
        is_changed
    }

    /// Learns from the running part, which `next` follows.
    fn end_part(&mut self, next: i64) -> bool {
        if self.count == 0 {
            return false;
        }
        let mean = self.sum / f64::from(self.count);
        if self.first.is_nan() {
            self.first = mean;
        }
        let known = self.mean(self.part);
        let cycle = if known.is_finite() { known } else { mean };
        if let Some((level, usual)) = self.before.filter(|_| known.is_finite()) {
            let (change, off) = ((mean - level).abs(), (mean - level - cycle + usual).abs());
            self.change += ERROR * (change - self.change);
            self.change_off_cycle += ERROR * (off - self.change_off_cycle);
        }
        self.before = (next == self.part + 1).then_some((mean, cycle));
        self.days = (self.days + 1.0 / PARTS as f32).min(1000.0);
        let memory_days = f64::from(self.days).clamp(1.0, MEMORY_DAYS);
        let learned = cycle + (mean - cycle) / (memory_days + 1.0) - self.first;
        #[expect(clippy::cast_possible_truncation, reason = "levels need no more than 7 digits")]
        let learned = learned as f32;
        let (before, value) = std::mem::replace(&mut self.learned, (index(self.part), learned));
        if value.is_finite() {
            self.means[usize::from(before)] = value;
        }
        let was_useful = self.is_useful;
        let share = if was_useful { 1.0 } else { USEFUL_SHARE };
        self.is_useful = self.days >= 2.0
            && self.change_off_cycle < share * self.change
            && self.means.iter().all(|it| it.is_finite());
        was_useful != self.is_useful
    }
}

fn index(part: i64) -> u8 {
    u8::try_from(part.rem_euclid(PARTS as i64)).unwrap_or(0)
}
