//! Limits of logins at providers of OpenID Connect.

use config::settings::ServeLimits;
use std::time::Duration;

/// Limits of logins at providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdLimits {
    /// Time for a request to a provider. 10 s.
    pub request_time: Duration,
    /// Bytes of an answer of a provider. 1 MiB.
    pub answer_bytes: usize,
    /// Requests to providers at a time. 16.
    pub requests: usize,
    /// Age at which metadata and keys are read again, in microseconds. 5 min.
    pub metadata_us: i64,
    /// Shortest time between two requests for keys, in microseconds. 60 s.
    pub keys_interval_us: i64,
    /// Time after a failed request for metadata until the next one, in microseconds. 5 s.
    pub retry_us: i64,
    /// Time from the start of a login to its end, in microseconds. 10 min.
    pub login_us: i64,
    /// Logins that have begun. 10,000.
    pub logins: usize,
    /// Logins of one address that have begun. 200.
    pub logins_per_address: usize,
    /// Requests of one address to start or complete a login, per second in the long run, except from
    /// this machine. 5.
    pub requests_per_s: u32,
    /// Such requests at once. 200.
    pub requests_burst: u32,
}

impl OpenIdLimits {
    /// The limits as they are configured.
    pub fn from_settings(serve: &ServeLimits) -> Self {
        Self {
            request_time: Duration::from_secs(serve.openid_request_time_s),
            answer_bytes: serve.openid_answer_bytes,
            requests: serve.openid_requests,
            metadata_us: us(serve.openid_metadata_s),
            keys_interval_us: us(serve.openid_keys_interval_s),
            retry_us: us(serve.openid_retry_s),
            login_us: us(serve.openid_login_s),
            logins: serve.openid_logins_max,
            logins_per_address: serve.openid_logins_per_address,
            requests_per_s: serve.openid_requests_per_s,
            requests_burst: serve.openid_requests_burst,
        }
    }
}

impl Default for OpenIdLimits {
    fn default() -> Self {
        Self::from_settings(&ServeLimits::default())
    }
}

fn us(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}
