//! KPIs, computed: one statement for each table, from the definitions and nothing else.

mod standing;
mod statement;

pub use standing::Standing;
pub use statement::check;

use super::refine::Refinery;
use super::rows::MetaTable;
use anyhow::Context as _;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use chrono::NaiveDate;
use clap::ValueEnum;
use config::folder::Plant;
use config::kpi::Kpi;
use config::model::TableName;
use datafusion::prelude::SessionContext;
use plant::calendar::LocalParts;
use plant::time::date_from_days;
use serde::{Deserialize, Serialize};
use standing::Told;
use statement::{by_table, statement};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The set that is given if none is asked for.
pub const USUAL_SET: &str = "iso22400";
/// How all sets are asked for.
const ALL_SETS: &str = "all";

/// Which sums are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub by: By,
    pub each: Each,
    /// Production days, both included.
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub unit: Option<String>,
    pub line: Option<String>,
    pub shift: Option<String>,
}

/// The level of the equipment that is summed to.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum By {
    #[default]
    Unit,
    Line,
    Plant,
}

/// The time that is summed over.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Each {
    /// An hour of the plant's clock, apart for each shift in it.
    Hour,
    /// A shift of a production day.
    #[default]
    Shift,
    /// A production day.
    Day,
    /// All of what is asked for.
    Range,
}

/// What a row is about; parts that were summed over are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Place {
    #[schema(value_type = Option<String>, format = Date)]
    pub production_day: Option<NaiveDate>,
    /// Day of an hour.
    #[schema(value_type = Option<String>, format = Date)]
    pub day_local: Option<NaiveDate>,
    /// Hour of the plant's clock, 0 to 23.
    pub hour_local: Option<u32>,
    /// `None` also for time outside every shift.
    pub shift: Option<String>,
    pub line: Option<String>,
    pub unit: Option<String>,
}

/// A KPI as it came out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Figure {
    /// Numerator by denominator; `None` if the denominator is 0 or it cannot be told.
    pub value: Option<f64>,
    /// The least it can be, if something is unknown.
    pub low: Option<f64>,
    /// The greatest it can be, if something is unknown.
    pub high: Option<f64>,
    pub numerator: Option<f64>,
    pub denominator: Option<f64>,
    /// Why it is not known, though there is something to know.
    pub unknown: Option<String>,
    /// What its denominator of 0 means, where nothing else keeps it from being known.
    pub none: Option<String>,
    /// How it differs from its like in another set, where there is one and both are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// How a KPI differs from its like in another set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Difference {
    /// The KPI of the other set.
    pub against: String,
    /// What that comes to.
    pub other: f64,
    /// This one less the other: the sum of the causes.
    pub value: f64,
    pub causes: Vec<Cause>,
}

/// What is counted otherwise in another set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Cause {
    pub say: String,
    /// What it adds to the difference.
    pub share: f64,
}

/// The figures of one place in time and equipment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Row {
    #[serde(flatten)]
    pub place: Place,
    pub standing: Standing,
    /// By the name of the KPI.
    pub kpis: BTreeMap<String, Figure>,
}

/// The figures of each place, by the name of the KPI.
pub type Figures = BTreeMap<Place, BTreeMap<String, Figure>>;

/// The definition of a KPI, as a row of `meta.kpis`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Definition {
    pub name: String,
    pub title: String,
    /// Those that are meant together.
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

