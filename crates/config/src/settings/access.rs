//! `[access]`: limits of users, sessions, tokens and the audit log.

use super::section::{self, Origin, Provenance, settings};
use crate::diagnostic::did_you_mean;
use crate::openid::ROLES;
use crate::toml_reader::TomlReader;
use anyhow::anyhow;

/// Start of the environment variables of `[access]`.
pub const ACCESS_PREFIX: &str = "COCKPIT_ACCESS_";

/// Environment variables of the settings that are not limits: mode, state and roles.
pub(crate) const ACCESS_VARIABLES: [&str; 3] =
    ["COCKPIT_ACCESS_MODE", "COCKPIT_ACCESS_STATE", "COCKPIT_ACCESS_REQUIRE_SECOND_FACTOR"];

settings! {
    /// Limits of users, sessions, tokens and the audit log.
    AccessLimits {
        /// Time a call waits for another process that writes the database.
        busy_timeout_ms: u32 = 5_000,
            "long enough for the checkpoint of a backup, short enough that a request gets a response";
        /// Time without a request after which a session ends.
        session_idle_s: u32 = 8 * 3_600, in 60 to 7_776_000,
            "one shift";
        /// Time after login at which a session ends in any case.
        session_absolute_s: u32 = 24 * 3_600, in 60 to 7_776_000,
            "a day, as NIST SP 800-63B requires";
        /// Sessions of one user; the oldest ends when a new one begins.
        sessions_per_user: u32 = 20, in 1 to 10_000,
            "several devices and browsers";
        /// Longest lifetime of an API token.
        token_life_s_max: u32 = 367 * 86_400, in 60 to 315_360_000,
            "a yearly change fits with a day to spare";
        /// API tokens of one user.
        tokens_per_user: u32 = 50,
            "one for each tool and machine";
        /// Users in the database.
        users_max: u32 = 10_000,
            "a faulty script cannot fill the disk";
        /// Lifetime of the one-time link for the first administrator.
        setup_life_s: u32 = 3_600,
            "the person who starts the program opens it soon";
        /// Time within which a password set by an administrator has to be changed.
        temporary_password_s: u32 = 3 * 86_400,
            "a weekend and a day";
        /// Characters a password needs.
        password_chars_min: u32 = 15, in 8 to 128,
            "NIST SP 800-63B-4 requires 15 where a password may be the only factor";
        /// Bytes a password may have.
        password_bytes_max: u32 = 1_024, in 64 to 4_096,
            "a login cannot be made expensive";
        /// Memory of one argon2id hash.
        password_memory_kib: u32 = 19 * 1_024, in 8 to 4_194_304,
            "the minimum OWASP recommends with two passes";
        /// Passes of argon2id over its memory.
        password_passes: u32 = 2, in 1 to 64,
            "the number OWASP recommends with 19 MiB";
        /// Lanes of argon2id.
        password_lanes: u32 = 1, in 1 to 16,
            "a login uses one core";
        /// Hashes of SHA-256 for the SCRAM verifier of a password or token, and for each login by it.
        scram_iterations: u32 = 65_536, in 4_096 to 1_000_000,
            "sixteen times the minimum of RFC 7677; a client computes them in about a tenth of a second";
        /// Passwords checked at the same time.
        password_checks_at_once: u32 = 1, in 1 to 64,
            "the other cores stay free for the live stream";
        /// Logins that wait for their check; further ones are refused as busy.
        password_checks_waiting: u32 = 100,
            "more than log in at the start of a shift";
        /// Failed logins of one account before delays begin.
        account_failures_free: u32 = 5, in 1 to 100,
            "mistyping has no consequences";
        /// Longest delay of the logins of one account.
        account_delay_s_max: u32 = 900,
            "bounds how long an attacker can lock out the owner";
        /// Time after which one failed login of an account is forgotten.
        account_failure_forgotten_s: u32 = 3_600, in 1 to 2_592_000,
            "longer than the longest delay, so that delays grow during an attack";
        /// Failed logins from one address before delays begin.
        address_failures_free: u32 = 50,
            "a whole plant may share an address and mistype at the start of a shift";
        /// Longest delay of logins from one address.
        address_delay_s_max: u32 = 900,
            "bounds how long an attacker can lock out others behind the same address";
        /// Time after which one failed login from an address is forgotten.
        address_failure_forgotten_s: u32 = 60, in 1 to 2_592_000,
            "limits an attacker to one guess a minute";
        /// Accounts and addresses whose failed logins are counted; the oldest are dropped.
        failures_rows_max: u32 = 10_000,
            "an attack from many addresses cannot fill the disk";
        /// Backward step of the clock that is tolerated.
        clock_tolerance_s: u32 = 300,
            "time synchronization corrects by less";
        /// Interval between two checks for changes by other processes.
        changes_checked_every_ms: u32 = 200,
            "a revocation takes effect this soon; a check costs microseconds";
        /// Sessions and tokens cached in memory.
        cache_entries: u32 = 10_000, in 1 to 10_000_000,
            "all that are active at the same time";
        /// Bytes of details stored with one audit entry; the rest is cut off.
        audit_detail_bytes_max: u32 = 16_384,
            "a long SQL query fits";
        /// Entries of one page of the audit log.
        audit_page_entries_max: u32 = 1_000, in 1 to 100_000,
            "a page is held in memory";
        /// Entries of queries and downloads that are written together.
        audit_buffer_entries: u32 = 1_000, in 1 to 1_000_000,
            "each transaction costs one synchronous write";
    }
}

