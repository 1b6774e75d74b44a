//! Sessions: opaque ids in a cookie, and when they end.

use crate::settings::us;
use crate::{Random, Secret, Settings, encoding, secret};
use serde::Serialize;
use std::net::IpAddr;

const COOKIE_BYTES: usize = 32;

/// Sessions that an identity provider, and the command line, opened.
const EXTERNAL: &str = "external";
pub(crate) const TERMINAL: &str = "terminal";

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// The `User-Agent`, for the list of one's own sessions; at most 200 characters are kept.
    pub agent: String,
}

/// A session as its owner and administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionInfo {
    pub id: i64,
    pub user: String,
    pub created_us: i64,
    pub last_seen_us: i64,
    /// When it ends at the latest.
    pub expires_us: i64,
    pub address: String,
    pub agent: String,
    /// How the person proved who they are: `password`, `password+totp`, `password+recovery`,
    /// `external`, `setup` or `terminal`.
    pub method: String,
}

/// How a session was opened. It is stored as the name, followed by a colon and the issuer if a
/// provider has authenticated the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Method<'a> {
    pub name: &'a str,
    pub issuer: Option<&'a str>,
}

impl<'a> Method<'a> {
    /// A login without a provider.
    pub fn new(name: &'a str) -> Self {
        Self { name, issuer: None }
    }

    /// A login by the provider with this issuer.
    pub fn external(issuer: &'a str) -> Self {
        Self { name: EXTERNAL, issuer: Some(issuer) }
    }

    /// The text that is stored.
    pub fn stored(self) -> String {
        self.issuer.map_or_else(|| self.name.to_owned(), |it| format!("{}:{it}", self.name))
    }

    /// The name in a stored text.
    pub fn name_of(stored: &str) -> &str {
        stored.split_once(':').map_or(stored, |(name, _)| name)
    }

    /// The issuer in a stored text.
    pub fn issuer_of(stored: &str) -> Option<&str> {
        stored.split_once(':').map(|(_, issuer)| issuer)
    }

    /// Whether a person has proved who they are by a password of this program.
    pub fn is_by_password(stored: &str) -> bool {
        !matches!(Self::name_of(stored), EXTERNAL | TERMINAL)
    }
}

/// The text of a new session cookie: 256 random bits.
pub(crate) fn new_cookie(random: &mut Random) -> Secret {
    Secret::new(encoding::base32(&secret::random_bytes::<COOKIE_BYTES>(random)))
}

/// Returns the hash of a session cookie; `None` if the format is wrong.
pub(crate) fn hash_of(cookie: &str) -> Option<secret::Hash> {
    let is_long = cookie.len() == (COOKIE_BYTES * 8).div_ceil(5);
    let bytes = is_long.then(|| encoding::from_base32(cookie)).flatten()?;
    (bytes.len() == COOKIE_BYTES).then(|| secret::hash_of(cookie))
}

/// Whether a session is no longer valid at `now_us`. A session that was created later than `now_us`
/// plus the clock tolerance is not valid either: it was created by a different clock.
pub(crate) fn is_over(
    created_us: i64,
    last_seen_us: i64,
    expires_us: i64,
    now_us: i64,
    settings: &Settings,
) -> bool {
    let is_idle = now_us >= last_seen_us.saturating_add(us(settings.session_idle_s));
    let is_early = created_us > now_us.saturating_add(us(settings.clock_tolerance_s));
    is_idle || is_early || now_us >= expires_us
}

impl Client {
    /// The agent as it is stored.
    pub(crate) fn agent_kept(&self) -> String {
        self.agent.chars().filter(|it| !it.is_control()).take(200).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seeded;
    use proptest::prelude::*;

    const S: i64 = 1_000_000;

    #[test]
    fn cookies_are_long_and_differ() {
        let mut random = seeded(1);
        let (one, other) = (new_cookie(&mut *random), new_cookie(&mut *random));
        assert_eq!(one.expose().len(), 52);
        assert!(hash_of(one.expose()).is_some());
        assert_ne!(hash_of(one.expose()), hash_of(other.expose()));
    }

    #[test]
    fn the_issuer_of_a_session_is_stored_with_its_method() {
        let stored = Method::external("https://id.example:8443/a").stored();
        assert_eq!(Method::name_of(&stored), "external");
        assert_eq!(Method::issuer_of(&stored), Some("https://id.example:8443/a"));
        assert!(!Method::is_by_password(&stored) && !Method::is_by_password("external"));
        for name in ["password", "password+totp", "password+recovery", "setup"] {
            let stored = Method::new(name).stored();
            assert_eq!((Method::name_of(&stored), Method::issuer_of(&stored)), (name, None));
            assert!(Method::is_by_password(&stored));
        }
    }

    #[test]
    fn a_session_ends_by_idleness_by_age_and_before_it_began() {
        let settings = Settings { session_idle_s: 100, ..Settings::default() };
        let check = |last_seen: i64, now: i64, expected: bool| {
            let found = is_over(1_000 * S, last_seen * S, 2_000 * S, now * S, &settings);
            assert_eq!(found, expected, "{last_seen} {now}");
        };
        check(1_000, 1_099, false);
        check(1_000, 1_100, true);
        check(1_950, 1_999, false);
        check(1_950, 2_000, true);
        check(1_000, 700, false);
        check(1_000, 699, true);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_cookie(text in ".{0,80}") {
            prop_assert_eq!(hash_of(&text).is_some(), text.len() == 52 && encoding::from_base32(&text).is_some());
        }
    }
}
