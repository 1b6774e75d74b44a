//! Statements of rules, and the time in them.

use chrono::{DateTime, Timelike as _};
use chrono_tz::Tz;

/// SQL over the lake that is evaluated regularly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// One SELECT. `:now` is the time of evaluation, `:today` its day and `:hour` its hour in the
    /// zone of the plant.
    pub sql: String,
    /// Time between two evaluations in microseconds.
    pub every_us: i64,
}

impl Statement {
    /// The SQL for an evaluation at `now_us` in a plant in `zone`. Placeholders become literals: a
    /// UTC timestamp in microseconds, a date, and a whole number. Texts in quotes remain.
    pub fn sql_at(&self, now_us: i64, zone: Tz) -> String {
        let now = DateTime::from_timestamp_micros(now_us).unwrap_or_default();
        let local = now.with_timezone(&zone);
        let literals = [
            ("now", format!("arrow_cast({now_us}, 'Timestamp(Microsecond, Some(\"UTC\"))')")),
            ("today", format!("DATE '{}'", local.date_naive())),
            ("hour", local.hour().to_string()),
        ];
        let parts = self.sql.split('\'').enumerate();
        let replaced = parts.map(|(number, part)| match number % 2 {
            0 => with_literals(part, &literals),
            _ => part.to_owned(),
        });
        replaced.collect::<Vec<_>>().join("'")
    }
}

/// A part of SQL outside quotes with its placeholders replaced; other names after a colon, and casts
/// with two colons, remain.
fn with_literals(part: &str, literals: &[(&str, String)]) -> String {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(at) = rest.find(':') {
        let after = &rest[at + 1..];
        let end = after.find(|sign| !is_word(sign)).unwrap_or(after.len());
        let literal = literals.iter().find(|(name, _)| *name == &after[..end]);
        let literal = literal.filter(|_| !rest[..at].ends_with(':') && !out.ends_with(':'));
        out.push_str(&rest[..at]);
        match literal {
            Some((_, literal)) => out.push_str(literal),
            None => out.push_str(&rest[at..=at + end]),
        }
        rest = &after[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_times_of_the_plant() {
        let statement = Statement {
            sql: "SELECT ':now', x::hour, :hours FROM t WHERE at < :now AND (:today, :hour)".into(),
            every_us: 1,
        };
        // 2026-01-31T20:00:00Z is 01:30 of the next day in India.
        let sql = statement.sql_at(1_769_889_600_000_000, chrono_tz::Asia::Kolkata);
        assert_eq!(
            sql,
            "SELECT ':now', x::hour, :hours FROM t WHERE at < arrow_cast(1769889600000000, \
             'Timestamp(Microsecond, Some(\"UTC\"))') AND (DATE '2026-02-01', 1)"
        );
    }
}
