//! Delta Sharing over the tables of gold and silver, for Databricks, Spark, pandas and other clients.
//!
//! *In*: requests below `/sharing`, with an API token as bearer token.
//! *Out*: shares, tables and their metadata, and addresses of data files that are valid for a short time.
//! *Promise*: only who may download every row of a table gets addresses of its files, because a file cannot
//! be filtered by scopes. An address grants one file until its end.

mod answer;
mod changes;
pub mod files;
mod hints;
mod listing;
mod signature;

pub use changes::changes;
pub use signature::Signer;

use super::Service;
use super::authorization::Caller;
use super::body::JsonBody;
use super::error::Error;
use super::history::parse_time;
use super::query::parameters;
use super::receipt::took_ms;
use super::tables::hidden;
use super::visibility::{Extent, Visibility};
use crate::TableInfo;
use access::Action;
use access::audit::Event;
use answer::{Lines, ResponseFormat};
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lake::shared::{SharedFile, SharedTable};
use serde::Deserialize;
use serde_json::Value;
use signature::Grant;
use std::sync::Arc;
use url::form_urlencoded::byte_serialize;

/// Schemas of the lake that are shares. A share has one schema, of the same name.
pub const SHARES: [&str; 2] = ["gold", "silver"];

const TABLE_VERSION: HeaderName = HeaderName::from_static("delta-table-version");
const CAPABILITIES: HeaderName = HeaderName::from_static("delta-sharing-capabilities");

type ServiceState = State<Arc<Service>>;
type CallerOf = Extension<Arc<Caller>>;
/// Share, schema and table.
type TablePath = Result<Path<(String, String, String)>, PathRejection>;

pub use listing::{all_tables, schemas, share, shares, tables};

/// The permissions that reading files needs, in the whole plant.
const ACTIONS: [Action; 2] = [Action::ReadTables, Action::Download];

/// What a caller may share; an error unless that is the whole plant.
fn visibility(service: &Service, caller: &Caller) -> Result<Visibility, Error> {
    let visibility = Visibility::of_caller(service, caller, &ACTIONS)?;
    if visibility.is_plant() {
        return Ok(visibility);
    }
    let message = "Delta Sharing delivers whole files, whose rows cannot be limited to areas or lines: it \
                   needs the permissions read_tables and download in the whole plant. Use /odata/v4 or \
                   /api/v1/tables, which return the rows of your scopes";
    Err(Error::new(StatusCode::FORBIDDEN, "scope_too_small", message))
}

async fn find(service: &Service, caller: &Caller, path: TablePath) -> Result<TableInfo, Error> {
    let visibility = visibility(service, caller)?;
    let path = path.map_err(|rejection| Error::bad("bad_path", rejection.body_text()))?;
    let Path((share, schema, table)) = path;
    let tables = service.lake.tables().await.map_err(Error::from_lower_layer)?;
    // Names of the protocol are case-insensitive.
    let is_it = |info: &TableInfo| {
        info.schema.eq_ignore_ascii_case(&share)
            && info.schema.eq_ignore_ascii_case(&schema)
            && info.table.eq_ignore_ascii_case(&table)
            && SHARES.contains(&info.schema.as_str())
    };
    let found = tables.into_iter().find(is_it).ok_or_else(|| {
        let message = format!("unknown table {share}.{schema}.{table}: see /sharing/shares");
        Error::new(StatusCode::NOT_FOUND, "unknown_table", message)
    })?;
    match visibility.of_table(&found) {
        Extent::Everything => Ok(found),
        Extent::Rows | Extent::Nothing => Err(hidden(&found)),
    }
}

/// `GET …/tables/{table}/version`: the newest version, or the first one at or after `startingTimestamp`.
pub async fn version(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: TablePath,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let given = parameters(query.as_deref(), &["startingTimestamp"])?;
    let info = find(&service, &caller, path).await?;
    let version = match given.get("startingTimestamp") {
        None => shared(&service, &info, None).await?.version,
        Some(text) => {
            let from_ms = parse_time("startingTimestamp", text)?.div_euclid(1_000);
            let commits = commit_times(&service, &info).await?;
            let first = commits.iter().find(|(_, at_ms)| *at_ms >= from_ms);
            first.map(|(version, _)| *version).ok_or_else(|| no_version(&info, text))?
        }
    };
    Ok(([(TABLE_VERSION, HeaderValue::from(version))], StatusCode::OK).into_response())
}

