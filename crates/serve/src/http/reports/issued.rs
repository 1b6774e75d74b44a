//! Issued reports: as they were stored, with their deliveries and differences.

use super::dto::{
    IssueRequest, IssuedNumber, IssuedReportDetail, IssuedReportInfo, IssuedReportsAnswer,
    ReportDelivery,
};
use super::visible::is_visible;
use super::{file, known_language, uncached};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use crate::http::query::{parameters, whole_number};
use crate::http::visibility::Visibility;
use ::report::Order;
use ::report::issue::record::{IssueCause, IssuedReport};
use ::report::issue::store::IssuedQuery;
use access::audit::{Event, Kind};
use access::{Action, Granted, Scope};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// Issued reports of a page when the request names no number, and the most.
const PAGE_ROWS: u32 = 50;
const PAGE_ROWS_MAX: u32 = 500;

/// Issues a report: stores it with its files, and sends it if requested.
#[utoipa::path(
    post, path = "/api/v1/reports/{name}/issue", operation_id = "issueReport", tag = "reports",
    params(("name" = String, Path, description = "Name of the report")),
    request_body = IssueRequest,
    responses((status = 200, description = "It is issued", body = IssuedNumber), Refusals)
)]
pub async fn issue(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    JsonBody(request): JsonBody<IssueRequest>,
) -> Result<Response, Error> {
    check_plant(&caller, Action::ManageReports)?;
    let user = caller.identity()?.name().to_owned();
    let detail = json!({ "report": name, "parameters": request.parameters, "send": request.send });
    let now_us = service.now_us();
    let order = Order {
        report: name,
        parameters: request.parameters,
        language: known_language(request.language)?,
        cause: IssueCause::User(user),
        at_us: now_us,
        is_sent: request.send,
    };
    let permit = service.report_runs.take(&service.limits).await?;
    let issued = service.reports()?.issue(&order, now_us).await?;
    drop(permit);
    // Only runs of a schedule are issued once.
    let id = issued.ok_or_else(|| Error::internal(anyhow::anyhow!("the report was not stored")))?;
    audit(&service, &caller, "report.issue", detail)?;
    Ok(uncached(IssuedNumber { id }))
}

/// Lists issued reports, newest first.
#[utoipa::path(
    get, path = "/api/v1/issued-reports", operation_id = "listIssuedReports", tag = "reports",
    params(
        ("report" = Option<String>, Query, description = "Only those of this report"),
        ("before" = Option<i64>, Query, description = "Only those before this number: `next_before` of the previous page"),
        ("limit" = Option<u32>, Query, description = "Reports of the page; 50 if left out"),
    ),
    responses((status = 200, description = "A page", body = IssuedReportsAnswer), Refusals)
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["report", "before", "limit"])?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let limit = whole_number(&values, "limit")?.unwrap_or(PAGE_ROWS);
    let query = IssuedQuery {
        report: values.get("report").cloned(),
        before: whole_number(&values, "before")?,
        limit: limit.clamp(1, PAGE_ROWS_MAX),
    };
    if service.reports.is_none() {
        return Ok(uncached(IssuedReportsAnswer { issued: Vec::new(), next_before: None }));
    }
    let limit = query.limit as usize;
    let found = service.with_reports_blocking(move |issuer| issuer.issued(&query)).await?;
    let next_before = found.last().filter(|_| found.len() >= limit).map(|it| it.id);
    let visible = found.iter().filter(|it| is_visible(&visibility, it));
    let issued = visible.map(IssuedReportInfo::from).collect();
    Ok(uncached(IssuedReportsAnswer { issued, next_before }))
}

