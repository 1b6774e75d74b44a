//! How well the alarms serve the operators: the figures of ISA-18.2 over a period.

mod dto;
mod report;

use super::dto::language;
use super::{PlaceFilter, uncached};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::error::{Error, Refusals};
use crate::http::history::parse_time;
use crate::http::query::{parameters, whole_number};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
pub use dto::AlarmPerformance;
use plant::alarm::Performance;
use plant::time::{DAY_S, SECOND_US};
use report::Report;
use std::sync::Arc;
use watch::Alarms;

/// Period when the request names none, and the longest one.
const PERIOD_US: i64 = 7 * DAY_S * SECOND_US;
const PERIOD_US_MAX: i64 = 400 * DAY_S * SECOND_US;
/// Time before the period from which alarms that are still annunciated are found.
const BEFORE_US: i64 = 7 * DAY_S * SECOND_US;
const POSITIONS_MAX: usize = 1_000;

/// Returns the performance of the alarm system, against the figures of ISA-18.2.
#[utoipa::path(
    get, path = "/api/v1/alarms/performance", operation_id = "readAlarmPerformance", tag = "alarms",
    params(
        ("from" = Option<String>, Query, description = "Begin of the period (RFC 3339); seven days before its end if left out"),
        ("to" = Option<String>, Query, description = "End of the period (RFC 3339); now if left out"),
        ("language" = Option<String>, Query, description = "Language of the texts: en, ml or hi; en if left out"),
        ("positions" = Option<usize>, Query, description = "Operator positions that share the alarms; 1 if left out"),
    ),
    responses((status = 200, description = "The figures", body = AlarmPerformance), Refusals)
)]
pub async fn performance(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["from", "to", "positions", "language"])?;
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
    let (language, places) = (language(&values)?, PlaceFilter::new(&service, &caller)?);
    let found = service.with_alarms_blocking(move |alarms| {
        compute(alarms, &places, (from_us, to_us), positions, language)
    });
    Ok(uncached(found.await?))
}

/// The figures of the alarms that a caller sees.
fn compute(
    alarms: &Alarms,
    places: &PlaceFilter,
    (from_us, to_us): (i64, i64),
    positions: usize,
    language: &str,
) -> Result<AlarmPerformance, watch::Error> {
    let database = alarms.database();
    let mut events = watch::journal::between(&database, from_us.saturating_sub(BEFORE_US), to_us)?;
    events.retain(|event| places.is_visible(&alarms.place(&event.key)));
    let figures = Performance::from_events(&events, from_us, to_us, positions);
    let rules = alarms.rules();
    let annunciations = events.iter().filter(|it| it.transition.is_annunciation(it.to)).collect();
    Ok(Report { figures, annunciations, rules: &rules, language }.answer())
}
