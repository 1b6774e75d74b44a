//! The detector of one sensor.

use super::forecast::Forecast;
use super::levels::Levels;
use super::usual::{SLOTS, Usual};
use super::{Channel, Reason, Score, score};
use crate::time::{DAY_US, HOUR_US, SECOND_US};

/// A block, over which the extreme of a statistic is taken, is this long and has so many readings.
const BLOCK_US: i64 = DAY_US / SLOTS as i64;
const BLOCK_READINGS: u32 = 10;

/// Readings beyond this magnitude are ignored; differences of any others are finite.
const MAGNITUDE_MAX: f64 = 1e30;

/// Readings before the newest one are late and are ignored, unless so many arrive in order: then
/// the clock of the sensor was set back.
const LATE_READINGS: u16 = 30;

/// After so many intervals without a reading, and so long, the next one is not compared with a
/// forecast.
const GAP_INTERVALS: f64 = 10.0;
const GAP_US: i64 = 300 * SECOND_US;

/// Weight of the newest reading in the interval, and in the scatter.
const INTERVAL: f64 = 0.02;
const NOISE: f64 = 0.08;

/// A difference adds at most so many times its usual extreme to the scatter, because a single far
/// reading is a jump.
const NOISE_JUMP_MAX: f64 = 1.0;

/// Added to the number of equal readings, and to the intervals of silence, before they are
/// compared with the usual ones: a sensor that never repeats a reading may do so twice.
const STUCK_READINGS: f64 = 6.0;
const SILENCE_INTERVALS: f64 = 3.0;

/// The detector of one sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detector {
    last_us: i64,
    last: f64,
    readings: u32,
    /// Readings that arrived late in succession, and the newest of them.
    late: u16,
    late_us: i64,
    interval_us: f64,
    /// Smallest change of the reading.
    resolution: f64,
    /// Since when the reading is the same, and how often it arrived.
    same_us: i64,
    same: u32,
    noise: f64,
    forecast: Forecast,
    levels: Levels,
    block: i64,
    block_readings: u32,
    usual: [Usual; Channel::ALL.len()],
    /// Whether the readings are differences from like sensors.
    is_difference: bool,
}

