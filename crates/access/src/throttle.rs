//! How long failed logins delay the next one.
//!
//! Two counters exist, one of the account and one of the address. Each allows some failures; every
//! further one doubles the delay, up to a maximum, and time without failures takes them back one by
//! one. During a delay of the account its logins are refused with the answer of a wrong password,
//! whatever was entered, so that no one learns that the account exists, that it is locked or that a
//! guess was right. A delay of the address is reported as such, since it depends on nothing but the
//! address.

use crate::Settings;
use crate::settings::us;
use std::net::{IpAddr, Ipv6Addr};

/// Failures of one account or address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    pub count: u32,
    pub last_us: i64,
    pub blocked_until_us: i64,
}

/// When delays begin, how long they get, and how failures are forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub free: u32,
    pub delay_max_us: i64,
    pub forgotten_us: i64,
}

impl Policy {
    pub fn of_accounts(settings: &Settings) -> Self {
        Self {
            free: settings.account_failures_free,
            delay_max_us: us(settings.account_delay_s_max),
            forgotten_us: us(settings.account_failure_forgotten_s),
        }
    }

    pub fn of_addresses(settings: &Settings) -> Self {
        Self {
            free: settings.address_failures_free,
            delay_max_us: us(settings.address_delay_s_max),
            forgotten_us: us(settings.address_failure_forgotten_s),
        }
    }

    /// The counter after one more failure. It does not grow beyond the longest delay, so that a
    /// long attack does not take long to be forgotten.
    pub fn failed(&self, before: Failures, now_us: i64) -> Failures {
        let before = self.current(before, now_us);
        let is_longest =
            self.delay_us(before.count) >= self.delay_max_us && before.count > self.free;
        let count = if is_longest { before.count } else { before.count.saturating_add(1) };
        let blocked_until_us = now_us.saturating_add(self.delay_us(count));
        Failures { count, last_us: now_us, blocked_until_us }
    }

    /// How long the counter still blocks; 0 if it does not.
    pub fn remaining_us(&self, failures: Failures, now_us: i64) -> i64 {
        self.current(failures, now_us).blocked_until_us.saturating_sub(now_us).max(0)
    }

    /// How long a counter can matter after its last failure.
    pub fn kept_us(&self) -> i64 {
        let count = i64::from(self.free) + 1 + i64::from(self.doublings_max());
        self.forgotten_us.saturating_mul(count).max(self.delay_max_us)
    }

    /// The counter as it counts now: less what is forgotten, and with no time in the future that a
    /// clock set back might have left.
    fn current(&self, failures: Failures, now_us: i64) -> Failures {
        let last_us = failures.last_us.min(now_us);
        let forgotten = now_us.saturating_sub(last_us) / self.forgotten_us.max(1);
        let count = failures.count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
        let latest_us = now_us.saturating_add(self.delay_max_us);
        Failures { count, last_us, blocked_until_us: failures.blocked_until_us.min(latest_us) }
    }

    /// One second after the first failure that is not free, then twice as long each time.
    fn delay_us(&self, count: u32) -> i64 {
        if count <= self.free {
            return 0;
        }
        let doublings = (count - self.free - 1).min(self.doublings_max());
        (1_000_000_i64 << doublings).min(self.delay_max_us)
    }

    /// How often a second can be doubled until it is the longest delay.
    fn doublings_max(&self) -> u32 {
        let seconds = u64::try_from(self.delay_max_us / 1_000_000).unwrap_or_default();
        seconds.max(1).next_power_of_two().trailing_zeros()
    }
}

/// The part of an address that is counted: of IPv6 the network of 64 bits, since one customer has
/// all of its addresses.
pub fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: i64 = 1_000_000;

    fn policy() -> Policy {
        Policy::of_accounts(&Settings::default())
    }

    #[test]
    fn delays_begin_after_the_free_failures_and_double() {
        let mut failures = Failures::default();
        let mut delays = Vec::new();
        for _ in 0..18 {
            failures = policy().failed(failures, 1_000 * S);
            delays.push(policy().remaining_us(failures, 1_000 * S) / S);
        }
        let expected = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
        assert_eq!(delays, expected);
    }

    #[test]
    fn failures_are_forgotten_one_by_one() {
        let many = Failures { count: 8, last_us: 0, blocked_until_us: 4 * S };
        assert_eq!(policy().failed(many, 3_600 * S - 1).count, 9);
        assert_eq!(policy().failed(many, 3_600 * S).count, 8);
        assert_eq!(policy().failed(many, 5 * 3_600 * S).count, 4);
        assert_eq!(policy().failed(many, 99 * 3_600 * S).count, 1);
    }

    #[test]
    fn a_long_attack_counts_no_more_than_the_longest_delay_needs() {
        let mut failures = Failures::default();
        for _ in 0..1_000 {
            failures = policy().failed(failures, 1_000 * S);
        }
        assert_eq!(failures.count, 5 + 11);
        let over_us = failures.last_us + policy().kept_us();
        assert_eq!(policy().failed(failures, over_us).count, 1);
    }

    #[test]
    fn guessing_on_is_as_slow_as_forgetting() {
        let policy = Policy::of_addresses(&Settings::default());
        let (mut failures, mut now_us, mut guesses) = (Failures::default(), 0, 0);
        while now_us < 86_400 * S {
            failures = policy.failed(failures, now_us);
            now_us += policy.remaining_us(failures, now_us).max(1);
            guesses += 1;
        }
        assert!((1_300..1_500).contains(&guesses), "{guesses}");
    }

    #[test]
    fn addresses_of_one_network_are_counted_together() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("192.0.2.7"), "192.0.2.7");
        assert_eq!(key("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }

    proptest! {
        #[test]
        fn no_delay_exceeds_the_maximum_whatever_the_clock_did(
            count: u32, last_us in -1_i64 << 50..1_i64 << 50, until_us in -1_i64 << 50..1_i64 << 50,
            now_us in -1_i64 << 50..1_i64 << 50
        ) {
            let stored = Failures { count, last_us, blocked_until_us: until_us };
            let policy = policy();
            prop_assert!(policy.remaining_us(stored, now_us) <= policy.delay_max_us);
            let next = policy.failed(stored, now_us);
            prop_assert!(policy.remaining_us(next, now_us) <= policy.delay_max_us);
            prop_assert!(next.count >= 1);
        }
    }
}
