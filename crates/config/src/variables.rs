//! The environment variables of the program, so that a misspelt one is reported.

use super::diagnostic::nearest;
use super::kafka::Kafka;
use super::location::VARIABLES;
use super::settings::{
    ACCESS_PREFIX, ACCESS_VARIABLES, Access, LIMITS_PREFIX, Limits, Section, variable,
};
use super::temperature::{LIMIT_C, SENSOR_SILENT_S};
use anyhow::bail;

/// Start of every variable.
const PREFIX: &str = "COCKPIT_";

/// Variables of flags, locations and the plant.
const NAMES: [&str; 16] = [
    "COCKPIT_BUCKET",
    "COCKPIT_CERTIFICATE",
    "COCKPIT_FLIGHT_LISTEN",
    "COCKPIT_HOSTS",
    "COCKPIT_INSECURE",
    "COCKPIT_KAFKA",
    "COCKPIT_KEY",
    "COCKPIT_LAKE",
    "COCKPIT_LISTEN",
    "COCKPIT_LOG",
    "COCKPIT_PLANT",
    "COCKPIT_POSTGRES_LISTEN",
    "COCKPIT_PUBLIC_URL",
    "COCKPIT_TRUSTED_PROXIES",
    LIMIT_C.variable,
    SENSOR_SILENT_S.variable,
];

/// Variables of the build and of the tests, which a program started by them inherits.
const BUILD_NAMES: [&str; 6] = [
    "COCKPIT_COMMIT",
    "COCKPIT_PROGRAM",
    "COCKPIT_SHOTS",
    "COCKPIT_UI",
    "COCKPIT_UI_DIST",
    "COCKPIT_URL",
];

/// The variables of all settings, under their new and their former names.
fn setting_variables() -> Vec<String> {
    let (limits, access) = (Limits::default(), Access::default());
    let sections = limits.sections().map(|(_, section)| (LIMITS_PREFIX, section)).into_iter();
    let sections = sections.chain([(ACCESS_PREFIX, &access.limits as &dyn Section)]);
    let mut names = Vec::new();
    for (prefix, section) in sections {
        for setting in section.settings() {
            let both = [Some(setting.name), setting.former_name];
            names.extend(both.into_iter().flatten().map(|name| variable(prefix, name)));
        }
    }
    names
}

/// Fails if one of the variables in `set` has our prefix but is unknown, and suggests the nearest name.
///
/// # Errors
/// A variable is unknown; otherwise a misspelt setting would be ignored.
pub fn refuse_unknown(set: impl IntoIterator<Item = String>, kafka: &Kafka) -> anyhow::Result<()> {
    let mut known = setting_variables();
    let names = NAMES.into_iter().chain(ACCESS_VARIABLES).chain(VARIABLES);
    known.extend(names.map(str::to_owned));
    known.extend(kafka.secret_variables());
    known.extend(Kafka::default().secret_variables());
    let mut unknown: Vec<String> = set
        .into_iter()
        .filter(|name| name.starts_with(PREFIX))
        .filter(|name| !known.contains(name) && !BUILD_NAMES.contains(&name.as_str()))
        .collect();
    unknown.sort();
    let Some(name) = unknown.first() else { return Ok(()) };
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => bail!("unknown environment variable {name}: did you mean {near}?"),
        None => bail!(
            "unknown environment variable {name}: `cockpit config` lists all settings; the variable of a \
             setting is COCKPIT_ and its name in capitals. Unset this one"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let refused = refuse_unknown([name.to_owned()], &Kafka::default());
        let refused = refused.map_or_else(|error| error.to_string(), |()| String::new());
        assert!(refused.contains(expected), "{name}: {refused}");
        assert_eq!(refused.is_empty(), expected.is_empty(), "{name}: {refused}");
    }

    #[test]
    fn a_misspelt_variable_is_refused_with_the_nearest() {
        check("COCKPIT_BATCHROWS", "did you mean COCKPIT_BATCH_ROWS?");
        check("COCKPIT_BUKET", "did you mean COCKPIT_BUCKET?");
        check("COCKPIT_HOST", "did you mean COCKPIT_HOSTS?");
        check("COCKPIT_batch_rows", "COCKPIT_batch_rows");
        check("COCKPIT_WHATEVER_THIS_MAY_MEAN_TO_SOMEBODY", "`cockpit config` lists");
        check("COCKPIT_", "unknown environment variable COCKPIT_");
    }

    #[test]
    fn every_variable_of_the_program_is_known() {
        for name in setting_variables() {
            check(&name, "");
        }
        check("COCKPIT_PAGE_ROWS", "");
        check("COCKPIT_ACCESS_PASSWORD_LANES", "");
        for name in NAMES.into_iter().chain(BUILD_NAMES) {
            check(name, "");
        }
        for name in ["COCKPIT_KAFKA_PASSWORD", "PATH", "COCKPIT", "XCOCKPIT_A"] {
            check(name, "");
        }
        let mut kafka = Kafka::default();
        kafka.password_env = "COCKPIT_OUR_SECRET".to_owned();
        assert!(refuse_unknown(["COCKPIT_OUR_SECRET".to_owned()], &kafka).is_ok());
    }
}
