//! Faults of sensors and gateways, each with a known start and end.

use super::random::{StreamPurpose, generator};
use crate::time::{DAY_US, SECOND_US};
use rand::RngExt as _;

/// Probability of a sensor fault per day.
const FAULT_SHARE: f64 = 0.8;

/// Probability of a gateway outage per day.
const SILENCE_SHARE: f64 = 0.1;

/// Faults of a sensor or of its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SensorFaultKind {
    /// The component is not cooled and overheats.
    FanFailure,
    /// The sensor reads increasingly too high until it is calibrated.
    Drift,
    /// The sensor repeats the same value.
    Stuck,
    /// The sensor reads far too high for some seconds.
    Spike,
    /// The sensor sends nothing.
    DropOut,
    /// The readings scatter.
    NoiseBurst,
    /// All sensors of a gateway send nothing; their measurements are lost.
    GatewaySilence,
}

/// Sensor faults and their duration in seconds.
const KINDS: [(SensorFaultKind, std::ops::Range<i64>); 6] = [
    (SensorFaultKind::FanFailure, 20 * 60..60 * 60),
    (SensorFaultKind::Drift, 60 * 60..180 * 60),
    (SensorFaultKind::Stuck, 10 * 60..40 * 60),
    (SensorFaultKind::Spike, 4..15),
    (SensorFaultKind::DropOut, 2 * 60..20 * 60),
    (SensorFaultKind::NoiseBurst, 3 * 60..15 * 60),
];

impl SensorFaultKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::FanFailure => "fan_failure",
            Self::Drift => "drift",
            Self::Stuck => "stuck",
            Self::Spike => "spike",
            Self::DropOut => "drop_out",
            Self::NoiseBurst => "noise_burst",
            Self::GatewaySilence => "gateway_silence",
        }
    }
}

/// A fault from a time (microseconds since 1970-01-01T00:00:00Z) until before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorFault {
    pub kind: SensorFaultKind,
    pub from_us: i64,
    pub to_us: i64,
}

impl SensorFault {
    pub const fn holds(&self, at_us: i64) -> bool {
        self.from_us <= at_us && at_us < self.to_us
    }
}

/// The fault of a sensor on a day, if any; it ends before midnight UTC.
pub fn sensor_fault(seed: u64, sensor: u64, day: i64) -> Option<SensorFault> {
    let mut rng = generator(seed, StreamPurpose::Fault, sensor, day);
    if !rng.random_bool(FAULT_SHARE) {
        return None;
    }
    let (kind, lasts_s) = &KINDS[rng.random_range(0..KINDS.len())];
    let lasts_us = rng.random_range(lasts_s.clone()) * SECOND_US;
    Some(within(*kind, day, lasts_us, rng.random()))
}

/// The outage of a gateway on a day, if any.
pub fn gateway_fault(seed: u64, gateway: u64, day: i64) -> Option<SensorFault> {
    let mut rng = generator(seed, StreamPurpose::Silence, gateway, day);
    if !rng.random_bool(SILENCE_SHARE) {
        return None;
    }
    let lasts_us = rng.random_range(60..10 * 60) * SECOND_US;
    Some(within(SensorFaultKind::GatewaySilence, day, lasts_us, rng.random()))
}

/// A fault within a day that starts on a whole second.
fn within(kind: SensorFaultKind, day: i64, lasts_us: i64, drawn: u32) -> SensorFault {
    let latest_s = (DAY_US - lasts_us) / SECOND_US;
    let from_us = day * DAY_US + i64::from(drawn) % latest_s * SECOND_US;
    SensorFault { kind, from_us, to_us: from_us + lasts_us }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::day_of_us;

    #[test]
    fn faults_are_within_their_day_and_every_kind_occurs() {
        let mut met = Vec::new();
        for sensor in 0..65 {
            for day in [-1, 0, 20_000] {
                let Some(fault) = sensor_fault(7, sensor, day) else { continue };
                assert!(fault.from_us < fault.to_us);
                assert_eq!((day_of_us(fault.from_us), day_of_us(fault.to_us - 1)), (day, day));
                assert_eq!(fault.from_us % SECOND_US, 0);
                met.push(fault.kind);
            }
        }
        for (kind, _) in KINDS {
            assert!(met.contains(&kind), "{}", kind.name());
        }
        assert!((0..100).any(|gateway| gateway_fault(7, gateway, 20_000).is_some()));
    }
}
