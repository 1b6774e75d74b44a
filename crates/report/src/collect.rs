//! Reads the data of a report: parameters, then table versions, then rows.

use crate::data::{ColumnType, Data, ParameterValue, ReportColumn, ReportTable};
use crate::error::Error;
use crate::source::{Bound, QueryLimits, Rows, Source, Versions};
use crate::{parameters, receipt};
use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema};
use chrono_tz::Tz;
use config::folder::Plant;
use config::reports::{Definition, Query, ReportParameterDefault};
use config::settings::ReportLimits;
use plant::calendar::Calendar;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// What reports need of the plant.
#[derive(Debug, Clone)]
pub struct PlantContext {
    pub name: String,
    pub zone: Tz,
    pub currency: String,
    pub calendar: Calendar,
    pub limits: ReportLimits,
    /// Where people open the pages.
    pub public_url: Option<Url>,
}

impl PlantContext {
    /// The context of a plant, whose pages people open at `public_url`.
    pub fn new(plant: &Plant, public_url: Option<Url>) -> Self {
        Self {
            name: plant.name.clone(),
            zone: plant.zone,
            currency: plant.currency.clone(),
            calendar: plant.calendar.clone(),
            limits: plant.limits.report.clone(),
            public_url,
        }
    }
}

/// A request for a report.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Values of parameters; others have their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Language of titles; English if empty.
    pub language: String,
    /// The current time, in microseconds since 1970 UTC, at which the defaults of parameters are resolved unless
    /// `at_us` or `as_of_us` is set. It is not printed.
    pub now_us: i64,
    /// When the report is issued, in microseconds since 1970 UTC; `None` if it is not.
    pub issued_at_us: Option<i64>,
    /// When the defaults of parameters are resolved, in microseconds since 1970 UTC: a scheduled report that is
    /// issued late has the parameters of its own time. Otherwise `as_of_us` or `now_us`.
    pub at_us: Option<i64>,
    /// Table versions to read; otherwise those of `as_of_us`.
    pub pinned: Option<Versions>,
    /// Time whose table versions are read, in microseconds since 1970 UTC; otherwise the newest ones.
    pub as_of_us: Option<i64>,
}

/// Reads the data of a report.
///
/// # Errors
/// Parameters are invalid, a statement fails, or the data exceeds a limit.
pub async fn collect(
    report: &Definition,
    request: &Request,
    plant: &PlantContext,
    source: &dyn Source,
) -> Result<Data, Error> {
    let limit_s = plant.limits.report_time_s;
    let read = Box::pin(read(report, request, plant, source));
    tokio::time::timeout(Duration::from_secs(limit_s), read).await.unwrap_or_else(|_elapsed| {
        Err(Error::Limit {
            what: "the time of the queries in seconds".to_owned(),
            setting: "report_time_s",
            limit: limit_s,
            remedy: "read fewer rows, or raise the setting",
        })
    })
}

async fn read(
    report: &Definition,
    request: &Request,
    plant: &PlantContext,
    source: &dyn Source,
) -> Result<Data, Error> {
    let versions = match &request.pinned {
        Some(versions) => versions.clone(),
        None => source.versions(&report.tables(), request.as_of_us).await?,
    };
    let first = first_choices(report, request, &versions, plant, source).await?;
    let language = language(request);
    let values = parameters::resolve(
        report,
        &request.parameters,
        &plant.calendar,
        &first,
        language,
        request.at_us.or(request.as_of_us).unwrap_or(request.now_us),
    )?;
    let rows = rows(report, &values, &versions, plant, source).await?;
    let id = receipt::report_id(report, &values, &versions);
    let tables = report.queries.iter().zip(rows);
    let tables = tables.map(|(query, rows)| table(query, rows, language, &id));
    let tables = tables.collect::<anyhow::Result<Vec<_>>>()?;
    let url = plant.public_url.as_ref().map(|url| address(url, &report.name, &values, &id));
    Ok(Data {
        report: report.name.clone(),
        title: report.title.in_language(language).to_owned(),
        description: report.description.in_language(language).to_owned(),
        language: language.to_owned(),
        plant: plant.name.clone(),
        zone: plant.zone,
        currency: plant.currency.clone(),
        issued_at_us: request.issued_at_us,
        as_of_us: versions.values().map(|it| it.committed_at_us).max(),
        id,
        url,
        parameters: values,
        tables,
        versions,
        is_sample: false,
    })
}

fn language(request: &Request) -> &str {
    if request.language.is_empty() { "en" } else { &request.language }
}

/// The choices of a parameter, as texts; empty if it lists none.
pub async fn choices(
    report: &Definition,
    parameter: &str,
    plant: &PlantContext,
    source: &dyn Source,
) -> Result<Vec<String>, Error> {
    let statement = report.parameter(parameter).and_then(|it| it.choices.as_ref());
    let Some(statement) = statement else { return Ok(Vec::new()) };
    let versions = source.versions(&statement.tables, None).await?;
    let rows_max = plant.limits.report_choices;
    listed(report, parameter, &versions, rows_max, plant, source).await
}

/// The first choice of each parameter that needs one.
async fn first_choices(
    report: &Definition,
    request: &Request,
    versions: &Versions,
    plant: &PlantContext,
    source: &dyn Source,
) -> Result<BTreeMap<String, String>, Error> {
    let mut first = BTreeMap::new();
    for parameter in &report.parameters {
        let is_given = request.parameters.contains_key(&parameter.name);
        if parameter.default != ReportParameterDefault::First || is_given {
            continue;
        }
        let values = listed(report, &parameter.name, versions, 1, plant, source).await?;
        if let Some(value) = values.into_iter().next() {
            first.insert(parameter.name.clone(), value);
        }
    }
    Ok(first)
}

