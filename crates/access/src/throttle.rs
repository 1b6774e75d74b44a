//! How long failed logins delay the next one.
//!
//! Two counters exist, one of the account and one of the address. Each allows some failures; every
//! further one doubles the delay, up to a maximum. During a delay of the account its logins are
//! refused with the answer of a wrong password, whatever was entered, so that nobody learns that
//! the account exists, that it is locked or that a guess was right. A delay of the address is
//! reported as such, since it depends on nothing but the address.

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

/// When delays begin and how long they get.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub free: u32,
    pub delay_max_us: i64,
    pub kept_us: i64,
}

impl Policy {
    pub fn of_accounts(settings: &Settings) -> Self {
        let delay_max_us = us(settings.account_delay_s_max);
        Self {
            free: settings.account_failures_free,
            delay_max_us,
            kept_us: us(settings.failures_kept_s),
        }
    }

    pub fn of_addresses(settings: &Settings) -> Self {
        let delay_max_us = us(settings.address_delay_s_max);
        Self {
            free: settings.address_failures_free,
            delay_max_us,
            kept_us: us(settings.failures_kept_s),
        }
    }

    /// The counter after one more failure.
    pub fn failed(&self, before: Failures, now_us: i64) -> Failures {
        let before = self.current(before, now_us);
        let count = before.count.saturating_add(1);
        let blocked_until_us = now_us.saturating_add(self.delay_us(count));
        Failures { count, last_us: now_us, blocked_until_us }
    }

    /// How long the counter still blocks; 0 if it does not.
    pub fn remaining_us(&self, failures: Failures, now_us: i64) -> i64 {
        self.current(failures, now_us).blocked_until_us.saturating_sub(now_us).max(0)
    }

    /// The counter as it counts now: forgotten if it is old, and with no time in the future that a
    /// clock set back might have left.
    fn current(&self, failures: Failures, now_us: i64) -> Failures {
        let last_us = failures.last_us.min(now_us);
        if now_us.saturating_sub(last_us) > self.kept_us {
            return Failures { count: 0, last_us, blocked_until_us: now_us };
        }
        let latest_us = now_us.saturating_add(self.delay_max_us);
        Failures { last_us, blocked_until_us: failures.blocked_until_us.min(latest_us), ..failures }
    }

    /// One second after the first failure that is not free, then twice as long each time.
    fn delay_us(&self, count: u32) -> i64 {
        if count <= self.free {
            return 0;
        }
        let doublings = (count - self.free - 1).min(40);
        (1_000_000_i64 << doublings).min(self.delay_max_us)
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
    fn failures_are_forgotten_after_their_time() {
        let many = Failures { count: 50, last_us: 0, blocked_until_us: 900 * S };
        assert_eq!(policy().failed(many, 86_400 * S).count, 51);
        assert_eq!(policy().failed(many, 86_400 * S + 1).count, 1);
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
