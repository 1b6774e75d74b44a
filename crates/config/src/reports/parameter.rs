//! `[parameters.<name>]`: the values that a report is run with.

use super::statement::{self, Named, Statement};
use super::{is_name, value};
use crate::toml_reader::TomlReader;
use chrono::NaiveDate;
use plant::alarm::LocalText;

/// Names of parameters that addresses and the command line use themselves.
const RESERVED: [&str; 12] = [
    "as_issued",
    "as_of",
    "bucket",
    "format",
    "id",
    "kafka",
    "lake",
    "language",
    "log",
    "out",
    "plant",
    "report",
];

/// A value that a report is run with.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportParameter {
    pub name: String,
    pub title: LocalText,
    pub kind: ParameterKind,
    pub default: ReportParameterDefault,
    /// Lists the values to choose from, in its first column.
    pub choices: Option<Statement>,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A production day: `DATE` in statements.
    Day,
    /// The name of a shift: a text in statements.
    Shift,
    Text,
    /// `BIGINT` in statements.
    Whole,
    /// `DOUBLE` in statements.
    Decimal,
}

impl ParameterKind {
    /// Its name in the definition and in the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Shift => "shift",
            Self::Text => "text",
            Self::Whole | Self::Decimal => "number",
        }
    }

    /// Its type in SQL.
    pub const fn sql_type(self) -> &'static str {
        match self {
            Self::Day => "DATE",
            Self::Shift | Self::Text => "VARCHAR",
            Self::Whole => "BIGINT",
            Self::Decimal => "DOUBLE",
        }
    }
}

/// The value of a parameter unless a request sets another.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportParameterDefault {
    /// The current production day.
    Today,
    /// The production day before the current one.
    Yesterday,
    /// The last shift that has ended, or its production day.
    Last,
    /// The current shift.
    Current,
    /// Monday of the last whole week.
    LastWeek,
    /// The first of the choices.
    First,
    /// A value, as text.
    Value(String),
}

/// Reads `[parameters]`.
pub fn read(reader: &mut TomlReader<'_, '_>, shifts: &[String]) -> Vec<ReportParameter> {
    let Some(table) = reader.table("parameters") else { return Vec::new() };
    let mut parameters = Vec::new();
    for (name, mut table) in table.into_tables() {
        if !is_name(&name, "_") || RESERVED.contains(&name.as_str()) {
            let remedy = format!(
                "Write lower-case letters, digits and _, a letter first, and none of: {}.",
                RESERVED.join(", ")
            );
            table.note_here(format!("invalid name `{name}` of a parameter"), remedy);
        }
        parameters.extend(read_one(name, &mut table, shifts));
        table.finish();
    }
    parameters
}

fn read_one(
    name: String,
    reader: &mut TomlReader<'_, '_>,
    shifts: &[String],
) -> Option<ReportParameter> {
    let title =
        value::local_text(reader, "title").unwrap_or_else(|| LocalText::new(&titled(&name)));
    let kinds = [
        ("day", ParameterKind::Day),
        ("shift", ParameterKind::Shift),
        ("text", ParameterKind::Text),
        ("number", ParameterKind::Decimal),
    ];
    let kind = value::choice(reader, "kind", kinds, None);
    // Choices cannot depend on other parameters: they are listed before any is set.
    let choices = reader.has("values");
    let choices = choices.then(|| statement::read(reader, "values", Named::default())).flatten();
    if !reader.has("default") {
        reader.required("default", "Write the value that is used unless a request sets another.");
        return None;
    }
    let (kind, default) = match kind? {
        ParameterKind::Day => (ParameterKind::Day, day(reader)),
        ParameterKind::Shift => (ParameterKind::Shift, shift(reader, shifts)),
        ParameterKind::Text => (ParameterKind::Text, text(reader)),
        ParameterKind::Whole | ParameterKind::Decimal => number(reader)?,
    };
    // A mistake has been noted: the parameter remains known, so that its uses are not reported as well.
    let default = default.unwrap_or_else(|| ReportParameterDefault::Value(String::new()));
    if default == ReportParameterDefault::First && choices.is_none() {
        let remedy = "Write the statement that lists the choices as values = \"select …\".";
        reader.note("default", "the default is the first choice, but there are no choices", remedy);
    }
    Some(ReportParameter { name, title, kind, default, choices })
}

fn day(reader: &mut TomlReader<'_, '_>) -> Option<ReportParameterDefault> {
    let text = reader.text("default")?;
    let default = match text.as_str() {
        "today" => ReportParameterDefault::Today,
        "yesterday" => ReportParameterDefault::Yesterday,
        "last" => ReportParameterDefault::Last,
        "last_week" => ReportParameterDefault::LastWeek,
        "first" => ReportParameterDefault::First,
        _ if text.parse::<NaiveDate>().is_ok() => ReportParameterDefault::Value(text),
        _ => {
            let remedy =
                "Write today, yesterday, last, last_week, first or a day such as \"2026-01-31\".";
            reader.note("default", format!("invalid day `{text}`"), remedy);
            return None;
        }
    };
    Some(default)
}

fn shift(reader: &mut TomlReader<'_, '_>, shifts: &[String]) -> Option<ReportParameterDefault> {
    let text = reader.text("default")?;
    let default = match text.as_str() {
        "last" => ReportParameterDefault::Last,
        "current" => ReportParameterDefault::Current,
        "first" => ReportParameterDefault::First,
        _ if shifts.contains(&text) => ReportParameterDefault::Value(text),
        _ => {
            let remedy = format!("Write last, current, first or a shift: {}.", shifts.join(", "));
            reader.note("default", format!("unknown shift `{text}`"), remedy);
            return None;
        }
    };
    Some(default)
}

fn text(reader: &mut TomlReader<'_, '_>) -> Option<ReportParameterDefault> {
    let text = reader.text("default")?;
    Some(if text == "first" {
        ReportParameterDefault::First
    } else {
        ReportParameterDefault::Value(text)
    })
}

fn number(
    reader: &mut TomlReader<'_, '_>,
) -> Option<(ParameterKind, Option<ReportParameterDefault>)> {
    if reader.peek("default") == Some("first") {
        reader.text("default");
        return Some((ParameterKind::Decimal, Some(ReportParameterDefault::First)));
    }
    let number = reader.decimal("default")?;
    let is_whole = number.fract() == 0.0 && reader.is_integer("default");
    let kind = if is_whole { ParameterKind::Whole } else { ParameterKind::Decimal };
    Some((kind, Some(ReportParameterDefault::Value(number.to_string()))))
}

/// A name as a title: `good_units` is "Good units".
pub fn titled(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut signs = spaced.chars();
    signs
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + signs.as_str())
}