/// The first choices of a parameter, as texts.
async fn listed(
    report: &Definition,
    parameter: &str,
    versions: &Versions,
    rows_max: usize,
    plant: &PlantContext,
    source: &dyn Source,
) -> Result<Vec<String>, Error> {
    let statement = report.parameter(parameter).and_then(|it| it.choices.as_ref());
    let Some(statement) = statement else { return Ok(Vec::new()) };
    let bound = Bound { sql: &statement.sql, values: &BTreeMap::new() };
    let limits = QueryLimits { rows_max, bytes_max: plant.limits.report_data_bytes };
    let located = |(_, error)| located(error, report, parameter, statement.line);
    let rows = source.rows(&[bound], versions, &[limits]).await.map_err(located)?;
    let mut values = Vec::new();
    for batch in rows.into_iter().flat_map(|rows| rows.batches) {
        let Some(column) = batch.columns().first() else { continue };
        let kind = ColumnType::from_arrow(column.data_type()).arrow();
        let column = cast(column, &kind).map_err(anyhow::Error::new)?;
        let cells = (0..column.len()).map(|row| crate::data::Cell::new(&column, row));
        values.extend(cells.filter_map(|cell| match cell.json(plant.zone) {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }));
    }
    Ok(values)
}

/// The rows of every query.
async fn rows(
    report: &Definition,
    values: &[ParameterValue],
    versions: &Versions,
    plant: &PlantContext,
    source: &dyn Source,
) -> Result<Vec<Rows>, Error> {
    let values: BTreeMap<_, _> =
        values.iter().map(|it| (it.name.clone(), it.value.clone())).collect();
    let rows_max = plant.limits.report_rows;
    let limits = |query: &Query| QueryLimits {
        rows_max: query.max_rows.map_or(rows_max, |rows| rows.min(rows_max)),
        bytes_max: plant.limits.report_data_bytes,
    };
    let limits: Vec<QueryLimits> = report.queries.iter().map(limits).collect();
    let queries = report.queries.iter();
    let statements: Vec<Bound<'_>> =
        queries.map(|query| Bound { sql: &query.statement.sql, values: &values }).collect();
    let rows = source.rows(&statements, versions, &limits).await;
    rows.map_err(|(failed, error)| match report.queries.get(failed) {
        Some(query) => located(error, report, &query.name, query.statement.line),
        None => error,
    })
}

/// The error of a statement with its place in the definition.
fn located(error: Error, report: &Definition, name: &str, from: usize) -> Error {
    match error {
        Error::Statement { line, message, .. } => Error::Statement {
            file: report.path(config::reports::DEFINITION),
            line: from + line.saturating_sub(1),
            query: name.to_owned(),
            message,
        },
        other => other,
    }
}

/// The table of a query with its columns in the types of reports.
pub(crate) fn table(
    query: &Query,
    rows: Rows,
    language: &str,
    report_id: &str,
) -> anyhow::Result<ReportTable> {
    let fields = rows.schema.fields();
    let columns: Vec<ReportColumn> =
        fields.iter().map(|field| column(query, field, language)).collect();
    let kinds = columns.iter().map(|column| Field::new(&column.name, column.kind.arrow(), true));
    let schema = Arc::new(Schema::new(kinds.collect::<Vec<_>>()));
    let mut batches = Vec::with_capacity(rows.batches.len());
    for batch in rows.batches.iter().filter(|batch| batch.num_rows() > 0) {
        let casts = batch.columns().iter().zip(&columns);
        let casts = casts.map(|(values, column)| cast(values, &column.kind.arrow()));
        batches.push(RecordBatch::try_new(schema.clone(), casts.collect::<Result<_, _>>()?)?);
    }
    Ok(ReportTable {
        name: query.name.clone(),
        title: query.title.in_language(language).to_owned(),
        columns,
        batches,
        is_truncated: rows.is_truncated,
        receipt: receipt::table_id(report_id, &query.name),
    })
}

/// Digits after the point of numbers that may have some.
const DECIMAL_DIGITS: u8 = 2;

fn column(query: &Query, field: &Field, language: &str) -> ReportColumn {
    let shown = query.columns.get(field.name()).cloned().unwrap_or_default();
    let kind = ColumnType::from_arrow(field.data_type());
    let title = shown.title.map(|title| title.in_language(language).to_owned());
    let usual = if kind == ColumnType::Decimal { DECIMAL_DIGITS } else { 0 };
    ReportColumn {
        name: field.name().clone(),
        title: title.unwrap_or_else(|| field.name().replace('_', " ")),
        unit: shown.unit,
        digits: shown.digits.unwrap_or(usual),
        kind,
        is_hidden: shown.is_hidden,
    }
}

/// The address of a report's page with its parameters.
fn address(public_url: &Url, report: &str, values: &[ParameterValue], id: &str) -> String {
    let mut url = public_url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["reports", report]);
    }
    let mut query = url.query_pairs_mut();
    for parameter in values {
        query.append_pair(&parameter.name, &parameter.value.to_string());
    }
    query.append_pair("id", id);
    drop(query);
    url.into()
}

#[cfg(test)]
mod tests;