/// `GET …/tables/{table}/metadata`
pub async fn metadata(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: TablePath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let given = parameters(query.as_deref(), &["version", "timestamp"])?;
    let info = find(&service, &caller, path).await?;
    let version = super::query::whole_number(&given, "version")?;
    let wanted = VersionRequest { version, timestamp: given.get("timestamp").cloned() };
    let table = shared(&service, &info, wanted.resolve(&service, &info).await?).await?;
    let mut lines = Lines::new(format(&headers));
    lines.head(&table.protocol, &table.metadata, totals(&table));
    Ok(respond(lines, format(&headers), table.version))
}

/// Which version of a table is requested.
#[derive(Debug, Clone, Default)]
struct VersionRequest {
    version: Option<u64>,
    timestamp: Option<String>,
}

impl VersionRequest {
    /// The version; of a timestamp the newest one that is not later. `None` for the newest one.
    async fn resolve(&self, service: &Service, info: &TableInfo) -> Result<Option<u64>, Error> {
        let Some(text) = &self.timestamp else { return Ok(self.version) };
        if self.version.is_some() {
            let message = "version and timestamp exclude each other: send only one of them";
            return Err(Error::bad("bad_parameter", message));
        }
        let until_ms = parse_time("timestamp", text)?.div_euclid(1_000);
        let commits = commit_times(service, info).await?;
        let last = commits.iter().rev().find(|(_, at_ms)| *at_ms <= until_ms);
        last.map(|(version, _)| Some(*version)).ok_or_else(|| no_version(info, text))
    }
}

/// The body of a query. Fields of the protocol that are not here are hints of clients, and are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableQuery {
    /// A condition as JSON text.
    json_predicate_hints: Option<String>,
    /// Rows that the client reads.
    limit_hint: Option<u64>,
    version: Option<u64>,
    timestamp: Option<String>,
    /// Of a stream, which is read by its changes instead.
    starting_version: Option<u64>,
}

/// `POST …/tables/{table}/query`: the files of a table, or of an older version.
pub async fn query(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: TablePath,
    headers: HeaderMap,
    JsonBody(query): JsonBody<TableQuery>,
) -> Result<Response, Error> {
    let began_at_us = service.now_us();
    let info = find(&service, &caller, path).await?;
    if query.starting_version.is_some() {
        return Err(changes::not_enabled(&info, None));
    }
    let _permit = service.reads.take(&service.limits).await?;
    let wanted = VersionRequest { version: query.version, timestamp: query.timestamp.clone() };
    let version = wanted.resolve(&service, &info).await?;
    let table = shared(&service, &info, version).await?;
    let commits = commit_times(&service, &info).await?;
    let at_ms = commits.iter().find(|(version, _)| *version == table.version).map(|it| it.1);
    let chosen = chosen(&table, &query);
    let address = Address::new(&service, &caller, &headers, &info, table.version)?;
    let mut lines = Lines::new(format(&headers));
    lines.head(&table.protocol, &table.metadata, totals(&table));
    for file in &chosen {
        let url = address.url(file).await?;
        lines.file(&file.add, (table.version, at_ms), &url, address.until_us.div_euclid(1_000));
    }
    let rows = chosen.iter().filter_map(|file| file.rows).sum();
    let event = Event::download(caller.identity()?.name(), &info.name(), "delta-sharing", rows);
    let now_us = service.now_us();
    let event = event.from_address(caller.peer.address).taking(took_ms(began_at_us, now_us));
    service.access.try_audit(event, now_us)?;
    Ok(respond(lines, format(&headers), table.version))
}

