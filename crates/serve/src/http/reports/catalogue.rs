//! The reports of the plant.

use super::dto::{
    IssuedReportInfo, ReportInfo, ReportParameter, ReportRecipient, ReportSchedule, ReportsAnswer,
};
use super::visible::is_visible;
use super::{known_language, uncached};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::error::{Error, Refusals};
use crate::http::query::parameters;
use crate::http::temperatures::rfc3339;
use crate::http::visibility::Visibility;
use ::report::Issuer;
use ::report::issue::store::IssuedQuery;
use ::report::schedule::next_start_us;
use access::Action;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use config::reports::{
    Definition, DeliveryKind, Format, Moment, ParameterKind, ReportParameterDefault, Schedule,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Issued reports of which the last visible one is searched.
const SEARCHED_ISSUED: u32 = 20;

/// Lists the reports of the plant, with their schedules and the last issued ones.
#[utoipa::path(
    get, path = "/api/v1/reports", operation_id = "listReports", tag = "reports",
    params(("language" = Option<String>, Query, description = "Language of titles: en, ml or hi")),
    responses((status = 200, description = "The reports", body = ReportsAnswer), Refusals)
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let language = language(query.as_deref())?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    if service.reports.is_none() {
        return Ok(uncached(ReportsAnswer { reports: Vec::new() }));
    }
    let now_us = service.now_us();
    let reports = service.with_reports_blocking(move |issuer| {
        let infos = issuer.reports().values();
        infos.map(|report| info(issuer, report, &visibility, &language, now_us)).collect()
    });
    Ok(uncached(ReportsAnswer { reports: reports.await? }))
}

/// Describes a report, with the choices of its parameters.
#[utoipa::path(
    get, path = "/api/v1/reports/{name}", operation_id = "readReport", tag = "reports",
    params(
        ("name" = String, Path, description = "Name of the report"),
        ("language" = Option<String>, Query, description = "Language of titles: en, ml or hi"),
    ),
    responses((status = 200, description = "The report", body = ReportInfo), Refusals)
)]
pub async fn detail(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let language = language(query.as_deref())?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let report = service.report(&name)?;
    let choices = choices(&service, &report, visibility.clone()).await?;
    let now_us = service.now_us();
    let described = service
        .with_reports_blocking(move |issuer| info(issuer, &report, &visibility, &language, now_us));
    let mut info = described.await?;
    for parameter in &mut info.parameters {
        parameter.choices = choices.get(&parameter.name).cloned().unwrap_or_default();
    }
    Ok(uncached(info))
}

fn language(query: Option<&str>) -> Result<String, Error> {
    let mut values = parameters(query, &["language"])?;
    Ok(known_language(values.remove("language"))?.unwrap_or_else(|| "en".to_owned()))
}

/// The values to choose from, by parameter.
async fn choices(
    service: &Arc<Service>,
    report: &Definition,
    visibility: Visibility,
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let issuer = service.reports()?;
    let source = service.report_source(visibility);
    let mut choices = BTreeMap::new();
    for parameter in &report.parameters {
        let found = match (parameter.kind, &parameter.choices) {
            (ParameterKind::Shift, None) => {
                let shifts = issuer.plant().calendar.shifts();
                shifts.iter().map(|shift| shift.name.clone()).collect()
            }
            _ => ::report::choices(report, &parameter.name, issuer.plant(), &source).await?,
        };
        choices.insert(parameter.name.clone(), found);
    }
    Ok(choices)
}

fn info(
    issuer: &Issuer,
    report: &Definition,
    visibility: &Visibility,
    language: &str,
    now_us: i64,
) -> Result<ReportInfo, access::Error> {
    let query =
        IssuedQuery { report: Some(report.name.clone()), before: None, limit: SEARCHED_ISSUED };
    let issued = issuer.issued(&query)?;
    let last = issued.iter().find(|issued| is_visible(visibility, issued));
    Ok(ReportInfo {
        name: report.name.clone(),
        title: report.title.in_language(language).to_owned(),
        description: report.description.in_language(language).to_owned(),
        parameters: report.parameters.iter().map(|it| parameter(it, language)).collect(),
        schedule: report.schedule.as_ref().map(|it| schedule(issuer, it, now_us)),
        recipients: report.deliveries.iter().map(recipient).collect(),
        last_issued: last.map(IssuedReportInfo::from),
        problem: issuer.problem(&report.name),
    })
}

fn parameter(parameter: &config::reports::ReportParameter, language: &str) -> ReportParameter {
    let default = match &parameter.default {
        ReportParameterDefault::Today => "today",
        ReportParameterDefault::Yesterday => "yesterday",
        ReportParameterDefault::Last => "last",
        ReportParameterDefault::Current => "current",
        ReportParameterDefault::LastWeek => "last_week",
        ReportParameterDefault::First => "first",
        ReportParameterDefault::Value(text) => text,
    };
    ReportParameter {
        name: parameter.name.clone(),
        title: parameter.title.in_language(language).to_owned(),
        kind: parameter.kind.as_str(),
        default: default.to_owned(),
        choices: Vec::new(),
    }
}

fn schedule(issuer: &Issuer, schedule: &Schedule, now_us: i64) -> ReportSchedule {
    let next_us = next_start_us(&schedule.moment, &issuer.plant().calendar, now_us);
    let empty = ReportSchedule {
        at: None,
        days: Vec::new(),
        after_shift: None,
        delay_min: None,
        when_final: false,
        formats: names(&schedule.formats),
        language: schedule.language.clone(),
        next_at: next_us.map(rfc3339),
    };
    match &schedule.moment {
        Moment::At { minute_of_day, days } => ReportSchedule {
            at: Some(format!("{:02}:{:02}", minute_of_day / 60, minute_of_day % 60)),
            days: days.iter().map(ToString::to_string).collect(),
            ..empty
        },
        Moment::AfterShift { shift, delay_min } => ReportSchedule {
            after_shift: Some(shift.clone()),
            delay_min: Some(*delay_min),
            ..empty
        },
        Moment::Final => ReportSchedule { when_final: true, ..empty },
    }
}

fn recipient(delivery: &config::reports::Delivery) -> ReportRecipient {
    let all = |roles: &[String], to: &[String]| roles.iter().chain(to).cloned().collect();
    let (kind, to) = match &delivery.kind {
        DeliveryKind::Email { roles, to } => ("email", all(roles, to)),
        DeliveryKind::Link { roles, to } => ("link", all(roles, to)),
        DeliveryKind::Folder { location } => ("folder", vec![location.clone()]),
        DeliveryKind::S3 { location } => ("s3", vec![location.clone()]),
    };
    ReportRecipient { kind, to, formats: names(&delivery.formats) }
}

fn names(formats: &[Format]) -> Vec<String> {
    formats.iter().map(|format| format.as_str().to_owned()).collect()
}
