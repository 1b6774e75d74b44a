//! The types of columns, and the formats of numbers and times.

use crate::diagnostic::did_you_mean;
use crate::toml_reader::TomlReader;
use chrono_tz::Tz;
use plant::contract::{Kind, NumberStyle, Rounding, Units};
use plant::format::{Locale, TimeFormat, TimeOptions};

pub(crate) const KINDS: [&str; 7] = ["text", "int", "decimal", "float", "bool", "date", "time"];

/// Digits of a decimal column by default: 18 in all, 4 of them after the decimal point. This holds quantities and money of any plant and is exact in every reader.
const DECIMAL_DIGITS: (u8, i8) = (18, 4);

pub(super) fn kind(reader: &mut TomlReader<'_, '_>, plant_zone: Tz) -> Option<Kind> {
    let word = reader.required("type", &format!("Write one of: {}.", KINDS.join(", ")))?;
    Some(match word.as_str() {
        "text" => Kind::Text,
        "int" => Kind::Int { number: number(reader) },
        "float" => Kind::Float { number: number(reader) },
        "decimal" => decimal(reader),
        "bool" => yes_or_no(reader),
        "date" => Kind::Date { formats: formats(reader) },
        "time" => Kind::Time {
            formats: formats(reader),
            zone: zone(reader, plant_zone),
            local_parts: reader.flag("local").unwrap_or(false),
        },
        other => {
            reader.note("type", format!("unknown type `{other}`"), did_you_mean(other, &KINDS));
            return None;
        }
    })
}

fn decimal(reader: &mut TomlReader<'_, '_>) -> Kind {
    let precision = reader.number("precision").and_then(|digits| u8::try_from(digits).ok());
    let scale = reader.number("scale").and_then(|digits| i8::try_from(digits).ok());
    let (precision, scale) =
        (precision.unwrap_or(DECIMAL_DIGITS.0), scale.unwrap_or(DECIMAL_DIGITS.1));
    if precision == 0 || precision > 38 || scale > precision.cast_signed() {
        let remedy = "precision is 1 to 38 digits in all, scale at most as many after the point.";
        reader.note("precision", format!("decimal({precision}, {scale}) cannot be"), remedy);
    }
    Kind::Decimal { precision, scale, rounding: rounding(reader), number: number(reader) }
}

/// What happens to digits of a decimal beyond its scale.
fn rounding(reader: &mut TomlReader<'_, '_>) -> Rounding {
    match reader.text("rounding").as_deref() {
        None | Some("reject") => Rounding::Reject,
        Some("half_up") => Rounding::HalfUp,
        Some("half_even") => Rounding::HalfEven,
        Some(other) => {
            let message = format!("invalid rounding `{other}`");
            reader.note("rounding", message, "Use \"reject\", \"half_up\" or \"half_even\".");
            Rounding::Reject
        }
    }
}

/// Words for yes and no that need no configuration, in any letter case.
const YES: [&str; 7] = ["true", "1", "1.0", "yes", "y", "t", "on"];
const NO: [&str; 7] = ["false", "0", "0.0", "no", "n", "f", "off"];

fn yes_or_no(reader: &mut TomlReader<'_, '_>) -> Kind {
    let (yes, no) = (reader.texts("yes"), reader.texts("no"));
    Kind::Bool {
        // Configured words are compared exactly: a plant may write Y for one and y for the other.
        any_case: yes.is_none() && no.is_none(),
        yes: yes.unwrap_or_else(|| words(&YES)),
        no: no.unwrap_or_else(|| words(&NO)),
    }
}

fn number(reader: &mut TomlReader<'_, '_>) -> NumberStyle {
    let thousands = one_char(reader, "thousands");
    // A point between thousands leaves the comma before the fraction.
    let default = if thousands == Some('.') && !reader.has("decimal") { ',' } else { '.' };
    let decimal = one_char(reader, "decimal").unwrap_or(default);
    if thousands == Some(decimal) {
        let remedy = "Use different signs for the decimal point and the thousands.";
        reader.note("thousands", "the same sign as the decimal point", remedy);
    }
    let units = reader.texts("units").map_or(Units::Currency, Units::Only);
    NumberStyle { decimal, thousands, units, percent_is_fraction: percent(reader) }
}

/// Meanings of a percentage.
pub(crate) const PERCENT: [&str; 2] = ["number", "fraction"];

/// Whether `12.5 %` is 0.125, and not 12.5.
fn percent(reader: &mut TomlReader<'_, '_>) -> bool {
    match reader.text("percent").as_deref() {
        None | Some("number") => false,
        Some("fraction") => true,
        Some(other) => {
            let remedy = "\"number\": 12.5 % is 12.5; \"fraction\": 12.5 % is 0.125.";
            reader.note("percent", format!("invalid percent `{other}`"), remedy);
            false
        }
    }
}

fn one_char(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<char> {
    let text = reader.text(key)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Some(only),
        _ => {
            reader.note(key, format!("`{text}` is not one character"), "Write exactly one.");
            None
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn formats(reader: &mut TomlReader<'_, '_>) -> Vec<TimeFormat> {
    // `spellings` is the former name of the key.
    let former = reader.texts("spellings");
    let texts = reader.texts("formats").or(former).unwrap_or_default();
    let key = if reader.has("spellings") { "spellings" } else { "formats" };
    if texts.is_empty() {
        let remedy = "Write formats = [\"yyyy-MM-dd HH:mm:ss\"], every way the dump writes it.";
        reader.note(key, "no formats: no value could be read", remedy);
    }
    let options = time_options(reader);
    let mut formats = Vec::with_capacity(texts.len());
    for text in texts {
        match TimeFormat::with_options(&text, options) {
            Ok(format) => formats.push(format),
            Err(reason) => {
                reader.note(key, format!("`{text}`: {reason}"), "Correct the format.");
            }
        }
    }
    formats
}

fn time_options(reader: &mut TomlReader<'_, '_>) -> TimeOptions {
    let mut options = TimeOptions::default();
    if let Some(tag) = reader.text("locale") {
        match Locale::parse(&tag) {
            Some(locale) => options.locale = locale,
            None => {
                let known: Vec<&str> = Locale::languages().collect();
                let remedy = format!("Use one of: {}.", known.join(", "));
                reader.note(
                    "locale",
                    format!("the months of locale `{tag}` are not known"),
                    remedy,
                );
            }
        }
    }
    if let Some(year) = reader.number("two_digit_years_from") {
        match u16::try_from(year).ok().filter(|year| (1..=9900).contains(year)) {
            Some(year) => options.two_digit_years_from = year,
            None => {
                let remedy = "Write the first of the hundred years meant by yy, such as 1950.";
                let message = format!("invalid first year `{year}`: expected 1 to 9900");
                reader.note("two_digit_years_from", message, remedy);
            }
        }
    }
    options
}

fn zone(reader: &mut TomlReader<'_, '_>, plant_zone: Tz) -> Tz {
    let Some(name) = reader.text("zone") else { return plant_zone };
    name.parse().unwrap_or_else(|_| {
        let remedy = "Write a name of the IANA time zone database, such as \"Asia/Kolkata\".";
        reader.note("zone", format!("unknown time zone `{name}`"), remedy);
        plant_zone
    })
}

#[cfg(test)]
mod tests;
