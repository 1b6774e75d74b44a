//! Every limit, time and size of the crate, by name, with the reason of its default.

use crate::{Error, Role};

/// Limits that a plant may change. Fields end in their unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a call waits for another process that writes the database. Long enough for a
    /// backup's checkpoint, short enough that a request still gets an answer.
    pub busy_timeout_ms: u32,
    /// A session ends after this long without a request: one shift.
    pub session_idle_s: u32,
    /// A session ends this long after its login, used or not: a day, as NIST SP 800-63B requires.
    pub session_absolute_s: u32,
    /// Sessions one person can have at a time; the oldest gives way to a new one.
    pub sessions_per_user: u32,
    /// The longest life of an API token: a year and a day, so that a yearly change fits.
    pub token_life_s_max: u32,
    /// API tokens one person can have at a time.
    pub tokens_per_user: u32,
    /// People the store takes, so that a wrong script cannot fill the disk.
    pub users_max: u32,
    /// The one-time link for the first administrator ends after this long.
    pub setup_life_s: u32,
    /// A password that an administrator set has to be replaced within this time: three days.
    pub temporary_password_s: u32,
    /// Characters a password needs at least: 15, as NIST SP 800-63B-4 requires where a password may be
    /// the only factor. At least 8.
    pub password_chars_min: u32,
    /// Bytes a password may have at most, so that a login cannot be made costly.
    pub password_bytes_max: u32,
    /// Memory of one argon2id hash: 19 MiB, the least that OWASP recommends with two passes.
    pub password_memory_kib: u32,
    /// Passes of argon2id over that memory.
    pub password_passes: u32,
    /// Lanes of argon2id.
    pub password_lanes: u32,
    /// Hashes of SHA-256 a guess at a password costs who has stolen its verifier of SCRAM: sixteen
    /// times the 4,096 of RFC 7677. A client computes as many at each login.
    pub scram_iterations: u32,
    /// Passwords checked at a time. One leaves the other cores to the live path, and bounds how
    /// many guesses can pass while a failure is being counted.
    pub password_checks_at_once: u32,
    /// Logins that wait for their check at a time; more are refused as busy.
    pub password_checks_waiting: u32,
    /// Failed logins of one account before delays begin.
    pub account_failures_free: u32,
    /// The longest delay of one account: it bounds what an attacker can take from its owner.
    pub account_delay_s_max: u32,
    /// One failure of an account is forgotten after each such time without another; a login that
    /// succeeds forgets all. Longer than the longest delay, so that delays grow under attack.
    pub account_failure_forgotten_s: u32,
    /// Failed logins from one address before delays begin. More than for an account, because a
    /// whole plant may share an address and mistype at the beginning of a shift.
    pub address_failures_free: u32,
    /// The longest delay of one address.
    pub address_delay_s_max: u32,
    /// One failure of an address is forgotten after each such time without another. This is also
    /// how often an attacker can go on to guess from one address.
    pub address_failure_forgotten_s: u32,
    /// Accounts and addresses whose failures are counted; the oldest give way.
    pub failures_rows_max: u32,
    /// A clock that goes back by more than this was set back; less is jitter.
    pub clock_tolerance_s: u32,
    /// How often changes by other processes are looked for.
    pub changes_checked_every_ms: u32,
    /// Sessions and tokens kept in memory.
    pub cache_entries: u32,
    /// Bytes of detail one audit entry holds; the rest is cut off, and marked so.
    pub audit_detail_bytes_max: u32,
    /// Entries of one page of the audit log.
    pub audit_page_entries_max: u32,
    /// Entries of queries and downloads that wait in memory to be written together.
    pub audit_buffer_entries: u32,
    /// Roles whose holders need a second factor when they log in by password: until they have one,
    /// they can manage their own account only. None.
    pub require_second_factor: Vec<Role>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            busy_timeout_ms: 5_000,
            session_idle_s: 8 * 3_600,
            session_absolute_s: 24 * 3_600,
            sessions_per_user: 20,
            token_life_s_max: 367 * 86_400,
            tokens_per_user: 50,
            users_max: 10_000,
            setup_life_s: 3_600,
            temporary_password_s: 3 * 86_400,
            password_chars_min: 15,
            password_bytes_max: 1_024,
            password_memory_kib: 19 * 1_024,
            password_passes: 2,
            password_lanes: 1,
            scram_iterations: 65_536,
            password_checks_at_once: 1,
            password_checks_waiting: 100,
            account_failures_free: 5,
            account_delay_s_max: 900,
            account_failure_forgotten_s: 3_600,
            address_failures_free: 50,
            address_delay_s_max: 900,
            address_failure_forgotten_s: 60,
            failures_rows_max: 10_000,
            clock_tolerance_s: 300,
            changes_checked_every_ms: 200,
            cache_entries: 10_000,
            audit_detail_bytes_max: 16_384,
            audit_page_entries_max: 1_000,
            audit_buffer_entries: 1_000,
            require_second_factor: Vec::new(),
        }
    }
}

/// The least and the most of settings where a wrong value would be unsafe: each with its name.
type Bound = (&'static str, u32, u32, u32);

impl Settings {
    /// Refuses values that would make the store unsafe or unusable.
    pub fn check(&self) -> Result<(), Error> {
        for (name, value, least, most) in self.bounds() {
            if !(least..=most).contains(&value) {
                let expected = format!("{least} to {most}");
                return Err(Error::invalid(name, &value.to_string(), expected));
            }
        }
        Ok(())
    }

    fn bounds(&self) -> [Bound; 16] {
        let memory_min = 8_u32.saturating_mul(self.password_lanes);
        [
            ("password_chars_min", self.password_chars_min, 8, 128),
            ("password_bytes_max", self.password_bytes_max, 64, 4_096),
            ("password_lanes", self.password_lanes, 1, 16),
            ("password_memory_kib", self.password_memory_kib, memory_min, 4 << 20),
            ("password_passes", self.password_passes, 1, 64),
            ("scram_iterations", self.scram_iterations, 4_096, 1_000_000),
            ("password_checks_at_once", self.password_checks_at_once, 1, 64),
            ("session_idle_s", self.session_idle_s, 60, 90 * 86_400),
            ("session_absolute_s", self.session_absolute_s, 60, 90 * 86_400),
            ("sessions_per_user", self.sessions_per_user, 1, 10_000),
            ("cache_entries", self.cache_entries, 1, 10_000_000),
            ("account_failures_free", self.account_failures_free, 1, 100),
            ("account_failure_forgotten_s", self.account_failure_forgotten_s, 1, 30 * 86_400),
            ("address_failure_forgotten_s", self.address_failure_forgotten_s, 1, 30 * 86_400),
            ("audit_page_entries_max", self.audit_page_entries_max, 1, 100_000),
            ("audit_buffer_entries", self.audit_buffer_entries, 1, 1_000_000),
        ]
    }
}

/// Seconds as the microseconds all times of the crate are in.
pub(crate) fn us(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed_and_unsafe_values_are_not() {
        assert!(Settings::default().check().is_ok());
        let short = Settings { password_chars_min: 7, ..Settings::default() };
        let text = short.check().unwrap_err().to_string();
        assert_eq!(text, "invalid password_chars_min `7`: expected 8 to 128");
        let thin = Settings { password_lanes: 4, password_memory_kib: 31, ..Settings::default() };
        assert!(thin.check().is_err());
    }
}
