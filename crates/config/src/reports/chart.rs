//! `[[chart]]`: the charts of a report.

use super::query::Query;
use super::{unique_name, value};
use crate::diagnostic::did_you_mean;
use crate::toml_reader::TomlReader;
use plant::alarm::LocalText;

/// Size of a chart unless its definition has another, in millimetres: the width of the text on A4.
const WIDTH_MM: u64 = 170;
const HEIGHT_MM: u64 = 60;
const SIZES_MM: std::ops::RangeInclusive<u64> = 20..=400;

/// Limits of a control chart: lower limit, centre, upper limit.
const CONTROL_LIMITS: usize = 3;

/// A chart of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub name: String,
    pub title: LocalText,
    pub kind: ChartKind,
    /// Query whose rows it shows.
    pub query: String,
    /// Column of the category, day, time or number; of strips, of the start.
    pub x: String,
    /// Columns of the values; of strips, of the state.
    pub y: Vec<String>,
    pub limits: Vec<ChartLimit>,
    /// Of strips: column of the end.
    pub end: Option<String>,
    /// Of strips: column of the row.
    pub row: Option<String>,
    /// Of control charts: column that is true, or not empty, where a rule is broken.
    pub mark: Option<String>,
    /// Text at the axis of the values; `None` for the unit of the first column.
    pub unit: Option<String>,
    pub width_mm: u32,
    pub height_mm: u32,
}

/// The kind of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    Bars,
    Lines,
    /// Bars in descending order with a line of their cumulative share.
    Pareto,
    /// States over time, one strip per row.
    Strips,
    /// Values over time between control limits.
    Control,
}

/// A limit of a chart.
#[derive(Debug, Clone, PartialEq)]
pub enum ChartLimit {
    /// The column with the limit of each row.
    Column(String),
    Number(f64),
}

/// Reads `[[chart]]`.
pub fn read(reader: &mut TomlReader<'_, '_>, queries: &[Query]) -> Vec<Chart> {
    let mut charts: Vec<Chart> = Vec::new();
    for mut table in reader.tables("chart") {
        let taken: Vec<&str> = charts.iter().map(|chart| chart.name.as_str()).collect();
        let chart = read_one(&mut table, &taken, queries);
        table.finish();
        charts.extend(chart);
    }
    charts
}

fn read_one(reader: &mut TomlReader<'_, '_>, taken: &[&str], queries: &[Query]) -> Option<Chart> {
    let kinds = [
        ("bars", ChartKind::Bars),
        ("lines", ChartKind::Lines),
        ("pareto", ChartKind::Pareto),
        ("strips", ChartKind::Strips),
        ("control", ChartKind::Control),
    ];
    let name = unique_name(reader, taken);
    let title = value::local_text(reader, "title").unwrap_or_default();
    let kind = value::choice(reader, "kind", kinds, None);
    let query = query(reader, queries);
    let x = reader.required("x", "Name the column of the horizontal axis.");
    if !reader.has("y") {
        reader.required("y", "Name the column of the values.");
    }
    let y = value::one_or_more(reader, "y").unwrap_or_default();
    let limits = limits(reader, kind);
    let (end, row) = (strip(reader, "end", kind), strip(reader, "row", kind));
    let mark = reader.text("mark");
    let unit = reader.text("unit");
    let (width_mm, height_mm) =
        (size(reader, "width_mm", WIDTH_MM), size(reader, "height_mm", HEIGHT_MM));
    let (name, kind, query, x) = (name?, kind?, query?, x?);
    Some(Chart {
        name,
        title,
        kind,
        query,
        x,
        y,
        limits,
        end,
        row,
        mark,
        unit,
        width_mm,
        height_mm,
    })
}

fn query(reader: &mut TomlReader<'_, '_>, queries: &[Query]) -> Option<String> {
    let query = reader.required("query", "Name the query whose rows the chart shows.")?;
    let known: Vec<&str> = queries.iter().map(|query| query.name.as_str()).collect();
    if !known.contains(&query.as_str()) {
        reader.note("query", format!("unknown query `{query}`"), did_you_mean(&query, &known));
    }
    Some(query)
}

fn limits(reader: &mut TomlReader<'_, '_>, kind: Option<ChartKind>) -> Vec<ChartLimit> {
    let items = reader.texts_or_numbers("limits").unwrap_or_default();
    let limit = |item: Result<String, f64>| match item {
        Ok(column) => ChartLimit::Column(column),
        Err(number) => ChartLimit::Number(number),
    };
    let limits: Vec<ChartLimit> = items.into_iter().map(limit).collect();
    if kind == Some(ChartKind::Control) && limits.len() != CONTROL_LIMITS {
        let remedy = "Write limits = [LOWER, CENTRE, UPPER], columns or numbers.";
        reader.note("limits", format!("a control chart with {} limits", limits.len()), remedy);
    }
    limits
}

/// A column that strips need and other kinds do not have.
fn strip(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    kind: Option<ChartKind>,
) -> Option<String> {
    let column = reader.text(key);
    let is_strips = kind == Some(ChartKind::Strips);
    if is_strips && column.is_none() {
        reader.required(key, "Name the column of the strip's end, and that of its row.");
    }
    if !is_strips && column.is_some() {
        let remedy = "Remove the key, or write kind = \"strips\".";
        reader.note(key, format!("only strips have the key `{key}`"), remedy);
    }
    column
}

fn size(reader: &mut TomlReader<'_, '_>, key: &'static str, default: u64) -> u32 {
    let size = reader.number(key).unwrap_or(default);
    if !SIZES_MM.contains(&size) {
        let remedy = format!("Write millimetres from {} to {}.", SIZES_MM.start(), SIZES_MM.end());
        reader.note(key, format!("invalid {key} `{size}`"), remedy);
    }
    u32::try_from(size).unwrap_or_default()
}
