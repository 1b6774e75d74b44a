//! Keeps a number of rows per second.

use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Steps per second.
const STEPS: u64 = 10;

/// Keeps a number of rows per second.
#[derive(Debug)]
pub struct Pace {
    steps: Option<Interval>,
    rows_per_step: u64,
    rows: u64,
}

impl Pace {
    /// At most this many rows per second.
    pub fn new(rows_per_s: u64) -> Self {
        let per_s = STEPS.min(rows_per_s.max(1));
        let mut steps = interval(Duration::from_secs(1) / u32::try_from(per_s).unwrap_or(1));
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { steps: Some(steps), rows_per_step: rows_per_s.div_ceil(per_s).max(1), rows: 0 }
    }

    /// As fast as possible.
    pub fn unlimited() -> Self {
        Self { steps: None, rows_per_step: u64::MAX, rows: 0 }
    }

    /// Waits until a further row may be read.
    pub async fn row(&mut self) {
        self.rows += 1;
        if self.rows < self.rows_per_step {
            return;
        }
        self.rows = 0;
        if let Some(steps) = &mut self.steps {
            steps.tick().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rows_are_not_read_faster_than_configured() {
        let mut pace = Pace::new(1_000);
        let began = tokio::time::Instant::now();
        for _ in 0..300 {
            pace.row().await;
        }
        assert!(began.elapsed() >= Duration::from_millis(190));
        assert_eq!((Pace::new(2).rows_per_step, Pace::new(15).rows_per_step), (1, 2));
    }
}
