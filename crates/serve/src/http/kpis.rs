//! KPIs by unit, line or plant, for any shift, day or range: the same figures as the page and
//! `cockpit kpi`, from the same definitions.

mod answer;

use super::Service;
use super::authorization::Caller;
use super::concurrency::Deadline;
use super::conditional;
use super::error::{Error, Refusals};
use super::query::renamed_parameters;
use super::visibility::Visibility;
use access::Action;
use answer::{KpiBy, KpiDefinition, KpiEach, KpiRow};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use lake::kpi::definition::select;
use lake::kpi::{Granularity, KpiQuery, Level};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const PARAMETERS: [&str; 9] =
    ["level", "granularity", "from", "to", "unit", "line", "shift", "kpi", "standard"];
/// Former names and their replacements.
const FORMER: [(&str, &str); 3] = [("by", "level"), ("each", "granularity"), ("set", "standard")];

/// KPIs and their definitions.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpisAnswer {
    pub level: KpiBy,
    pub granularity: KpiEach,
    /// The same as `level`.
    #[schema(deprecated)]
    pub by: KpiBy,
    /// The same as `granularity`.
    #[schema(deprecated)]
    pub each: KpiEach,
    /// The first production day requested.
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<NaiveDate>,
    /// The last production day requested.
    #[schema(value_type = Option<String>, format = Date)]
    pub to: Option<NaiveDate>,
    pub definitions: Vec<KpiDefinition>,
    pub rows: Vec<KpiRow>,
}

/// Returns KPIs with numerator, denominator and bounds. Columns are summed first and divided last; a
/// KPI that cannot be computed carries the reason.
#[utoipa::path(
    get,
    path = "/api/v1/kpis",
    operation_id = "readKpis",
    tag = "kpis",
    params(
        ("level" = Option<String>, Query, description = "unit, line or plant; unit if left out"),
        ("granularity" = Option<String>, Query, description = "hour, shift, day or range; shift if left out"),
        ("from" = Option<String>, Query, description = "First production day, such as 2026-11-01"),
        ("to" = Option<String>, Query, description = "Last production day"),
        ("unit" = Option<String>, Query, description = "Only this unit"),
        ("line" = Option<String>, Query, description = "Only this line"),
        ("shift" = Option<String>, Query, description = "Only this shift"),
        ("kpi" = Option<String>, Query, description = "Only these, with commas between"),
        ("standard" = Option<String>, Query, description = "iso22400 or oee.com; all for both side by side; iso22400 if left out"),
        ("by" = Option<String>, Query, deprecated, description = "Former name of level"),
        ("each" = Option<String>, Query, deprecated, description = "Former name of granularity"),
        ("set" = Option<String>, Query, deprecated, description = "Former name of standard"),
    ),
    responses(
        (status = 200, description = "The KPIs", body = KpisAnswer),
        (status = 304, description = "The KPIs have not changed since If-None-Match"),
        Refusals,
    )
)]
pub async fn kpis(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let values = renamed_parameters(query.as_deref(), &PARAMETERS, &FORMER)?;
    let query = kpi_query(&values)?;
    let text = |name: &str| values.get(name).map(String::as_str);
    let kpis = select(service.lake.kpis(), text("kpi"), text("standard"))
        .map_err(|message| Error::bad("bad_value", message))?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let _permit = service.reads.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.limits.answer_time);
    let rows = deadline
        .within(Box::pin(service.lake.kpi_rows(&kpis, &query)))
        .await?
        .map_err(Error::from_lower_layer)?;
    let rows = visibility.kpis(query.level, rows)?;
    let answer = KpisAnswer {
        level: query.level.into(),
        granularity: query.granularity.into(),
        by: query.level.into(),
        each: query.granularity.into(),
        from: query.from,
        to: query.to,
        definitions: kpis.iter().map(KpiDefinition::from).collect(),
        rows: rows.into_iter().map(KpiRow::from).collect(),
    };
    conditional::json(&headers, &answer)
}

fn kpi_query(values: &BTreeMap<String, String>) -> Result<KpiQuery, Error> {
    let invalid = |name: &str, expected: &str| {
        let value = values.get(name).map(String::as_str).unwrap_or_default();
        Error::bad("bad_value", format!("invalid {name} `{value}`: expected {expected}"))
    };
    let day = |name: &str| match values.get(name).map(|day| day.parse::<NaiveDate>()) {
        None => Ok(None),
        Some(Ok(day)) => Ok(Some(day)),
        Some(Err(_)) => Err(invalid(name, "a day such as 2026-11-01")),
    };
    let level = values.get("level").map_or(Ok(Level::default()), |level| level.parse());
    let granularity =
        values.get("granularity").map_or(Ok(Granularity::default()), |each| each.parse());
    Ok(KpiQuery {
        level: level.map_err(|_unknown| invalid("level", "unit, line or plant"))?,
        granularity: granularity
            .map_err(|_unknown| invalid("granularity", "hour, shift, day or range"))?,
        from: day("from")?,
        to: day("to")?,
        unit: values.get("unit").cloned(),
        line: values.get("line").cloned(),
        shift: values.get("shift").cloned(),
    })
}
