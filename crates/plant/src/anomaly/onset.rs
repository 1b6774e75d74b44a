//! The beginning of an anomaly.

use crate::time::HOUR_US;

/// How fast the readings before lose their effect.
const MEMORY_US: f64 = 12.0 * HOUR_US as f64;

/// A reading is news if it is so many times as unusual as those before.
const NEWS_TIMES: f64 = 1.5;

/// Unusualness at which the score is a half.
const HALF: f64 = 8.0;

/// Scores the beginning of an anomaly and not its duration, for uses that count each unusual reading:
/// a reading has a score only if it is clearly more unusual than those of the last hours.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Onset {
    last_us: i64,
    /// Unusualness of the last readings: the negative logarithm of what their scores lack to 1.
    recent: f64,
}

impl Onset {
    /// The score, from 0 to 1, of a reading with a score of its own, at a time in microseconds since
    /// 1970-01-01T00:00:00Z.
    pub fn score(&mut self, at_us: i64, score: f64) -> f64 {
        let unusual = -(1.0 - score).max(f64::MIN_POSITIVE).ln();
        let since_us = at_us.saturating_sub(self.last_us).max(0) as f64;
        let recent = self.recent * (-since_us / MEMORY_US).exp();
        (self.last_us, self.recent) = (at_us, recent.max(unusual));
        if unusual > NEWS_TIMES * recent { unusual / (unusual + HALF) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_an_anomaly_has_a_score() {
        let mut onset = Onset::default();
        assert_eq!(onset.score(0, 0.0), 0.0);
        assert!(onset.score(1, 0.9) > 0.2);
        assert_eq!(onset.score(2, 0.9), 0.0);
        assert!(onset.score(3, 0.9999) > 0.5, "far more unusual");
        assert_eq!(onset.score(HOUR_US, 0.9), 0.0);
        assert!(onset.score(60 * HOUR_US, 0.9) > 0.2, "much later");
        assert!(onset.score(90 * HOUR_US, 1.0) <= 1.0);
    }
}
