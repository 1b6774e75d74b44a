//! `kpis.toml`: what each KPI is, once for every page, answer and report.

use super::model::TableName;
use super::toml_reader::{Findings, TomlReader};
use std::collections::BTreeMap;

/// The set a KPI belongs to if it names none.
const USUAL_SET: &str = "iso22400";
pub(crate) const BETTER: [&str; 2] = ["higher", "lower"];

/// One KPI: a ratio of two expressions over the summed columns of a gold table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    pub name: String,
    pub title: String,
    /// KPIs that are meant together: `iso22400`, `oee.com`.
    pub set: String,
    pub table: TableName,
    /// The table with the same columns by the hour, if that is another one.
    pub by_hour: Option<TableName>,
    /// The formula in the words of its source.
    pub formula: String,
    pub ratio: Ratio,
    /// The least and the greatest it can be where something is unknown.
    pub low: Option<Ratio>,
    pub high: Option<Ratio>,
    /// Conditions under which it cannot be told, and why, in their order.
    pub unknown: Vec<(String, String)>,
    /// What a denominator of 0 means.
    pub none: String,
    /// `%` for shares, which are given as numbers from 0 to 1.
    pub unit: String,
    pub is_higher_better: bool,
    pub source: String,
    pub caveat: String,
    /// The KPI of another set it stands for, and what the two differ by.
    pub against: Option<Against>,
    pub line: usize,
}

/// How a KPI differs from its like in another set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Against {
    pub name: String,
    pub ratio: Ratio,
    /// What is counted otherwise, and how much of the difference it makes.
    pub causes: Vec<(String, Ratio)>,
}

/// Numerator and denominator in SQL, over the sums of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ratio {
    pub numerator: String,
    pub denominator: String,
}

/// Reads the KPIs of a plant; those with mistakes are noted and left out.
pub fn read(findings: &Findings<'_>, line_of: impl Fn(usize) -> usize) -> Vec<Kpi> {
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, findings);
    let mut kpis: Vec<Kpi> = Vec::new();
    let hours: BTreeMap<TableName, TableName> =
        reader.tables("hours").into_iter().filter_map(hours).collect();
    for table in reader.tables("kpi") {
        let line = line_of(table.at());
        let Some(mut kpi) = kpi(table, line, &kpis) else { continue };
        kpi.by_hour = hours.get(&kpi.table).cloned();
        if kpis.iter().any(|it| it.name == kpi.name) {
            let message = format!("two KPIs are called `{}`", kpi.name);
            findings.note_line(line, message, "Give one of them another name.");
            continue;
        }
        kpis.push(kpi);
    }
    reader.finish();
    kpis
}

/// A table, and the one that has its columns by the hour.
fn hours(mut reader: TomlReader<'_, '_>) -> Option<(TableName, TableName)> {
    let table = named_table(&mut reader, "table", "Name the table KPIs are made from.");
    let by_hour =
        named_table(&mut reader, "by_hour", "Name the table with its columns by the hour.");
    reader.finish();
    table.zip(by_hour)
}

fn named_table(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    remedy: &str,
) -> Option<TableName> {
    let table = reader.required(key, remedy)?;
    let parts = table.split_once('.').map(|(schema, name)| TableName::new(schema, name));
    if parts.is_none() {
        reader.note(key, format!("`{table}` is no table"), "Write gold.NAME.");
    }
    parts
}

/// One KPI; those before it are what it can be held against.
fn kpi(mut reader: TomlReader<'_, '_>, line: usize, before: &[Kpi]) -> Option<Kpi> {
    let name = reader.required("name", "Give the KPI its name.");
    let title = reader.text("title");
    let set = reader.text("set").unwrap_or_else(|| USUAL_SET.to_owned());
    let table = named_table(&mut reader, "table", "Name the gold table it is made from.");
    let formula = reader.required("formula", "Write the formula as its source has it.");
    let numerator = reader.required("numerator", "Write SQL over the table's columns.");
    let denominator = reader.required("denominator", "Write SQL over the table's columns.");
    let low = bound(&mut reader, "low");
    let high = bound(&mut reader, "high");
    let mut unknown = Vec::new();
    for mut case in reader.tables("unknown") {
        let when = case.required("when", "Write a condition over the table's columns.");
        let say = case.required("say", "Say what is missing.");
        case.finish();
        unknown.extend(when.zip(say));
    }
    let none = reader.required("none", "Say what a denominator of 0 means.");
    let unit = reader.required("unit", "Give the unit, \"%\" for a share.");
    let better = reader.required("better", "Write \"higher\" or \"lower\".");
    if let Some(better) = &better
        && !BETTER.contains(&better.as_str())
    {
        reader.note(
            "better",
            format!("`{better}` is no direction"),
            "Write \"higher\" or \"lower\".",
        );
    }
    let source = reader.required("source", "Say where the definition comes from.");
    let caveat = reader.text("caveat").unwrap_or_default();
    let against = against(&mut reader, table.as_ref(), before);
    reader.finish();
    let name = name?;
    Some(Kpi {
        title: title.unwrap_or_else(|| name.clone()),
        name,
        set,
        table: table?,
        by_hour: None,
        formula: formula?,
        ratio: Ratio { numerator: numerator?, denominator: denominator? },
        low,
        high,
        unknown,
        none: none?,
        unit: unit?,
        is_higher_better: better? == BETTER[0],
        source: source?,
        caveat,
        against,
        line,
    })
}

fn against(
    reader: &mut TomlReader<'_, '_>,
    table: Option<&TableName>,
    before: &[Kpi],
) -> Option<Against> {
    let name = reader.text("against");
    let mut causes = Vec::new();
    for mut cause in reader.tables("cause") {
        let say = cause.required("say", "Say what is counted otherwise.");
        let share = bound(&mut cause, "share");
        cause.finish();
        causes.extend(say.zip(share));
    }
    let name = name?;
    let Some(other) = before.iter().find(|kpi| kpi.name == name && Some(&kpi.table) == table)
    else {
        let remedy = "Name a KPI of the same table that stands further up.";
        reader.note("against", format!("there is no KPI `{name}` to hold it against"), remedy);
        return None;
    };
    Some(Against { name, ratio: other.ratio.clone(), causes })
}

fn bound(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<Ratio> {
    let mut pair = reader.texts(key)?.into_iter();
    match (pair.next(), pair.next(), pair.next()) {
        (Some(numerator), Some(denominator), None) => Some(Ratio { numerator, denominator }),
        _ => {
            let remedy = "Write [\"NUMERATOR\", \"DENOMINATOR\"].";
            reader.note(key, format!("`{key}` is no ratio"), remedy);
            None
        }
    }
}
