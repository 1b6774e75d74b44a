//! Literals: numbers, times, texts.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// A constant of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number with decimals, or beyond the integers: `unscaled` divided by 10 to the power of `scale`.
    Decimal {
        unscaled: i128,
        scale: i8,
    },
    /// A number with an exponent, or `INF`, `-INF`, `NaN`.
    Double(f64),
    Text(String),
    Date(NaiveDate),
    /// A time in microseconds since 1970 UTC.
    Time(i64),
}

/// Digits of a decimal. More do not fit into any column.
const DIGITS_MAX: usize = 38;

impl Literal {
    /// The literal that a word is, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "null" => Some(Self::Null),
            "true" => Some(Self::Bool(true)),
            "false" => Some(Self::Bool(false)),
            "INF" => Some(Self::Double(f64::INFINITY)),
            "NaN" => Some(Self::Double(f64::NAN)),
            _ => None,
        }
    }

    /// A literal that begins with a digit or a sign: a number, a date or a time.
    pub fn from_number(text: &str) -> Option<Self> {
        if text == "-INF" {
            return Some(Self::Double(f64::NEG_INFINITY));
        }
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return decimal(text, digits);
        }
        if digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
            && digits.contains(['e', 'E'])
        {
            return text.parse().ok().map(Self::Double);
        }
        date(text).map(Self::Date).or_else(|| time_us(text).map(Self::Time))
    }
}

fn decimal(text: &str, digits: &str) -> Option<Literal> {
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let count = whole.len() + decimals.len();
    if whole.is_empty() || decimals.contains('.') || count > DIGITS_MAX {
        return None;
    }
    let unscaled: i128 = format!("{whole}{decimals}").parse().ok()?;
    let unscaled = if text.starts_with('-') { -unscaled } else { unscaled };
    Some(Literal::Decimal { unscaled, scale: i8::try_from(decimals.len()).ok()? })
}

fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)
}

/// A time with its offset from UTC; seconds may be missing.
fn time_us(text: &str) -> Option<i64> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_micros());
    }
    let minutes = text.strip_suffix('Z')?;
    let at = NaiveDateTime::parse_from_str(minutes, "%Y-%m-%dT%H:%M").ok()?;
    Some(at.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Literal>) {
        assert_eq!(Literal::from_number(text), expected, "{text}");
    }

    #[test]
    fn numbers_are_exact() {
        check("42", Some(Literal::Integer(42)));
        check("-9223372036854775808", Some(Literal::Integer(i64::MIN)));
        check("0.10", Some(Literal::Decimal { unscaled: 10, scale: 2 }));
        check("-1.5", Some(Literal::Decimal { unscaled: -15, scale: 1 }));
        check("9223372036854775808", Some(Literal::Decimal { unscaled: 1 << 63, scale: 0 }));
        check("1e3", Some(Literal::Double(1000.0)));
        check("-INF", Some(Literal::Double(f64::NEG_INFINITY)));
        for wrong in ["1.2.3", "1e", "0x10", "12abc", "--1", "1e5e5"] {
            check(wrong, None);
        }
        check(&"9".repeat(39), None);
    }

    #[test]
    fn times_have_an_offset() {
        let day = NaiveDate::from_ymd_opt(2023, 1, 31).unwrap();
        check("2023-01-31", Some(Literal::Date(day)));
        check("2023-01-31T00:00:00Z", Some(Literal::Time(1_675_123_200_000_000)));
        check("2023-01-31T00:00Z", Some(Literal::Time(1_675_123_200_000_000)));
        check("2023-01-31T05:30:00.000001+05:30", Some(Literal::Time(1_675_123_200_000_001)));
        for wrong in ["2023-02-30", "2023-01-31T00:00:00", "2023-1-1", "20230131T000000Z"] {
            check(wrong, None);
        }
    }
}
