//! The types of columns, and the formats of numbers and times.

use crate::diagnostic::did_you_mean;
use crate::said::Said;
use chrono_tz::Tz;
use plant::contract::{Kind, NumberStyle, Units};
use plant::format::{Locale, TimeFormat, TimeOptions};

const KINDS: [&str; 7] = ["text", "int", "decimal", "float", "bool", "date", "time"];

/// Digits a decimal column has if the contract does not say: 18 in all, 4 of them after the point,
/// which holds quantities and money of any plant and stays exact in every reader.
const DECIMAL_DIGITS: (u8, i8) = (18, 4);

pub(super) fn kind(said: &mut Said<'_, '_>, plant_zone: Tz) -> Option<Kind> {
    let word = said.required("type", &format!("Say one of: {}.", KINDS.join(", ")))?;
    Some(match word.as_str() {
        "text" => Kind::Text,
        "int" => Kind::Int { number: number(said) },
        "float" => Kind::Float { number: number(said) },
        "decimal" => decimal(said),
        "bool" => yes_or_no(said),
        "date" => Kind::Date { formats: formats(said) },
        "time" => Kind::Time {
            formats: formats(said),
            zone: zone(said, plant_zone),
            local_parts: said.flag("local").unwrap_or(false),
        },
        other => {
            said.note("type", format!("unknown type `{other}`"), did_you_mean(other, &KINDS));
            return None;
        }
    })
}

fn decimal(said: &mut Said<'_, '_>) -> Kind {
    let precision = said.number("precision").and_then(|digits| u8::try_from(digits).ok());
    let scale = said.number("scale").and_then(|digits| i8::try_from(digits).ok());
    let (precision, scale) =
        (precision.unwrap_or(DECIMAL_DIGITS.0), scale.unwrap_or(DECIMAL_DIGITS.1));
    if precision == 0 || precision > 38 || scale > precision.cast_signed() {
        let remedy = "precision is 1 to 38 digits in all, scale at most as many after the point.";
        said.note("precision", format!("decimal({precision}, {scale}) cannot be"), remedy);
    }
    Kind::Decimal { precision, scale, number: number(said) }
}

/// Words for yes and no that need no configuration, in any letter case.
const YES: [&str; 7] = ["true", "1", "1.0", "yes", "y", "t", "on"];
const NO: [&str; 7] = ["false", "0", "0.0", "no", "n", "f", "off"];

fn yes_or_no(said: &mut Said<'_, '_>) -> Kind {
    let (yes, no) = (said.texts("yes"), said.texts("no"));
    Kind::Bool {
        // Configured words are compared exactly: a plant may write Y for one and y for the other.
        any_case: yes.is_none() && no.is_none(),
        yes: yes.unwrap_or_else(|| words(&YES)),
        no: no.unwrap_or_else(|| words(&NO)),
    }
}

fn number(said: &mut Said<'_, '_>) -> NumberStyle {
    let thousands = one_char(said, "thousands");
    // A point between thousands leaves the comma before the fraction.
    let default = if thousands == Some('.') && !said.has("decimal") { ',' } else { '.' };
    let decimal = one_char(said, "decimal").unwrap_or(default);
    if thousands == Some(decimal) {
        let remedy = "Use different signs for the decimal point and the thousands.";
        said.note("thousands", "the same sign as the decimal point", remedy);
    }
    let units = said.texts("units").map_or(Units::Currency, Units::Only);
    NumberStyle { decimal, thousands, units, percent_is_fraction: percent(said) }
}

/// Whether `12.5 %` is 0.125, and not 12.5.
fn percent(said: &mut Said<'_, '_>) -> bool {
    match said.text("percent").as_deref() {
        None | Some("number") => false,
        Some("fraction") => true,
        Some(other) => {
            let remedy = "\"number\": 12.5 % is 12.5; \"fraction\": 12.5 % is 0.125.";
            said.note("percent", format!("invalid percent `{other}`"), remedy);
            false
        }
    }
}

fn one_char(said: &mut Said<'_, '_>, key: &'static str) -> Option<char> {
    let text = said.text(key)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Some(only),
        _ => {
            said.note(key, format!("`{text}` is not one character"), "Write exactly one.");
            None
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn formats(said: &mut Said<'_, '_>) -> Vec<TimeFormat> {
    let texts = said.texts("spellings").unwrap_or_default();
    if texts.is_empty() {
        let remedy = "Write spellings = [\"yyyy-MM-dd HH:mm:ss\"], every way the dump writes it.";
        said.note("spellings", "no spellings: no value could ever be read", remedy);
    }
    let options = time_options(said);
    let mut formats = Vec::with_capacity(texts.len());
    for text in texts {
        match TimeFormat::with_options(&text, options) {
            Ok(format) => formats.push(format),
            Err(reason) => {
                said.note("spellings", format!("`{text}`: {reason}"), "Mend the spelling.");
            }
        }
    }
    formats
}

fn time_options(said: &mut Said<'_, '_>) -> TimeOptions {
    let mut options = TimeOptions::default();
    if let Some(tag) = said.text("locale") {
        match Locale::parse(&tag) {
            Some(locale) => options.locale = locale,
            None => {
                let known: Vec<&str> = Locale::languages().collect();
                let remedy = format!("Use one of: {}.", known.join(", "));
                said.note("locale", format!("the months of locale `{tag}` are not known"), remedy);
            }
        }
    }
    if let Some(year) = said.number("two_digit_years_from") {
        match u16::try_from(year).ok().filter(|year| (1..=9900).contains(year)) {
            Some(year) => options.two_digit_years_from = year,
            None => {
                let remedy = "Write the first of the hundred years meant by yy, such as 1950.";
                let message = format!("invalid first year `{year}`: expected 1 to 9900");
                said.note("two_digit_years_from", message, remedy);
            }
        }
    }
    options
}

fn zone(said: &mut Said<'_, '_>, plant_zone: Tz) -> Tz {
    let Some(name) = said.text("zone") else { return plant_zone };
    name.parse().unwrap_or_else(|_| {
        let remedy = "Write a name of the IANA time zone database, such as \"Asia/Kolkata\".";
        said.note("zone", format!("unknown time zone `{name}`"), remedy);
        plant_zone
    })
}

#[cfg(test)]
mod tests;
