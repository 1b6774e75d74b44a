//! How well the alarms serve the operators: the figures of ISA-18.2 over a period.

use super::{PlaceFilter, uncached};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::error::{Error, Refusals};
use crate::http::history::parse_time;
use crate::http::query::{parameters, whole_number};
use crate::http::temperatures::rfc3339;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use plant::alarm::{AlarmKey, Assessment, Performance};
use plant::time::{DAY_S, SECOND_US};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use watch::Alarms;

/// Period when the request names none, and the longest one.
const PERIOD_US: i64 = 7 * DAY_S * SECOND_US;
const PERIOD_US_MAX: i64 = 400 * DAY_S * SECOND_US;
/// Time before the period from which alarms that are still annunciated are found.
const BEFORE_US: i64 = 7 * DAY_S * SECOND_US;
const POSITIONS_MAX: usize = 1_000;

/// Figures of the alarms that the caller sees. Only annunciations count: alarms raised, and alarms raised
/// again because their shelving expired.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmPerformance {
    #[schema(format = DateTime)]
    pub from: String,
    #[schema(format = DateTime)]
    pub to: String,
    /// Operator positions that share the alarms.
    pub positions: usize,
    pub annunciations: usize,
    /// Annunciations of each hour from the beginning, of all positions.
    pub hours: Vec<usize>,
    /// Figures beside the targets of ANSI/ISA-18.2-2016, clause 16.5.
    pub figures: Vec<AlarmFigure>,
    pub floods: Vec<FloodPeriod>,
    /// Alarms annunciated at least 3 times in 60 s, with the number of such annunciations.
    pub chattering: Vec<AlarmShare>,
    /// Annunciations whose condition ended within 10 s, chattering aside.
    pub fleeting: usize,
    /// Alarms annunciated for more than 24 h.
    pub stale: Vec<StaleAlarm>,
    /// The ten most frequent alarms.
    pub top: Vec<AlarmShare>,
    /// Share of all annunciations that these have.
    pub top_share: f64,
    /// Annunciations of priority 1 to 4.
    pub by_priority: [usize; 4],
    pub acknowledge_median_s: Option<f64>,
    pub acknowledge_p90_s: Option<f64>,
    /// Annunciations without acknowledgement.
    pub unacknowledged: usize,
}

/// A figure and its target.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmFigure {
    /// `per_hour`, `per_10_min`, `peak_10_min`, `overloaded_hours_share`, `flood_share`, `top_share`,
    /// `chattering`, `fleeting`, `stale`, `priority_1_share` to `priority_4_share`.
    pub name: &'static str,
    pub value: f64,
    /// What is very likely to be acceptable.
    pub acceptable: f64,
    /// What is manageable at most.
    pub maximum: f64,
    pub is_acceptable: bool,
    pub is_manageable: bool,
}

/// A flood.
#[derive(Debug, Serialize, ToSchema)]
pub struct FloodPeriod {
    #[schema(format = DateTime)]
    pub from: String,
    #[schema(format = DateTime)]
    pub to: String,
    pub annunciations: usize,
}

/// An alarm and the number of its annunciations.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmShare {
    pub rule: String,
    pub object: String,
    pub annunciations: usize,
}

/// An alarm that has been annunciated for long.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaleAlarm {
    pub rule: String,
    pub object: String,
    #[schema(format = DateTime)]
    pub since_at: String,
}