/// The files that may contain requested rows.
fn chosen<'a>(table: &'a SharedTable, query: &TableQuery) -> Vec<&'a SharedFile> {
    let hint = query.json_predicate_hints.as_deref();
    let hint: Option<Value> = hint.and_then(|text| serde_json::from_str(text).ok());
    let matching =
        |file: &&SharedFile| hint.as_ref().is_none_or(|hint| hints::may_match(hint, &file.add));
    let mut left = query.limit_hint.filter(|_| hint.is_none());
    let is_needed = |file: &&SharedFile| {
        let is_needed = left != Some(0);
        left = left.map(|rows| rows.saturating_sub(file.rows.unwrap_or_default()));
        is_needed
    };
    table.files.iter().filter(matching).take_while(is_needed).collect()
}

/// What the addresses of the files of a table have in common.
struct Address<'a> {
    service: &'a Service,
    base: String,
    info: &'a TableInfo,
    version: u64,
    until_us: i64,
    user: String,
}

impl<'a> Address<'a> {
    fn new(
        service: &'a Service,
        caller: &Caller,
        headers: &HeaderMap,
        info: &'a TableInfo,
        version: u64,
    ) -> Result<Self, Error> {
        let host = headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let scheme = if caller.peer.is_secure { "https" } else { "http" };
        let life_us = i64::try_from(service.limits.sharing_url_life.as_micros());
        Ok(Self {
            service,
            base: format!("{scheme}://{host}/sharing/files"),
            info,
            version,
            until_us: service.now_us().saturating_add(life_us.unwrap_or(i64::MAX)),
            user: caller.identity()?.name().to_owned(),
        })
    }

    /// The address of a file: that of the store if it can sign, or one of this service.
    async fn url(&self, file: &SharedFile) -> Result<String, Error> {
        let (schema, table) = (&self.info.schema[..], &self.info.table[..]);
        let life = self.service.limits.sharing_url_life;
        let signed = self.service.lake.file_url(schema, table, &file.path, life).await;
        if let Some(url) = signed.map_err(Error::from_lower_layer)? {
            return Ok(url);
        }
        let query = self.service.signer.sign(&Grant {
            schema: schema.to_owned(),
            table: table.to_owned(),
            version: self.version,
            path: file.path.clone(),
            until_us: self.until_us,
            user: self.user.clone(),
        })?;
        // Readers derive the format of a file from the end of its path.
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let name: String = byte_serialize(name.as_bytes()).collect();
        Ok(format!("{}/{name}?{query}", self.base))
    }
}

async fn shared(
    service: &Service,
    info: &TableInfo,
    version: Option<u64>,
) -> Result<SharedTable, Error> {
    let found = service.lake.shared_table(&info.schema, &info.table, version).await;
    found.map_err(Error::from_lower_layer)?.ok_or_else(|| {
        let shown = version.map_or_else(|| "the table".to_owned(), |it| format!("version {it}"));
        let message = format!("{shown} of {} is not stored", info.name());
        Error::new(StatusCode::NOT_FOUND, "unknown_version", message)
    })
}

async fn commit_times(service: &Service, info: &TableInfo) -> Result<Vec<(u64, i64)>, Error> {
    let commits = service.lake.commit_times(&info.schema, &info.table).await;
    commits.map_err(Error::from_lower_layer)
}

fn no_version(info: &TableInfo, timestamp: &str) -> Error {
    let message = format!("{} has no stored version for the time {timestamp}", info.name());
    Error::new(StatusCode::NOT_FOUND, "unknown_version", message)
}

/// Version, number of files and their size.
fn totals(table: &SharedTable) -> (u64, usize, u64) {
    let size_bytes = table.files.iter().map(|file| file.size_bytes).sum();
    (table.version, table.files.len(), size_bytes)
}

fn format(headers: &HeaderMap) -> ResponseFormat {
    let capabilities = headers.get(CAPABILITIES).and_then(|it| it.to_str().ok());
    ResponseFormat::choose(capabilities.unwrap_or_default())
}

fn respond(lines: Lines, format: ResponseFormat, version: u64) -> Response {
    let media_type = HeaderValue::from_static("application/x-ndjson; charset=utf-8");
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (TABLE_VERSION, HeaderValue::from(version)),
        (CAPABILITIES, HeaderValue::from_static(format.capabilities())),
    ];
    (headers, lines.into_text()).into_response()
}
