//! Pauses between attempts.

use std::time::Duration;

/// Pauses that double with every failed attempt, with jitter, so that programs that lost the same broker
/// do not return to it all at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    min_ms: u64,
    max_ms: u64,
    next_ms: u64,
}

impl Backoff {
    /// Pauses from `min_ms` to `max_ms`.
    pub fn new(min_ms: u64, max_ms: u64) -> Self {
        let min_ms = min_ms.clamp(1, max_ms.max(1));
        Self { min_ms, max_ms: max_ms.max(min_ms), next_ms: min_ms }
    }

    /// The pause before the next attempt: between half of the current one and all of it, by `random` in
    /// 0..1.
    pub fn next_pause(&mut self, random: f64) -> Duration {
        let pause_ms = self.next_ms;
        self.next_ms = pause_ms.saturating_mul(2).min(self.max_ms);
        Duration::from_secs_f64(pause_ms as f64 / 1e3 * (0.5 + random.clamp(0.0, 1.0) / 2.0))
    }

    /// Starts again with the shortest pause, after an attempt that succeeded.
    pub fn reset(&mut self) {
        self.next_ms = self.min_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_again() {
        let mut backoff = Backoff::new(100, 1_000);
        let mut pauses =
            || -> Vec<u128> { (0..5).map(|_| backoff.next_pause(1.0).as_millis()).collect() };
        assert_eq!(pauses(), [100, 200, 400, 800, 1_000]);
        assert_eq!(pauses(), [1_000; 5]);
        backoff.reset();
        assert_eq!(backoff.next_pause(1.0).as_millis(), 100);
    }

    #[test]
    fn jitter_takes_up_to_half_of_a_pause() {
        for (random, expected) in [(0.0, 50), (0.5, 75), (1.0, 100), (7.0, 100)] {
            assert_eq!(Backoff::new(100, 100).next_pause(random).as_millis(), expected);
        }
    }

    #[test]
    fn limits_in_the_wrong_order_do_no_harm() {
        let mut backoff = Backoff::new(500, 100);
        assert_eq!(backoff.next_pause(1.0).as_millis(), 100);
        assert_eq!(Backoff::new(0, 0).next_pause(1.0).as_millis(), 1);
    }
}
