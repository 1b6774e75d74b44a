//! The tables of the lake over HTTP: the list, and the rows of one table by pages or as a file.

use super::Service;
use super::answer::{Answer, Frame, Over, Page};
use super::authorization::Caller;
use super::concurrency::Deadline;
use super::conditional;
use super::encode::SheetOptions;
use super::error::{Error, Refusals};
use super::filter;
use super::format::Format;
use super::names;
use super::params::{Order, PageRequest};
use super::receipt::{Receipt, Subject};
use super::visibility::{Extent, Visibility};
use crate::{ColumnInfo, Limits, TableInfo};
use access::Action;
use arrow::datatypes::Schema;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::SortExpr;
use datafusion::prelude::{Expr, ident};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use utoipa::ToSchema;

/// Every table of the lake.
#[derive(Debug, Serialize, ToSchema)]
pub struct TablesAnswer {
    pub tables: Vec<TableInfo>,
}

/// A page of a table. (Streamed; this type describes it.)
#[derive(Debug, Serialize, ToSchema)]
pub struct PageAnswer {
    /// One object per row, by column name. Decimals are exact JSON numbers, dates `2023-01-31`,
    /// times RFC 3339 in UTC, NaN and infinities null.
    pub rows: Vec<BTreeMap<String, serde_json::Value>>,
    /// Rows of the table that meet the filters.
    pub total: u64,
    pub limit: u64,
    pub offset: u64,
    /// Version of the table the rows are from; null if it has none.
    pub version: Option<u64>,
    /// When the table last changed (UTC).
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<String>,
}

/// Lists the tables: description, columns with type and unit, rows, version.
#[utoipa::path(
    get,
    path = "/api/v1/tables",
    operation_id = "listTables",
    tag = "tables",
    responses(
        (status = 200, description = "The tables", body = TablesAnswer),
        (status = 304, description = "The list has not changed since If-None-Match"),
        Refusals,
    )
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let tables = visible_tables(&service, &visibility).await?;
    conditional::json(&headers, &TablesAnswer { tables })
}

/// Reads one table.
///
/// A page has a total order: the columns of `order`, then the key of the table (or, without one,
/// all columns shown), so that consecutive pages contain every row once. CSV and Parquet without
/// `limit` and `offset` are the whole table, in the requested order, if any.
#[utoipa::path(
    get,
    path = "/api/v1/tables/{schema}/{table}",
    operation_id = "readTable",
    tag = "tables",
    params(
        ("schema" = String, Path, description = "bronze, silver, gold or meta"),
        ("table" = String, Path, description = "Name of the table"),
        ("columns" = Option<String>, Query, description = "Columns to show, separated by commas; all if left out"),
        ("filter.{column}" = Option<String>, Query, description = "Condition on a column: values separated by commas, a..b (both ends inclusive, either may be left out), null, !null; a backslash escapes the next character. May be repeated: a row meets all conditions"),
        ("order" = Option<String>, Query, description = "Columns to sort by, separated by commas; a minus before a column sorts it in descending order; nulls are last"),
        ("limit" = Option<u64>, Query, description = "Rows of the page; 1,000 if left out, for JSON"),
        ("offset" = Option<u64>, Query, description = "Rows before the page"),
        ("distinct" = Option<bool>, Query, description = "true shows equal rows of the shown columns once"),
        ("parameter.{name}" = Option<String>, Query, description = "Recomputes the table with this parameter"),
        ("format" = Option<String>, Query, description = "json, csv, arrow, parquet or xlsx; wins over Accept"),
    ),
    responses(
        (status = 200, description = "A page, or the rows in another format", content(
            (PageAnswer = "application/json"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 304, description = "The table has not changed since If-None-Match"),
        Refusals,
    )
)]
pub async fn read(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path((schema, table)) =
        path.map_err(|rejection| Error::bad("bad_path", rejection.body_text()))?;
    let request = PageRequest::parse(query.as_deref())?;
    let format = Format::choose(request.format.as_deref(), &headers)?;
    let actions = [Action::ReadTables, Action::Download];
    let actions = if format == Format::Json { &actions[..1] } else { &actions };
    let visibility = Visibility::of_caller(&service, &caller, actions)?;
    let info = find(&service, &visibility, &schema, &table).await?;
    check_parameters(&info, &request)?;
    let bounds = Bounds::new(&request, format, &service.limits)?;
    let version = version(&service, &info, &request).await?;
    let caching = caching(
        version.map(|version| service.tag(version, &info, (query.as_deref(), &visibility), format)),
    );
    if let Some(tag) = caching.get(header::ETAG)
        && unchanged(&headers, tag)
    {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let receipt = Receipt::new(&service, &caller, Subject::Table(info.name()), format)?;
    let permit = service.reads.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.time(format));
    let frame = deadline.within(Box::pin(frame(&service, &visibility, &info, &request))).await??;
    let filtered = filtered(frame, &info, &request, &service.limits)?;
    let filtered = distinct(filtered, &info, &request)?;
    let rows = page(filtered.clone(), &info, &request, bounds)?;
    let (limit, offset) = (bounds.limit.unwrap_or(bounds.rows_max), bounds.offset);
    let as_of = info.updated_at;
    let answer = Answer {
        rows,
        compute: service.compute.clone(),
        format,
        name: info.name(),
        frame: Frame::Page(Box::new(Page { filtered, limit, offset, version, as_of })),
        rows_max: bounds.rows_max,
        over: Over::Abort,
        deadline,
        permit,
        receipt,
        sheet: sheet_options(&service, &info),
    };
    answer.respond(caching).await
}

