//! Anomalies of a sensor, found while its readings arrive.
//!
//! In: the readings of one sensor in order of time, and for a [`Sisters`] detector also those of
//! like sensors. Out: a score for each reading and the reason. Promise: a detector has a fixed size
//! of at most 1 KiB, allocates nothing, needs no training data, and gives the same scores for the
//! same readings, whatever their unit: neither an offset nor a factor changes a score.
//!
//! A detector computes six statistics of the readings (see [`Channel`]) and learns for each one
//! its usual extreme by time of day ([`usual`]). The score is the distance of the statistic from
//! there. So a cycle that repeats every day, a noisy sensor and a coarse one become usual.

pub mod baseline;
mod detector;
mod forecast;
pub mod judge;
mod levels;
mod onset;
mod profile;
mod reason;
mod sisters;
mod usual;

pub use detector::Detector;
pub use onset::Onset;
pub use reason::Reason;
pub use sisters::Sisters;

/// What a detector measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Difference of a reading from its forecast.
    Jump,
    /// Scatter of the last readings.
    Noise,
    /// Change over the last minutes, without the daily cycle.
    Rate,
    /// Level of the last half hour against that of the last hours, without the daily cycle.
    Level,
    /// Equal readings in succession.
    Stuck,
    /// Time without a reading.
    Silence,
}

impl Channel {
    /// All channels in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Jump, Self::Noise, Self::Rate, Self::Level, Self::Stuck, Self::Silence];
}

/// How unusual a reading is, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// From 0 (usual) to 1. At [`LIMIT`] a sensor gives about one false alarm per week.
    pub score: f64,
    pub reason: Reason,
}

/// The score that a sensor of the simulated plant exceeds about once a week without a fault.
pub const LIMIT: f64 = 0.9;

/// Distance from the usual extreme, in spreads, at which the score is [`LIMIT`].
const LIMIT_SPREADS: f64 = 3.0;

/// The score of a distance from the usual extreme, in spreads.
fn score(spreads: f32) -> f64 {
    1.0 - (1.0 - LIMIT).powf(f64::from(spreads) / LIMIT_SPREADS)
}

#[cfg(test)]
mod tests;
