//! `reports/<name>/report.toml` and the templates beside it: the definitions of reports.

mod chart;
mod kpi;
mod parameter;
mod query;
mod schedule;
pub(crate) mod statement;

pub use chart::{Chart, ChartKind, ChartLimit};
pub use parameter::{ParameterKind, ReportParameter, ReportParameterDefault};
pub use query::{Column, Query};
pub use schedule::{Delivery, DeliveryKind, Moment, Schedule};
pub use statement::Statement;

pub(crate) use parameter::titled;
pub(crate) use query::{DIGITS_MAX, column};

use super::alarms::value;
use super::diagnostic::{Diagnostic, did_you_mean};
use super::kpi::Kpi;
use super::model::TableName;
use super::toml_reader::{Findings, TomlReader};
use plant::alarm::LocalText;
use statement::Named;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Folder of the reports in the folder of a plant.
pub const FOLDER: &str = "reports";
/// File of a report's definition, below its folder.
pub const DEFINITION: &str = "report.toml";
/// File of a report's template, below its folder.
pub const TEMPLATE: &str = "report.typ";

/// Longest name of a report, a query, a chart or a parameter.
const NAME_CHARS: usize = 60;

/// A report: what it reads, how it looks, when it is issued and who receives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Name of its folder.
    pub name: String,
    pub title: LocalText,
    pub description: LocalText,
    /// In the order of the file.
    pub parameters: Vec<ReportParameter>,
    pub queries: Vec<Query>,
    pub charts: Vec<Chart>,
    pub schedule: Option<Schedule>,
    pub deliveries: Vec<Delivery>,
    /// Texts of the Typst files of the folder, by their path below it; contains [`TEMPLATE`].
    pub sources: BTreeMap<String, String>,
}

impl Definition {
    /// Every table that the report reads.
    pub fn tables(&self) -> BTreeSet<TableName> {
        let choices = self.parameters.iter().filter_map(|it| it.choices.as_ref());
        let statements = self.queries.iter().map(|query| &query.statement).chain(choices);
        statements.flat_map(|statement| statement.tables.iter().cloned()).collect()
    }

    /// The parameter `name`.
    pub fn parameter(&self, name: &str) -> Option<&ReportParameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The query `name`.
    pub fn query(&self, name: &str) -> Option<&Query> {
        self.queries.iter().find(|query| query.name == name)
    }

    /// Path of one of its files below the plant folder.
    pub fn path(&self, file: &str) -> String {
        format!("{FOLDER}/{}/{file}", self.name)
    }
}

/// A file format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    Pdf,
    Xlsx,
    /// One CSV file, or a ZIP archive if the report has several tables.
    Csv,
    Html,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Pdf, Self::Xlsx, Self::Csv, Self::Html];

    /// Its name in files, addresses and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Html => "html",
        }
    }

    /// The format with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// Reads the reports among the texts of a plant folder. Reports with mistakes are left out. `shifts` are the
/// names of the plant's shifts, `kpis` those that statements can name.
pub fn read(
    texts: &BTreeMap<String, String>,
    shifts: &[String],
    kpis: &[Kpi],
) -> (BTreeMap<String, Arc<Definition>>, Vec<Diagnostic>) {
    let (mut reports, mut diagnostics) = (BTreeMap::new(), Vec::new());
    for (name, files) in folders(texts) {
        let file = format!("{FOLDER}/{name}/{DEFINITION}");
        let text = files.get(DEFINITION).map_or("", |text| text.as_str());
        let findings = Findings::new(&file, text);
        let report = read_one(&name, &files, &findings, shifts, kpis);
        let found = findings.into_diagnostics();
        if let Some(report) = report.filter(|_| found.is_empty()) {
            reports.insert(name, Arc::new(report));
        }
        diagnostics.extend(found);
    }
    (reports, diagnostics)
}