/// Returns the performance of the alarm system, against the figures of ISA-18.2.
#[utoipa::path(
    get, path = "/api/v1/alarms/performance", operation_id = "readAlarmPerformance", tag = "alarms",
    params(
        ("from" = Option<String>, Query, description = "Begin of the period (RFC 3339); seven days before its end if left out"),
        ("to" = Option<String>, Query, description = "End of the period (RFC 3339); now if left out"),
        ("positions" = Option<usize>, Query, description = "Operator positions that share the alarms; 1 if left out"),
    ),
    responses((status = 200, description = "The figures", body = AlarmPerformance), Refusals)
)]
pub async fn performance(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["from", "to", "positions"])?;
    let time = |name: &str| values.get(name).map(|text| parse_time(name, text)).transpose();
    let now_us = service.alarms()?.engine_us(service.now_us());
    let to_us = time("to")?.unwrap_or(now_us);
    let from_us = time("from")?.unwrap_or(to_us.saturating_sub(PERIOD_US));
    if !(0..=PERIOD_US_MAX).contains(&to_us.saturating_sub(from_us)) {
        let message = "invalid from: expected a time before `to`, by 400 days at most";
        return Err(Error::bad("bad_value", message));
    }
    let positions: usize = whole_number(&values, "positions")?.unwrap_or(1);
    if !(1..=POSITIONS_MAX).contains(&positions) {
        let message = format!("invalid positions: expected 1 to {POSITIONS_MAX}");
        return Err(Error::bad("bad_value", message));
    }
    let places = PlaceFilter::new(&service, &caller)?;
    let found = service.with_alarms_blocking(move |alarms| {
        compute(alarms, &places, (from_us, to_us), positions)
    });
    Ok(uncached(AlarmPerformance::from(found.await?)))
}

/// The figures of the alarms that a caller sees.
fn compute(
    alarms: &Alarms,
    places: &PlaceFilter,
    (from_us, to_us): (i64, i64),
    positions: usize,
) -> Result<Performance, watch::Error> {
    let database = alarms.database();
    let mut events = watch::journal::between(&database, from_us.saturating_sub(BEFORE_US), to_us)?;
    events.retain(|event| places.is_visible(&alarms.place(&event.key)));
    Ok(Performance::from_events(&events, from_us, to_us, positions))
}

impl From<Performance> for AlarmPerformance {
    fn from(found: Performance) -> Self {
        let seconds = |us: i64| us as f64 / SECOND_US as f64;
        let figures = found.assessments();
        Self {
            from: rfc3339(found.from_us),
            to: rfc3339(found.to_us),
            positions: found.positions,
            annunciations: found.annunciations,
            hours: found.hours,
            figures: figures.iter().map(AlarmFigure::from).collect(),
            floods: found.floods.iter().map(FloodPeriod::from).collect(),
            chattering: found.chattering.iter().map(AlarmShare::from).collect(),
            fleeting: found.fleeting,
            stale: found.stale.iter().map(StaleAlarm::from).collect(),
            top: found.top.iter().map(AlarmShare::from).collect(),
            top_share: found.top_share,
            by_priority: found.by_priority,
            acknowledge_median_s: found.acknowledge_median_us.map(seconds),
            acknowledge_p90_s: found.acknowledge_p90_us.map(seconds),
            unacknowledged: found.unacknowledged,
        }
    }
}

impl From<&Assessment> for AlarmFigure {
    fn from(found: &Assessment) -> Self {
        Self {
            name: found.metric.name,
            value: found.value,
            acceptable: found.metric.acceptable,
            maximum: found.metric.maximum,
            is_acceptable: found.is_acceptable,
            is_manageable: found.is_manageable,
        }
    }
}

impl From<&plant::alarm::Flood> for FloodPeriod {
    fn from(flood: &plant::alarm::Flood) -> Self {
        let (from, to) = (rfc3339(flood.from_us), rfc3339(flood.to_us));
        Self { from, to, annunciations: flood.annunciations }
    }
}

impl From<&(AlarmKey, usize)> for AlarmShare {
    fn from((key, annunciations): &(AlarmKey, usize)) -> Self {
        let (rule, object) = (key.rule.to_string(), key.object.to_string());
        Self { rule, object, annunciations: *annunciations }
    }
}

impl From<&(AlarmKey, i64)> for StaleAlarm {
    fn from((key, since_us): &(AlarmKey, i64)) -> Self {
        let (rule, object) = (key.rule.to_string(), key.object.to_string());
        Self { rule, object, since_at: rfc3339(*since_us) }
    }
}
