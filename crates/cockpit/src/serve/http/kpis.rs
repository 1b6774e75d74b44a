//! KPIs by unit, line or plant, for any shift, day or range: the same figures as the page and
//! `cockpit kpi`, from the same definitions.

use super::Service;
use super::error::{Error, ErrorBody};
use super::places::Deadline;
use super::query::parameters;
use crate::config::kpi::Kpi;
use crate::lake::kpi::{Asked, By, Definition, Each, Figure, Place, figures};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const PARAMETERS: [&str; 9] = ["by", "each", "from", "to", "unit", "line", "shift", "kpi", "set"];
/// The set that is given if none is asked for.
const USUAL_SET: &str = "iso22400";

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
    pub rows: Vec<KpiRow>,
}

/// The figures of one place in time and equipment.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpiRow {
    #[serde(flatten)]
    pub place: Place,
    /// By the name of the KPI.
    pub kpis: BTreeMap<String, Figure>,
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
        ("each" = Option<String>, Query, description = "shift, day or range; shift if left out"),
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
        (status = 400, description = "A parameter is wrong", body = ErrorBody),
        (status = 429, description = "Too many requests are running", body = ErrorBody),
        (status = 504, description = "The answer took too long", body = ErrorBody),
    )
)]
pub async fn kpis(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let said = parameters(query.as_deref(), &PARAMETERS)?;
    let asked = asked(&said)?;
    let kpis = chosen(service.answers.kpis(), &said)?;
    let _place = service.reads.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.limits.answer_time);
    let figures = deadline
        .within(Box::pin(async {
            let context = service.answers.session().await?;
            figures(&context, &kpis, &asked).await
        }))
        .await?
        .map_err(Error::below)?;
    let answer = KpisAnswer {
        by: asked.by,
        each: asked.each,
        from: asked.from,
        to: asked.to,
        definitions: kpis.iter().map(Definition::of).collect(),
        rows: figures.into_iter().map(|(place, kpis)| KpiRow { place, kpis }).collect(),
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
    let by = said.get("by").map_or(Some(By::default()), |by| By::of(by));
    let each = said.get("each").map_or(Some(Each::default()), |each| Each::of(each));
    Ok(Asked {
        by: by.ok_or_else(|| bad("by", "unit, line or plant"))?,
        each: each.ok_or_else(|| bad("each", "shift, day or range"))?,
        from: day("from")?,
        to: day("to")?,
        unit: said.get("unit").cloned(),
        line: said.get("line").cloned(),
        shift: said.get("shift").cloned(),
    })
}

/// The KPIs that are asked for, in the order of their definitions.
fn chosen(all: &[Kpi], said: &BTreeMap<String, String>) -> Result<Vec<Kpi>, Error> {
    let known = |of: &dyn Fn(&Kpi) -> &str| {
        let mut names: Vec<&str> = all.iter().map(of).collect();
        names.dedup();
        names.join(", ")
    };
    if let Some(names) = said.get("kpi") {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        if let Some(name) = names.iter().find(|name| all.iter().all(|kpi| kpi.name != **name)) {
            let message = format!("there is no KPI {name}; there are: {}", known(&|kpi| &kpi.name));
            return Err(Error::bad("bad_value", message));
        }
        return Ok(all.iter().filter(|kpi| names.contains(&kpi.name.as_str())).cloned().collect());
    }
    let set = said.get("set").map_or(USUAL_SET, String::as_str);
    let is_in = |kpi: &&Kpi| set == "all" || kpi.set == set;
    let kpis: Vec<Kpi> = all.iter().filter(is_in).cloned().collect();
    if kpis.is_empty() && !all.is_empty() {
        let message = format!("there is no set {set}; there are: {}, all", known(&|kpi| &kpi.set));
        return Err(Error::bad("bad_value", message));
    }
    Ok(kpis)
}