/// The score of a reading that shows nothing unusual.
const NOTHING: Score = Score { score: 0.0, reason: Reason::Jump { by: 0.0, usual: 0.0 } };

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    pub const fn new() -> Self {
        Self {
            last_us: 0,
            last: 0.0,
            readings: 0,
            late: 0,
            late_us: 0,
            interval_us: 0.0,
            resolution: 0.0,
            same_us: 0,
            same: 0,
            noise: 0.0,
            forecast: Forecast::new(0.0),
            levels: Levels::new(),
            block: 0,
            block_readings: 0,
            usual: [const { Usual::new() }; Channel::ALL.len()],
            is_difference: false,
        }
    }

    /// A detector of differences from like sensors. It judges their rate and their level.
    pub(super) const fn of_differences() -> Self {
        Self { is_difference: true, ..Self::new() }
    }

    /// Takes the reading at a time in microseconds since 1970-01-01T00:00:00Z, and returns its
    /// score.
    ///
    /// `None` for a reading that is ignored: it repeats the one before, is older than it, or is
    /// not a finite number. A reading that shows nothing unusual has the score 0.
    pub fn take(&mut self, at_us: i64, value: f64) -> Option<Score> {
        if !value.is_finite() || value.abs() > MAGNITUDE_MAX {
            return None;
        }
        if self.readings == 0 {
            self.begin(at_us, value);
            return Some(NOTHING);
        }
        let since_us = at_us.saturating_sub(self.last_us);
        if since_us < 0 {
            self.take_late(at_us, value);
            return None;
        }
        if since_us == 0 && value == self.last {
            return None;
        }
        self.late = 0;
        let mut found = self.judge_silence(at_us, since_us);
        self.begin_block(at_us);
        self.judge_value(at_us, value, since_us, &mut found);
        (self.last_us, self.last) = (at_us, value);
        self.readings = self.readings.saturating_add(1);
        Some(found.score(self))
    }

    /// The score of not having received a reading until a time.
    pub fn silence(&self, now_us: i64) -> Option<Score> {
        if self.readings < 2 || now_us <= self.last_us {
            return None;
        }
        let since_us = now_us.saturating_sub(self.last_us);
        let intervals = since_us as f64 / self.interval_us + SILENCE_INTERVALS;
        let mut found = Found::new(self.is_difference);
        let spreads = self.usual[Channel::Silence as usize].look(intervals, slot(now_us));
        found.add(Channel::Silence, spreads, since_us as f64 / SECOND_US as f64);
        Some(found.score(self))
    }

    fn begin(&mut self, at_us: i64, value: f64) {
        self.forecast.restart(value);
        (self.last_us, self.last, self.readings) = (at_us, value, 1);
        (self.same_us, self.same) = (at_us, 1);
        self.block = at_us.div_euclid(BLOCK_US);
        self.levels.take(at_us, value, self.interval_us);
    }

    /// A reading that is older than the newest one. It counts only if the clock was set back.
    fn take_late(&mut self, at_us: i64, value: f64) {
        let is_next = self.late == 0 || at_us > self.late_us;
        self.late = if is_next { self.late + 1 } else { 1 };
        self.late_us = at_us;
        if self.late >= LATE_READINGS {
            self.late = 0;
            (self.last_us, self.last) = (at_us, value);
            (self.same_us, self.same) = (at_us, 1);
            self.forecast.restart(value);
        }
    }

    fn judge_silence(&mut self, at_us: i64, since_us: i64) -> Found {
        let since = since_us as f64;
        if self.interval_us == 0.0 {
            self.interval_us = since.max(1.0);
        }
        let intervals = since / self.interval_us + SILENCE_INTERVALS;
        // Of several readings in a second, only the first one follows a silence.
        let step = (since - self.interval_us).clamp(-self.interval_us, self.interval_us);
        self.interval_us = INTERVAL.mul_add(step, self.interval_us).max(1.0);
        let mut found = Found::new(self.is_difference);
        let spreads = self.usual[Channel::Silence as usize].judge(intervals, slot(at_us));
        found.add(Channel::Silence, spreads, since / SECOND_US as f64);
        found
    }

    /// Learns the extremes of the block before, if it ends before this reading.
    fn begin_block(&mut self, at_us: i64) {
        let block = at_us.div_euclid(BLOCK_US);
        if block != self.block {
            let expected = 0.5 * BLOCK_US as f64 / self.interval_us;
            let is_complete = f64::from(self.block_readings) >= expected;
            if is_complete && self.block_readings >= BLOCK_READINGS {
                let slot = slot_of(self.block);
                self.usual.iter_mut().for_each(|it| it.end_block(slot));
                self.block_readings = 0;
            }
            self.block = block;
        }
        self.block_readings = self.block_readings.saturating_add(1);
    }

    fn judge_value(&mut self, at_us: i64, value: f64, since_us: i64, found: &mut Found) {
        let slot = slot(at_us);
        let change = (value - self.last).abs();
        if change > 0.0 {
            (self.same_us, self.same) = (at_us, 0);
            let is_finer = self.resolution == 0.0 || change < self.resolution;
            self.resolution = if is_finer { change } else { self.resolution };
        }
        self.same = self.same.saturating_add(1);
        let same = f64::from(self.same) + STUCK_READINGS;
        let spreads = self.usual[Channel::Stuck as usize].judge(same, slot);
        let same_s = at_us.saturating_sub(self.same_us) as f64 / SECOND_US as f64;
        found.add(Channel::Stuck, spreads, same_s);
        self.judge_change(value, since_us, slot, found);
        if let Some(moved) = self.levels.take(at_us, value, self.interval_us) {
            if let Some(per_min) = moved.per_min {
                found.add(Channel::Rate, self.judge(Channel::Rate, per_min, slot), per_min);
            }
            found.add(Channel::Level, self.judge(Channel::Level, moved.off, slot), moved.off);
        }
    }

    fn judge_change(&mut self, value: f64, since_us: i64, slot: usize, found: &mut Found) {
        let intervals = since_us as f64 / self.interval_us;
        if intervals > GAP_INTERVALS && since_us > GAP_US {
            self.forecast.restart(value);
            return;
        }
        let by = self.forecast.take(value, intervals);
        let scaled = by / intervals.max(1.0).sqrt();
        found.add(Channel::Jump, self.judge(Channel::Jump, scaled, slot), by);
        let usual = self.usual[Channel::Jump as usize].extreme(slot).unwrap_or(f64::MAX);
        let held = scaled.abs().min(NOISE_JUMP_MAX * usual);
        self.noise += NOISE * (held - self.noise);
        found.add(Channel::Noise, self.judge(Channel::Noise, self.noise, slot), self.noise);
    }

    /// Judges a statistic in the unit of the readings. A smaller one than half of the smallest
    /// change is the same as that.
    fn judge(&mut self, channel: Channel, value: f64, slot: usize) -> f32 {
        let value = value.abs().max(self.resolution / 2.0);
        if value == 0.0 { 0.0 } else { self.usual[channel as usize].judge(value, slot) }
    }

    fn reason(&self, channel: Channel, value: f64) -> Reason {
        let usual = self.usual[channel as usize].extreme(slot(self.last_us)).unwrap_or(0.0);
        match channel {
            Channel::Jump => Reason::Jump { by: value, usual },
            Channel::Noise => Reason::Noise { mean: value, usual },
            Channel::Rate if self.is_difference => Reason::SistersRate { per_min: value, usual },
            Channel::Rate => Reason::Rate { per_min: value, usual },
            Channel::Level if self.is_difference => Reason::Sisters { by: value, usual },
            Channel::Level => Reason::Level { by: value, usual, is_daily: self.levels.is_daily() },
            Channel::Stuck => Reason::Stuck { at: self.last, for_s: value },
            Channel::Silence => {
                let intervals = (usual - SILENCE_INTERVALS).max(1.0);
                let usual_s = intervals * self.interval_us / SECOND_US as f64;
                Reason::Silence { for_s: value, usual_s }
            }
        }
    }
}

/// The most unusual statistic of a reading.
struct Found {
    channel: Channel,
    spreads: f32,
    value: f64,
    is_difference: bool,
}

impl Found {
    const fn new(is_difference: bool) -> Self {
        Self { channel: Channel::Jump, spreads: 0.0, value: 0.0, is_difference }
    }

    fn add(&mut self, channel: Channel, spreads: f32, value: f64) {
        let is_used = !self.is_difference || matches!(channel, Channel::Rate | Channel::Level);
        if is_used && spreads > self.spreads {
            *self = Self { channel, spreads, value, ..*self };
        }
    }

    fn score(&self, detector: &Detector) -> Score {
        if self.spreads == 0.0 {
            return NOTHING;
        }
        let reason = detector.reason(self.channel, self.value);
        Score { score: score(self.spreads), reason }
    }
}

/// The slot of the day at a time.
fn slot(at_us: i64) -> usize {
    slot_of(at_us.div_euclid(BLOCK_US))
}

fn slot_of(block: i64) -> usize {
    usize::try_from(block.rem_euclid(SLOTS as i64)).unwrap_or(0)
}

const _: () = assert!(BLOCK_US % HOUR_US == 0, "a block is a number of hours");
