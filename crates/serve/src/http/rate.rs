//! The limit on requests per second and address.
//!
//! Each address has a bucket of tokens that refills steadily; a request takes one. So a page may load
//! its parts at once, and only a client that sustains that rate is refused.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// An address as clients are counted: an IPv4 address, or the /64 network of an IPv6 address, because one
/// subscriber usually has a whole network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey(IpAddr);

impl ClientKey {
    pub fn from_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                Self(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into())
            }
        }
    }
}

/// The key that all addresses beyond the number of buckets share.
const REST: ClientKey = ClientKey(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

/// Limits requests per address.
#[derive(Debug)]
pub struct RateLimiter {
    per_s: f64,
    burst: f64,
    buckets_max: usize,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    by_key: HashMap<ClientKey, Bucket>,
    swept_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimiter {
    /// Allows `per_s` requests a second in the long run, and `burst` at once. Both are at least 1.
    /// At most `buckets_max` addresses have a bucket of their own; the others share one.
    pub fn new(per_s: u32, burst: u32, buckets_max: usize) -> Self {
        let (per_s, burst) = (f64::from(per_s.max(1)), f64::from(burst.max(1)));
        Self { per_s, burst, buckets_max, buckets: Mutex::default() }
    }

    /// Takes a token for a request, or returns how long to wait for the next one.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.bucket_key(&mut buckets, ClientKey::from_address(address), now);
        let full = Bucket { tokens: self.burst, at: now };
        let bucket = buckets.by_key.entry(key).or_insert(full);
        bucket.tokens = self.refilled(*bucket, now);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / self.per_s))
    }

    fn refilled(&self, bucket: Bucket, now: Instant) -> f64 {
        let elapsed_s = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + elapsed_s * self.per_s).min(self.burst)
    }

    /// The bucket of `key`, or the shared one if there is no room for another. At most once a second,
    /// full buckets are removed; a new bucket is full as well.
    fn bucket_key(&self, buckets: &mut Buckets, key: ClientKey, now: Instant) -> ClientKey {
        if buckets.by_key.contains_key(&key) || buckets.by_key.len() < self.buckets_max {
            return key;
        }
        let is_due = |at: Instant| now.saturating_duration_since(at) >= Duration::from_secs(1);
        if buckets.swept_at.is_none_or(is_due) {
            buckets.swept_at = Some(now);
            buckets.by_key.retain(|_, bucket| self.refilled(*bucket, now) < self.burst);
        }
        if buckets.by_key.len() < self.buckets_max { key } else { REST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    /// How many of `count` requests at `now` are allowed.
    fn allowed(limiter: &RateLimiter, last: u8, count: u32, now: Instant) -> usize {
        (0..count).filter(|_| limiter.take(address(last), now).is_ok()).count()
    }

    #[tokio::test]
    async fn a_burst_is_allowed_and_then_the_rate() {
        let limiter = RateLimiter::new(10, 30, 100);
        let start = Instant::now();
        assert_eq!(allowed(&limiter, 1, 100, start), 30);
        assert_eq!(allowed(&limiter, 1, 100, start + Duration::from_millis(550)), 5);
        assert_eq!(allowed(&limiter, 1, 100, start + Duration::from_secs(3600)), 30);
    }

    #[tokio::test]
    async fn the_time_to_wait_is_the_time_to_the_next_token() {
        let limiter = RateLimiter::new(4, 1, 100);
        let start = Instant::now();
        limiter.take(address(1), start).unwrap();
        let wait = limiter.take(address(1), start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(250));
        assert!(limiter.take(address(1), start + wait).is_ok());
    }

    #[tokio::test]
    async fn addresses_do_not_affect_each_other() {
        let limiter = RateLimiter::new(1, 5, 100);
        let start = Instant::now();
        assert_eq!(allowed(&limiter, 1, 9, start), 5);
        assert_eq!(allowed(&limiter, 2, 9, start), 5);
    }

    #[tokio::test]
    async fn memory_is_bounded_and_strangers_share_what_is_left() {
        let limiter = RateLimiter::new(1, 2, 3);
        let start = Instant::now();
        for last in 1..=200 {
            let _ignored = limiter.take(address(last), start);
        }
        assert!(limiter.buckets.lock().unwrap().by_key.len() <= 4);
        assert_eq!(allowed(&limiter, 201, 9, start), 0);
        assert_eq!(allowed(&limiter, 1, 9, start), 1);
        assert_eq!(allowed(&limiter, 201, 9, start + Duration::from_secs(10)), 2);
    }

    #[tokio::test]
    async fn a_clock_that_stands_still_or_goes_back_gives_no_tokens() {
        let limiter = RateLimiter::new(10, 3, 10);
        let start = Instant::now() + Duration::from_secs(10);
        assert_eq!(allowed(&limiter, 1, 9, start), 3);
        assert_eq!(allowed(&limiter, 1, 9, start - Duration::from_secs(5)), 0);
    }
}
