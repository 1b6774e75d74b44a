//! What goes wrong with sensors and gateways, each with a known start and end.

use super::chance::{Concern, chance};
use crate::time::{DAY_US, SECOND_US};
use rand::RngExt as _;

/// How likely something goes wrong with a sensor on a day.
const FAULT_SHARE: f64 = 0.8;

/// How likely a gateway is silent on a day.
const SILENCE_SHARE: f64 = 0.1;

/// What can go wrong with a sensor or the component it sits on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The component is no longer cooled and grows hot.
    FanFailure,
    /// The sensor says more and more too much, until it is calibrated.
    Drift,
    /// The sensor says the same again and again.
    Stuck,
    /// For some seconds the sensor says far too much.
    Spike,
    /// The sensor says nothing.
    DropOut,
    /// The sensor scatters.
    NoiseBurst,
    /// All sensors of a gateway say nothing, and what they measured is lost.
    GatewaySilence,
}

/// Faults of a sensor, with the seconds they last.
const KINDS: [(FaultKind, std::ops::Range<i64>); 6] = [
    (FaultKind::FanFailure, 20 * 60..60 * 60),
    (FaultKind::Drift, 60 * 60..180 * 60),
    (FaultKind::Stuck, 10 * 60..40 * 60),
    (FaultKind::Spike, 4..15),
    (FaultKind::DropOut, 2 * 60..20 * 60),
    (FaultKind::NoiseBurst, 3 * 60..15 * 60),
];

impl FaultKind {
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

/// Something wrong, from a moment (microseconds since 1970 UTC) until before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub from_us: i64,
    pub to_us: i64,
}

impl Fault {
    pub const fn holds(&self, at_us: i64) -> bool {
        self.from_us <= at_us && at_us < self.to_us
    }
}

/// What goes wrong with a sensor on a day: at most one thing, over before midnight UTC.
pub fn of_sensor(seed: u64, sensor: u64, day: i64) -> Option<Fault> {
    let mut chance = chance(seed, Concern::Fault, sensor, day);
    if !chance.random_bool(FAULT_SHARE) {
        return None;
    }
    let (kind, lasts_s) = &KINDS[chance.random_range(0..KINDS.len())];
    let lasts_us = chance.random_range(lasts_s.clone()) * SECOND_US;
    Some(within(*kind, day, lasts_us, chance.random()))
}

/// When a gateway is silent on a day, if it is.
pub fn of_gateway(seed: u64, gateway: u64, day: i64) -> Option<Fault> {
    let mut chance = chance(seed, Concern::Silence, gateway, day);
    if !chance.random_bool(SILENCE_SHARE) {
        return None;
    }
    let lasts_us = chance.random_range(60..10 * 60) * SECOND_US;
    Some(within(FaultKind::GatewaySilence, day, lasts_us, chance.random()))
}

/// A fault that lies wholly in a day and begins with a second.
fn within(kind: FaultKind, day: i64, lasts_us: i64, drawn: u32) -> Fault {
    let latest_s = (DAY_US - lasts_us) / SECOND_US;
    let from_us = day * DAY_US + i64::from(drawn) % latest_s * SECOND_US;
    Fault { kind, from_us, to_us: from_us + lasts_us }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::day_of_us;

    #[test]
    fn faults_lie_within_their_day_and_every_kind_occurs() {
        let mut met = Vec::new();
        for sensor in 0..65 {
            for day in [-1, 0, 20_000] {
                let Some(fault) = of_sensor(7, sensor, day) else { continue };
                assert!(fault.from_us < fault.to_us);
                assert_eq!((day_of_us(fault.from_us), day_of_us(fault.to_us - 1)), (day, day));
                assert_eq!(fault.from_us % SECOND_US, 0);
                met.push(fault.kind);
            }
        }
        for (kind, _) in KINDS {
            assert!(met.contains(&kind), "{}", kind.name());
        }
        assert!((0..100).any(|gateway| of_gateway(7, gateway, 20_000).is_some()));
    }
}
