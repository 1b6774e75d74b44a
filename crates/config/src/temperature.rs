//! `[temperature]` of plant.toml: the temperature above which a component is too hot, and the time after which
//! a sensor counts as silent. The live page and the models use the same values.

use super::settings::{Origin, Provenance};
use super::toml_reader::TomlReader;
use anyhow::anyhow;
use std::ops::RangeInclusive;

/// One setting of `[temperature]`, for the reference and `cockpit config`.
#[derive(Debug, Clone, Copy)]
pub struct TemperatureSetting {
    pub name: &'static str,
    /// Name in `[limits]`, where previous versions had it.
    pub former_name: &'static str,
    /// Environment variable that overrides it.
    pub variable: &'static str,
    /// What it is, as one sentence.
    pub description: &'static str,
    /// Why the default has its value.
    pub reason: &'static str,
    pub default: f64,
}

/// Temperature above which a component is too hot.
pub const LIMIT_C: TemperatureSetting = TemperatureSetting {
    name: "limit_c",
    former_name: "temp_limit_c",
    variable: "COCKPIT_TEMP_LIMIT_C",
    description: "Temperature in degrees Celsius above which a component is too hot.",
    reason: "the plant asks for components above 50 degC",
    default: 50.0,
};

/// Time without a reading after which a sensor is silent.
pub const SENSOR_SILENT_S: TemperatureSetting = TemperatureSetting {
    name: "sensor_silent_s",
    former_name: "sensor_silent_s",
    variable: "COCKPIT_SENSOR_SILENT_S",
    description: "Time in seconds without a reading after which a sensor is silent.",
    reason: "sensors send about once a second; after a minute one is missing, not late",
    default: 60.0,
};

/// Valid limits: physically possible, and no component survives more.
const RANGE_C: RangeInclusive<f64> = -273.15..=2000.0;
const LIMIT_REMEDY: &str = "Write degrees Celsius, such as limit_c = 50 or limit_c = 47.5.";
const SILENT_REMEDY: &str = "Write a whole number of seconds of at least 1.";

/// The settings of `[temperature]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    /// Temperature above which a reading is too hot, in degrees Celsius.
    pub limit_c: f64,
    /// Time without a reading after which a sensor is silent, in seconds.
    pub sensor_silent_s: u64,
    provenance: Provenance,
}

impl Default for Temperature {
    fn default() -> Self {
        Self { limit_c: LIMIT_C.default, sensor_silent_s: 60, provenance: Provenance::default() }
    }
}

impl Temperature {
    /// Where each setting was configured.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Reads the settings that previous versions had in `[limits]`.
    pub fn read_former(&mut self, limits: &mut TomlReader<'_, '_>) {
        if let Some(limit_c) = limits.number(LIMIT_C.former_name) {
            self.limit_c = limit_c as f64;
            self.moved(&LIMIT_C);
        }
        if let Some(silent_s) = silent_s(limits) {
            self.sensor_silent_s = silent_s;
            self.moved(&SENSOR_SILENT_S);
        }
    }

    fn moved(&mut self, setting: &TemperatureSetting) {
        self.provenance.set(setting.name, Origin::PlantFile);
        let old = format!("[limits] {}", setting.former_name);
        self.provenance.deprecate(old, format!("[temperature] {}", setting.name));
    }

    /// Reads `[temperature]`.
    pub fn read(&mut self, mut reader: TomlReader<'_, '_>) {
        if let Some(limit_c) = reader.decimal(LIMIT_C.name) {
            self.refuse_twice(&LIMIT_C, &reader);
            if !RANGE_C.contains(&limit_c) {
                reader.note(LIMIT_C.name, format!("invalid limit_c {limit_c}"), LIMIT_REMEDY);
            }
            self.limit_c = limit_c;
            self.provenance.set(LIMIT_C.name, Origin::PlantFile);
        }
        if let Some(silent_s) = silent_s(&mut reader) {
            self.refuse_twice(&SENSOR_SILENT_S, &reader);
            self.sensor_silent_s = silent_s;
            self.provenance.set(SENSOR_SILENT_S.name, Origin::PlantFile);
        }
        reader.finish();
    }

