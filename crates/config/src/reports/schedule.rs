//! `[schedule]` and `[[send]]`: when a report is issued, and who receives it.

use super::{Format, formats, value};
use crate::calendar;
use crate::diagnostic::did_you_mean;
use crate::notifications::address;
use crate::toml_reader::TomlReader;
use chrono::Weekday;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// Longest delay after a shift: a report of it is issued before the same shift ends again.
const DELAY_MAX_MIN: u64 = 23 * 60;

const LANGUAGE: &str = "en";

/// When a report is issued without a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub moment: Moment,
    /// Formats that are stored and sent.
    pub formats: Vec<Format>,
    pub language: String,
}

/// The time of a scheduled issue, in plant time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// At a minute of some weekdays.
    At { minute_of_day: u16, days: Vec<Weekday> },
    /// Some minutes after the end of a shift.
    AfterShift { shift: String, delay_min: u32 },
    /// When the data of a production day is final.
    Final,
}

/// A recipient of issued reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub kind: DeliveryKind,
    pub formats: Vec<Format>,
}

/// How a report is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryKind {
    /// A message with the files attached.
    Email { roles: Vec<String>, to: Vec<String> },
    /// A message with the address of the report's page.
    Link { roles: Vec<String>, to: Vec<String> },
    /// Files in a folder: a path or a `file://` URL.
    Folder { location: String },
    /// Files below an `s3://bucket/prefix`.
    S3 { location: String },
}

/// Reads `[schedule]`; `None` if it has mistakes, which are noted.
pub fn read(mut reader: TomlReader<'_, '_>, shifts: &[String]) -> Option<Schedule> {
    let at = reader.text("at");
    let days = reader.texts("days");
    let after_shift = reader.text("after_shift");
    let delay_min = reader.number("delay_min");
    let when = reader.text("when");
    let formats = formats(&mut reader).unwrap_or_else(|| vec![Format::Pdf]);
    let language = reader.text("language").unwrap_or_else(|| LANGUAGE.to_owned());
    if days.is_some() && at.is_none() {
        reader.note("days", "`days` without `at`", "Write at = \"06:30\", or remove the key.");
    }
    if delay_min.is_some() && after_shift.is_none() {
        reader.note("delay_min", "`delay_min` without `after_shift`", "Remove the key.");
    }
    let moment = match (at, after_shift, when) {
        (Some(at), None, None) => at_time(&reader, &at, days),
        (None, Some(shift), None) => after(&reader, shift, delay_min.unwrap_or(0), shifts),
        (None, None, Some(when)) if when == "final" => Some(Moment::Final),
        (None, None, Some(when)) => {
            reader.note("when", format!("invalid when `{when}`"), "Write when = \"final\".");
            None
        }
        _ => {
            let remedy = "Write exactly one of: at, after_shift, when.";
            reader.note_here("the time of the schedule is ambiguous", remedy);
            None
        }
    };
    reader.finish();
    Some(Schedule { moment: moment?, formats, language })
}

fn at_time(reader: &TomlReader<'_, '_>, at: &str, days: Option<Vec<String>>) -> Option<Moment> {
    let minute_of_day = calendar::minute(at).filter(|minute| *minute < 24 * 60);
    if minute_of_day.is_none() {
        reader.note("at", format!("invalid time `{at}`"), "Write a time such as \"06:30\".");
    }
    let known = DAYS.map(|(name, _)| name);
    let mut weekdays = Vec::new();
    for name in days.unwrap_or_else(|| known.map(str::to_owned).to_vec()) {
        match DAYS.iter().find(|(known, _)| *known == name) {
            Some((_, day)) => weekdays.push(*day),
            None => {
                reader.note("days", format!("invalid day `{name}`"), did_you_mean(&name, &known));
            }
        }
    }
    if weekdays.is_empty() {
        reader.note("days", "no day", "Write days = [\"mon\"], or remove the key for every day.");
    }
    Some(Moment::At { minute_of_day: minute_of_day?, days: weekdays })
}

fn after(
    reader: &TomlReader<'_, '_>,
    shift: String,
    delay_min: u64,
    shifts: &[String],
) -> Option<Moment> {
    if !shifts.contains(&shift) {
        let known: Vec<&str> = shifts.iter().map(String::as_str).collect();
        let remedy = did_you_mean(&shift, &known);
        reader.note("after_shift", format!("unknown shift `{shift}`"), remedy);
        return None;
    }
    let delay = u32::try_from(delay_min).ok().filter(|_| delay_min <= DELAY_MAX_MIN);
    if delay.is_none() {
        let remedy = format!("Write at most {DELAY_MAX_MIN} minutes.");
        reader.note("delay_min", format!("invalid delay_min `{delay_min}`"), remedy);
    }
    Some(Moment::AfterShift { shift, delay_min: delay? })
}

/// Reads `[[send]]`.
pub fn deliveries(reader: &mut TomlReader<'_, '_>, schedule: Option<&Schedule>) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for mut table in reader.tables("send") {
        let formats = formats(&mut table);
        let usual = || schedule.map_or_else(|| vec![Format::Pdf], |it| it.formats.clone());
        let formats = formats.unwrap_or_else(usual);
        let kind = delivery(&mut table);
        table.finish();
        deliveries.extend(kind.map(|kind| Delivery { kind, formats }));
    }
    deliveries
}

fn delivery(reader: &mut TomlReader<'_, '_>) -> Option<DeliveryKind> {
    let kinds = ["email", "link", "folder", "s3"].map(|name| (name, name));
    let kind = value::choice(reader, "kind", kinds, None);
    let roles = reader.texts("roles").unwrap_or_default();
    let to = reader.texts("to").unwrap_or_default();
    let location = reader.text("location");
    match kind? {
        "email" => {
            recipients(reader, roles, to).map(|(roles, to)| DeliveryKind::Email { roles, to })
        }
        "link" => recipients(reader, roles, to).map(|(roles, to)| DeliveryKind::Link { roles, to }),
        kind => place(reader, location, kind == "s3"),
    }
}

fn place(
    reader: &TomlReader<'_, '_>,
    location: Option<String>,
    is_s3: bool,
) -> Option<DeliveryKind> {
    let location = location.filter(|it| !it.is_empty() && it.starts_with("s3://") == is_s3);
    if location.is_none() {
        let remedy = "Write location = \"/srv/reports\" for a folder, location = \"s3://bucket/prefix\" for s3.";
        reader.note("location", "no valid location", remedy);
    }
    let location = location?;
    Some(if is_s3 { DeliveryKind::S3 { location } } else { DeliveryKind::Folder { location } })
}

fn recipients(
    reader: &TomlReader<'_, '_>,
    roles: Vec<String>,
    to: Vec<String>,
) -> Option<(Vec<String>, Vec<String>)> {
    if roles.is_empty() && to.is_empty() {
        reader.note_here("no recipient", "Write roles = [\"…\"] or to = [\"…\"].");
    }
    let to: Option<Vec<String>> =
        to.into_iter().map(|text| address::checked_email(reader, "to", text)).collect();
    Some((roles, to?))
}
