//! Engine time.

use plant::time::SECOND_US;

/// A reading this far ahead of the clock does not move engine time: otherwise one sensor with a wrong
/// clock would end the delays of all others.
pub const AHEAD_US: i64 = 5 * SECOND_US;

/// How long after its end a delay is noticed if no reading shows it, and a second is evaluated for groups:
/// readings of one time arrive within about a second of each other.
pub const SLACK_US: i64 = 2 * SECOND_US;

/// The newest event time, and the clock when it arrived (`None` for one from the lake).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    newest_us: Option<i64>,
    arrived_us: Option<i64>,
}

impl Clock {
    /// Engine time at the time `now_us` of the clock.
    pub fn engine_us(&self, now_us: i64) -> i64 {
        let Some(newest_us) = self.newest_us else { return now_us };
        let since_us = self.arrived_us.map_or(0, |arrived_us| (now_us - arrived_us).max(0));
        newest_us.saturating_add(since_us)
    }

    /// The newest event time.
    pub fn newest_us(&self) -> Option<i64> {
        self.newest_us
    }

    /// Records the time of a reading; returns whether it is the newest.
    pub fn advance(&mut self, at_us: i64, now_us: i64, is_live: bool) -> bool {
        let is_ahead = at_us > now_us.saturating_add(AHEAD_US);
        let is_newest = !is_ahead && self.newest_us.is_none_or(|newest_us| at_us > newest_us);
        if is_newest {
            self.newest_us = Some(at_us);
        }
        if is_live && (is_newest || self.arrived_us.is_none()) {
            self.arrived_us = Some(now_us);
        }
        is_newest
    }
}