fn sheet_options(service: &Service, info: &TableInfo) -> SheetOptions {
    let unit = |column: &ColumnInfo| Some((column.name.clone(), column.unit.clone()?));
    SheetOptions {
        title: info.name(),
        zone: service.lake.health().zone,
        created_at_us: info.updated_at.map_or(0, |at| at.timestamp_micros()),
        units: info.columns.iter().filter_map(unit).collect(),
    }
}

/// The tables of which at least some rows are visible. The number of rows is that of the whole table,
/// so it is left out where others are not visible.
async fn visible_tables(
    service: &Service,
    visibility: &Visibility,
) -> Result<Vec<TableInfo>, Error> {
    let tables = service.lake.tables().await.map_err(Error::from_lower_layer)?;
    let shown = tables.into_iter().filter_map(|info| match visibility.of_table(&info) {
        Extent::Nothing => None,
        Extent::Rows => Some(TableInfo { rows: None, ..info }),
        Extent::Everything => Some(info),
    });
    Ok(shown.collect())
}

async fn find(
    service: &Service,
    visibility: &Visibility,
    schema: &str,
    table: &str,
) -> Result<TableInfo, Error> {
    let found = service.lake.table(schema, table).await.map_err(Error::from_lower_layer)?;
    if let Some(info) = found {
        return match visibility.of_table(&info) {
            Extent::Nothing => Err(hidden(&info)),
            Extent::Rows | Extent::Everything => Ok(info),
        };
    }
    let tables = service.lake.tables().await.map_err(Error::from_lower_layer)?;
    let tables = tables.iter().filter(|info| visibility.of_table(info) != Extent::Nothing);
    let all = tables.map(TableInfo::name).collect::<Vec<_>>();
    let request = format!("{schema}.{table}");
    let message = format!("unknown table {request}; {}", names::suggest(&request, &all));
    Err(Error::new(StatusCode::NOT_FOUND, "unknown_table", message))
}

/// The error for a table of which nothing is visible.
pub fn hidden(info: &TableInfo) -> Error {
    let message = format!(
        "no permission to read {}: an administrator can assign a role that includes it in the whole plant",
        info.name()
    );
    Error::new(StatusCode::FORBIDDEN, "forbidden", message)
}