/// The files of each report by their path below its folder.
fn folders(texts: &BTreeMap<String, String>) -> BTreeMap<String, BTreeMap<&str, &String>> {
    let mut folders: BTreeMap<String, BTreeMap<&str, &String>> = BTreeMap::new();
    for (path, text) in texts {
        let below = path.strip_prefix(FOLDER).and_then(|path| path.strip_prefix('/'));
        let Some((name, file)) = below.and_then(|path| path.split_once('/')) else { continue };
        folders.entry(name.to_owned()).or_default().insert(file, text);
    }
    folders
}

fn read_one(
    name: &str,
    files: &BTreeMap<&str, &String>,
    findings: &Findings<'_>,
    shifts: &[String],
    kpis: &[Kpi],
) -> Option<Definition> {
    if !files.contains_key(DEFINITION) {
        findings.note_line(1, "the file is missing", "Write a title and at least one [[query]].");
        return None;
    }
    if !is_name(name, "-_") {
        let remedy = "Rename the folder: lower-case letters, digits and hyphens, a letter first.";
        findings.note_line(1, format!("invalid name `{name}` of a report"), remedy);
    }
    if !files.contains_key(TEMPLATE) {
        let remedy = format!("Write the template {TEMPLATE} beside this file.");
        findings.note_line(1, format!("the template {TEMPLATE} is missing"), remedy);
    }
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, findings);
    if !reader.has("title") {
        reader.required("title", "Give the report a title.");
    }
    let title = value::local_text(&mut reader, "title").unwrap_or_default();
    let description = value::local_text(&mut reader, "description").unwrap_or_default();
    let parameters = parameter::read(&mut reader, shifts);
    let queries = query::read(&mut reader, Named { parameters: &parameters, kpis });
    let charts = chart::read(&mut reader, &queries);
    let schedule = reader.table("schedule").and_then(|table| schedule::read(table, shifts));
    let deliveries = schedule::deliveries(&mut reader, schedule.as_ref());
    reader.finish();
    let is_template = |(file, _): &(&&str, &&String)| file.ends_with(".typ");
    let sources = files.iter().filter(is_template);
    let sources = sources.map(|(file, text)| ((*file).to_owned(), (*text).clone())).collect();
    let name = name.to_owned();
    Some(Definition {
        name,
        title,
        description,
        parameters,
        queries,
        charts,
        schedule,
        deliveries,
        sources,
    })
}

/// Whether a text is a name: lower-case letters, digits and `others`, a letter first.
pub(crate) fn is_name(text: &str, others: &str) -> bool {
    let is_valid = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit();
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= NAME_CHARS
        && text.chars().all(|sign| is_valid(sign) || others.contains(sign))
}

/// The required name of a table; an invalid one, or one of `taken`, is noted.
fn unique_name(reader: &mut TomlReader<'_, '_>, taken: &[&str]) -> Option<String> {
    let remedy = "Write lower-case letters, digits and _, a letter first.";
    let name = reader.required("name", remedy)?;
    if !is_name(&name, "_") {
        reader.note("name", format!("invalid name `{name}`"), remedy);
        return None;
    }
    if taken.contains(&name.as_str()) {
        reader.note("name", format!("the name `{name}` is taken"), "Choose another one.");
        return None;
    }
    Some(name)
}

/// The formats under `formats`; `None` if the key is missing.
fn formats(reader: &mut TomlReader<'_, '_>) -> Option<Vec<Format>> {
    let names = reader.texts("formats")?;
    let known = Format::ALL.map(Format::as_str);
    let mut formats = Vec::new();
    for name in &names {
        match Format::from_name(name) {
            Some(format) if !formats.contains(&format) => formats.push(format),
            Some(_) => {}
            None => {
                let message = format!("invalid format `{name}`");
                reader.note("formats", message, did_you_mean(name, &known));
            }
        }
    }
    if names.is_empty() {
        reader.note("formats", "no format", format!("Write one of: {}.", known.join(", ")));
    }
    Some(formats)
}

#[cfg(test)]
mod tests;