impl Definition {
    /// The definition of a KPI.
    pub fn of(kpi: &Kpi) -> Self {
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
    let fields = names.map(|name| Field::new(name, DataType::Utf8, true));
    MetaTable {
        name: TableName::new("meta", "kpis"),
        description: "What each KPI is: sum the columns of its table first, divide last.",
        schema: Arc::new(Schema::new(fields.to_vec())),
    }
}

/// The KPIs that are asked for, in the order of their definitions: those of the given names, or else a
/// set, `all` for every one.
///
/// # Errors
/// A sentence for whoever asked for a KPI or a set that is not there.
pub fn chosen(all: &[Kpi], names: Option<&str>, set: Option<&str>) -> Result<Vec<Kpi>, String> {
    let known = |of: &dyn Fn(&Kpi) -> &str| {
        let mut names: Vec<&str> = all.iter().map(of).collect();
        names.dedup();
        names.join(", ")
    };
    if let Some(names) = names {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        if let Some(name) = names.iter().find(|name| all.iter().all(|kpi| kpi.name != **name)) {
            return Err(format!("there is no KPI {name}; there are: {}", known(&|kpi| &kpi.name)));
        }
        return Ok(all.iter().filter(|kpi| names.contains(&kpi.name.as_str())).cloned().collect());
    }
    let set = set.unwrap_or(USUAL_SET);
    let is_in = |kpi: &&Kpi| set == ALL_SETS || kpi.set == set;
    let kpis: Vec<Kpi> = all.iter().filter(is_in).cloned().collect();
    if kpis.is_empty() && !all.is_empty() {
        return Err(format!("there is no set {set}; there are: {}, all", known(&|kpi| &kpi.set)));
    }
    Ok(kpis)
}

/// What is asked for, each row with how far it can be relied on.
///
/// # Errors
/// Fails if a table cannot be read or a definition cannot be planned.
pub async fn rows(refinery: &Refinery, kpis: &[Kpi], asked: &Asked) -> anyhow::Result<Vec<Row>> {
    // Before the figures, so that they are at least as new as what is said of them.
    let told = Told::of(refinery, kpis).await?;
    let context = refinery.lake.session(refinery.runtime.clone(), 1).await?;
    let figures = figures(&context, kpis, asked).await?;
    let days = days(&context, kpis, asked).await?;
    let calendar = &refinery.plant.calendar;
    let row = |(mut place, kpis): (Place, BTreeMap<String, Figure>)| {
        place.production_day =
            place.production_day.or_else(|| day_of_hour(&refinery.plant, &place));
        let standing = told.standing(&place, asked, days, |day| calendar.production_day(day).1);
        Row { place, standing, kpis }
    };
    Ok(figures.into_iter().map(row).collect())
}

/// The production day an hour is of: that of its first or its last minute, whichever is in the shift.
fn day_of_hour(plant: &Plant, place: &Place) -> Option<NaiveDate> {
    let (day, hour) = (place.day_local?, place.hour_local?);
    let parts = |minute: u32| {
        let at = day.and_hms_opt(hour, minute, 0)?.and_local_timezone(plant.zone).latest()?;
        Some(plant.calendar.local_parts(at.timestamp_micros()))
    };
    let is_in_shift = |parts: &LocalParts| {
        let shift = parts.shift.and_then(|at| plant.calendar.shifts().get(usize::from(at)));
        shift.map(|shift| &shift.name) == place.shift.as_ref()
    };
    let first = parts(0).filter(is_in_shift);
    let days = first.or_else(|| parts(59))?.production_day;
    date_from_days(days)
}

/// The first and the last day of what is asked for.
async fn days(
    context: &SessionContext,
    kpis: &[Kpi],
    asked: &Asked,
) -> anyhow::Result<(Option<NaiveDate>, Option<NaiveDate>)> {
    if asked.each != Each::Range {
        return Ok((asked.from, asked.to));
    }
    let by_day = Asked { each: Each::Day, by: By::Plant, ..asked.clone() };
    // One KPI of each table tells its days.
    let tables = by_table(kpis, asked.each).into_values();
    let some: Vec<Kpi> = tables.filter_map(|of| of.first().copied().cloned()).collect();
    let figures = figures(context, &some, &by_day).await?;
    let mut days = figures.keys().filter_map(|place| place.production_day);
    let first = days.next();
    Ok((first, days.next_back().or(first)))
}

/// The figures of KPIs over the tables of a session.
///
/// # Errors
/// Fails if a table cannot be read or a definition cannot be planned.
pub async fn figures(
    context: &SessionContext,
    kpis: &[Kpi],
    asked: &Asked,
) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    for (table, kpis) in by_table(kpis, asked.each) {
        let provider = context.table_provider(table.to_string()).await;
        // A table that was never made has no rows.
        let Ok(provider) = provider else { continue };
        let Some(sql) = statement(table, &kpis, &provider.schema(), asked) else { continue };
        for batch in context.sql(&sql).await?.collect().await? {
            read(&batch, &kpis, &mut figures)?;
        }
    }
    Ok(figures)
}