    /// Notes a setting that `[limits]` has too.
    fn refuse_twice(&self, setting: &TemperatureSetting, reader: &TomlReader<'_, '_>) {
        if self.provenance.origin(setting.name) == Origin::Default {
            return;
        }
        let former = setting.former_name;
        let message = format!("`{former}` in [limits] sets the same value");
        reader.note(setting.name, message, format!("Remove {former} from [limits]."));
    }

    /// Reads the environment variables of the settings.
    ///
    /// # Errors
    /// A value is invalid.
    pub fn read_env(&mut self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        if let Some(text) = env(LIMIT_C.variable) {
            let limit_c = text.parse().ok().filter(|limit_c| RANGE_C.contains(limit_c));
            self.limit_c = limit_c.ok_or_else(|| invalid(&LIMIT_C, &text, LIMIT_REMEDY))?;
            self.provenance.set(LIMIT_C.name, Origin::Environment);
        }
        if let Some(text) = env(SENSOR_SILENT_S.variable) {
            let silent_s = text.parse().ok().filter(|seconds| *seconds > 0);
            self.sensor_silent_s =
                silent_s.ok_or_else(|| invalid(&SENSOR_SILENT_S, &text, SILENT_REMEDY))?;
            self.provenance.set(SENSOR_SILENT_S.name, Origin::Environment);
        }
        Ok(())
    }
}

fn silent_s(reader: &mut TomlReader<'_, '_>) -> Option<u64> {
    let silent_s = reader.number(SENSOR_SILENT_S.name)?;
    if silent_s == 0 {
        reader.note(SENSOR_SILENT_S.name, "invalid sensor_silent_s `0`", SILENT_REMEDY);
    }
    Some(silent_s)
}

fn invalid(setting: &TemperatureSetting, text: &str, remedy: &str) -> anyhow::Error {
    anyhow!("invalid {} `{text}`. {remedy}", setting.variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::Findings;

    /// The settings in plant.toml, or the first mistake.
    fn read(text: &str) -> Result<Temperature, String> {
        let findings = Findings::new("plant.toml", text);
        let document = findings.parse();
        let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
        let mut temperature = Temperature::default();
        if let Some(mut limits) = reader.table("limits") {
            temperature.read_former(&mut limits);
        }
        if let Some(table) = reader.table("temperature") {
            temperature.read(table);
        }
        match findings.into_diagnostics().first() {
            Some(mistake) => Err(mistake.message.clone()),
            None => Ok(temperature),
        }
    }

    #[test]
    fn settings_are_read_from_their_new_and_their_former_place() {
        let values = |text: &str| -> Result<_, String> {
            let read = read(text)?;
            Ok((read.limit_c, read.sensor_silent_s, read.provenance.deprecations().len()))
        };
        assert_eq!(values(""), Ok((50.0, 60, 0)));
        assert_eq!(values("[temperature]\nlimit_c = 47.5"), Ok((47.5, 60, 0)));
        assert_eq!(values("[temperature]\nlimit_c = -20"), Ok((-20.0, 60, 0)));
        assert_eq!(values("[temperature]\nsensor_silent_s = 5"), Ok((50.0, 5, 0)));
        assert_eq!(values("[limits]\ntemp_limit_c = 60"), Ok((60.0, 60, 1)));
        assert_eq!(values("[limits]\nsensor_silent_s = 7"), Ok((50.0, 7, 1)));
        for wrong in ["limit_c = 5000", "limit_c = \"hot\"", "limit_c = nan", "limit = 5"] {
            assert!(values(&format!("[temperature]\n{wrong}")).is_err(), "{wrong}");
        }
        assert!(values("[temperature]\nsensor_silent_s = 0").is_err());
        assert!(values("[limits]\ntemp_limit_c = 60\n[temperature]\nlimit_c = 60").is_err());
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let mut temperature = Temperature::default();
        let one = |name: &str| (name == LIMIT_C.variable).then(|| "47.5".to_owned());
        temperature.read_env(one).unwrap();
        let origin = temperature.provenance.origin("limit_c");
        assert_eq!((temperature.limit_c, origin), (47.5, Origin::Environment));
        assert!(temperature.read_env(|_| Some("hot".to_owned())).is_err());
    }
}