fn check_parameters(info: &TableInfo, request: &PageRequest) -> Result<(), Error> {
    for (name, value) in &request.parameters {
        let Some(known) = info.parameters.iter().find(|known| known.name == *name) else {
            let all = info.parameters.iter().map(|known| &known.name[..]).collect::<Vec<_>>();
            let message = format!(
                "{} has no parameter {name}; it has: {}",
                info.name(),
                if all.is_empty() { "none".into() } else { all.join(", ") }
            );
            return Err(Error::bad("unknown_parameter", message));
        };
        filter::parameter(name, &known.type_name, value)?;
    }
    Ok(())
}

/// The requested rows of the filtered table.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Rows of the page; `None` for all.
    limit: Option<u64>,
    offset: u64,
    /// Rows that are delivered at most.
    rows_max: u64,
}

impl Bounds {
    fn new(request: &PageRequest, format: Format, limits: &Limits) -> Result<Self, Error> {
        let json = format == Format::Json;
        let rows_max = if json { limits.page_rows_max } else { format.file_rows(limits) };
        let limit = request.limit.or(json.then_some(limits.page_rows));
        let offset = request.offset.unwrap_or(0);
        if limit.is_some_and(|limit| limit > rows_max) {
            let message =
                format!("invalid limit: expected at most {rows_max} rows for {}", format.name());
            return Err(Error::bad("limit_too_big", message));
        }
        if offset > limits.offset_rows {
            let most = limits.offset_rows;
            let message = format!(
                "invalid offset: expected at most {most} rows; filter, or download a file (CSV, Parquet)"
            );
            return Err(Error::bad("offset_too_big", message));
        }
        Ok(Self { limit, offset, rows_max })
    }

    /// Whether this is a part of the table, which depends on the order.
    fn is_page(self) -> bool {
        self.limit.is_some() || self.offset > 0
    }
}

/// A table recomputed for the request has no version.
async fn version(
    service: &Service,
    info: &TableInfo,
    request: &PageRequest,
) -> Result<Option<u64>, Error> {
    if !request.parameters.is_empty() {
        return Ok(None);
    }
    service.lake.version(&info.schema, &info.table).await.map_err(Error::from_lower_layer)
}

