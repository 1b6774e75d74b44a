//! Runs of reports that are not stored: previews and files, from the rows that the caller may see.

use super::dto::ReportPreview;
use super::{file, known_language, uncached};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::concurrency::Permit;
use crate::http::error::{Error, Refusals};
use crate::http::query::all_parameters;
use crate::http::temperatures::rfc3339;
use crate::http::visibility::Visibility;
use ::report::issue::period::{extension, file_stem};
use ::report::{Data, Request, collect};
use access::Action;
use access::audit::Event;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use config::reports::{Definition, Format};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns the pages of a report as SVG. Further parameters of the address are those of the report.
#[utoipa::path(
    get, path = "/api/v1/reports/{name}/preview", operation_id = "previewReport", tag = "reports",
    params(
        ("name" = String, Path, description = "Name of the report"),
        ("language" = Option<String>, Query, description = "en, ml or hi"),
        ("{parameter}" = Option<String>, Query, description = "Value of a parameter of the report"),
    ),
    responses((status = 200, description = "The pages", body = ReportPreview), Refusals)
)]
pub async fn preview(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let report = service.report(&name)?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let given = all_parameters(query.as_deref())?;
    let (data, permit) = run(&service, &report, given, visibility).await?;
    let engine = service.reports()?.engine().clone();
    let pages = rendered(permit, move || {
        let pages = engine.pages(&report, &data)?;
        Ok((pages, data))
    });
    let (pages, data) = pages.await?;
    let values = data.parameters.iter().map(|it| (it.name.clone(), it.value.to_string()));
    Ok(uncached(ReportPreview {
        pages,
        parameters: values.collect(),
        receipt: data.id.clone(),
        data_as_of: data.as_of_us.map(rfc3339),
        rows: data.row_count() as u64,
        title: data.title,
    }))
}

/// Returns a report as a file. Further parameters of the address are those of the report.
#[utoipa::path(
    get, path = "/api/v1/reports/{name}/file", operation_id = "downloadReport", tag = "reports",
    params(
        ("name" = String, Path, description = "Name of the report"),
        ("format" = Option<String>, Query, description = "pdf, xlsx, csv or html; pdf if left out"),
        ("language" = Option<String>, Query, description = "en, ml or hi"),
        ("{parameter}" = Option<String>, Query, description = "Value of a parameter of the report"),
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
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let report = service.report(&name)?;
    let actions = [Action::ReadTables, Action::Download];
    let visibility = Visibility::of_caller(&service, &caller, &actions)?;
    let mut given = all_parameters(query.as_deref())?;
    let format = format(given.remove("format"))?;
    let (data, permit) = run(&service, &report, given, visibility).await?;
    let rows = data.row_count() as u64;
    let event = Event::download(caller.identity()?.name(), &name, format.as_str(), rows);
    let engine = service.reports()?.engine().clone();
    let bytes = rendered(permit, move || {
        let bytes = engine.render(&report, &data, format)?;
        Ok((format!("{}.{}", file_stem(&data), extension(format, &bytes)), bytes))
    });
    let (file_name, bytes) = bytes.await?;
    service.access.try_audit(event.from_address(caller.peer.address), service.now_us())?;
    file(&file_name, bytes.into())
}

/// The format of a name.
pub(super) fn format(name: Option<String>) -> Result<Format, Error> {
    let Some(name) = name else { return Ok(Format::Pdf) };
    Format::from_name(&name).ok_or_else(|| {
        let names = Format::ALL.map(Format::as_str).join(", ");
        Error::bad("unknown_format", format!("unknown format {name}: expected one of {names}"))
    })
}

/// The data of a report for a caller, and the permit to render it.
async fn run(
    service: &Arc<Service>,
    report: &Definition,
    mut given: BTreeMap<String, String>,
    visibility: Visibility,
) -> Result<(Data, Permit), Error> {
    // The receipt of a link does not choose data.
    given.remove("id");
    let request = Request {
        language: known_language(given.remove("language"))?.unwrap_or_default(),
        parameters: given,
        now_us: service.now_us(),
        ..Request::default()
    };
    let permit = service.report_runs.take(&service.limits).await?;
    let source = service.report_source(visibility);
    let plant = service.reports()?.plant();
    Ok((collect(report, &request, plant, &source).await?, permit))
}

/// Renders on a thread for blocking work.
async fn rendered<T: Send + 'static>(
    permit: Permit,
    render: impl FnOnce() -> Result<T, ::report::Error> + Send + 'static,
) -> Result<T, Error> {
    let rendering = tokio::task::spawn_blocking(move || {
        let done = render();
        drop(permit);
        done
    });
    Ok(rendering.await.map_err(|error| Error::internal(error.into()))??)
}
