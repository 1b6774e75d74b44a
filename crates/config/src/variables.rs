//! The environment variables of the program: which there are, so that a slip of the finger is noticed.

use super::diagnostic::nearest;
use super::kafka::Kafka;
use super::settings::KNOWN;
use anyhow::bail;

/// What all of them begin with.
const PREFIX: &str = "COCKPIT_";

/// Variables of flags and places.
const NAMES: [&str; 9] = [
    "COCKPIT_BUCKET",
    "COCKPIT_HOSTS",
    "COCKPIT_INSECURE",
    "COCKPIT_KAFKA",
    "COCKPIT_LAKE",
    "COCKPIT_LISTEN",
    "COCKPIT_LOG",
    "COCKPIT_PLANT",
    "COCKPIT_TEMP_LIMIT_C",
];

/// Variables of the build and of the tests, which a program started by them inherits.
const OF_THE_BUILD: [&str; 6] = [
    "COCKPIT_COMMIT",
    "COCKPIT_PROGRAM",
    "COCKPIT_SHOTS",
    "COCKPIT_UI",
    "COCKPIT_UI_DIST",
    "COCKPIT_URL",
];

/// Fails if one of the variables `set` begins like ours but is none of them, and names the one that was
/// probably meant. A misspelt limit would otherwise be ignored.
pub fn refuse_unknown(set: impl IntoIterator<Item = String>, kafka: &Kafka) -> anyhow::Result<()> {
    let secrets = [&kafka.password_env, &kafka.token_env, &kafka.key_password_env];
    let usual = Kafka::default();
    let usual = [usual.password_env, usual.token_env, usual.key_password_env];
    let mut known: Vec<String> =
        KNOWN.iter().map(|limit| format!("{PREFIX}{}", limit.name.to_uppercase())).collect();
    known.extend(NAMES.map(str::to_owned));
    known.extend(secrets.map(String::clone));
    known.extend(usual);
    let mut unknown: Vec<String> = set
        .into_iter()
        .filter(|name| name.starts_with(PREFIX))
        .filter(|name| !known.contains(name) && !OF_THE_BUILD.contains(&name.as_str()))
        .collect();
    unknown.sort();
    let Some(name) = unknown.first() else { return Ok(()) };
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => bail!("unknown environment variable {name}: did you mean {near}?"),
        None => bail!(
            "unknown environment variable {name}: `cockpit config` lists the settings, each of which \
             is set by COCKPIT_ and its name in capitals; unset this one"
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
    fn every_variable_of_ours_is_known() {
        for limit in KNOWN {
            check(&format!("COCKPIT_{}", limit.name.to_uppercase()), "");
        }
        for name in NAMES.into_iter().chain(OF_THE_BUILD) {
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
