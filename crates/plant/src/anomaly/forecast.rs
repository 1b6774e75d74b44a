//! The next reading, forecast from those before.
//!
//! Three forecasts compete: the last reading, a smoothed level, and a level with a trend. The one
//! that was closest on average counts. A reading far off moves a level only a little, unless the
//! next ones confirm it.

/// Weights of the newest reading in the levels, in the trend and in the mean errors.
const SMOOTH: f64 = 0.15;
const LEVEL: f64 = 0.35;
const TREND: f64 = 0.05;
const ERROR: f64 = 0.02;

/// Readings move a level by at most so many mean errors.
const STEP_ERRORS_MAX: f64 = 6.0;

/// So many readings in succession that are far off on one side are a new level.
const SHIFT_READINGS: i8 = 4;

/// Forecasts of the next reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    last: f64,
    smooth: f64,
    level: f64,
    /// Change per interval.
    trend: f64,
    /// Mean absolute error of each forecast.
    errors: [f64; 3],
    /// Successive readings far above, or as a negative number far below the forecast.
    far: i8,
}

impl Forecast {
    pub const fn new(value: f64) -> Self {
        Self { last: value, smooth: value, level: value, trend: 0.0, errors: [0.0; 3], far: 0 }
    }

    /// Takes the reading as the level, and keeps the mean errors.
    pub const fn restart(&mut self, value: f64) {
        *self = Self { errors: self.errors, ..Self::new(value) };
    }

    /// Difference of a reading, `intervals` after the one before, from the forecast.
    pub fn take(&mut self, value: f64, intervals: f64) -> f64 {
        let expected = [self.last, self.smooth, self.level + self.trend * intervals];
        let off = expected.map(|it| value - it);
        let best = self.best();
        self.learn(value, &off, best);
        off[best]
    }

    fn best(&self) -> usize {
        let mut best = 0;
        for at in 1..self.errors.len() {
            if self.errors[at] < self.errors[best] {
                best = at;
            }
        }
        best
    }

    fn learn(&mut self, value: f64, off: &[f64; 3], best: usize) {
        let limit = |error: f64| if error > 0.0 { STEP_ERRORS_MAX * error } else { f64::MAX };
        let is_far = off[best].abs() > limit(self.errors[best]);
        self.far = match is_far {
            false => 0,
            true if off[best] > 0.0 => self.far.max(0) + 1,
            true => self.far.min(0) - 1,
        };
        self.last = value;
        if self.far.abs() >= SHIFT_READINGS {
            self.restart(value);
            return;
        }
        let held = |at: usize| off[at].clamp(-limit(self.errors[at]), limit(self.errors[at]));
        let (smooth, level) = (held(1), held(2));
        self.smooth += SMOOTH * smooth;
        self.level = value - off[2] + LEVEL * level;
        self.trend += TREND * level;
        for (error, off) in self.errors.iter_mut().zip(off) {
            let off = off.abs().min(limit(*error));
            *error += ERROR.max(if *error > 0.0 { 0.0 } else { 1.0 }) * (off - *error);
        }
    }
}
