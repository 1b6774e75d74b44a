//! The limits of users and sessions, from the configuration to the crate that applies them.

use config::settings::AccessLimits;

/// The settings of the user database as they are configured.
pub fn access_settings(access: &config::settings::Access) -> access::Settings {
    let required = access.require_second_factor.iter();
    // The configuration has checked the names.
    let require_second_factor = required.filter_map(|role| role.parse().ok()).collect();
    access::Settings { require_second_factor, ..limits(&access.limits) }
}

fn limits(limits: &AccessLimits) -> access::Settings {
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
        scram_iterations,
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
        scram_iterations,
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
        require_second_factor: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::settings::Access;

    #[test]
    fn both_crates_have_the_same_defaults() {
        assert_eq!(access_settings(&Access::default()), access::Settings::default());
    }

    #[test]
    fn both_crates_have_the_same_roles() {
        assert_eq!(config::openid::ROLES, access::Role::ALL.map(access::Role::name));
        let mut access = Access::default();
        access.require_second_factor = config::openid::ROLES.map(str::to_owned).to_vec();
        assert_eq!(access_settings(&access).require_second_factor, access::Role::ALL);
    }
}