/// Returns an issued report with its deliveries, its differences and the versions of its tables.
#[utoipa::path(
    get, path = "/api/v1/issued-reports/{id}", operation_id = "readIssuedReport", tag = "reports",
    params(("id" = i64, Path, description = "Number of the issued report")),
    responses((status = 200, description = "The report", body = IssuedReportDetail), Refusals)
)]
pub async fn detail(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let id = number(&id)?;
    let read = move |issuer: &::report::Issuer| issuer.issued_with_deliveries(id);
    let (issued, deliveries) = service.with_reports_blocking(read).await?;
    check_visible(&visibility, &issued)?;
    let differences = issued.differences.iter().map(serde_json::to_value);
    let differences = differences.collect::<Result<_, _>>();
    Ok(uncached(IssuedReportDetail {
        issued: IssuedReportInfo::from(&issued),
        deliveries: deliveries.iter().map(ReportDelivery::from).collect(),
        differences: differences.map_err(|error| Error::internal(error.into()))?,
        versions: issued.versions.iter().map(|(name, it)| (name.clone(), it.version)).collect(),
    }))
}

/// Returns a file of an issued report, as it was stored.
#[utoipa::path(
    get, path = "/api/v1/issued-reports/{id}/files/{format}", operation_id = "downloadIssuedReport", tag = "reports",
    params(
        ("id" = i64, Path, description = "Number of the issued report"),
        ("format" = String, Path, description = "pdf, xlsx, csv or html"),
    ),
    responses(
        (status = 200, description = "The file", content(
            (Vec<u8> = "application/pdf"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (String = "text/csv"),
            (String = "text/html"),
            (Vec<u8> = "application/zip"),
        )),
        Refusals,
    )
)]
pub async fn download(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path((id, format)): Path<(String, String)>,
) -> Result<Response, Error> {
    let id = number(&id)?;
    let format = super::run::format(Some(format))?.as_str();
    let read = move |issuer: &::report::Issuer| {
        Ok((issuer.issued_with_deliveries(id)?.0, issuer.file(id, format)))
    };
    let (issued, found) = service.with_reports_blocking(read).await?;
    let actions = [Action::ReadTables, Action::Download];
    let visibility = Visibility::of_caller(&service, &caller, &actions)?;
    check_visible(&visibility, &issued)?;
    let found = found?;
    let event = Event::download(caller.identity()?.name(), &found.name, format, 0);
    service.access.try_audit(event.from_address(caller.peer.address), service.now_us())?;
    file(&found.name, found.bytes)
}

/// Attempts a delivery again that was given up.
#[utoipa::path(
    post, path = "/api/v1/report-deliveries/{id}/retry", operation_id = "retryReportDelivery", tag = "reports",
    params(("id" = i64, Path, description = "Number of the delivery")),
    responses((status = 204, description = "It is attempted again"), Refusals)
)]
pub async fn retry(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    check_plant(&caller, Action::ManageReports)?;
    let id = number(&id)?;
    let now_us = service.now_us();
    service.with_reports_blocking(move |issuer| issuer.retry_delivery(id, now_us)).await?;
    audit(&service, &caller, "report.retry", json!({ "delivery": id }))?;
    Ok(StatusCode::NO_CONTENT)
}

fn number(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_not_a_number| missing())
}

/// The error for a report that does not exist. It is the same for one that the caller may not see.
fn missing() -> Error {
    Error::new(StatusCode::NOT_FOUND, "not_found", "there is no such issued report")
}

fn check_visible(visibility: &Visibility, issued: &IssuedReport) -> Result<(), Error> {
    is_visible(visibility, issued).then_some(()).ok_or_else(missing)
}

/// Refuses callers whose permission is not valid in the whole plant, because an issued report has all rows.
fn check_plant(caller: &Caller, action: Action) -> Result<(), Error> {
    let identity = caller.identity()?;
    match identity.granted(action) {
        Granted::Everywhere => Ok(()),
        Granted::Nowhere | Granted::Only(_) => Ok(identity.authorize(action, &Scope::Plant)?),
    }
}

fn audit(
    service: &Service,
    caller: &Caller,
    what: &str,
    detail: serde_json::Value,
) -> Result<(), Error> {
    let detail = json!({ "what": what, "about": detail });
    let event = Event::new(Kind::Changed, caller.identity()?.name(), detail);
    service.access.try_audit(event.from_address(caller.peer.address), service.now_us())
}
