//! Logins that have begun: what the answer of the provider is compared with.
//!
//! A login is found by the hash of its state, belongs to one provider and one browser, and can be
//! completed once and in time. Parallel logins in several tabs of a browser share its cookie.

use super::failure::Failure;
use crate::http::rate::ClientKey;
use crate::openid_limits::OpenIdLimits;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The hash of a secret.
type Hash = [u8; 32];

/// A login that has begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Name of the provider.
    pub provider: String,
    /// Hash of the cookie of the browser.
    pub browser: Hash,
    /// The client that began it.
    pub client: ClientKey,
    pub nonce: String,
    /// The verifier of PKCE.
    pub verifier: String,
    /// The address that the provider returns to.
    pub redirect_uri: String,
    /// The path that the login leads to.
    pub next: String,
    pub begun_us: i64,
}

/// All logins that have begun, by the hash of their state.
#[derive(Debug, Default)]
pub struct BegunLogins {
    by_state: HashMap<Hash, (u64, Begun)>,
    /// Number of the next login: logins of the same time have an order too.
    next: u64,
}

impl BegunLogins {
    /// Adds a login. At a limit, the oldest one gives way: of the same client first.
    pub fn add(&mut self, state: &str, begun: Begun, limits: &OpenIdLimits) {
        let now_us = begun.begun_us;
        self.by_state.retain(|_, (_, it)| !is_over(it, now_us, limits));
        let of_client = self.by_state.values().filter(|(_, it)| it.client == begun.client).count();
        if of_client >= limits.logins_per_address {
            self.remove_oldest(|it| it.client == begun.client);
        }
        if self.by_state.len() >= limits.logins {
            self.remove_oldest(|_| true);
        }
        self.by_state.insert(hash(state), (self.next, begun));
        self.next += 1;
    }

    fn remove_oldest(&mut self, is_meant: impl Fn(&Begun) -> bool) {
        let meant = self.by_state.iter().filter(|(_, (_, it))| is_meant(it));
        let oldest = meant.min_by_key(|(_, (number, _))| *number).map(|(state, _)| *state);
        if let Some(state) = oldest {
            self.by_state.remove(&state);
        }
    }

    /// Takes the login of `state`, which ends with it. The answer of another browser leaves it
    /// as it is, so that only its owner can end it.
    ///
    /// # Errors
    /// There is no such login, it belongs to another browser or provider, or its time is over.
    pub fn take(
        &mut self,
        state: &str,
        browser: Option<&str>,
        provider: &str,
        now_us: i64,
        limits: &OpenIdLimits,
    ) -> Result<Begun, Failure> {
        let state = hash(state);
        let found = self.by_state.get(&state);
        let found = found.ok_or(Failure::Stale("unknown state, or an answer that was used"))?;
        if browser.map(hash) != Some(found.1.browser) {
            return Err(Failure::Stale("state of another browser"));
        }
        let begun = self.by_state.remove(&state);
        let (_, begun) =
            begun.ok_or(Failure::Stale("unknown state, or an answer that was used"))?;
        if begun.provider != provider {
            return Err(Failure::Refused("state of another provider".to_owned()));
        }
        if is_over(&begun, now_us, limits) {
            return Err(Failure::Stale("the login took too long"));
        }
        Ok(begun)
    }
}

fn is_over(begun: &Begun, now_us: i64, limits: &OpenIdLimits) -> bool {
    // A clock that was set back does not extend the time.
    now_us.saturating_sub(begun.begun_us).abs() > limits.login_us
}

/// SHA-256 of a secret.
pub fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn begun(browser: &str, address: &str, begun_us: i64) -> Begun {
        Begun {
            provider: "plant".into(),
            browser: hash(browser),
            client: ClientKey::from_address(address.parse().unwrap()),
            nonce: "n".into(),
            verifier: "v".into(),
            redirect_uri: "http://localhost/".into(),
            next: "/".into(),
            begun_us,
        }
    }

    fn limits() -> OpenIdLimits {
        OpenIdLimits { logins: 4, logins_per_address: 2, ..OpenIdLimits::default() }
    }

    #[test]
    fn a_login_is_completed_once_by_its_browser_at_its_provider() {
        let (limits, mut logins) = (limits(), BegunLogins::default());
        logins.add("s", begun("b", "192.0.2.1", 0), &limits);
        let mut take = |browser, provider| logins.take("s", browser, provider, 0, &limits);
        let other = Failure::Stale("state of another browser");
        assert_eq!(take(None, "plant").unwrap_err(), other);
        assert_eq!(take(Some("c"), "plant").unwrap_err(), other);
        assert_eq!(take(Some("b"), "plant").unwrap().nonce, "n");
        assert!(matches!(take(Some("b"), "plant"), Err(Failure::Stale(_))));
    }

    #[test]
    fn an_answer_at_another_provider_ends_the_login() {
        let (limits, mut logins) = (limits(), BegunLogins::default());
        logins.add("s", begun("b", "192.0.2.1", 0), &limits);
        let mut take = |provider| logins.take("s", Some("b"), provider, 0, &limits);
        assert!(matches!(take("other"), Err(Failure::Refused(_))));
        assert!(matches!(take("plant"), Err(Failure::Stale(_))));
    }

    #[test]
    fn a_login_has_its_time_by_either_direction_of_the_clock() {
        let limits = limits();
        for (now_us, is_ok) in
            [(0, true), (600 * S, true), (601 * S, false), (-600 * S, true), (-601 * S, false)]
        {
            let mut logins = BegunLogins::default();
            logins.add("s", begun("b", "192.0.2.1", 0), &limits);
            let taken = logins.take("s", Some("b"), "plant", now_us, &limits);
            assert_eq!(taken.is_ok(), is_ok, "{now_us}");
        }
    }

    #[test]
    fn a_client_that_begins_many_logins_loses_its_own_first() {
        let (limits, mut logins) = (limits(), BegunLogins::default());
        logins.add("mine", begun("b", "192.0.2.9", 0), &limits);
        for number in 1..100 {
            logins.add(&number.to_string(), begun("x", "192.0.2.1", number), &limits);
        }
        assert_eq!(logins.by_state.len(), 3);
        for number in 1..9 {
            let address = format!("198.51.100.{number}");
            logins.add(&address, begun("x", &address, 100 + number), &limits);
        }
        assert_eq!(logins.by_state.len(), 4);
        assert!(logins.take("mine", Some("b"), "plant", 0, &limits).is_err());
    }
}
