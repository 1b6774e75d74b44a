//! Simple detectors that ours is compared with.

use rand::RngExt as _;
use rand_pcg::Pcg32;

/// Standard deviations at which the score of [`Ewma`] is a half.
const HALF_DEVIATIONS: f64 = 3.0;

/// Readings before [`Ewma`] gives a score.
const FIRST_READINGS: u32 = 100;

/// A control chart: the distance of a reading from the exponentially weighted mean, in standard
/// deviations around it.
#[derive(Debug, Clone)]
pub struct Ewma {
    /// Weight of the newest reading.
    weight: f64,
    mean: f64,
    variance: f64,
    readings: u32,
}

impl Ewma {
    pub const fn new(weight: f64) -> Self {
        Self { weight, mean: 0.0, variance: 0.0, readings: 0 }
    }

    /// The score of a reading, from 0 to 1.
    pub fn take(&mut self, value: f64) -> f64 {
        self.readings = self.readings.saturating_add(1);
        if self.readings == 1 {
            self.mean = value;
            return 0.0;
        }
        let off = value - self.mean;
        let deviations = off.abs() / self.variance.sqrt().max(f64::MIN_POSITIVE);
        self.mean += self.weight * off;
        self.variance = (1.0 - self.weight) * self.weight.mul_add(off * off, self.variance);
        if self.readings < FIRST_READINGS {
            return 0.0;
        }
        deviations / (deviations + HALF_DEVIATIONS)
    }
}

/// Scores by chance.
#[derive(Debug, Clone)]
pub struct Chance(Pcg32);

impl Chance {
    pub const fn new(random: Pcg32) -> Self {
        Self(random)
    }

    /// A score from 0 to 1, whatever the reading.
    pub fn take(&mut self) -> f64 {
        self.0.random()
    }
}
