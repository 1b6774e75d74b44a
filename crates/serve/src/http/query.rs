//! SQL over HTTP.

use super::Service;
use super::answer::{Answer, Frame, Over};
use super::authorization::Caller;
use super::concurrency::Deadline;
use super::encode::SheetOptions;
use super::error::{Error, Refusals};
use super::format::Format;
use super::readonly;
use super::receipt::{Receipt, Subject};
use super::visibility::Visibility;
use access::Action;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use url::form_urlencoded;
use utoipa::ToSchema;

/// A statement to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// One SELECT, WITH, EXPLAIN, SHOW or DESCRIBE.
    pub sql: String,
}

/// The result of a statement. (Streamed; this type describes it.)
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryAnswer {
    pub columns: Vec<ResultColumn>,
    /// One object per row, by column name.
    pub rows: Vec<BTreeMap<String, serde_json::Value>>,
    /// Number of rows in `rows`.
    pub row_count: u64,
    /// Whether rows beyond the limit are left out.
    pub truncated: bool,
}

/// A column of a result.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
}

/// Runs one reading SQL statement.
///
/// JSON answers hold at most the configured number of rows (10,000) and report whether there are more; as
/// CSV, Arrow or Parquet a result beyond the limit for files is aborted. Statements that change
/// anything, or read anything but the tables of the lake, are refused.
#[utoipa::path(
    post,
    path = "/api/v1/query",
    operation_id = "runQuery",
    tag = "query",
    params(("format" = Option<String>, Query, description = "json, csv, arrow, parquet or xlsx; wins over Accept")),
    request_body = QueryRequest,
    responses(
        (status = 200, description = "The rows", content(
            (QueryAnswer = "application/json"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        Refusals,
    )
)]
pub async fn post(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Error> {
    let body = body.map_err(|rejection| too_long(rejection, service.limits.body_bytes))?;
    let json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !json.is_some_and(|media| media.trim_start().starts_with("application/json")) {
        let message = "send the statement as JSON: Content-Type: application/json";
        return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message));
    }
    let request: QueryRequest = serde_json::from_slice(&body)
        .map_err(|error| Error::bad("bad_body", format!("invalid body: {error}")))?;
    let mut parameters = parameters(query.as_deref(), &["format"])?;
    let format = Format::choose(parameters.remove("format").as_deref(), &headers)?;
    run(&service, &caller, &request.sql, format).await
}

/// Runs one reading SQL statement given in the address, for links.
#[utoipa::path(
    get,
    path = "/api/v1/query",
    operation_id = "runQueryByLink",
    tag = "query",
    params(
        ("sql" = String, Query, description = "One SELECT, WITH, EXPLAIN, SHOW or DESCRIBE"),
        ("format" = Option<String>, Query, description = "json, csv, arrow, parquet or xlsx; wins over Accept"),
    ),
    responses(
        (status = 200, description = "The rows", content(
            (QueryAnswer = "application/json"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        Refusals,
    )
)]
pub async fn get(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let mut parameters = parameters(query.as_deref(), &["sql", "format"])?;
    let sql = parameters.remove("sql");
    let sql = sql.ok_or_else(|| Error::bad("bad_parameter", "the parameter sql is missing"))?;
    let format = Format::choose(parameters.remove("format").as_deref(), &headers)?;
    run(&service, &caller, &sql, format).await
}

async fn run(
    service: &Arc<Service>,
    caller: &Caller,
    sql: &str,
    format: Format,
) -> Result<Response, Error> {
    let limits = &service.limits;
    let actions = [Action::RunSql, Action::Download];
    let actions = if format == Format::Json { &actions[..1] } else { &actions };
    let visibility = Visibility::of_caller(service, caller, actions)?;
    let receipt = Receipt::new(service, caller, Subject::Query(sql.to_owned()), format)?;
    let permit = service.queries.take(limits).await?;
    let mut deadline = Deadline::after(service.time(format));
    let planned = async {
        let session = visibility.session(service).await?;
        readonly::plan(&session, sql, limits).await
    };
    let rows = deadline.within(Box::pin(planned)).await??;
    let json = format == Format::Json;
    let answer = Answer {
        rows,
        compute: service.compute.clone(),
        format,
        name: "query".into(),
        frame: Frame::Query,
        rows_max: if json { limits.query_rows } else { format.file_rows(limits) },
        over: if json { Over::LeftOut } else { Over::Abort },
        deadline,
        permit,
        receipt,
        sheet: SheetOptions {
            title: "query".into(),
            zone: service.lake.health().zone,
            created_at_us: service.now_us(),
            ..SheetOptions::default()
        },
    };
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.respond(HeaderMap::from_iter([no_store])).await
}

/// The parameters of an address as [`parameters`], some of which have a former name, which still works:
/// pairs of the former and the current name.
pub fn renamed_parameters(
    query: Option<&str>,
    known: &[&str],
    former: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, Error> {
    let all: Vec<&str> = known.iter().copied().chain(former.iter().map(|(old, _)| *old)).collect();
    let mut found = parameters(query, &all)?;
    for (old, new) in former {
        let Some(value) = found.remove(*old) else { continue };
        if found.insert((*new).to_owned(), value).is_some() {
            let message = format!("{old} is the former name of {new}: send only one of them");
            return Err(Error::bad("bad_parameter", message));
        }
    }
    Ok(found)
}

/// The parameters of an address, all of them among `known`, each at most once.
pub fn parameters(query: Option<&str>, known: &[&str]) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if !known.contains(&name.as_ref()) {
            let message = format!("unknown parameter {name}: expected one of {}", known.join(", "));
            return Err(Error::bad("unknown_parameter", message));
        }
        let before = found.insert(name.clone().into_owned(), value.into_owned());
        if before.is_some() {
            return Err(Error::bad("bad_parameter", format!("{name} is given twice")));
        }
    }
    Ok(found)
}

/// All parameters of an address, each given once.
pub fn all_parameters(query: Option<&str>) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if found.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(Error::bad("bad_parameter", format!("{name} is given twice")));
        }
    }
    Ok(found)
}

/// A parameter that is a whole number.
pub fn whole_number<T: FromStr>(
    given: &BTreeMap<String, String>,
    name: &str,
) -> Result<Option<T>, Error> {
    let Some(text) = given.get(name) else { return Ok(None) };
    let bad = || Error::bad("bad_value", format!("invalid {name} `{text}`: expected a number"));
    text.parse().ok().map(Some).ok_or_else(bad)
}

fn too_long(rejection: BytesRejection, limit: usize) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("the body is longer than {limit} bytes");
        return Error::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", message);
    }
    Error::bad("bad_body", rejection.body_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused() {
        let code = |query| parameters(Some(query), &["sql", "format"]).unwrap_err().code;
        assert_eq!(code("sql=a&sql=b"), "bad_parameter");
        assert_eq!(code("sql=a&format=csv&%73ql=a"), "bad_parameter");
        assert_eq!(code("sqll=a"), "unknown_parameter");
        assert_eq!(parameters(Some("sql=a&format=csv"), &["sql", "format"]).unwrap().len(), 2);
    }
}
