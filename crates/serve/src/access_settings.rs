//! The limits of users and sessions, from the configuration to the crate that applies them.

use config::settings::AccessLimits;

/// The settings of the user database as they are configured.
pub fn access_settings(limits: &AccessLimits) -> access::Settings {
    let AccessLimits {
        busy_timeout_ms,
        session_idle_s,
        session_absolute_s,
        sessions_per_user,
        token_life_s_max,
        tokens_per_user,
        users_max,
        setup_life_s,
        temporary_password_s,
        password_chars_min,
        password_bytes_max,
        password_memory_kib,
        password_passes,
        password_lanes,
        password_checks_at_once,
        password_checks_waiting,
        account_failures_free,
        account_delay_s_max,
        account_failure_forgotten_s,
        address_failures_free,
        address_delay_s_max,
        address_failure_forgotten_s,
        failures_rows_max,
        clock_tolerance_s,
        changes_checked_every_ms,
        cache_entries,
        audit_detail_bytes_max,
        audit_page_entries_max,
        audit_buffer_entries,
    } = *limits;
    access::Settings {
        busy_timeout_ms,
        session_idle_s,
        session_absolute_s,
        sessions_per_user,
        token_life_s_max,
        tokens_per_user,
        users_max,
        setup_life_s,
        temporary_password_s,
        password_chars_min,
        password_bytes_max,
        password_memory_kib,
        password_passes,
        password_lanes,
        password_checks_at_once,
        password_checks_waiting,
        account_failures_free,
        account_delay_s_max,
        account_failure_forgotten_s,
        address_failures_free,
        address_delay_s_max,
        address_failure_forgotten_s,
        failures_rows_max,
        clock_tolerance_s,
        changes_checked_every_ms,
        cache_entries,
        audit_detail_bytes_max,
        audit_page_entries_max,
        audit_buffer_entries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_crates_have_the_same_defaults() {
        assert_eq!(access_settings(&AccessLimits::default()), access::Settings::default());
    }
}
