//! Formats Arrow values as text that the type of the column in the contract reads as the same value.

use super::json::Value;
use super::shape::{Shape, Style};
use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder, downcast_integer_array};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use batches::columns::repeated_text;
use plant::contract::Kind;
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

const STAMP: &str = "%Y-%m-%d %H:%M:%S%.f";
const STAMP_UTC: &str = "%Y-%m-%d %H:%M:%S%.fZ";
const TIME: &str = "%H:%M:%S%.f";
const MIDNIGHT: &str = " 00:00:00";

/// Whole floats below this one are exact as 64-bit integers.
const WHOLE_END: f64 = 9_223_372_036_854_775_808.0;

/// The type as which the text of a column is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Text,
    Int { thousands: Option<char> },
    Number { decimal: char },
    Bool { yes: String, no: String },
    Date,
    Time,
}

impl Target {
    pub(super) fn from_kind(kind: &Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Int { number } => Self::Int { thousands: number.thousands },
            Kind::Decimal { number, .. } | Kind::Float { number, .. } => {
                Self::Number { decimal: number.decimal }
            }
            Kind::Bool { yes, no, .. } => {
                Self::Bool { yes: bool_text(yes, "true"), no: bool_text(no, "false") }
            }
            Kind::Date { .. } => Self::Date,
            Kind::Time { .. } => Self::Time,
        }
    }

    /// The text of a value for this type; `None` for NaN.
    fn reformat<'a>(&self, text: &'a str, data_type: &DataType) -> Option<Cow<'a, str>> {
        if matches!(self, Self::Text) {
            return Some(Cow::Borrowed(text));
        }
        if data_type.is_floating() && text == "NaN" {
            return None;
        }
        Some(match self {
            Self::Int { thousands } if data_type.is_numeric() => whole(text, *thousands),
            Self::Bool { .. } if data_type.is_numeric() => whole(text, None),
            Self::Bool { yes, no } if *data_type == DataType::Boolean => {
                Cow::Owned(if text == "true" { yes.clone() } else { no.clone() })
            }
            Self::Number { decimal } if *decimal != '.' && data_type.is_numeric() => {
                Cow::Owned(text.replace('.', &decimal.to_string()))
            }
            Self::Date if matches!(data_type, DataType::Timestamp(..)) => {
                let clock = text.strip_suffix('Z').unwrap_or(text);
                Cow::Borrowed(clock.strip_suffix(MIDNIGHT).unwrap_or(text))
            }
            _ => Cow::Borrowed(text),
        })
    }
}

/// The contract's text for a boolean: the usual one if the contract accepts it, else its first one.
fn bool_text(accepted: &[String], usual: &str) -> String {
    match accepted.first() {
        Some(first) if !accepted.iter().any(|text| text == usual) => first.clone(),
        _ => usual.to_owned(),
    }
}

/// A number without a fraction of zeros. Another fraction is kept, in a form that is not read as thousands.
fn whole(text: &str, thousands: Option<char>) -> Cow<'_, str> {
    let Some((digits, fraction)) = text.split_once('.') else { return exponent(text) };
    if fraction.bytes().all(|byte| byte == b'0') {
        return Cow::Borrowed(digits);
    }
    match exponent(text) {
        Cow::Borrowed(text) if thousands == Some('.') => Cow::Owned(format!("{text}e0")),
        text => text,
    }
}

/// A whole number with an exponent, written without it.
fn exponent(text: &str) -> Cow<'_, str> {
    let value = text.parse::<f64>().ok().filter(|_| text.contains(['e', 'E']));
    match value.filter(|value| value.fract() == 0.0 && value.abs() < WHOLE_END) {
        Some(value) => Cow::Owned(format!("{value:.0}")),
        None => Cow::Borrowed(text),
    }
}

/// The values of a column as text; nulls stay null.
pub(super) fn texts(
    array: &ArrayRef,
    shape: &Shape,
    target: &Target,
) -> Result<ArrayRef, ArrowError> {
    let Shape::Leaf(style) = shape else {
        return Ok(Arc::new(Value::new(array, shape)?.texts(array.len())?));
    };
    let texts = leaf_texts(array, *style)?;
    let is_native = matches!(style, Style::Number | Style::Scalar);
    // The digits of an integer are read alike by every type.
    if *target == Target::Text || !is_native || array.data_type().is_integer() {
        return Ok(Arc::new(texts));
    }
    let reformatted = texts.iter().map(|text| target.reformat(text?, array.data_type()));
    Ok(Arc::new(reformatted.collect::<StringArray>()))
}

/// The values of a column that is not nested, as text.
pub(super) fn leaf_texts(array: &ArrayRef, style: Style) -> Result<StringArray, ArrowError> {
    Ok(match style {
        Style::AsIs => array.as_string::<i32>().clone(),
        Style::Bytes => array.as_binary::<i32>().iter().map(|value| value.map(bytes)).collect(),
        Style::FixedBytes => {
            array.as_fixed_size_binary().iter().map(|value| value.map(bytes)).collect()
        }
        Style::Uuid => array.as_fixed_size_binary().iter().map(|value| value.map(uuid)).collect(),
        Style::Number | Style::Scalar => scalars(array)?,
    })
}

fn scalars(array: &dyn Array) -> Result<StringArray, ArrowError> {
    if let Some(texts) = integers(array)? {
        return Ok(texts);
    }
    // A timestamp outside the calendar becomes an error text, which no format accepts: only its record is
    // rejected.
    let options = FormatOptions::new()
        .with_display_error(true)
        .with_timestamp_format(Some(STAMP))
        .with_timestamp_tz_format(Some(STAMP_UTC))
        .with_time_format(Some(TIME));
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let nulls = array.logical_nulls();
    let mut texts = StringBuilder::new();
    for row in 0..array.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            texts.append_null();
            continue;
        }
        write!(texts, "{}", formatter.value(row))
            .map_err(|error| ArrowError::CastError(format!("row {row}: {error}")))?;
        texts.append_value("");
    }
    Ok(texts.finish())
}

/// The digits of integers; `None` for other types. Adjacent values are often equal.
fn integers(array: &dyn Array) -> Result<Option<StringArray>, ArrowError> {
    if let Some(text) = only_integer(array) {
        let texts = repeated_text(&text, array.len());
        return Ok(Some(texts.map_err(|error| ArrowError::ComputeError(error.to_string()))?));
    }
    let mut texts = StringBuilder::with_capacity(array.len(), 0);
    let mut digits = String::new();
    downcast_integer_array!(
        array => {
            let mut last = None;
            for value in array.iter() {
                if value.is_some() && value != last {
                    digits.clear();
                    if let Some(value) = value {
                        write!(digits, "{value}")
                            .map_err(|error| ArrowError::CastError(error.to_string()))?;
                    }
                    last = value;
                }
                texts.append_option(value.map(|_| digits.as_str()));
            }
        },
        _ => return Ok(None),
    );
    Ok(Some(texts.finish()))
}

/// The digits of the one integer that all rows have; `None` if they differ, or for other types. Many columns of
/// a wide table are such.
fn only_integer(array: &dyn Array) -> Option<String> {
    if array.null_count() > 0 || array.is_empty() {
        return None;
    }
    downcast_integer_array!(
        array => {
            let first = *array.values().first()?;
            array.values().iter().all(|value| *value == first).then(|| first.to_string())
        },
        _ => None,
    )
}

fn bytes(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => hex::encode(value),
    }
}

fn uuid(value: &[u8]) -> String {
    let mut text = hex::encode(value);
    for dash in [20, 16, 12, 8] {
        if text.len() > dash {
            text.insert(dash, '-');
        }
    }
    text
}
