//! The period of a board: the values of the parameters of its statements.

use super::dto::BoardPeriod;
use crate::http::error::Error;
use chrono::NaiveDate;
use config::reports::ParameterKind;
use datafusion::common::ScalarValue;
use plant::calendar::Calendar;
use plant::time::{date_from_days, days_since_epoch};
use std::collections::BTreeMap;

/// The names of the parameters of a request that set the period.
pub const PARAMETERS: [&str; 3] = ["from", "to", "shift"];

/// Production days, both included, and one shift or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Days since 1970-01-01.
    from: i32,
    to: i32,
    shift: Option<String>,
}

impl Period {
    /// One day, all shifts.
    pub fn of_day(day: i32) -> Self {
        Self { from: day, to: day, shift: None }
    }

    /// That many days up to one, all shifts.
    pub fn days_up_to(last: i32, days: i32) -> Self {
        Self { from: last - (days - 1), to: last, shift: None }
    }

    /// The current production day.
    pub fn today(calendar: &Calendar, now_us: i64) -> Self {
        Self::of_day(calendar.local_parts(now_us).production_day)
    }

    /// The period that a request names; `None` if it names none.
    pub fn parse(
        given: &BTreeMap<String, String>,
        calendar: &Calendar,
    ) -> Result<Option<Self>, Error> {
        let (from, to) = (day(given, "from")?, day(given, "to")?);
        let shift = given.get("shift").filter(|shift| !shift.is_empty()).cloned();
        let (from, to) = match (from.or(to), to.or(from)) {
            (Some(from), Some(to)) if from <= to => (from, to),
            (Some(_), Some(_)) => return Err(invalid("invalid period: `from` is after `to`")),
            _ if shift.is_some() => return Err(invalid("a shift needs its day: add `to`")),
            _ => return Ok(None),
        };
        let names: Vec<&str> = calendar.shifts().iter().map(|it| it.name.as_str()).collect();
        if let Some(shift) = shift.as_deref().filter(|shift| !names.contains(shift)) {
            return Err(invalid(&format!(
                "invalid shift `{shift}`: expected one of {}",
                names.join(", ")
            )));
        }
        Ok(Some(Self { from, to, shift }))
    }

    /// The values of the parameters by name.
    pub fn values(&self) -> Vec<(&'static str, ScalarValue)> {
        vec![
            ("day", ScalarValue::Date32(Some(self.to))),
            ("from", ScalarValue::Date32(Some(self.from))),
            ("to", ScalarValue::Date32(Some(self.to))),
            ("shift", ScalarValue::Utf8(self.shift.clone())),
        ]
    }

    /// A statement with the values in place of its placeholders.
    pub fn literal(&self, sql: &str) -> String {
        let mut text = sql.to_owned();
        for parameter in config::boards::parameters() {
            let kind = parameter.kind.sql_type();
            let value = match (parameter.kind, parameter.name.as_str()) {
                (ParameterKind::Day, "from") => quoted(&day_text(self.from)),
                (ParameterKind::Day, _) => quoted(&day_text(self.to)),
                _ => self.shift.as_deref().map_or_else(|| "NULL".to_owned(), quoted),
            };
            let placeholder = format!("CAST(${} AS {kind})", parameter.name);
            text = text.replace(&placeholder, &format!("CAST({value} AS {kind})"));
        }
        text
    }
}

impl From<&Period> for BoardPeriod {
    fn from(period: &Period) -> Self {
        Self { from: day_text(period.from), to: day_text(period.to), shift: period.shift.clone() }
    }
}

fn day(given: &BTreeMap<String, String>, name: &str) -> Result<Option<i32>, Error> {
    let Some(text) = given.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let day = text.parse::<NaiveDate>().ok().map(days_since_epoch);
    let bad = || invalid(&format!("invalid {name} `{text}`: expected a day such as 2026-01-31"));
    day.map(Some).ok_or_else(bad)
}

fn invalid(message: &str) -> Error {
    Error::bad("bad_value", message)
}

fn day_text(day: i32) -> String {
    date_from_days(day).map(|date| date.to_string()).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_replace_placeholders_and_nothing_else() {
        let sql = "select '$day' where d between CAST($from AS DATE) and CAST($day AS DATE) \
                   and CAST($shift AS VARCHAR) is null";
        let mut period = Period { from: 0, to: 1, shift: None };
        assert_eq!(
            period.literal(sql),
            "select '$day' where d between CAST('1970-01-01' AS DATE) and CAST('1970-01-02' AS DATE) \
             and CAST(NULL AS VARCHAR) is null"
        );
        period.shift = Some("it's".to_owned());
        assert!(period.literal(sql).contains("CAST('it''s' AS VARCHAR)"));
    }
}
