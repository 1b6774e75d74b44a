//! Parses `filter.<column>=…` to an expression.
//!
//! A filter is a list of alternatives separated by commas: a value, a range `a..b` with both ends
//! inclusive (either may be left out), `null`, or, alone, `!null`. A backslash escapes the next
//! character. Values are parsed as literals of the column's type; no text of a request becomes SQL.

use super::error::Error;
use arrow::datatypes::{DataType, Field, TimeUnit};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;
use datafusion::prelude::{Expr, ident, lit};
use std::sync::Arc;

/// Parses `text` as a condition on the column `field`; also returns the number of its values.
pub fn condition(field: &Field, text: &str) -> Result<(Expr, usize), Error> {
    let column = || ident(field.name());
    if text == "!null" {
        return Ok((column().is_not_null(), 1));
    }
    let (mut listed, mut any) = (Vec::new(), Vec::new());
    let alternatives = split(text, ",");
    let count = alternatives.len();
    for alternative in alternatives {
        match alternative_of(field, &alternative)? {
            Alternative::Null => any.push(column().is_null()),
            Alternative::Value(Value::At(value)) => listed.push(lit(value)),
            Alternative::Value(Value::Day { from, to }) => {
                any.push(column().gt_eq(lit(from)).and(column().lt(lit(to))));
            }
            Alternative::Range { from, to } => any.push(range(&column(), from, to)),
        }
    }
    if !listed.is_empty() {
        any.push(column().in_list(listed, false));
    }
    let whole = any.into_iter().reduce(Expr::or).unwrap_or_else(|| lit(true));
    Ok((whole, count))
}

/// Parts of `text` between unescaped `separator`s; escapes stay in the parts.
pub fn split(text: &str, separator: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(separator) {
            parts.push(String::new());
            rest = after;
            continue;
        }
        let escaped = rest.chars().nth(1).filter(|_| next == '\\').map_or(0, char::len_utf8);
        let (taken, after) = rest.split_at(next.len_utf8() + escaped);
        if let Some(part) = parts.last_mut() {
            part.push_str(taken);
        }
        rest = after;
    }
    parts
}

/// `text` without its escapes.
pub fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let escaped = (letter == '\\').then(|| letters.next()).flatten();
        plain.push(escaped.unwrap_or(letter));
    }
    plain
}

enum Alternative {
    Null,
    Value(Value),
    Range { from: Option<Value>, to: Option<Value> },
}

/// A typed value. A date without time for a column of timestamps means the whole day in UTC.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    At(ScalarValue),
    /// From `from` up to, but without, `to`.
    Day {
        from: ScalarValue,
        to: ScalarValue,
    },
}

fn alternative_of(field: &Field, text: &str) -> Result<Alternative, Error> {
    if text == "null" {
        return Ok(Alternative::Null);
    }
    let end = |text: &String| (!text.is_empty()).then(|| value(field, &unescape(text))).transpose();
    match split(text, "..").as_slice() {
        [one] => Ok(Alternative::Value(value(field, &unescape(one))?)),
        [from, to] if !(from.is_empty() && to.is_empty()) => {
            Ok(Alternative::Range { from: end(from)?, to: end(to)? })
        }
        _ => Err(bad_value(field, text, "a range a..b with at least one end")),
    }
}

fn range(column: &Expr, from: Option<Value>, to: Option<Value>) -> Expr {
    let from = from.map(|from| match from {
        Value::At(value) | Value::Day { from: value, .. } => column.clone().gt_eq(lit(value)),
    });
    let to = to.map(|to| match to {
        Value::At(value) => column.clone().lt_eq(lit(value)),
        Value::Day { to: value, .. } => column.clone().lt(lit(value)),
    });
    from.into_iter().chain(to).reduce(Expr::and).unwrap_or_else(|| lit(true))
}

/// `text` as a value of the column's type.
pub fn value(field: &Field, text: &str) -> Result<Value, Error> {
    let bad = |expected: &str| bad_value(field, text, expected);
    let at = |value: Option<ScalarValue>, expected: &str| {
        value.map(Value::At).ok_or_else(|| bad(expected))
    };
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Ok(Value::At(ScalarValue::from(text)))
        }
        DataType::Dictionary(_, inner) => {
            value(&Field::new(field.name(), inner.as_ref().clone(), true), text)
        }
        DataType::Boolean => {
            at(text.parse().ok().map(|v| ScalarValue::Boolean(Some(v))), "true or false")
        }
        whole if whole.is_integer() => {
            at(integer(text, whole), "a whole number in the column's range")
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            at(number.map(ScalarValue::from), "a number")
        }
        exact if exact.is_decimal() => {
            at(decimal(text, exact), "a number with no more decimals than the column")
        }
        DataType::Date32 | DataType::Date64 => {
            at(date(text).map(|day| ScalarValue::Date32(Some(days(day)))), "a date like 2023-01-31")
        }
        DataType::Timestamp(_, zone) => timestamp(text, zone.as_ref())
            .ok_or_else(|| bad("a time like 2023-01-31T14:05:00Z, or a date")),
        _ => Err(Error::bad(
            "bad_filter",
            format!("column {} cannot be filtered: its type has no text form", field.name()),
        )),
    }
}

fn bad_value(field: &Field, text: &str, expected: &str) -> Error {
    let kind = crate::type_name(field.data_type());
    let column = field.name();
    let message =
        format!("invalid value `{text}` of column {column} ({kind}): expected {expected}");
    Error::bad("bad_value", message)
}

fn integer(text: &str, of: &DataType) -> Option<ScalarValue> {
    let value = match text.parse::<i64>() {
        Ok(value) => ScalarValue::Int64(Some(value)),
        Err(_) => ScalarValue::UInt64(Some(text.parse().ok()?)),
    };
    value.cast_to(of).ok()
}

/// Parses a decimal without rounding: a cast alone would round, and then match another number.
fn decimal(text: &str, of: &DataType) -> Option<ScalarValue> {
    let scale = match of {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => usize::try_from(*scale).unwrap_or(0),
        _ => return None,
    };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let exact = plain(whole) && plain(decimals) && decimals.trim_end_matches('0').len() <= scale;
    let written = exact && !(whole.is_empty() && decimals.is_empty());
    written.then(|| ScalarValue::try_from_string(text.into(), of).ok()).flatten()
}

fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)
}

fn days(day: NaiveDate) -> i32 {
    day.to_epoch_days()
}

/// Parses a timestamp, in microseconds like those of the lake.
fn timestamp(text: &str, zone: Option<&Arc<str>>) -> Option<Value> {
    let scalar = |at: NaiveDateTime| {
        ScalarValue::TimestampMicrosecond(Some(at.and_utc().timestamp_micros()), zone.cloned())
    };
    if let Some(day) = date(text) {
        let from = day.and_hms_opt(0, 0, 0)?;
        return Some(Value::Day {
            from: scalar(from),
            to: scalar(from.checked_add_days(Days::new(1))?),
        });
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Value::At(scalar(at.naive_utc())));
    }
    let spelled = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let at = spelled.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(Value::At(scalar(at)))
}

/// Checks a parameter's value against the type it is declared with.
pub fn parameter(name: &str, kind: &str, text: &str) -> Result<(), Error> {
    let of = match kind {
        "date" => DataType::Date32,
        "bigint" | "int" => DataType::Int64,
        "double" => DataType::Float64,
        "boolean" => DataType::Boolean,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => DataType::Utf8,
    };
    let field = Field::new(name, of, false);
    value(&field, text).map(drop).map_err(|mut error| {
        error.public = error.public.replacen("of column", "of parameter", 1);
        error
    })
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
