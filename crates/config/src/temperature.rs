//! `[temperature]` of plant.toml: above which temperature a component is too hot. The live page and the
//! models that take `temperature.limit_c` as a parameter have it from here, so that both agree.

use super::settings::Origin;
use super::toml_reader::TomlReader;

/// The limit unless the plant sets another, in degrees Celsius.
const LIMIT_C: f64 = 50.0;
/// Why the default is what it is.
pub const REASON: &str = "the plant asks which components were above 50 degC";
/// The variable that overrides it.
const VARIABLE: &str = "COCKPIT_TEMP_LIMIT_C";
/// The temperatures a limit can have: what exists, and what no component survives.
const RANGE_C: std::ops::RangeInclusive<f64> = -273.15..=2000.0;
const REMEDY: &str = "Write degrees Celsius, such as limit_c = 50 or limit_c = 47.5.";

/// What is too hot.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    /// Temperature above which a reading counts as too hot, in degrees Celsius.
    pub limit_c: f64,
    pub origin: Origin,
    /// Whether it was configured as `temp_limit_c` in `[limits]`, as older versions had it.
    pub is_deprecated: bool,
}

impl Default for Temperature {
    fn default() -> Self {
        Self { limit_c: LIMIT_C, origin: Origin::Default, is_deprecated: false }
    }
}

impl Temperature {
    /// Reads `[temperature]`, or else the `deprecated` value of `[limits]`.
    pub fn read(reader: Option<TomlReader<'_, '_>>, deprecated: Option<u64>) -> Self {
        let mut temperature = Self::default();
        if let Some(limit_c) = deprecated {
            temperature =
                Self { limit_c: limit_c as f64, origin: Origin::PlantFile, is_deprecated: true };
        }
        let Some(mut reader) = reader else { return temperature };
        match reader.decimal("limit_c") {
            Some(_) if deprecated.is_some() => {
                let remedy = "Remove temp_limit_c from [limits].";
                reader.note("limit_c", "the limit is also set as temp_limit_c in [limits]", remedy);
            }
            Some(limit_c) if RANGE_C.contains(&limit_c) => {
                temperature.limit_c = limit_c;
                temperature.origin = Origin::PlantFile;
            }
            Some(limit_c) => reader.note("limit_c", format!("invalid limit_c {limit_c}"), REMEDY),
            None => {}
        }
        reader.finish();
        temperature
    }

    /// Takes `COCKPIT_TEMP_LIMIT_C` from the environment.
    pub fn read_env(&mut self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        let Some(text) = env(VARIABLE) else { return Ok(()) };
        let limit_c = text.parse().ok().filter(|limit_c| RANGE_C.contains(limit_c));
        let limit_c =
            limit_c.ok_or_else(|| anyhow::anyhow!("invalid {VARIABLE} `{text}`. {REMEDY}"))?;
        *self = Self { limit_c, origin: Origin::Environment, is_deprecated: false };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::Findings;

    /// The limit that plant.toml sets, or what is wrong with it.
    fn read(text: &str) -> Result<Temperature, String> {
        let findings = Findings::new("plant.toml", text);
        let document = findings.parse();
        let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
        let deprecated = reader.table("limits").and_then(|mut it| it.number("temp_limit_c"));
        let read = Temperature::read(reader.table("temperature"), deprecated);
        match findings.into_diagnostics().first() {
            Some(mistake) => Err(mistake.message.clone()),
            None => Ok(read),
        }
    }

    #[test]
    fn the_limit_is_read_from_its_new_place_and_from_its_old_one() {
        let limit_c = |text: &str| read(text).map(|it| (it.limit_c, it.is_deprecated));
        assert_eq!(limit_c(""), Ok((50.0, false)));
        assert_eq!(limit_c("[temperature]\nlimit_c = 47.5"), Ok((47.5, false)));
        assert_eq!(limit_c("[temperature]\nlimit_c = -20"), Ok((-20.0, false)));
        assert_eq!(limit_c("[limits]\ntemp_limit_c = 60"), Ok((60.0, true)));
        for wrong in ["limit_c = 5000", "limit_c = \"hot\"", "limit_c = nan", "limit = 5"] {
            assert!(limit_c(&format!("[temperature]\n{wrong}")).is_err(), "{wrong}");
        }
        assert!(limit_c("[limits]\ntemp_limit_c = 60\n[temperature]\nlimit_c = 60").is_err());
    }

    #[test]
    fn the_environment_wins() {
        let mut limit = Temperature::default();
        limit.read_env(|name| (name == VARIABLE).then(|| "47.5".to_owned())).unwrap();
        assert_eq!((limit.limit_c, limit.origin), (47.5, Origin::Environment));
        assert!(limit.read_env(|_| Some("hot".to_owned())).is_err());
    }
}
