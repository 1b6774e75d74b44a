//! Values of `alarms.toml`: durations with units, limits, texts in several languages, patterns.

use crate::temperature::{LIMIT_C, SENSOR_SILENT_S};
use crate::toml_reader::TomlReader;
use plant::alarm::{LocalText, SensorPattern};

/// Units of durations, in microseconds.
const UNITS: [(&str, i64); 5] = [
    ("ms", 1_000),
    ("s", 1_000_000),
    ("min", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
];

/// Longest duration: a year.
const DURATION_MAX_US: i64 = 366 * 86_400_000_000;

const DURATION_REMEDY: &str =
    "Write a number and ms, s, min, h or d, such as \"30 s\" or \"10 min\", at most 366 d.";

/// Longest code of a language (ISO 639).
const LANGUAGE_CHARS: usize = 3;

/// A duration such as `30 s`, `1.5 min` or `24 h` in microseconds; `None` if it is not one.
pub fn duration_us(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.find(|sign: char| !sign.is_ascii_digit() && sign != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    let (_, unit_us) = UNITS.iter().find(|(unit, _)| *unit == text[end..].trim())?;
    let us = (number * *unit_us as f64).round();
    (us <= DURATION_MAX_US as f64).then_some(us as i64)
}

/// The duration under `key` in microseconds; `None` if it is missing or invalid.
pub fn duration(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<i64> {
    let value = reader.value(key)?.get_ref();
    let Some(text) = value.as_str() else {
        reader.note(key, format!("`{key}` has no unit"), DURATION_REMEDY);
        return None;
    };
    let us = duration_us(text);
    if us.is_none() {
        reader.note(key, format!("invalid duration `{text}` of `{key}`"), DURATION_REMEDY);
    }
    us
}

/// A required duration greater than 0, or the setting `temperature.sensor_silent_s`.
pub fn waiting_time(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    sensor_silent_s: u64,
) -> Option<i64> {
    let setting = format!("temperature.{}", SENSOR_SILENT_S.name);
    let value = reader.value(key).map(|value| value.get_ref().as_str());
    if value == Some(Some(&setting)) {
        return i64::try_from(sensor_silent_s).ok()?.checked_mul(1_000_000);
    }
    positive_duration(reader, key)
}

/// A required duration greater than 0.
pub fn positive_duration(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<i64> {
    if !reader.has(key) {
        reader.required(key, DURATION_REMEDY);
        return None;
    }
    let us = duration(reader, key)?;
    if us == 0 {
        reader.note(key, format!("invalid duration 0 of `{key}`"), DURATION_REMEDY);
    }
    Some(us).filter(|us| *us > 0)
}

/// A number, or the setting `temperature.limit_c`.
pub fn limit(reader: &mut TomlReader<'_, '_>, key: &'static str, limit_c: f64) -> Option<f64> {
    let setting = format!("temperature.{}", LIMIT_C.name);
    let text = reader.value(key)?.get_ref().as_str();
    match text {
        Some(text) if text == setting => Some(limit_c),
        Some(text) => {
            let remedy = format!("Write a number, or \"{setting}\" for the value of plant.toml.");
            reader.note(key, format!("invalid limit `{text}`"), remedy);
            None
        }
        None => reader.decimal(key).filter(|number| {
            let is_finite = number.is_finite();
            if !is_finite {
                reader.note(key, format!("invalid limit {number}"), "Write a finite number.");
            }
            is_finite
        }),
    }
}

/// A text in English, or a table of texts by language; `None` if it is missing or invalid.
pub fn local_text(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<LocalText> {
    let value = reader.value(key)?.get_ref();
    if let Some(text) = value.as_str() {
        return Some(LocalText::new(text));
    }
    let wanted = "a text, or texts by language such as { en = \"…\", ml = \"…\" }";
    let Some(table) = value.as_table() else {
        reader.wrong(key, wanted);
        return None;
    };
    let mut texts = Vec::new();
    for (language, text) in table.iter() {
        let language: &str = language.get_ref();
        let is_code = (2..=LANGUAGE_CHARS).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_lowercase());
        match text.get_ref().as_str().filter(|_| is_code) {
            Some(text) => texts.push((language.to_owned(), text.to_owned())),
            None => reader.wrong(key, wanted),
        }
    }
    if !table.contains_key("en") {
        reader.note(key, format!("`{key}` has no English text"), "Add en = \"…\".");
    }
    Some(texts.into_iter().collect())
}

/// The sensors of a rule: `sensors` and `except`; by default all.
pub fn sensors(reader: &mut TomlReader<'_, '_>) -> Option<SensorPattern> {
    let include = one_or_more(reader, "sensors").unwrap_or_else(|| vec!["*".to_owned()]);
    let exclude = one_or_more(reader, "except").unwrap_or_default();
    let (include, exclude) =
        (include.iter().map(String::as_str), exclude.iter().map(String::as_str));
    match SensorPattern::parse(include, exclude) {
        Ok(pattern) => Some(pattern),
        Err(message) => {
            let remedy = "Write for example \"Plant1.*.reflow_oven.*\".";
            reader.note("sensors", message, remedy);
            None
        }
    }
}

/// A text or a list of texts; `None` if it is missing.
pub fn one_or_more(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<Vec<String>> {
    let text = reader.value(key)?.get_ref().as_str();
    match text {
        Some(text) => Some(vec![text.to_owned()]),
        None => reader.texts(key),
    }
}

/// The choice under `key` among `choices`, by name; `default` if it is missing.
pub fn choice<T: Copy>(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    choices: impl IntoIterator<Item = (&'static str, T)>,
    default: Option<T>,
) -> Option<T> {
    let text = match default {
        Some(default) => match reader.text(key) {
            Some(text) => text,
            None => return Some(default),
        },
        None => reader.required(key, "Choose one.")?,
    };
    let choices: Vec<(&str, T)> = choices.into_iter().collect();
    let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let remedy = crate::diagnostic::did_you_mean(&text, &known);
        reader.note(key, format!("invalid {key} `{text}`"), remedy);
    }
    found
}
