//! The SQL statements of KPIs, and the check whether they can be planned.

use crate::kpi::{Granularity, KpiQuery, Level};
use arrow::datatypes::{FieldRef, SchemaRef};
use config::diagnostic::{Diagnostic, did_you_mean};
use config::kpi::{Kpi, Ratio};
use config::model::TableName;
use datafusion::prelude::SessionContext;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The KPIs by the table that they are computed from at this granularity.
pub fn by_table(kpis: &[Kpi], granularity: Granularity) -> BTreeMap<&TableName, Vec<&Kpi>> {
    let mut tables: BTreeMap<&TableName, Vec<&Kpi>> = BTreeMap::new();
    for kpi in kpis {
        let by_hour = kpi.by_hour.as_ref().filter(|_| granularity == Granularity::Hour);
        tables.entry(by_hour.unwrap_or(&kpi.table)).or_default().push(kpi);
    }
    tables
}

/// The dimensions in the rows of a statement.
const DIMENSIONS: &str =
    "place_day, place_day_local, place_hour, place_shift, place_line, place_unit";

/// The statement that sums a table and divides; `None` if the table lacks a requested dimension.
pub fn statement(
    table: &TableName,
    kpis: &[&Kpi],
    schema: &SchemaRef,
    query: &KpiQuery,
) -> Option<String> {
    let is_hourly = query.granularity == Granularity::Hour;
    let needs_line = query.level == Level::Line || query.line.is_some();
    if needs_line && !has(schema, "line") || is_hourly && !has(schema, "hour_local") {
        return None;
    }
    let is_sum = |field: &&FieldRef| field.data_type().is_numeric() && field.name() != "hour_local";
    let sums = schema.fields().iter().filter(is_sum).map(|field| field.name());
    let sums: Vec<String> =
        sums.map(|name| format!("CAST(sum({name}) AS DOUBLE) AS {name}")).collect();
    let mut sql = format!("SELECT {DIMENSIONS}");
    for (number, kpi) in kpis.iter().enumerate() {
        push_kpi(&mut sql, number, kpi);
    }
    let grouped = format!(
        "SELECT {DIMENSIONS}, {} FROM (SELECT *, {} FROM {table} {}) AS rows GROUP BY {DIMENSIONS}",
        sums.join(", "),
        dimensions(schema, query).join(", "),
        filter(schema, query)
    );
    let _infallible = write!(sql, " FROM ({grouped}) AS sums");
    Some(sql)
}

fn has(schema: &SchemaRef, name: &str) -> bool {
    schema.field_with_name(name).is_ok()
}

fn day_column(schema: &SchemaRef) -> &'static str {
    if has(schema, "production_day") { "production_day" } else { "day_local" }
}

/// The expressions of [`DIMENSIONS`]; those that are summed over are null.
fn dimensions(schema: &SchemaRef, query: &KpiQuery) -> [String; 6] {
    use Granularity::{Day, Hour, Shift};
    let (level, granularity) = (query.level, query.granularity);
    let is_hourly = granularity == Hour;
    let columns = [
        (matches!(granularity, Shift | Day), day_column(schema), "place_day"),
        (is_hourly, "day_local", "place_day_local"),
        (is_hourly, "hour_local", "place_hour"),
        (matches!(granularity, Hour | Shift), "shift", "place_shift"),
        (level != Level::Plant, "line", "place_line"),
        (level == Level::Unit, "unit", "place_unit"),
    ];
    columns.map(|(is_kept, column, name)| match is_kept && has(schema, column) {
        true => format!("CAST({column} AS STRING) AS {name}"),
        false => format!("CAST(NULL AS STRING) AS {name}"),
    })
}

/// The WHERE clause of a query, empty if it has no condition.
fn filter(schema: &SchemaRef, query: &KpiQuery) -> String {
    let day = day_column(schema);
    let mut conditions = Vec::new();
    conditions.extend(query.from.map(|from| format!("{day} >= DATE '{from}'")));
    conditions.extend(query.to.map(|to| format!("{day} <= DATE '{to}'")));
    let equals = [("unit", &query.unit), ("line", &query.line), ("shift", &query.shift)];
    for (column, value) in equals {
        conditions.extend(value.as_ref().map(|value| format!("{column} = {}", literal(value))));
    }
    match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", conditions.join(" AND ")),
    }
}