/// Names of the modes.
pub const ACCESS_MODES: [&str; 2] = ["login", "open"];

/// Who may use the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// Users log in.
    Login,
    /// Everyone who reaches the address has all permissions.
    Open,
}

impl AccessMode {
    /// The mode of a name in [`ACCESS_MODES`].
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "login" => Some(Self::Login),
            "open" => Some(Self::Open),
            _ => None,
        }
    }

    /// Its name in plant.toml.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => ACCESS_MODES[0],
            Self::Open => ACCESS_MODES[1],
        }
    }
}

/// `[access]` with the origin of each setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// `None`: open on a loopback address while no user exists, otherwise login.
    pub mode: Option<AccessMode>,
    /// Folder of the database of users; `None`: beside a local lake.
    pub state: Option<String>,
    /// Roles whose holders need a second factor when they log in by password; of [`ROLES`].
    pub require_second_factor: Vec<String>,
    pub limits: AccessLimits,
    provenance: Provenance,
}

impl Access {
    /// Where each setting was configured.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Reads `[access]` of plant.toml.
    pub fn read(mut reader: TomlReader<'_, '_>) -> Self {
        let mut access = Self::default();
        if let Some(name) = reader.text("mode") {
            access.mode = AccessMode::from_name(&name);
            access.provenance.set("mode", Origin::PlantFile);
            if access.mode.is_none() {
                let remedy = did_you_mean(&name, &ACCESS_MODES);
                reader.note("mode", format!("invalid mode `{name}`"), remedy);
            }
        }
        if let Some(state) = reader.text("state").filter(|folder| !folder.is_empty()) {
            access.state = Some(state);
            access.provenance.set("state", Origin::PlantFile);
        }
        if let Some(roles) = reader.texts("require_second_factor") {
            for role in roles.iter().filter(|role| !ROLES.contains(&&role[..])) {
                let remedy = did_you_mean(role, &ROLES);
                reader.note("require_second_factor", format!("unknown role `{role}`"), remedy);
            }
            access.require_second_factor = roles;
            access.provenance.set("require_second_factor", Origin::PlantFile);
        }
        section::read_toml(&mut access.limits, &mut reader, "access", &mut access.provenance);
        reader.finish();
        access
    }

    /// Reads `COCKPIT_ACCESS_<NAME>` from the environment.
    ///
    /// # Errors
    /// A value is invalid.
    pub fn read_env(&mut self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        if let Some(name) = env(ACCESS_VARIABLES[0]) {
            let mode = AccessMode::from_name(&name);
            let mode = mode.ok_or_else(|| {
                anyhow!("invalid {} `{name}`: expected login or open", ACCESS_VARIABLES[0])
            })?;
            self.mode = Some(mode);
            self.provenance.set("mode", Origin::Environment);
        }
        if let Some(state) = env(ACCESS_VARIABLES[1]) {
            self.state = Some(state);
            self.provenance.set("state", Origin::Environment);
        }
        if let Some(roles) = env(ACCESS_VARIABLES[2]) {
            self.require_second_factor = roles_of(&roles)?;
            self.provenance.set("require_second_factor", Origin::Environment);
        }
        section::read_env(&mut self.limits, env, ACCESS_PREFIX, &mut self.provenance)
    }
}

/// The roles of a list with commas.
fn roles_of(text: &str) -> anyhow::Result<Vec<String>> {
    let roles = text.split(',').map(str::trim).filter(|role| !role.is_empty());
    roles
        .map(|role| {
            let known = ROLES.contains(&role).then(|| role.to_owned());
            known.ok_or_else(|| {
                let expected = ROLES.join(", ");
                anyhow!("invalid {} `{role}`: expected roles of {expected}", ACCESS_VARIABLES[2])
            })
        })
        .collect()
}
