//! Alarm floods: more alarms than an operator can respond to.

use std::collections::VecDeque;

/// The time over which annunciations are counted, in microseconds: 10 minutes.
pub const FLOOD_WINDOW_US: i64 = 600_000_000;
/// A flood begins when more annunciations than this per operator position are in the window
/// (ISA-18.2, clause 16; EEMUA 191).
pub const FLOOD_BEGINS_ABOVE: usize = 10;
/// A flood ends when fewer annunciations than this per operator position are in the window.
pub const FLOOD_ENDS_BELOW: usize = 5;

/// A flood, in microseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flood {
    /// When the rate was exceeded.
    pub from_us: i64,
    /// When the rate was low again, or the end of the period.
    pub to_us: i64,
    /// Annunciations from the window before the beginning until the end.
    pub annunciations: usize,
}

/// Counts the annunciations of the last ten minutes and detects floods. Times must not decrease;
/// earlier ones count as the latest.
#[derive(Debug, Clone, Default)]
pub struct FloodMeter {
    positions: usize,
    recent: VecDeque<i64>,
    now_us: i64,
    flood: Option<Flood>,
}

impl FloodMeter {
    /// A meter for this number of operator positions, at least 1.
    pub fn new(positions: usize) -> Self {
        Self { positions: positions.max(1), ..Self::default() }
    }

    /// Counts an annunciation; returns a flood that ended before it.
    pub fn annunciate(&mut self, at_us: i64) -> Option<Flood> {
        let ended = self.advance(at_us);
        self.recent.push_back(self.now_us);
        match &mut self.flood {
            Some(flood) => flood.annunciations += 1,
            None if self.recent.len() > FLOOD_BEGINS_ABOVE * self.positions => {
                let (from_us, annunciations) = (self.now_us, self.recent.len());
                self.flood = Some(Flood { from_us, to_us: from_us, annunciations });
            }
            None => {}
        }
        ended
    }

    /// Lets time pass; returns a flood that ended. An annunciation leaves the window exactly ten
    /// minutes after it.
    pub fn advance(&mut self, now_us: i64) -> Option<Flood> {
        let mut ended = None;
        self.now_us = now_us.max(self.recent.back().copied().unwrap_or(i64::MIN));
        while let Some(first_us) = self.recent.front().copied() {
            let leaves_us = first_us.saturating_add(FLOOD_WINDOW_US);
            if leaves_us > self.now_us {
                break;
            }
            self.recent.pop_front();
            if self.recent.len() < FLOOD_ENDS_BELOW * self.positions
                && let Some(flood) = self.flood.take()
            {
                ended = Some(Flood { to_us: leaves_us, ..flood });
            }
        }
        ended
    }

    /// Annunciations of the last ten minutes.
    pub fn in_window(&self) -> usize {
        self.recent.len()
    }

    /// When the current flood began; `None` if there is none.
    pub fn since_us(&self) -> Option<i64> {
        self.flood.map(|flood| flood.from_us)
    }

    /// The current flood until `to_us`.
    pub fn finish(self, to_us: i64) -> Option<Flood> {
        self.flood.map(|flood| Flood { to_us, ..flood })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    #[test]
    fn a_flood_begins_above_ten_and_ends_below_five() {
        let mut meter = FloodMeter::new(1);
        for second in 0..10 {
            meter.annunciate(second * 1_000_000);
        }
        assert_eq!((meter.in_window(), meter.since_us()), (10, None));
        meter.annunciate(MINUTE_US);
        assert_eq!(meter.since_us(), Some(MINUTE_US));
        // Six leave at 10:00 to 10:05, the seventh at 10:06 leaves four.
        assert_eq!(meter.advance(10 * MINUTE_US + 5_000_000), None);
        let flood = meter.advance(11 * MINUTE_US).unwrap();
        let expected =
            Flood { from_us: MINUTE_US, to_us: 10 * MINUTE_US + 6_000_000, annunciations: 11 };
        assert_eq!(flood, expected);
        assert_eq!((meter.in_window(), meter.since_us()), (0, None));
    }

    #[test]
    fn two_positions_bear_twice_the_alarms() {
        let mut meter = FloodMeter::new(2);
        for _ in 0..20 {
            meter.annunciate(0);
        }
        assert_eq!(meter.since_us(), None);
        meter.annunciate(0);
        assert_eq!(meter.finish(5).map(|flood| flood.to_us), Some(5));
    }
}
