//! The columns of a contract: name, source field, and what becomes of a value that cannot be read.

use super::values::kind;
use crate::diagnostic::did_you_mean;
use crate::toml_reader::{Findings, TomlReader};
use chrono_tz::Tz;
use plant::contract::{Column, Format, Kind, OnError, Origin};
use std::collections::HashSet;

pub(super) fn columns(
    reader: &mut TomlReader<'_, '_>,
    plant_zone: Tz,
    format: Option<&Format>,
    findings: &Findings<'_>,
) -> Vec<Column> {
    let mut names = HashSet::new();
    let mut columns = Vec::new();
    for table in reader.tables("columns") {
        let at = table.at();
        let Some(column) = column(table, plant_zone, format) else { continue };
        if !names.insert(column.name.clone()) {
            let message = format!("column `{}` is defined twice", column.name);
            findings.note(at, message, "Give each column its own name.");
        }
        columns.push(column);
    }
    check_envelope(reader, format, &columns);
    if columns.is_empty() {
        let remedy = "List the columns: columns = [ { name = \"id\", type = \"int\" }, … ].";
        reader.note("columns", "no columns", remedy);
    }
    columns
}

fn column(
    mut reader: TomlReader<'_, '_>,
    plant_zone: Tz,
    format: Option<&Format>,
) -> Option<Column> {
    let name = reader.required("name", "Name the column in small letters, digits and _.");
    let kind = kind(&mut reader, plant_zone);
    let column = Column {
        header: reader.text("header").or_else(|| name.clone()).unwrap_or_default(),
        origin: origin(&mut reader, format),
        required: reader.flag("required").unwrap_or(false),
        on_error: on_error(&mut reader),
        nulls: reader.texts("nulls").unwrap_or_default(),
        width_chars: reader.number("width").and_then(|width| width.try_into().ok()).unwrap_or(0),
        description: reader.text("description").unwrap_or_default(),
        name: name.clone().unwrap_or_default(),
        kind: kind.clone().unwrap_or(Kind::Text),
    };
    check_name(&reader, &column.name);
    // The keys of an unknown type are unknown.
    if kind.is_some() {
        reader.finish();
    }
    (name.is_some() && kind.is_some()).then_some(column)
}

fn check_name(reader: &TomlReader<'_, '_>, name: &str) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain) {
        return;
    }
    let remedy = "Use small letters, digits and _, starting with a letter, so that SQL and every \
                  reader take it without quotes; write the dump's own name as header.";
    reader.note("name", format!("invalid name `{name}`"), remedy);
}

/// Where the value of a column can be, and its name in a contract.
const ORIGINS: [(&str, Origin); 8] = [
    ("record", Origin::Record),
    ("envelope", Origin::Envelope),
    ("path", Origin::Path),
    ("topic", Origin::Topic),
    ("key", Origin::Key),
    ("header", Origin::Header),
    ("partition", Origin::Partition),
    ("offset", Origin::Offset),
];

/// The names of the origins.
pub(crate) const ORIGIN_NAMES: [&str; 8] = {
    let mut names = [""; 8];
    let mut at = 0;
    while at < ORIGINS.len() {
        names[at] = ORIGINS[at].0;
        at += 1;
    }
    names
};

/// Reads `from`. `format` is `None` if the contract's own format is invalid: then every origin is
/// accepted, because which of them fit is not known.
fn origin(reader: &mut TomlReader<'_, '_>, format: Option<&Format>) -> Origin {
    let Some(word) = reader.text("from") else { return Origin::Record };
    let Some((_, origin)) = ORIGINS.iter().find(|(known, _)| *known == word) else {
        let known = ORIGINS.map(|(known, _)| known);
        reader.note("from", format!("invalid origin `{word}`"), did_you_mean(&word, &known));
        return Origin::Record;
    };
    if let Some((problem, remedy)) = format.and_then(|format| misplaced(*origin, format)) {
        reader.note("from", format!("`{word}` {problem}"), remedy);
    }
    *origin
}

/// Why records of this format have no such origin, and what to do about it.
fn misplaced(origin: Origin, format: &Format) -> Option<(&'static str, &'static str)> {
    let is_message = *format == Format::Message;
    let is_json = matches!(format, Format::JsonLines | Format::JsonArray | Format::Message);
    match origin {
        Origin::Topic | Origin::Key | Origin::Header | Origin::Partition | Origin::Offset
            if !is_message =>
        {
            Some((
                "exists only for messages, and this format is a dump",
                "Remove it, or use from = \"path\" for a part of the dump's path.",
            ))
        }
        Origin::Path if is_message => Some((
            "exists only for dumps: a message has no path",
            "Use from = \"topic\", \"key\" or \"header\".",
        )),
        Origin::Envelope if !is_json => Some((
            "exists only for JSON: records of this format have no object around them",
            "Remove it, or use from = \"path\" for a part of the dump's path.",
        )),
        _ => None,
    }
}

/// Notes columns from around the records where nothing can be around them.
fn check_envelope(reader: &TomlReader<'_, '_>, format: Option<&Format>, columns: &[Column]) {
    let is_around = |column: &Column| column.origin == Origin::Envelope;
    let needs_path = matches!(format, Some(Format::JsonLines));
    if needs_path && !reader.has("records") && columns.iter().any(is_around) {
        let message = "`from = \"envelope\"` has no meaning without `records`";
        let remedy = "Write records = \"…\" with the path of the array in each object.";
        reader.note("columns", message, remedy);
    }
}

/// What happens to an invalid value.
pub(crate) const ON_ERROR: [&str; 2] = ["reject", "null"];

fn on_error(reader: &mut TomlReader<'_, '_>) -> OnError {
    match reader.text("on_error").as_deref() {
        None | Some("reject") => OnError::Reject,
        Some("null") => OnError::Null,
        Some(other) => {
            let remedy = "\"reject\": the record is rejected; \"null\": the value becomes unknown.";
            reader.note(
                "on_error",
                format!("invalid on_error `{other}`: expected reject or null"),
                remedy,
            );
            OnError::Reject
        }
    }
}