fn read(batch: &RecordBatch, kpis: &[&Kpi], figures: &mut Figures) -> anyhow::Result<()> {
    let text = |name: &str, row: usize| -> anyhow::Result<Option<String>> {
        let column = batch.column_by_name(name).context("a column of the statement is gone")?;
        let column = cast(column, &DataType::Utf8)?;
        let column = column.as_string::<i32>();
        Ok(column.is_valid(row).then(|| column.value(row).to_owned()))
    };
    let number = |name: String, row: usize| -> anyhow::Result<Option<f64>> {
        let column = batch.column_by_name(&name).context("a column of the statement is gone")?;
        let column = column.as_primitive::<Float64Type>();
        Ok(column.is_valid(row).then(|| column.value(row)))
    };
    for row in 0..batch.num_rows() {
        let place = Place {
            production_day: text("place_day", row)?.and_then(|day| day.parse().ok()),
            day_local: text("place_day_local", row)?.and_then(|day| day.parse().ok()),
            hour_local: text("place_hour", row)?.and_then(|hour| hour.parse().ok()),
            shift: text("place_shift", row)?,
            line: text("place_line", row)?,
            unit: text("place_unit", row)?,
        };
        for (at, kpi) in kpis.iter().enumerate() {
            let unknown = text(&format!("u{at}"), row)?;
            let none = text(&format!("z{at}"), row)?;
            let is_told = unknown.is_none() && none.is_none();
            let value = number(format!("v{at}"), row)?.filter(|_| is_told);
            let low = number(format!("l{at}"), row)?;
            let high = number(format!("h{at}"), row)?;
            // Bounds that say nothing more than the value are none.
            let is_open = low != value || high != value;
            let figure = Figure {
                value,
                low: low.filter(|_| is_open),
                high: high.filter(|_| is_open),
                numerator: number(format!("n{at}"), row)?,
                denominator: number(format!("d{at}"), row)?,
                unknown,
                none,
                difference: difference(kpi, at, value, |name| number(name, row))?,
            };
            figures.entry(place.clone()).or_default().insert(kpi.name.clone(), figure);
        }
    }
    Ok(())
}

/// Causes whose sum is so near to the difference explain all of it; what is nearer is rounding.
const EXPLAINED: f64 = 1e-9;

fn difference(
    kpi: &Kpi,
    at: usize,
    value: Option<f64>,
    number: impl Fn(String) -> anyhow::Result<Option<f64>>,
) -> anyhow::Result<Option<Difference>> {
    let Some(against) = &kpi.against else { return Ok(None) };
    let other = number(format!("o{at}"))?;
    let (Some(value), Some(other)) = (value, other) else { return Ok(None) };
    let mut causes = Vec::new();
    for (cause, (say, _)) in against.causes.iter().enumerate() {
        let share = number(format!("c{at}_{cause}"))?.unwrap_or(0.0);
        causes.push(Cause { say: say.clone(), share });
    }
    let open = value - other - causes.iter().map(|cause| cause.share).sum::<f64>();
    if open.abs() > EXPLAINED {
        causes.push(Cause { say: "not explained".to_owned(), share: open });
    }
    let against = against.name.clone();
    Ok(Some(Difference { against, other, value: value - other, causes }))
}

#[cfg(test)]
mod tests;
