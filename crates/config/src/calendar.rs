//! `[[shift]]` and `[[rest]]` of `plant.toml`: when work is planned.

use super::toml_reader::TomlReader;
use chrono::{NaiveDate, Weekday};
use plant::calendar::{Rest, RestDays, Shift, Span};
use plant::time::days_since_epoch;

const DAY_REMEDY: &str = "Write a day such as \"2024-01-26\", in quotes.";
const BREAK_REMEDY: &str = "Write breaks such as [\"13:00-13:30\"], plant time.";

/// The shifts of a plant.
pub fn shifts(reader: &mut TomlReader<'_, '_>) -> Vec<Shift> {
    let mut shifts = Vec::new();
    for mut table in reader.tables("shift") {
        let name = table.required("name", "Give the shift its letter.");
        let start = time(&mut table, "start");
        let end = time(&mut table, "end");
        let breaks = breaks(&mut table);
        let valid = span(&mut table);
        table.finish();
        if let (Some(name), Some(start_min), Some(end_min)) = (name, start, end) {
            shifts.push(Shift { name, start_min, end_min, breaks, valid });
        }
    }
    shifts
}

/// The rules for days without planned work.
pub fn rests(reader: &mut TomlReader<'_, '_>) -> Vec<Rest> {
    let mut rests = Vec::new();
    for mut table in reader.tables("rest") {
        let name = table.required("name", "Write the reason, such as \"Republic Day\".");
        let day = day(&mut table, "day");
        let span = span(&mut table);
        let weekday = weekday(&mut table);
        let lines = table.texts("lines").unwrap_or_default();
        let is_working = table.flag("working").unwrap_or(false);
        let days = match (day, span, weekday) {
            (Some(day), Span { from: None, until: None }, None) => {
                Some(RestDays::Days(Span { from: Some(day), until: Some(day) }))
            }
            (None, Span { from: None, until: None }, Some(weekday)) => {
                Some(RestDays::Weekday(weekday))
            }
            (None, span @ Span { from: Some(_), until: Some(_) }, None) => {
                Some(RestDays::Days(span))
            }
            _ => {
                let remedy = "Write one of: day, weekday, or both from and until.";
                table.note("name", "the days are ambiguous", remedy);
                None
            }
        };
        table.finish();
        if let (Some(name), Some(days)) = (name, days) {
            rests.push(Rest { name, days, lines, is_working });
        }
    }
    rests
}

fn breaks(reader: &mut TomlReader<'_, '_>) -> Vec<(u16, u16)> {
    let mut breaks = Vec::new();
    for text in reader.texts("breaks").unwrap_or_default() {
        let ends = text.split_once('-').and_then(|(from, to)| {
            Some((minute(from.trim())?, minute(to.trim())?)).filter(|(from, to)| from != to)
        });
        match ends {
            Some(ends) => breaks.push(ends),
            None => reader.note("breaks", format!("invalid break `{text}`"), BREAK_REMEDY),
        }
    }
    breaks
}

fn span(reader: &mut TomlReader<'_, '_>) -> Span {
    Span { from: day(reader, "from"), until: day(reader, "until") }
}

fn day(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<i32> {
    let text = reader.text(key)?;
    let date: Option<NaiveDate> = text.parse().ok();
    if date.is_none() {
        reader.note(key, format!("invalid day `{text}`"), DAY_REMEDY);
    }
    date.map(days_since_epoch)
}

fn weekday(reader: &mut TomlReader<'_, '_>) -> Option<Weekday> {
    let text = reader.text("weekday")?;
    let weekday = text.parse().ok();
    if weekday.is_none() {
        reader.note(
            "weekday",
            format!("invalid weekday `{text}`"),
            "Write one such as \"Sunday\".",
        );
    }
    weekday
}

fn time(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<u16> {
    let remedy = "Write a time of day such as \"09:00\", plant time.";
    let text = reader.required(key, remedy)?;
    let minute = minute(&text);
    if minute.is_none() {
        reader.note(key, format!("invalid time of day `{text}`"), remedy);
    }
    minute
}

/// Minutes after midnight of a time of day such as `13:30`.
pub(crate) fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}
