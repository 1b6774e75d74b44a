//! A struct of settings whose fields can be read by name, and where each value comes from.

use crate::toml_reader::TomlReader;
use anyhow::{anyhow, bail};
use std::collections::BTreeMap;
use std::fmt;

/// One setting: what a reference page and `cockpit config` print about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Name with the unit last.
    pub name: &'static str,
    /// Name of the previous version, which is deprecated.
    pub former_name: Option<&'static str>,
    /// What the setting limits, as one sentence.
    pub description: &'static str,
    /// Why the default has its value, as the end of a sentence.
    pub reason: &'static str,
    pub default: u64,
    /// The smallest and the greatest valid value.
    pub min: u64,
    pub max: u64,
}

/// A struct of settings, by name.
pub trait Section {
    /// The settings in the order of the fields.
    fn settings(&self) -> &'static [Setting];
    /// The value of a setting; `None` if the struct has no such field.
    fn value(&self, name: &str) -> Option<u64>;
    /// Sets a field to a value within the bounds of its setting.
    fn set_value(&mut self, name: &str, value: u64);
}

/// Defines a struct of settings: each field with its type, default, optional bounds and former name, and the
/// reason for the default. The doc comment of a field is one line.
macro_rules! settings {
    ($(#[$meta:meta])* $name:ident {
        $(#[doc = $description:literal]
          $field:ident: $type:ty = $default:expr,
          $(in $min:literal to $max:literal,)? $(formerly $former:literal,)? $reason:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = $description] pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::settings::Section for $name {
            fn settings(&self) -> &'static [$crate::settings::Setting] {
                const SETTINGS: &[$crate::settings::Setting] = &[$({
                    const DEFAULT: $type = $default;
                    const MAX: $type = <$type>::MAX;
                    #[allow(unused_mut, unused_assignments, clippy::allow_attributes)]
                    let (mut min, mut max) = (1, MAX as u64);
                    $(min = $min; max = $max;)?
                    #[allow(unused_mut, unused_assignments, clippy::allow_attributes)]
                    let mut former_name = None;
                    $(former_name = Some($former);)?
                    $crate::settings::Setting {
                        name: stringify!($field),
                        former_name,
                        description: $description.trim_ascii(),
                        reason: $reason,
                        default: DEFAULT as u64,
                        min,
                        max,
                    }
                },)*];
                SETTINGS
            }

            fn value(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($field) => Some(self.$field as u64),)*
                    _ => None,
                }
            }

            fn set_value(&mut self, name: &str, value: u64) {
                match name {
                    $(stringify!($field) => {
                        self.$field = <$type>::try_from(value).unwrap_or(<$type>::MAX);
                    })*
                    _ => {}
                }
            }
        }
    };
}
pub(super) use settings;

/// Where a setting was configured; each source overrides those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Default,
    PlantFile,
    Environment,
    Flag,
}

impl Origin {
    /// Its name in `cockpit config` and in errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::PlantFile => "plant.toml",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// A name of the previous version that still works, and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecation {
    pub old: String,
    pub new: String,
}

impl fmt::Display for Deprecation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is deprecated, use {}", self.old, self.new)
    }
}

/// Where the settings of some sections were configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    origins: BTreeMap<&'static str, Origin>,
    deprecations: Vec<Deprecation>,
}

impl Provenance {
    /// Where a setting was configured last.
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).copied().unwrap_or(Origin::Default)
    }

    /// The deprecated names that were used.
    pub fn deprecations(&self) -> &[Deprecation] {
        &self.deprecations
    }

    pub(crate) fn set(&mut self, name: &'static str, origin: Origin) {
        self.origins.insert(name, origin);
    }

    pub(crate) fn deprecate(&mut self, old: String, new: String) {
        self.deprecations.push(Deprecation { old, new });
    }
}

/// Reads the settings of a section that the TOML table `[table]` has.
pub(super) fn read_toml(
    section: &mut dyn Section,
    reader: &mut TomlReader<'_, '_>,
    table: &str,
    provenance: &mut Provenance,
) {
    for setting in section.settings() {
        let former = setting.former_name.filter(|name| reader.has(name));
        if let Some(former) = former {
            let Some(value) = number(setting, former, reader) else { continue };
            let (old, new) = (format!("[{table}] {former}"), format!("[{table}] {}", setting.name));
            provenance.deprecate(old, new);
            if reader.has(setting.name) {
                let remedy = format!("Remove `{former}`, the deprecated name.");
                reader.note(former, format!("`{}` is also set", setting.name), remedy);
            }
            provenance.set(setting.name, Origin::PlantFile);
            section.set_value(setting.name, value);
        }
        let Some(value) = number(setting, setting.name, reader) else { continue };
        provenance.set(setting.name, Origin::PlantFile);
        section.set_value(setting.name, value);
    }
}

/// The number under `name`; an invalid one is noted.
fn number(setting: &Setting, name: &'static str, reader: &mut TomlReader<'_, '_>) -> Option<u64> {
    let value = reader.number(name)?;
    if !(setting.min..=setting.max).contains(&value) {
        let message = format!("invalid {name} `{value}`");
        reader.note(name, message, format!("Write {}.", expected(setting)));
        return None;
    }
    Some(value)
}

/// Reads the settings of a section from environment variables, `prefix` and the name in capitals.
pub(super) fn read_env(
    section: &mut dyn Section,
    env: impl Fn(&str) -> Option<String>,
    prefix: &str,
    provenance: &mut Provenance,
) -> anyhow::Result<()> {
    for setting in section.settings() {
        let variable = variable(prefix, setting.name);
        let former = setting.former_name.map(|name| self::variable(prefix, name));
        let former = former.and_then(|name| env(&name).map(|text| (name, text)));
        let (name, text) = match (env(&variable), former) {
            (None, None) => continue,
            (Some(text), None) => (variable, text),
            (None, Some((former, text))) => {
                provenance.deprecate(former.clone(), variable);
                (former, text)
            }
            (Some(_), Some((former, _))) => {
                bail!("{variable} and {former}, its deprecated name, are both set: unset {former}")
            }
        };
        let value = text.parse().ok().filter(|it| (setting.min..=setting.max).contains(it));
        let value = value
            .ok_or_else(|| anyhow!("invalid {name} `{text}`: expected {}", expected(setting)))?;
        section.set_value(setting.name, value);
        provenance.set(setting.name, Origin::Environment);
    }
    Ok(())
}

/// The environment variable of a setting.
pub(crate) fn variable(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", name.to_uppercase())
}

/// The valid values of a setting, as the end of a sentence.
fn expected(setting: &Setting) -> String {
    // Without bounds of its own a setting is limited by its type alone.
    if setting.max >= u64::from(u32::MAX) {
        return format!("a whole number of at least {}", setting.min);
    }
    format!("a whole number from {} to {}", setting.min, setting.max)
}
