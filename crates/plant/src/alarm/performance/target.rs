//! The figures of ISA-18.2, and how a period compares with them.

use super::Performance;
use crate::alarm::Priority;

/// A figure with its target: ANSI/ISA-18.2-2016, clause 16.5, table of recommended alarm performance
/// metrics (the same as IEC 62682:2014, clause 16). "Acceptable" is what the standard calls very likely
/// to be acceptable, "maximum" what is manageable at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Name in the HTTP interface.
    pub name: &'static str,
    pub acceptable: f64,
    pub maximum: f64,
}

/// Annunciations per hour and position: about 6, at most about 12.
pub const PER_HOUR: Metric = Metric { name: "per_hour", acceptable: 6.0, maximum: 12.0 };
/// Annunciations per ten minutes and position: about 1, at most about 2.
pub const PER_10_MIN: Metric = Metric { name: "per_10_min", acceptable: 1.0, maximum: 2.0 };
/// Most annunciations in ten minutes and position: at most 10.
pub const PEAK_10_MIN: Metric = Metric { name: "peak_10_min", acceptable: 10.0, maximum: 10.0 };
/// Share of hours with more than 30 annunciations: less than 1 %.
pub const OVERLOADED_HOURS: Metric =
    Metric { name: "overloaded_hours_share", acceptable: 0.01, maximum: 0.01 };
/// Share of time in floods: less than 1 %.
pub const FLOODS: Metric = Metric { name: "flood_share", acceptable: 0.01, maximum: 0.01 };
/// Share of the ten most frequent alarms: less than 1 %, at most 5 %.
pub const TOP_SHARE: Metric = Metric { name: "top_share", acceptable: 0.01, maximum: 0.05 };
/// Chattering alarms: none.
pub const CHATTERING: Metric = Metric { name: "chattering", acceptable: 0.0, maximum: 0.0 };
/// Fleeting alarms: none.
pub const FLEETING: Metric = Metric { name: "fleeting", acceptable: 0.0, maximum: 0.0 };
/// Stale alarms: fewer than 5.
pub const STALE: Metric = Metric { name: "stale", acceptable: 4.0, maximum: 4.0 };
/// Shares of P1 to P4: less than 1 %, about 5, 15 and 80 %. The last is a minimum.
pub const PRIORITIES: [Metric; 4] = [
    Metric { name: "priority_1_share", acceptable: 0.01, maximum: 0.01 },
    Metric { name: "priority_2_share", acceptable: 0.05, maximum: 0.05 },
    Metric { name: "priority_3_share", acceptable: 0.15, maximum: 0.15 },
    Metric { name: "priority_4_share", acceptable: 0.80, maximum: 0.80 },
];

/// A figure of a period beside its target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessment {
    pub metric: Metric,
    pub value: f64,
    /// Whether the value is acceptable.
    pub is_acceptable: bool,
    /// Whether the value is manageable.
    pub is_manageable: bool,
}

impl Performance {
    /// All figures with targets. Those per position are divided by the positions. Without an
    /// annunciation the shares of priorities are left out.
    pub fn assessments(&self) -> Vec<Assessment> {
        let peak = self.peak_10_min as f64 / self.positions as f64;
        let figures = [
            (PER_HOUR, self.per_hour),
            (PER_10_MIN, self.per_10_min),
            (PEAK_10_MIN, peak),
            (OVERLOADED_HOURS, self.overloaded_hours_share),
            (FLOODS, self.flood_share),
            (TOP_SHARE, self.top_share),
            (CHATTERING, self.chattering.len() as f64),
            (FLEETING, self.fleeting.iter().map(|(_, count)| *count as f64).sum()),
            (STALE, self.stale.len() as f64),
        ];
        let mut found: Vec<Assessment> =
            figures.into_iter().map(|(metric, value)| at_most(metric, value)).collect();
        if self.annunciations > 0 {
            let shares = Priority::ALL.map(|priority| self.priority_share(priority));
            let [p1, p2, p3, p4] = PRIORITIES;
            found.extend(
                [(p1, shares[0]), (p2, shares[1]), (p3, shares[2])]
                    .map(|(metric, value)| at_most(metric, value)),
            );
            found.push(at_least(p4, shares[3]));
        }
        found
    }
}

fn at_most(metric: Metric, value: f64) -> Assessment {
    let (is_acceptable, is_manageable) = (value <= metric.acceptable, value <= metric.maximum);
    Assessment { metric, value, is_acceptable, is_manageable }
}

fn at_least(metric: Metric, value: f64) -> Assessment {
    let (is_acceptable, is_manageable) = (value >= metric.acceptable, value >= metric.maximum);
    Assessment { metric, value, is_acceptable, is_manageable }
}
