//! Run-time parameters of a connection: what `SET` and `SHOW` refer to.

use super::DATABASE;
use pgwire::types::format::FormatOptions;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The version of PostgreSQL whose catalogue and behaviour clients find.
pub const SERVER_VERSION: &str = "16.6";

/// Parameters that are reported to the client at the start, and when they change.
const REPORTED: [&str; 11] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "standard_conforming_strings",
    "TimeZone",
];

/// Parameters of which values other than the default are refused, since answers would not obey them.
const FIXED: [&str; 5] = [
    "client_encoding",
    "DateStyle",
    "IntervalStyle",
    "bytea_output",
    "standard_conforming_strings",
];

const DEFAULTS: [(&str, &str); 35] = [
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("DateStyle", "ISO, YMD"),
    ("default_transaction_deferrable", "off"),
    ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("geqo", "on"),
    ("idle_in_transaction_session_timeout", "0"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "off"),
    ("jit", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("lc_messages", "C"),
    ("lc_monetary", "C"),
    ("lock_timeout", "0"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("row_security", "on"),
    ("search_path", "gold"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160006"),
    ("session_authorization", ""),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("synchronize_seqscans", "on"),
    ("TimeZone", "UTC"),
    ("transaction_isolation", "repeatable read"),
    ("transaction_read_only", "on"),
];

/// The values of the parameters.
#[derive(Debug, Clone)]
pub struct Variables {
    /// By the name in lower case, each with the name as it is written.
    values: BTreeMap<String, (String, String)>,
}

impl Default for Variables {
    fn default() -> Self {
        let entry = |(name, value): (&str, &str)| {
            (name.to_lowercase(), (name.to_owned(), value.to_owned()))
        };
        Self { values: DEFAULTS.into_iter().map(entry).collect() }
    }
}

impl Variables {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(&normalized(name)).map(|(_, value)| value.as_str())
    }

    /// Names and values in the order of the names.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.values().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a parameter, or resets it without a value. Returns name and value if they are reported to the client.
    ///
    /// # Errors
    /// The value is not one that the service can obey: the message for the client.
    pub fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
    ) -> Result<Option<(String, String)>, String> {
        let key = normalized(name);
        let default = DEFAULTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&key));
        let written = default.map_or(name, |(known, _)| *known).to_owned();
        let value = value.or(default.map(|(_, value)| *value)).unwrap_or_default();
        if FIXED.contains(&written.as_str()) && !is_obeyed(&written, value) {
            let kept = default.map_or("", |(_, value)| *value);
            return Err(format!("invalid {written} `{value}`: only {kept} is supported"));
        }
        let kept =
            if FIXED.contains(&written.as_str()) { self.get(&key).unwrap_or(value) } else { value };
        let kept = kept.to_owned();
        let is_reported = REPORTED.contains(&written.as_str());
        self.values.insert(key, (written.clone(), kept.clone()));
        Ok(is_reported.then_some((written, kept)))
    }

    /// Resets all parameters but those of the login.
    pub fn reset(&mut self) {
        let kept = ["session_authorization"].map(|name| self.values.get(name).cloned());
        *self = Self::default();
        for entry in kept.into_iter().flatten() {
            self.values.insert(entry.0.to_lowercase(), entry);
        }
    }

    /// Names and values that are sent to a client at the start.
    pub fn reported(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().filter(|(name, _)| REPORTED.contains(name))
    }

    /// The time limit of a statement: that of the service, or a shorter one that the client set.
    pub fn statement_time(&self, limit: Duration) -> Duration {
        let own = self.get("statement_timeout").and_then(milliseconds).filter(|it| *it > 0);
        own.map_or(limit, |it| Duration::from_millis(it).min(limit))
    }

    /// How values are written as text.
    pub fn format_options(&self) -> Arc<FormatOptions> {
        let mut options = FormatOptions::default();
        if let Some(Ok(digits)) = self.get("extra_float_digits").map(str::parse) {
            options.extra_float_digits = digits;
        }
        Arc::new(options)
    }

    /// The text of `version()`.
    pub fn version() -> String {
        format!(
            "PostgreSQL {SERVER_VERSION} (Plant Cockpit {}, {DATABASE})",
            env!("CARGO_PKG_VERSION")
        )
    }
}

fn normalized(name: &str) -> String {
    name.trim().trim_matches('"').to_lowercase()
}

/// Whether answers obey a value: spellings of the default.
fn is_obeyed(name: &str, value: &str) -> bool {
    let value = value.to_lowercase().replace(['-', '_', ' '], "");
    match name {
        "client_encoding" => ["utf8", "unicode", "default", ""].contains(&value.as_str()),
        // The order of day and month has no effect on ISO dates.
        "DateStyle" => {
            value.starts_with("iso") || ["mdy", "dmy", "ymd", "default"].contains(&value.as_str())
        }
        "IntervalStyle" => value == "postgres",
        "bytea_output" => value == "hex",
        _ => ["on", "true", "1", "yes"].contains(&value.as_str()),
    }
}

/// A time with or without a unit.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|it: char| it.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_shortens_the_time_of_its_statements() {
        let limit = Duration::from_secs(600);
        for (value, expected_ms) in [
            ("0", 600_000),
            ("1500", 1_500),
            ("2s", 2_000),
            ("1 min", 60_000),
            ("1h", 600_000),
            ("x", 600_000),
        ] {
            let mut variables = Variables::default();
            variables.set("Statement_Timeout", Some(value)).unwrap();
            let found = variables.statement_time(limit);
            assert_eq!(found, Duration::from_millis(expected_ms), "{value}");
        }
    }

    #[test]
    fn a_value_that_answers_do_not_obey_is_refused() {
        let mut variables = Variables::default();
        for (name, value, is_accepted) in [
            ("client_encoding", "UTF8", true),
            ("client_encoding", "'utf-8'".trim_matches('\''), true),
            ("client_encoding", "LATIN1", false),
            ("datestyle", "ISO, DMY", true),
            ("datestyle", "German", false),
            ("extra_float_digits", "3", true),
            ("application_name", "report", true),
            ("some.custom", "x", true),
        ] {
            assert_eq!(variables.set(name, Some(value)).is_ok(), is_accepted, "{name} {value}");
        }
        assert_eq!(variables.get("DateStyle"), Some("ISO, YMD"));
        assert_eq!(variables.get("APPLICATION_NAME"), Some("report"));
        variables.reset();
        assert_eq!(variables.get("application_name"), Some(""));
    }

    #[test]
    fn reported_parameters_are_known_ones() {
        assert_eq!(Variables::default().reported().count(), REPORTED.len());
    }
}
