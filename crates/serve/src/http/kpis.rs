//! KPIs by unit, line or plant, for any shift, day or range: the same figures as the page and
//! `cockpit kpi`, from the same definitions.

use super::Service;
use super::authorization::Caller;
use super::error::{Error, Refusals};
use super::places::Deadline;
use super::query::parameters;
use super::visibility::Visibility;
use access::Action;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::NaiveDate;
use clap::ValueEnum as _;
use lake::kpi::{Asked, By, Definition, Each, Row, chosen};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const PARAMETERS: [&str; 9] = ["by", "each", "from", "to", "unit", "line", "shift", "kpi", "set"];

/// KPIs and what they are.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpisAnswer {
    pub by: By,
    pub each: Each,
    /// The first production day asked for.
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<NaiveDate>,
    /// The last production day asked for.
    #[schema(value_type = Option<String>, format = Date)]
    pub to: Option<NaiveDate>,
    pub definitions: Vec<Definition>,
    pub rows: Vec<Row>,
}

/// Tells KPIs with numerator, denominator and bounds. Columns are summed first and divided last; a
/// KPI that cannot be told says why.
#[utoipa::path(
    get,
    path = "/api/v1/kpis",
    operation_id = "readKpis",
    tag = "kpis",
    params(
        ("by" = Option<String>, Query, description = "unit, line or plant; unit if left out"),
        ("each" = Option<String>, Query, description = "hour, shift, day or range; shift if left out"),
        ("from" = Option<String>, Query, description = "First production day, such as 2026-11-01"),
        ("to" = Option<String>, Query, description = "Last production day"),
        ("unit" = Option<String>, Query, description = "Only this unit"),
        ("line" = Option<String>, Query, description = "Only this line"),
        ("shift" = Option<String>, Query, description = "Only this shift"),
        ("kpi" = Option<String>, Query, description = "Only these, with commas between"),
        ("set" = Option<String>, Query, description = "iso22400 or oee.com; all for both side by side; iso22400 if left out"),
    ),
    responses(
        (status = 200, description = "The KPIs", body = KpisAnswer),
        Refusals,
    )
)]
pub async fn kpis(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let said = parameters(query.as_deref(), &PARAMETERS)?;
    let asked = asked(&said)?;
    let word = |name: &str| said.get(name).map(String::as_str);
    let kpis = chosen(service.lake.kpis(), word("kpi"), word("set"))
        .map_err(|message| Error::bad("bad_value", message))?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    let _place = service.reads.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.limits.answer_time);
    let rows = deadline
        .within(Box::pin(service.lake.kpi_rows(&kpis, &asked)))
        .await?
        .map_err(Error::below)?;
    let rows = visibility.kpis(asked.by, rows)?;
    let answer = KpisAnswer {
        by: asked.by,
        each: asked.each,
        from: asked.from,
        to: asked.to,
        definitions: kpis.iter().map(Definition::of).collect(),
        rows,
    };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(answer)).into_response())
}

fn asked(said: &BTreeMap<String, String>) -> Result<Asked, Error> {
    let bad = |name: &str, wanted: &str| {
        let value = said.get(name).map(String::as_str).unwrap_or_default();
        Error::bad("bad_value", format!("{name} is {wanted}, not {value}"))
    };
    let day = |name: &str| match said.get(name).map(|day| day.parse::<NaiveDate>()) {
        None => Ok(None),
        Some(Ok(day)) => Ok(Some(day)),
        Some(Err(_)) => Err(bad(name, "a day such as 2026-11-01")),
    };
    let by = said.get("by").map_or(Ok(By::default()), |by| By::from_str(by, false));
    let each = said.get("each").map_or(Ok(Each::default()), |each| Each::from_str(each, false));
    Ok(Asked {
        by: by.map_err(|_unknown| bad("by", "unit, line or plant"))?,
        each: each.map_err(|_unknown| bad("each", "hour, shift, day or range"))?,
        from: day("from")?,
        to: day("to")?,
        unit: said.get("unit").cloned(),
        line: said.get("line").cloned(),
        shift: said.get("shift").cloned(),
    })
}
