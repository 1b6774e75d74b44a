//! The figures of KPIs: one statement for each table, from the definitions alone.

use crate::columns::column;
use crate::context::LakeContext;
use crate::kpi::statement::{by_table, statement};
use crate::kpi::status::PublishedState;
use crate::kpi::{Cause, Dimensions, Figure, FigureDifference, Granularity, KpiQuery, Level, Row};
use crate::session;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use chrono::NaiveDate;
use config::folder::Plant;
use config::kpi::Kpi;
use datafusion::prelude::SessionContext;
use plant::calendar::LocalParts;
use plant::time::date_from_days;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The figures of each combination of dimensions, by the name of the KPI.
pub type Figures = BTreeMap<Dimensions, BTreeMap<String, Figure>>;

/// The rows of a query, each with the status of its figures.
///
/// # Errors
/// Fails if a table cannot be read or a definition cannot be planned.
pub async fn rows(
    context: &LakeContext,
    kpis: &[Kpi],
    query: &KpiQuery,
) -> anyhow::Result<Vec<Row>> {
    // Loaded before the figures, so that these are at least as new as their status.
    let published = PublishedState::load(context, kpis).await?;
    let session = session::open(&context.lake, context.runtime.clone(), 1).await?;
    let figures = figures(&session, kpis, query).await?;
    let days = days(&session, kpis, query).await?;
    let (plant, calendar) = (&context.plant, &context.plant.calendar);
    let row = |(mut dimensions, kpis): (Dimensions, BTreeMap<String, Figure>)| {
        let day = dimensions.production_day;
        dimensions.production_day = day.or_else(|| production_day_of_hour(plant, &dimensions));
        let end_s = |day| calendar.production_day(day).1;
        let status = published.status(&dimensions, query, days, end_s);
        Row { dimensions, status, kpis }
    };
    Ok(figures.into_iter().map(row).collect())
}

/// The production day of an hour: that of its first or its last minute, whichever is in the shift.
fn production_day_of_hour(plant: &Plant, hour: &Dimensions) -> Option<NaiveDate> {
    let (day, hour_local) = (hour.day_local?, hour.hour_local?);
    let parts = |minute: u32| {
        let at = day.and_hms_opt(hour_local, minute, 0)?.and_local_timezone(plant.zone).latest()?;
        Some(plant.calendar.local_parts(at.timestamp_micros()))
    };
    let is_in_shift = |parts: &LocalParts| {
        let shift = parts.shift.and_then(|at| plant.calendar.shifts().get(usize::from(at)));
        shift.map(|shift| &shift.name) == hour.shift.as_ref()
    };
    let first = parts(0).filter(is_in_shift);
    let days = first.or_else(|| parts(59))?.production_day;
    date_from_days(days)
}

/// The first and the last day of a query.
async fn days(
    session: &SessionContext,
    kpis: &[Kpi],
    query: &KpiQuery,
) -> anyhow::Result<(Option<NaiveDate>, Option<NaiveDate>)> {
    if query.granularity != Granularity::Range {
        return Ok((query.from, query.to));
    }
    let by_day = KpiQuery { granularity: Granularity::Day, level: Level::Plant, ..query.clone() };
    // One KPI of each table is enough to find its days.
    let tables = by_table(kpis, query.granularity).into_values();
    let some: Vec<Kpi> = tables.filter_map(|kpis| kpis.first().copied().cloned()).collect();
    let figures = figures(session, &some, &by_day).await?;
    let mut days = figures.keys().filter_map(|it| it.production_day);
    let first = days.next();
    Ok((first, days.next_back().or(first)))
}

/// The figures of KPIs over the tables of a session.
///
/// # Errors
/// Fails if a table cannot be read or a definition cannot be planned.
pub async fn figures(
    session: &SessionContext,
    kpis: &[Kpi],
    query: &KpiQuery,
) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    for (table, kpis) in by_table(kpis, query.granularity) {
        let provider = session.table_provider(table.to_string()).await;
        // A table that does not exist yet has no rows.
        let Ok(provider) = provider else { continue };
        let Some(sql) = statement(table, &kpis, &provider.schema(), query) else { continue };
        for batch in session.sql(&sql).await?.collect().await? {
            read(&batch, &kpis, &mut figures)?;
        }
    }
    Ok(figures)
}