/// Adds the columns of a KPI.
fn push_kpi(sql: &mut String, number: usize, kpi: &Kpi) {
    let ratio = |ratio: &Ratio| {
        let Ratio { numerator, denominator } = ratio;
        format!("CAST(({numerator}) AS DOUBLE) / nullif(CAST(({denominator}) AS DOUBLE), 0)")
    };
    let bound = |of: &Option<Ratio>| of.as_ref().map_or("CAST(NULL AS DOUBLE)".to_owned(), ratio);
    let Ratio { numerator, denominator } = &kpi.ratio;
    let (mut unknown, mut none) = (String::from("CASE"), String::from("CASE"));
    for (when, say) in &kpi.unknown {
        let _infallible = write!(unknown, " WHEN {when} THEN {}", literal(say));
        let _infallible = write!(none, " WHEN {when} THEN NULL");
    }
    // A CASE needs a branch, also for a KPI that is always known.
    unknown.push_str(" WHEN false THEN '' END");
    let _infallible = write!(none, " WHEN ({denominator}) = 0 THEN {} END", literal(&kpi.none));
    let _infallible = write!(
        sql,
        ", CAST(({numerator}) AS DOUBLE) AS n{number}, CAST(({denominator}) AS DOUBLE) AS d{number}, \
         {} AS v{number}, {} AS l{number}, {} AS h{number}, {unknown} AS u{number}, {none} AS z{number}",
        ratio(&kpi.ratio),
        bound(&kpi.low),
        bound(&kpi.high)
    );
    let Some(against) = &kpi.against else { return };
    let _infallible = write!(sql, ", {} AS o{number}", ratio(&against.ratio));
    for (cause, (_, share)) in against.causes.iter().enumerate() {
        let _infallible = write!(sql, ", {} AS c{number}_{cause}", ratio(share));
    }
}

/// A text literal in SQL.
fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Mistakes in the definitions: tables that do not exist and expressions that cannot be planned. `schemas` are
/// the columns of the tables of the plant.
pub async fn check(
    session: &SessionContext,
    kpis: &[Kpi],
    schemas: &BTreeMap<TableName, SchemaRef>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for granularity in [Granularity::Shift, Granularity::Hour] {
        check_each(session, kpis, schemas, granularity, &mut found).await;
    }
    // A KPI with the same table for hours and shifts is checked twice.
    found.sort();
    found.dedup();
    found
}

async fn check_each(
    session: &SessionContext,
    kpis: &[Kpi],
    schemas: &BTreeMap<TableName, SchemaRef>,
    granularity: Granularity,
    found: &mut Vec<Diagnostic>,
) {
    let query = KpiQuery { granularity, ..KpiQuery::default() };
    for (table, kpis) in by_table(kpis, granularity) {
        let mut note = |kpi: &Kpi, message: String, remedy: String| {
            let file = "kpis.toml".to_owned();
            found.push(Diagnostic { file, line: kpi.line, message, remedy });
        };
        let Some(schema) = schemas.get(table) else {
            let known: Vec<String> = schemas.keys().map(ToString::to_string).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let remedy = did_you_mean(&table.to_string(), &known);
            for kpi in kpis {
                note(
                    kpi,
                    format!("KPI `{}`: table {table} does not exist", kpi.name),
                    remedy.clone(),
                );
            }
            continue;
        };
        let plan = async |kpis: &[&Kpi]| {
            let sql = statement(table, kpis, schema, &query)?;
            session.state().create_logical_plan(&sql).await.err()
        };
        // All KPIs of a table are planned at once, and one by one only to find the wrong one.
        if plan(&kpis).await.is_none() {
            continue;
        }
        for kpi in kpis {
            let Some(error) = plan(&[kpi]).await else { continue };
            let message =
                format!("KPI `{}` cannot be planned: {}", kpi.name, error.strip_backtrace());
            let names: Vec<&str> = schema.fields().iter().map(|it| it.name().as_str()).collect();
            note(kpi, message, format!("Correct it; columns of the table: {}.", names.join(", ")));
        }
    }
}