fn caching(tag: Option<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let control = if tag.is_some() { "private, no-cache" } else { "no-store" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    if let Some(Ok(tag)) = tag.map(HeaderValue::try_from) {
        headers.insert(header::ETAG, tag);
    }
    headers
}

/// Whether `If-None-Match` names `tag`.
pub fn unchanged(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let (Some(known), Ok(tag)) = (headers.get(header::IF_NONE_MATCH), tag.to_str()) else {
        return false;
    };
    let known = known.to_str().unwrap_or_default();
    known
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

impl Service {
    /// Validator of a response: it changes with the table, the request, the visible rows, the format and
    /// the program.
    pub fn tag(
        &self,
        version: u64,
        info: &TableInfo,
        (query, visibility): (Option<&str>, &Visibility),
        format: Format,
    ) -> String {
        let build = self.lake.health().build;
        let mut hash = Sha256::new();
        for part in [
            &info.name()[..],
            query.unwrap_or_default(),
            format.name(),
            &build.version,
            &build.commit,
            &visibility.fingerprint(),
        ] {
            hash.update(part);
            hash.update([0]);
        }
        let mut tag = format!("\"{version}-");
        for byte in hash.finalize().iter().take(8) {
            // Writing to a text cannot fail.
            write!(tag, "{byte:02x}").unwrap_or_default();
        }
        tag.push('"');
        tag
    }
}

async fn frame(
    service: &Service,
    visibility: &Visibility,
    info: &TableInfo,
    request: &PageRequest,
) -> Result<DataFrame, Error> {
    let (schema, table) = (&info.schema[..], &info.table[..]);
    if !request.parameters.is_empty() {
        let frame = service.lake.with_parameters(schema, table, &request.parameters).await;
        return visibility.rows(frame.map_err(Error::from_lower_layer)?);
    }
    let session = visibility.session(service).await?;
    Ok(session.table(TableReference::partial(schema, table)).await?)
}

fn filtered(
    mut frame: DataFrame,
    info: &TableInfo,
    request: &PageRequest,
    limits: &Limits,
) -> Result<DataFrame, Error> {
    let mut values = 0;
    for (column, condition) in &request.filters {
        let schema = frame.schema().as_arrow();
        check_column(info, schema, column)?;
        let field =
            schema.field_with_name(column).map_err(|error| Error::internal(error.into()))?;
        let (condition, count) = filter::condition(field, condition)?;
        values += count;
        if values > limits.filter_values {
            let message = format!("more than {} values in filters", limits.filter_values);
            return Err(Error::bad("too_many_values", message));
        }
        frame = frame.filter(condition)?;
    }
    Ok(frame)
}

/// Each row of the shown columns once, if that is requested.
fn distinct(frame: DataFrame, info: &TableInfo, request: &PageRequest) -> Result<DataFrame, Error> {
    if request.distinct != Some(true) {
        return Ok(frame);
    }
    let shown = request.columns.clone().unwrap_or_default();
    for column in &shown {
        check_column(info, frame.schema().as_arrow(), column)?;
    }
    let shown: Vec<Expr> = shown.iter().map(ident).collect();
    let frame = if shown.is_empty() { frame } else { frame.select(shown)? };
    Ok(frame.distinct()?)
}

fn page(
    frame: DataFrame,
    info: &TableInfo,
    request: &PageRequest,
    bounds: Bounds,
) -> Result<DataFrame, Error> {
    let schema = frame.schema().as_arrow();
    let all = || schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let shown = request.columns.clone().unwrap_or_else(all);
    for column in shown.iter().chain(request.order.iter().map(|order| &order.column)) {
        check_column(info, schema, column)?;
    }
    let order = order(info, schema, request, bounds, &shown);
    let mut frame = frame;
    if !order.is_empty() {
        frame = frame.sort(order)?;
    }
    if bounds.is_page() {
        let rows = |count| usize::try_from(count).unwrap_or(usize::MAX);
        frame = frame.limit(rows(bounds.offset), bounds.limit.map(rows))?;
    }
    Ok(frame.select(shown.iter().map(ident).collect::<Vec<_>>())?)
}

/// The requested order; for a page a total one, so that consecutive pages contain every row once.
fn order(
    info: &TableInfo,
    schema: &Schema,
    request: &PageRequest,
    bounds: Bounds,
    shown: &[String],
) -> Vec<SortExpr> {
    let mut orders = request.order.clone();
    if bounds.is_page() {
        let has_key =
            !info.key.is_empty() && info.key.iter().all(|key| schema.index_of(key).is_ok());
        let rest = if has_key { &info.key[..] } else { shown };
        for column in rest {
            if orders.iter().all(|order| order.column != *column) && sortable(schema, column) {
                orders.push(Order { column: column.clone(), descending: false });
            }
        }
    }
    orders.iter().map(|order| ident(&order.column).sort(!order.descending, false)).collect()
}

fn sortable(schema: &Schema, column: &str) -> bool {
    schema.field_with_name(column).is_ok_and(|field| !field.data_type().is_nested())
}

fn check_column(info: &TableInfo, schema: &Schema, column: &str) -> Result<(), Error> {
    if schema.index_of(column).is_ok() {
        return Ok(());
    }
    let all = schema.fields().iter().map(|field| &field.name()[..]).collect::<Vec<_>>();
    let message = format!("{} has no column {column}; it has: {}", info.name(), all.join(", "));
    Err(Error::bad("unknown_column", message))
}
