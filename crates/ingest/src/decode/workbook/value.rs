//! Values of cells, and their text for the type of a column.

use calamine::{Data, DataRef, ExcelDateTime};
use chrono::{Datelike as _, NaiveDateTime, NaiveTime};
use plant::contract::{Kind, NumberStyle};
use std::borrow::Cow;

/// Whole numbers below this one are exact in a cell, which has 53 bits.
const WHOLE_END: f64 = 9_007_199_254_740_992.0;
const SECONDS_PER_DAY: f64 = 86_400.0;
/// The year of a time of day without a date: serial numbers below 1 are of the day before 1900.
const YEAR_OF_TIMES: i32 = 1899;

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Empty,
    Text(String),
    Number(f64),
    Bool(bool),
    Moment(NaiveDateTime),
    /// A length of time in days.
    Days(f64),
    /// The error of a formula, such as `#REF!`.
    Error(String),
}

impl Value {
    pub fn from_xlsx(cell: &DataRef<'_>) -> Self {
        match cell {
            DataRef::SharedString(text) => Self::text(text),
            other => Self::from_data(&Data::from(other.clone())),
        }
    }

    pub fn from_data(cell: &Data) -> Self {
        match cell {
            Data::Empty => Self::Empty,
            Data::Int(number) => Self::Number(*number as f64),
            Data::Float(number) => Self::Number(*number),
            Data::String(text) | Data::DurationIso(text) => Self::text(text),
            Data::Bool(is_true) => Self::Bool(*is_true),
            Data::DateTime(moment) => Self::moment(*moment),
            Data::DateTimeIso(text) => Self::text(&text.replacen('T', " ", 1)),
            Data::Error(error) => Self::Error(error.to_string()),
        }
    }

    fn text(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }

    fn moment(moment: ExcelDateTime) -> Self {
        if moment.is_duration() {
            return Self::Days(moment.as_f64());
        }
        let is_in_range = (0.0..3_000_000.0).contains(&moment.as_f64());
        match moment.as_datetime().filter(|_| is_in_range) {
            Some(found) => Self::Moment(found),
            // A negative date, which spreadsheets show as ######.
            None => Self::Number(moment.as_f64()),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// The text of the value for a column of this type; `None` for an empty cell. `kind` is `None` for a cell
    /// without a column.
    pub fn for_kind(&self, kind: Option<&Kind>) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Empty => return None,
            Self::Text(text) | Self::Error(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number_text(*number, kind)),
            Self::Bool(is_true) => Cow::Owned(bool_text(*is_true, kind)),
            Self::Moment(moment) => Cow::Owned(moment_text(*moment, kind)),
            Self::Days(days) => Cow::Owned(duration_text(*days)),
        })
    }
}

fn number_text(number: f64, kind: Option<&Kind>) -> String {
    let text = match number.fract() == 0.0 && number.abs() < WHOLE_END {
        true => (number as i64).to_string(),
        false => number.to_string(),
    };
    match kind.and_then(style) {
        Some(style) if style.decimal != '.' => text.replace('.', &style.decimal.to_string()),
        _ => text,
    }
}

fn style(kind: &Kind) -> Option<&NumberStyle> {
    match kind {
        Kind::Int { number } | Kind::Decimal { number, .. } | Kind::Float { number } => {
            Some(number)
        }
        _ => None,
    }
}

/// The usual text of a boolean if the contract accepts it, else its first one.
fn bool_text(is_true: bool, kind: Option<&Kind>) -> String {
    let usual = if is_true { "true" } else { "false" };
    let accepted = match kind {
        Some(Kind::Bool { yes, no, .. }) => {
            if is_true {
                yes
            } else {
                no
            }
        }
        _ => return usual.to_owned(),
    };
    match accepted.first() {
        Some(first) if !accepted.iter().any(|text| text == usual) => first.clone(),
        _ => usual.to_owned(),
    }
}

fn moment_text(moment: NaiveDateTime, kind: Option<&Kind>) -> String {
    let is_day = matches!(kind, Some(Kind::Date { .. })) && moment.time() == NaiveTime::MIN;
    let format = match moment.year() <= YEAR_OF_TIMES {
        true => "%H:%M:%S%.f",
        false if is_day => "%Y-%m-%d",
        false => "%Y-%m-%d %H:%M:%S%.f",
    };
    moment.format(format).to_string()
}

/// `hours:mm:ss`, as spreadsheets show a length of time.
fn duration_text(days: f64) -> String {
    let seconds = (days.abs() * SECONDS_PER_DAY).round() as u64;
    let sign = if days < 0.0 { "-" } else { "" };
    format!("{sign}{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    fn check(value: &Value, kind: Option<&Kind>, expected: &str) {
        assert_eq!(value.for_kind(kind).as_deref(), Some(expected));
    }

    fn excel(serial: f64) -> Value {
        Value::from_xlsx(&DataRef::DateTime(ExcelDateTime::new(
            serial,
            ExcelDateTimeType::DateTime,
            false,
        )))
    }

    #[test]
    fn numbers_have_the_fewest_digits() {
        for (number, expected) in [
            (5.0, "5"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (1e15, "1000000000000000"),
            (2.5e-7, "0.00000025"),
        ] {
            check(&Value::Number(number), None, expected);
        }
        let number = NumberStyle { decimal: ',', ..NumberStyle::PLAIN };
        check(&Value::Number(1.5), Some(&Kind::Float { number }), "1,5");
    }

    #[test]
    fn times_are_written_by_the_type_of_the_column() {
        let date = Kind::Date { formats: Vec::new() };
        check(&excel(44_713.0), Some(&date), "2022-06-01");
        check(&excel(44_713.0), None, "2022-06-01 00:00:00");
        check(&excel(44_713.709_722_222_22), Some(&date), "2022-06-01 17:02:00");
        check(&excel(0.709_722_222_222), None, "17:02:00");
        check(&excel(-1.0), None, "-1");
        check(&Value::Days(1.5), None, "36:00:00");
        check(
            &Value::from_data(&Data::DateTimeIso("2022-06-01T17:02:00".into())),
            None,
            "2022-06-01 17:02:00",
        );
    }

    #[test]
    fn booleans_are_those_of_the_contract() {
        let words = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect();
        let kind = Kind::Bool { yes: words(&["J"]), no: words(&["N", "false"]), any_case: false };
        check(&Value::Bool(true), Some(&kind), "J");
        check(&Value::Bool(false), Some(&kind), "false");
        check(&Value::Bool(true), None, "true");
    }
}
