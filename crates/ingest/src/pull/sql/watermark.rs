//! Positions in a column that grows with each change of a row: numbers, or times as databases write them.

use chrono::{NaiveDateTime, TimeDelta};
use plant::source::Overlap;
use std::cmp::Ordering;

/// A position as far as it can be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Position {
    /// A whole number.
    Number(i128),
    /// A time in the zone of the connection, UTC, in microseconds since 1970.
    Time(i64),
}

impl Position {
    /// Parses the text of a database; `None` if it is neither a whole number nor a time.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Some(Self::Number(number));
        }
        let text = text.strip_suffix("+00").or_else(|| text.strip_suffix('Z')).unwrap_or(text);
        let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
        let at =
            NaiveDateTime::parse_from_str(&format!("{day} {time}"), "%Y-%m-%d %H:%M:%S%.f").ok()?;
        Some(Self::Time(at.and_utc().timestamp_micros()))
    }

    /// The order of two positions; `None` if one is a number and the other a time.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => Some(one.cmp(&other)),
            (Self::Time(one), Self::Time(other)) => Some(one.cmp(&other)),
            _ => None,
        }
    }
}

/// The text of the position `overlap` before the one of `text`, in the same format. A text without
/// a position stays.
pub fn before(text: &str, overlap: Overlap) -> String {
    match (Position::parse(text), overlap) {
        (Some(Position::Number(number)), Overlap::Numbers(numbers)) => {
            number.saturating_sub(numbers.into()).to_string()
        }
        (Some(Position::Time(us)), Overlap::Seconds(seconds)) => {
            let back = TimeDelta::try_seconds(seconds.cast_signed()).unwrap_or_default();
            moved(text, us, -back)
        }
        _ => text.to_owned(),
    }
}

/// The text of a time that is `by` later than the one of `text`, which is `us`.
fn moved(text: &str, us: i64, by: TimeDelta) -> String {
    let at = chrono::DateTime::from_timestamp_micros(us).map(|at| at.naive_utc() + by);
    let Some(at) = at else { return text.to_owned() };
    let between = if text.contains('T') { 'T' } else { ' ' };
    let suffix = ["+00", "Z"].into_iter().find(|it| text.ends_with(it)).unwrap_or_default();
    if text.len() == "2026-11-27".len() {
        return at.format("%Y-%m-%d").to_string();
    }
    format!("{}{between}{}{suffix}", at.format("%Y-%m-%d"), at.format("%H:%M:%S%.f"))
}

/// Whether the position of `one` is after that of `other`. Texts without a position are compared as texts.
pub fn is_later(one: &str, other: &str) -> bool {
    match (Position::parse(one), Position::parse(other)) {
        (Some(one), Some(other)) => one.compare(other) == Some(Ordering::Greater),
        _ => one > other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_keeps_the_format() {
        let check = |text, overlap, expected| assert_eq!(before(text, overlap), expected, "{text}");
        check("1500", Overlap::Numbers(1_000), "500");
        check("5", Overlap::Numbers(1_000), "-995");
        check("2026-11-27 00:00:05", Overlap::Seconds(10), "2026-11-26 23:59:55");
        check(
            "2026-11-27 00:00:05.123456+00",
            Overlap::Seconds(5),
            "2026-11-27 00:00:00.123456+00",
        );
        check("2026-11-27T00:00:05Z", Overlap::Seconds(0), "2026-11-27T00:00:05Z");
        check("2026-11-27", Overlap::Seconds(86_400), "2026-11-26");
        check("infinity", Overlap::Seconds(10), "infinity");
        check("7", Overlap::Seconds(10), "7");
    }

    #[test]
    fn positions_are_compared_as_numbers_and_times() {
        assert!(is_later("10", "9") && !is_later("9", "10"));
        assert!(is_later("2026-11-27 00:00:00.1", "2026-11-27 00:00:00"));
        assert!(is_later("2026-11-27 00:00:00.12", "2026-11-27 00:00:00.119+00"));
        assert!(!is_later("2026-11-27", "2026-11-27 00:00:00"));
    }
}
