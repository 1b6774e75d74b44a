//! The definitions of KPIs, and their selection by name or set. `meta.kpis`.

use crate::meta::MetaTable;
use arrow::datatypes::DataType;
use config::kpi::Kpi;
use serde::{Deserialize, Serialize};

/// The set that is returned by default.
pub const DEFAULT_SET: &str = "iso22400";
/// The name that selects all sets.
const ALL_SETS: &str = "all";

/// The definition of a KPI, as a row of `meta.kpis`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiDefinition {
    pub name: String,
    pub title: String,
    /// The standard that defines it.
    pub set_name: String,
    pub table_name: String,
    pub formula: String,
    /// SQL over the sums of the table's columns.
    pub numerator: String,
    pub denominator: String,
    /// `%` for shares, whose values go from 0 to 1.
    pub unit: String,
    /// `higher` or `lower`.
    pub better: String,
    pub source: String,
    pub caveat: String,
}

impl KpiDefinition {
    /// The definition of a KPI of the plant.
    pub fn from_kpi(kpi: &Kpi) -> Self {
        Self {
            name: kpi.name.clone(),
            title: kpi.title.clone(),
            set_name: kpi.set.clone(),
            table_name: kpi.table.to_string(),
            formula: kpi.formula.clone(),
            numerator: kpi.ratio.numerator.clone(),
            denominator: kpi.ratio.denominator.clone(),
            unit: kpi.unit.clone(),
            better: if kpi.is_higher_better { "higher" } else { "lower" }.to_owned(),
            source: kpi.source.clone(),
            caveat: kpi.caveat.clone(),
        }
    }
}

/// `meta.kpis`.
pub fn table() -> MetaTable {
    let names = [
        "name",
        "title",
        "set_name",
        "table_name",
        "formula",
        "numerator",
        "denominator",
        "unit",
        "better",
        "source",
        "caveat",
    ];
    let description = "What each KPI is: sum the columns of its table first, divide last.";
    MetaTable::new("kpis", description, names.map(|name| (name, DataType::Utf8)))
}

/// The requested KPIs in the order of their definitions: those with the given names (separated by commas),
/// or else those of a set, `all` for every set.
///
/// # Errors
/// A sentence about a KPI or a set that does not exist.
pub fn select(all: &[Kpi], names: Option<&str>, set: Option<&str>) -> Result<Vec<Kpi>, String> {
    if let Some(names) = names {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        if let Some(name) = names.iter().find(|name| all.iter().all(|kpi| kpi.name != **name)) {
            let known = joined(all.iter().map(|kpi| kpi.name.as_str()));
            return Err(format!("invalid KPI `{name}`: expected {known}"));
        }
        return Ok(all.iter().filter(|kpi| names.contains(&kpi.name.as_str())).cloned().collect());
    }
    let set = set.unwrap_or(DEFAULT_SET);
    let is_in = |kpi: &&Kpi| set == ALL_SETS || kpi.set == set;
    let kpis: Vec<Kpi> = all.iter().filter(is_in).cloned().collect();
    if kpis.is_empty() && !all.is_empty() {
        let known = joined(all.iter().map(|kpi| kpi.set.as_str()));
        return Err(format!("invalid set `{set}`: expected {known}, {ALL_SETS}"));
    }
    Ok(kpis)
}

fn joined<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    names.join(", ")
}