/// The columns of one batch of a statement.
struct Columns<'b>(&'b RecordBatch);

impl Columns<'_> {
    fn text(&self, name: &str, row: usize) -> anyhow::Result<Option<String>> {
        let column = cast(column(self.0, name)?, &DataType::Utf8)?;
        let column = column.as_string::<i32>();
        Ok(column.is_valid(row).then(|| column.value(row).to_owned()))
    }

    fn parsed<T: FromStr>(&self, name: &str, row: usize) -> anyhow::Result<Option<T>> {
        Ok(self.text(name, row)?.and_then(|text| text.parse().ok()))
    }

    fn number(&self, name: &str, row: usize) -> anyhow::Result<Option<f64>> {
        let column = column(self.0, name)?.as_primitive::<Float64Type>();
        Ok(column.is_valid(row).then(|| column.value(row)))
    }
}

fn read(batch: &RecordBatch, kpis: &[&Kpi], figures: &mut Figures) -> anyhow::Result<()> {
    let columns = Columns(batch);
    for row in 0..batch.num_rows() {
        let dimensions = Dimensions {
            production_day: columns.parsed("place_day", row)?,
            day_local: columns.parsed("place_day_local", row)?,
            hour_local: columns.parsed("place_hour", row)?,
            shift: columns.text("place_shift", row)?,
            line: columns.text("place_line", row)?,
            unit: columns.text("place_unit", row)?,
        };
        let by_kpi = figures.entry(dimensions).or_default();
        for (at, kpi) in kpis.iter().enumerate() {
            by_kpi.insert(kpi.name.clone(), figure(&columns, kpi, at, row)?);
        }
    }
    Ok(())
}

/// The figure of the KPI with number `at` in the statement.
fn figure(columns: &Columns<'_>, kpi: &Kpi, at: usize, row: usize) -> anyhow::Result<Figure> {
    let unknown = columns.text(&format!("u{at}"), row)?;
    let none = columns.text(&format!("z{at}"), row)?;
    let is_known = unknown.is_none() && none.is_none();
    let value = columns.number(&format!("v{at}"), row)?.filter(|_| is_known);
    let low = columns.number(&format!("l{at}"), row)?;
    let high = columns.number(&format!("h{at}"), row)?;
    // Bounds that equal the value are left out.
    let is_open = low != value || high != value;
    Ok(Figure {
        value,
        low: low.filter(|_| is_open),
        high: high.filter(|_| is_open),
        numerator: columns.number(&format!("n{at}"), row)?,
        denominator: columns.number(&format!("d{at}"), row)?,
        unknown,
        none,
        difference: difference(columns, kpi, (at, row), value)?,
    })
}

/// A smaller difference between the sum of the causes and the whole difference is rounding.
const EXPLAINED: f64 = 1e-9;

fn difference(
    columns: &Columns<'_>,
    kpi: &Kpi,
    (at, row): (usize, usize),
    value: Option<f64>,
) -> anyhow::Result<Option<FigureDifference>> {
    let Some(against) = &kpi.against else { return Ok(None) };
    let other = columns.number(&format!("o{at}"), row)?;
    let (Some(value), Some(other)) = (value, other) else { return Ok(None) };
    let mut causes = Vec::new();
    for (cause, (say, _)) in against.causes.iter().enumerate() {
        let share = columns.number(&format!("c{at}_{cause}"), row)?.unwrap_or(0.0);
        causes.push(Cause { say: say.clone(), share });
    }
    let open = value - other - causes.iter().map(|cause| cause.share).sum::<f64>();
    if open.abs() > EXPLAINED {
        causes.push(Cause { say: "not explained".to_owned(), share: open });
    }
    let against = against.name.clone();
    Ok(Some(FigureDifference { against, other, value: value - other, causes }))
}

#[cfg(test)]
mod tests;
