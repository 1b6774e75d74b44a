//! Faults that are added to the readings of a sensor without faults.

use crate::time::{MINUTE_US, SECOND_US};
use rand::RngExt as _;
use rand_pcg::Pcg32;

/// What a fault does to readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnomalyKind {
    /// Some readings are far off.
    Spike,
    /// The level changes at once.
    Step,
    /// The level changes slowly.
    Drift,
    /// The reading stays the same.
    Stuck,
    /// There are no readings.
    DropOut,
    /// The readings scatter.
    Noise,
    /// The component warms up as its like do under load, but alone.
    SisterDeviation,
}

impl AnomalyKind {
    pub const ALL: [Self; 7] = [
        Self::Spike,
        Self::Step,
        Self::Drift,
        Self::Stuck,
        Self::DropOut,
        Self::Noise,
        Self::SisterDeviation,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Step => "step",
            Self::Drift => "drift",
            Self::Stuck => "stuck",
            Self::DropOut => "drop-out",
            Self::Noise => "noise",
            Self::SisterDeviation => "sister deviation",
        }
    }

    /// Duration in seconds, and magnitude in degC.
    const fn ranges(self) -> (std::ops::Range<i64>, std::ops::Range<f64>) {
        match self {
            Self::Spike => (10..30, 0.6..10.0),
            Self::Step => (3600..4 * 3600, 0.5..6.0),
            Self::Drift => (3600..3 * 3600, 2.0..9.0),
            Self::Stuck => (3 * 60..30 * 60, 0.0..1.0),
            Self::DropOut => (60..15 * 60, 0.0..1.0),
            Self::Noise => (3 * 60..15 * 60, 0.25..1.5),
            Self::SisterDeviation => (30 * 60..90 * 60, 3.0..12.0),
        }
    }
}

/// Time constant with which a component warms up.
const WARM_UP_US: f64 = 12.0 * MINUTE_US as f64;

/// A fault from a time until before another, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    pub kind: AnomalyKind,
    pub from_us: i64,
    pub to_us: i64,
    /// Magnitude in degC, with sign.
    pub by_c: f64,
    /// The value of a sensor that is stuck.
    pub stuck_c: f64,
}

impl Fault {
    /// A fault of a kind that begins at a time.
    pub fn draw(kind: AnomalyKind, from_us: i64, random: &mut Pcg32) -> Self {
        let (lasts_s, by_c) = kind.ranges();
        let to_us = from_us + random.random_range(lasts_s) * SECOND_US;
        let by_c: f64 = random.random_range(by_c);
        let is_down = kind != AnomalyKind::SisterDeviation && random.random();
        Self { kind, from_us, to_us, by_c: if is_down { -by_c } else { by_c }, stuck_c: f64::NAN }
    }

    /// The reading at a time, `None` if there is none. `scatter` is standard normal.
    pub fn reading(&mut self, at_us: i64, value_c: f64, scatter: f64) -> Option<f64> {
        let is_on = self.from_us <= at_us && at_us < self.to_us;
        if self.kind == AnomalyKind::SisterDeviation {
            return Some(value_c + self.warmth_c(at_us));
        }
        if !is_on {
            return Some(value_c);
        }
        let share = (at_us - self.from_us) as f64 / (self.to_us - self.from_us) as f64;
        match self.kind {
            AnomalyKind::DropOut => None,
            AnomalyKind::Stuck => {
                if self.stuck_c.is_nan() {
                    self.stuck_c = value_c;
                }
                Some(self.stuck_c)
            }
            AnomalyKind::Drift => Some(value_c + share * self.by_c),
            AnomalyKind::Noise => Some(value_c + scatter * self.by_c),
            AnomalyKind::Spike | AnomalyKind::Step | AnomalyKind::SisterDeviation => {
                Some(value_c + self.by_c)
            }
        }
    }

    /// How much warmer the component is because of a fault that warms it.
    fn warmth_c(&self, at_us: i64) -> f64 {
        let after = |from_us: i64| ((at_us - from_us) as f64 / WARM_UP_US).max(0.0);
        let risen = 1.0 - (-after(self.from_us)).exp();
        let fallen = 1.0 - (-after(self.to_us)).exp();
        self.by_c * (risen - fallen * (1.0 - (-after(self.from_us)).exp()))
    }
}
