//! The values of a report's parameters.

use crate::data::{ParameterValue, Value};
use crate::error::Error;
use chrono::{Datelike as _, NaiveDate};
use config::diagnostic::did_you_mean;
use config::reports::{Definition, ParameterKind, ReportParameter, ReportParameterDefault};
use plant::calendar::Calendar;
use plant::time::{DAY_S, date_from_days, days_since_epoch, second_of_us};
use std::collections::BTreeMap;

/// Days in which the last shift is searched: a longer rest has no shift before it.
const SEARCHED_DAYS: i64 = 31;

/// The values of the parameters of a report: those given, otherwise the defaults at a time. `first` has the first
/// choice of each parameter whose default it is.
pub fn resolve(
    report: &Definition,
    given: &BTreeMap<String, String>,
    calendar: &Calendar,
    first: &BTreeMap<String, String>,
    language: &str,
    now_us: i64,
) -> Result<Vec<ParameterValue>, Error> {
    check_names(report, given)?;
    let shifts: Vec<&str> = calendar.shifts().iter().map(|shift| shift.name.as_str()).collect();
    let mut values = Vec::with_capacity(report.parameters.len());
    for parameter in &report.parameters {
        let text = match given.get(&parameter.name) {
            Some(text) => Some(text.clone()),
            None => default(parameter, calendar, first, now_us),
        };
        let value = parse(parameter, &text.unwrap_or_default(), &shifts)?;
        let title = parameter.title.in_language(language).to_owned();
        values.push(ParameterValue { name: parameter.name.clone(), title, value });
    }
    Ok(values)
}

fn check_names(report: &Definition, given: &BTreeMap<String, String>) -> Result<(), Error> {
    let known: Vec<&str> = report.parameters.iter().map(|it| it.name.as_str()).collect();
    let Some(name) = given.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let remedy = match known.is_empty() {
        true => "this report has no parameters".to_owned(),
        false => did_you_mean(name, &known),
    };
    Err(Error::UnknownParameter { name: name.clone(), remedy })
}

/// The text of the default at a time; `None` if no shift has ended.
fn default(
    parameter: &ReportParameter,
    calendar: &Calendar,
    first: &BTreeMap<String, String>,
    now_us: i64,
) -> Option<String> {
    let today = calendar.local_parts(now_us).production_day;
    let day = |day: i32| date_from_days(day).map(|date| date.to_string());
    let name = |shift: u16| calendar.shifts().get(usize::from(shift)).map(|it| it.name.clone());
    match (&parameter.default, parameter.kind) {
        (ReportParameterDefault::Value(text), _) => Some(text.clone()),
        (ReportParameterDefault::First, kind) => {
            first.get(&parameter.name).cloned().or_else(|| without_choices(kind, calendar, today))
        }
        (ReportParameterDefault::Today, _) => day(today),
        (ReportParameterDefault::Yesterday, _) => day(today - 1),
        (ReportParameterDefault::LastWeek, _) => day(last_week(today)),
        (ReportParameterDefault::Last, ParameterKind::Shift) => {
            name(last_shift(calendar, now_us)?.1)
        }
        (ReportParameterDefault::Last, _) => {
            day(last_shift(calendar, now_us).map_or(today - 1, |it| it.0))
        }
        (ReportParameterDefault::Current, _) => {
            let current = calendar.local_parts(now_us).shift;
            name(current.or_else(|| Some(last_shift(calendar, now_us)?.1))?)
        }
    }
}

/// The value in place of the first choice while the lake has none: one that selects no rows, or any value of its
/// kind.
fn without_choices(kind: ParameterKind, calendar: &Calendar, today: i32) -> Option<String> {
    match kind {
        ParameterKind::Day => date_from_days(today).map(|date| date.to_string()),
        ParameterKind::Shift => calendar.shifts().first().map(|it| it.name.clone()),
        ParameterKind::Text => Some(String::new()),
        ParameterKind::Whole | ParameterKind::Decimal => Some("0".to_owned()),
    }
}

/// Monday of the last whole week before a day.
fn last_week(today: i32) -> i32 {
    let weekday = date_from_days(today).map_or(0, |date| date.weekday().num_days_from_monday());
    today - weekday as i32 - 7
}

/// Production day and number of the last shift that has ended at a time, rest days left out.
pub fn last_shift(calendar: &Calendar, now_us: i64) -> Option<(i32, u16)> {
    let now_s = second_of_us(now_us);
    let mut ended = None;
    let mut running = None;
    for piece in calendar.pieces(now_s - SEARCHED_DAYS * DAY_S, now_s + 1) {
        let is_rest = calendar.rest(piece.parts.production_day, None).is_some();
        let shift = piece.parts.shift.filter(|_| !is_rest);
        let shift = shift.map(|shift| (piece.parts.production_day, shift));
        if shift != running {
            ended = running.or(ended);
            running = shift;
        }
    }
    ended
}

fn parse(parameter: &ReportParameter, text: &str, shifts: &[&str]) -> Result<Value, Error> {
    let (value, expected) = match parameter.kind {
        ParameterKind::Day => {
            let day = text.parse::<NaiveDate>().ok();
            (
                day.map(|day| Value::Day(days_since_epoch(day))),
                "a day such as 2026-01-31".to_owned(),
            )
        }
        ParameterKind::Shift => {
            let is_known = shifts.contains(&text);
            (
                is_known.then(|| Value::Text(text.to_owned())),
                format!("a shift: {}", shifts.join(", ")),
            )
        }
        ParameterKind::Text => (Some(Value::Text(text.to_owned())), String::new()),
        ParameterKind::Whole => (text.parse().ok().map(Value::Whole), "a whole number".to_owned()),
        ParameterKind::Decimal => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            (number.map(Value::Decimal), "a number".to_owned())
        }
    };
    value.ok_or_else(|| Error::InvalidParameter {
        name: parameter.name.clone(),
        value: text.to_owned(),
        expected,
    })
}
