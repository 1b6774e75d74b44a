//! `kpis.toml`: what each KPI is, once for every page, answer and report.

use super::model::TableName;
use super::said::{Findings, Said};
use std::collections::BTreeMap;

/// The set a KPI belongs to if it names none.
const USUAL_SET: &str = "iso22400";
const BETTER: [&str; 2] = ["higher", "lower"];

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
    let mut said = Said::new(document.get_ref(), 0, findings);
    let mut kpis: Vec<Kpi> = Vec::new();
    let hours: BTreeMap<TableName, TableName> =
        said.tables("hours").into_iter().filter_map(hours).collect();
    for table in said.tables("kpi") {
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
    said.finish();
    kpis
}

/// A table, and the one that has its columns by the hour.
fn hours(mut said: Said<'_, '_>) -> Option<(TableName, TableName)> {
    let table = named_table(&mut said, "table", "Name the table KPIs are made from.");
    let by_hour = named_table(&mut said, "by_hour", "Name the table with its columns by the hour.");
    said.finish();
    table.zip(by_hour)
}

fn named_table(said: &mut Said<'_, '_>, key: &'static str, remedy: &str) -> Option<TableName> {
    let table = said.required(key, remedy)?;
    let parts = table.split_once('.').map(|(schema, name)| TableName::new(schema, name));
    if parts.is_none() {
        said.note(key, format!("`{table}` is no table"), "Write gold.NAME.");
    }
    parts
}

/// One KPI; those before it are what it can be held against.
fn kpi(mut said: Said<'_, '_>, line: usize, before: &[Kpi]) -> Option<Kpi> {
    let name = said.required("name", "Give the KPI its name.");
    let title = said.text("title");
    let set = said.text("set").unwrap_or_else(|| USUAL_SET.to_owned());
    let table = named_table(&mut said, "table", "Name the gold table it is made from.");
    let formula = said.required("formula", "Write the formula as its source has it.");
    let numerator = said.required("numerator", "Write SQL over the table's columns.");
    let denominator = said.required("denominator", "Write SQL over the table's columns.");
    let low = bound(&mut said, "low");
    let high = bound(&mut said, "high");
    let mut unknown = Vec::new();
    for mut case in said.tables("unknown") {
        let when = case.required("when", "Write a condition over the table's columns.");
        let say = case.required("say", "Say what is missing.");
        case.finish();
        unknown.extend(when.zip(say));
    }
    let none = said.required("none", "Say what a denominator of 0 means.");
    let unit = said.required("unit", "Give the unit, \"%\" for a share.");
    let better = said.required("better", "Write \"higher\" or \"lower\".");
    if let Some(better) = &better
        && !BETTER.contains(&better.as_str())
    {
        said.note(
            "better",
            format!("`{better}` is no direction"),
            "Write \"higher\" or \"lower\".",
        );
    }
    let source = said.required("source", "Say where the definition comes from.");
    let caveat = said.text("caveat").unwrap_or_default();
    let against = against(&mut said, table.as_ref(), before);
    said.finish();
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

fn against(said: &mut Said<'_, '_>, table: Option<&TableName>, before: &[Kpi]) -> Option<Against> {
    let name = said.text("against");
    let mut causes = Vec::new();
    for mut cause in said.tables("cause") {
        let say = cause.required("say", "Say what is counted otherwise.");
        let share = bound(&mut cause, "share");
        cause.finish();
        causes.extend(say.zip(share));
    }
    let name = name?;
    let Some(other) = before.iter().find(|kpi| kpi.name == name && Some(&kpi.table) == table)
    else {
        let remedy = "Name a KPI of the same table that stands further up.";
        said.note("against", format!("there is no KPI `{name}` to hold it against"), remedy);
        return None;
    };
    Some(Against { name, ratio: other.ratio.clone(), causes })
}

fn bound(said: &mut Said<'_, '_>, key: &'static str) -> Option<Ratio> {
    let mut pair = said.texts(key)?.into_iter();
    match (pair.next(), pair.next(), pair.next()) {
        (Some(numerator), Some(denominator), None) => Some(Ratio { numerator, denominator }),
        _ => {
            let remedy = "Write [\"NUMERATOR\", \"DENOMINATOR\"].";
            said.note(key, format!("`{key}` is no ratio"), remedy);
            None
        }
    }
}
