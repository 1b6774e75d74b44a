//! The types of columns, and the formats of numbers and times.

use crate::config::diagnostic::did_you_mean;
use crate::config::said::Said;
use chrono_tz::Tz;
use plant::contract::{Kind, NumberStyle};
use plant::spelling::TimeSpelling;

const KINDS: [&str; 7] = ["text", "int", "decimal", "float", "bool", "date", "time"];

/// Digits a decimal column has if the contract does not say: 18 in all, 4 of them after the point,
/// which holds quantities and money of any plant and stays exact in every reader.
const DECIMAL_DIGITS: (u8, i8) = (18, 4);

pub(super) fn kind(said: &mut Said<'_, '_>, plant_zone: Tz) -> Option<Kind> {
    let word = said.required("type", &format!("Say one of: {}.", KINDS.join(", ")))?;
    Some(match word.as_str() {
        "text" => Kind::Text,
        "int" => Kind::Int { thousands: one_char(said, "thousands") },
        "float" => Kind::Float { number: number(said) },
        "decimal" => decimal(said),
        "bool" => Kind::Bool {
            yes: said.texts("yes").unwrap_or_else(|| words(&["true", "1", "yes", "Y"])),
            no: said.texts("no").unwrap_or_else(|| words(&["false", "0", "no", "N"])),
        },
        "date" => Kind::Date { spellings: spellings(said) },
        "time" => Kind::Time {
            spellings: spellings(said),
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

fn number(said: &mut Said<'_, '_>) -> NumberStyle {
    let decimal = one_char(said, "decimal").unwrap_or('.');
    let thousands = one_char(said, "thousands");
    if thousands == Some(decimal) {
        let remedy = "Use different signs for the decimal point and the thousands.";
        said.note("thousands", "the same sign as the decimal point", remedy);
    }
    NumberStyle { decimal, thousands }
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

fn spellings(said: &mut Said<'_, '_>) -> Vec<TimeSpelling> {
    let texts = said.texts("spellings").unwrap_or_default();
    if texts.is_empty() {
        let remedy = "Write spellings = [\"yyyy-MM-dd HH:mm:ss\"], every way the dump writes it.";
        said.note("spellings", "no spellings: no value could ever be read", remedy);
    }
    let mut spellings = Vec::with_capacity(texts.len());
    for text in texts {
        match TimeSpelling::parse(&text) {
            Ok(spelling) => spellings.push(spelling),
            Err(reason) => {
                said.note("spellings", format!("`{text}`: {reason}"), "Mend the spelling.");
            }
        }
    }
    spellings
}

fn zone(said: &mut Said<'_, '_>, plant_zone: Tz) -> Tz {
    let Some(name) = said.text("zone") else { return plant_zone };
    name.parse().unwrap_or_else(|_| {
        let remedy = "Write a name of the IANA time zone database, such as \"Asia/Kolkata\".";
        said.note("zone", format!("unknown time zone `{name}`"), remedy);
        plant_zone
    })
}
