//! When a stream that failed starts again.

use config::settings::KafkaLimits;
use ingest::retry::Backoff;
use ingest::{Error, Retry};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// The restarts of a stream. If the cause of a failure may pass by itself, the pauses before them grow from
/// `kafka_retry_min_ms` to `kafka_retry_max_ms`. After a refused connection the pause is
/// `kafka_auth_retry_s`: each attempt with a wrong password may count towards locking the account.
pub struct Restarts {
    backoff: Backoff,
    longest: Duration,
    auth_pause: Duration,
    last_reason: Option<String>,
}

/// The next restart of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// Why the stream failed.
    pub reason: String,
    /// Whether an operator has to fix the cause.
    pub needs_operator: bool,
    /// Whether the failure before this one had the same reason.
    pub is_repeated: bool,
    pub pause: Duration,
}

impl Restarts {
    pub fn new(limits: &KafkaLimits) -> Self {
        Self {
            backoff: Backoff::new(limits.kafka_retry_min_ms, limits.kafka_retry_max_ms),
            longest: Duration::from_millis(limits.kafka_retry_max_ms),
            auth_pause: Duration::from_secs(limits.kafka_auth_retry_s),
            last_reason: None,
        }
    }

    /// The restart after a failure. A stream that `ran_for` longer than the longest pause had recovered, so
    /// its pauses start again with the shortest one. `random` in 0..1 sets the jitter.
    pub fn after(&mut self, error: &anyhow::Error, ran_for: Duration, random: f64) -> Restart {
        if ran_for > self.longest {
            self.backoff.reset();
            self.last_reason = None;
        }
        let retry = Error::find(error).map_or(Retry::Backoff, Error::retry);
        let needs_operator = retry != Retry::Backoff;
        let reason = format!("{error:#}");
        let is_repeated = self.last_reason.replace(reason.clone()).as_ref() == Some(&reason);
        let pause = if needs_operator { self.auth_pause } else { self.backoff.next_pause(random) };
        Restart { reason, needs_operator, is_repeated, pause }
    }
}

impl Restart {
    /// Logs the failure as an error, unless it was logged before.
    pub fn log(&self) {
        let (error, retry_in_ms) = (&self.reason, self.pause.as_millis());
        if self.is_repeated {
            tracing::debug!(error, retry_in_ms, "stream failed again");
        } else {
            tracing::error!(error, retry_in_ms, "stream failed");
        }
    }
}

/// A number in 0..1 for the jitter of a pause.
pub fn random() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn restarts() -> Restarts {
        let limits = KafkaLimits {
            kafka_retry_min_ms: 100,
            kafka_retry_max_ms: 400,
            kafka_auth_retry_s: 300,
            ..KafkaLimits::default()
        };
        Restarts::new(&limits)
    }

    fn failure(error: Error) -> anyhow::Error {
        let failed: Result<(), Error> = Err(error);
        failed.context("reading temperatures").unwrap_err()
    }

    #[test]
    fn a_lost_broker_is_tried_again_with_growing_pauses() {
        let mut restarts = restarts();
        let error = failure(Error::Unreachable("connection refused".to_owned()));
        let mut next = |ran_for_s| {
            let restart = restarts.after(&error, Duration::from_secs(ran_for_s), 1.0);
            assert!(!restart.needs_operator);
            (restart.pause.as_millis(), restart.is_repeated)
        };
        let expected = [(100, false), (200, true), (400, true), (400, true)];
        assert_eq!([0; 4].map(&mut next), expected);
        assert_eq!(next(60), (100, false));
    }

    #[test]
    fn a_wrong_password_is_reported_once_and_tried_again_slowly() {
        let mut restarts = restarts();
        let error = failure(Error::Auth("wrong password".to_owned()));
        for is_repeated in [false, true, true] {
            let restart = restarts.after(&error, Duration::ZERO, 0.0);
            assert_eq!((restart.needs_operator, restart.is_repeated), (true, is_repeated));
            assert_eq!(restart.pause, Duration::from_secs(300));
            assert_eq!(restart.reason, "reading temperatures: wrong password");
        }
        let other = failure(Error::Auth("unknown user".to_owned()));
        assert!(!restarts.after(&other, Duration::ZERO, 0.0).is_repeated);
    }

    #[test]
    fn errors_of_other_crates_may_pass() {
        let error = anyhow::anyhow!("disk full");
        let restart = restarts().after(&error, Duration::ZERO, 0.0);
        assert_eq!((restart.needs_operator, restart.pause.as_millis()), (false, 50));
    }

    #[test]
    fn jitter_is_a_fraction() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&random()));
        }
    }
}
