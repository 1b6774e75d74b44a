//! `[[query]]`: the rows that a report shows.

use super::parameter::titled;
use super::statement::{self, Named, Statement};
use super::{unique_name, value};
use crate::toml_reader::TomlReader;
use plant::alarm::LocalText;
use std::collections::BTreeMap;

/// Most digits after the point.
pub(crate) const DIGITS_MAX: u64 = 9;

/// A named query of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub name: String,
    pub title: LocalText,
    pub statement: Statement,
    /// Rows that are read at most; `None` for the setting `report_rows`.
    pub max_rows: Option<usize>,
    /// How its columns are shown, by name; a column may be missing.
    pub columns: BTreeMap<String, Column>,
}

/// How a column is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Column {
    /// `None` for its name.
    pub title: Option<LocalText>,
    /// `%` for a share from 0 to 1.
    pub unit: Option<String>,
    /// Digits after the point.
    pub digits: Option<u8>,
    /// Whether tables leave it out; templates and charts have it.
    pub is_hidden: bool,
}

/// Reads `[[query]]`.
pub fn read(reader: &mut TomlReader<'_, '_>, known: Named<'_>) -> Vec<Query> {
    let mut queries: Vec<Query> = Vec::new();
    for mut table in reader.tables("query") {
        let taken: Vec<&str> = queries.iter().map(|query| query.name.as_str()).collect();
        let query = read_one(&mut table, &taken, known);
        table.finish();
        queries.extend(query);
    }
    if !reader.has("query") {
        reader.note_here("the report has no query", "Add [[query]] with name and sql.");
    }
    queries
}

fn read_one(reader: &mut TomlReader<'_, '_>, taken: &[&str], known: Named<'_>) -> Option<Query> {
    let name = unique_name(reader, taken);
    let title = value::local_text(reader, "title");
    let statement = statement::read(reader, "sql", known);
    let max_rows = reader.number("max_rows").and_then(|rows| usize::try_from(rows).ok());
    if max_rows == Some(0) {
        reader.note("max_rows", "invalid max_rows `0`", "Write at least 1.");
    }
    let mut columns = BTreeMap::new();
    for (name, mut table) in reader.table("columns").into_iter().flat_map(TomlReader::into_tables) {
        columns.insert(name, column(&mut table));
        table.finish();
    }
    let name = name?;
    let title = title.unwrap_or_else(|| LocalText::new(&titled(&name)));
    Some(Query { name, title, statement: statement?, max_rows, columns })
}

/// Reads how a column is shown.
pub(crate) fn column(reader: &mut TomlReader<'_, '_>) -> Column {
    let title = value::local_text(reader, "title");
    let unit = reader.text("unit").filter(|unit| !unit.is_empty());
    let digits = reader.number("digits");
    if digits.is_some_and(|digits| digits > DIGITS_MAX) {
        let remedy = format!("Write a whole number from 0 to {DIGITS_MAX}.");
        reader.note("digits", "invalid digits", remedy);
    }
    let digits = digits.and_then(|digits| u8::try_from(digits).ok());
    Column { title, unit, digits, is_hidden: reader.flag("hidden").unwrap_or(false) }
}
