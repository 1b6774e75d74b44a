//! Current temperatures, components above the limit, and statistics of the last half hour.

use super::Service;
use super::authorization::Caller;
use super::error::{Error, Refusals};
use super::query::renamed_parameters;
use super::visibility::Visibility;
use access::Action;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, SecondsFormat};
use live::{Group, LinkState, Now, SensorNow, TypeCount};
use plant::reading::SensorId;
use plant::running_stats::RunningStats;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Current temperatures.
#[derive(Debug, Serialize, ToSchema)]
pub struct NowAnswer {
    /// End of both windows: the newest event time of any sensor (UTC); null before the first reading.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Begin of the ten minutes in which components above the limit are counted; belongs to them.
    #[schema(format = DateTime)]
    pub over_limit_from: Option<String>,
    /// Begin of the thirty minutes over which highest, mean and variance are; belongs to them.
    #[schema(format = DateTime)]
    pub hottest_from: Option<String>,
    pub limit_c: f64,
    /// Components above the limit in the last ten minutes, by type.
    pub over_limit: Vec<OverLimit>,
    /// Highest, mean and variance in the last thirty minutes, by plant, lane and component type.
    pub hottest: Vec<Hottest>,
    /// Every sensor; empty if `sensors=false`.
    pub sensors: Vec<Sensor>,
    pub link: LinkAnswer,
    /// Messages of the last ten minutes that hold no reading.
    pub rejected: u64,
}

/// Components of one type.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverLimit {
    pub component: String,
    pub sensors: u32,
    /// Those with at least one reading above the limit in the last ten minutes.
    pub over_limit: u32,
}

/// The components of one type in one lane.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hottest {
    pub plant: String,
    pub lane: String,
    pub component: String,
    pub sensors: u32,
    pub silent: u32,
    /// Sensors above the limit in the last ten minutes.
    pub over_limit: u32,
    /// The highest current temperature of its sensors, silent ones excluded.
    pub temp_c: Option<f64>,
    /// Newest event time of its sensors (UTC).
    #[schema(format = DateTime)]
    pub at: String,
    #[serde(flatten)]
    pub window: Window,
}

/// Statistics of the readings of the last thirty minutes; null if there are none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Window {
    pub readings: u64,
    pub temp_c_min: Option<f64>,
    pub temp_c_max: Option<f64>,
    pub temp_c_mean: Option<f64>,
    /// Mean square distance from the mean.
    pub temp_c_variance: Option<f64>,
    /// Root of the variance.
    pub temp_c_sd: Option<f64>,
}

/// One sensor.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sensor {
    pub sensor: String,
    pub plant: String,
    pub lane: String,
    pub component: String,
    pub manufacturer: String,
    /// The newest reading by event time.
    pub temp_c: f64,
    #[schema(format = DateTime)]
    pub at: String,
    /// Age of that reading in event time.
    pub age_s: f64,
    pub state: SensorState,
    /// Whether a reading of the last ten minutes was above the limit.
    pub is_over_limit: bool,
    /// Seconds of the last ten minutes with a reading above the limit.
    pub seconds_over_limit: u32,
    /// Slope of the last two minutes; null if all readings have the same time.
    pub rate_c_per_min: Option<f64>,
    #[serde(flatten)]
    pub window: Window,
}

/// Whether a sensor sends readings.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SensorState {
    Live,
    /// It has sent no reading for longer than `sensor_silent_s`.
    Silent,
}

/// State of the connection to the source of the readings.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkAnswer {
    /// `connected`, `lost`, `failed` (needs an operator), or `none` without a source.
    pub state: String,
    pub reason: Option<String>,
    /// Messages that are not read yet.
    pub lag_messages: i64,
}

/// Returns the current temperature of every sensor and, by event time, how many components of each type
/// were above the limit in the last ten minutes, and the highest, mean and variance of the last
/// thirty by plant, lane and component type.
#[utoipa::path(
    get,
    path = "/api/v1/temperatures/now",
    operation_id = "readTemperaturesNow",
    tag = "temperatures",
    params(
        ("limit_c" = Option<f64>, Query, deprecated, description = "Former name of threshold_c"),
        ("threshold_c" = Option<f64>, Query, description = "Temperature above which a component is counted; the plant's limit if left out"),
        ("plant" = Option<String>, Query, description = "Only sensors of this plant"),
        ("sensor" = Option<String>, Query, description = "Only this sensor: Plant1.4.solder_paste_printer.manufact2"),
        ("sensors" = Option<bool>, Query, description = "false leaves out the list of sensors"),
    ),
    responses(
        (status = 200, description = "Now", body = NowAnswer),
        Refusals,
    )
)]
pub async fn now(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = renamed_parameters(
        query.as_deref(),
        &["threshold_c", "plant", "sensor", "sensors"],
        &[("limit_c", "threshold_c")],
    )?;
    let limit_c = match values.get("threshold_c") {
        None => service.live.limit_c(),
        Some(text) => parse_limit(text)?,
    };
    let with_sensors = match values.get("sensors").map(String::as_str) {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Error::bad("bad_value", "invalid sensors: expected true or false")),
    };
    let visibility = Visibility::of_caller(&service, &caller, &[Action::FollowLive])?;
    let now_us = service.now_us();
    let is_selected = |id: &SensorId| {
        values.get("plant").is_none_or(|plant| id.plant == *plant)
            && values.get("sensor").is_none_or(|sensor| id.to_string() == *sensor)
            && visibility.has_sensor(id)
    };
    let now = service.live.now(limit_c, is_selected, now_us);
    let at = |take: fn(&Now) -> i64| now.as_ref().map(|now| rfc3339(take(now)));
    let answer = NowAnswer {
        at: at(|now| now.at_us),
        over_limit_from: at(|now| now.over_from_us),
        hottest_from: at(|now| now.hottest_from_us),
        limit_c,
        over_limit: all(now.as_ref().map(|now| &now.over_limit[..]), over_limit),
        hottest: all(now.as_ref().map(|now| &now.hottest[..]), hottest),
        sensors: all(now.as_ref().filter(|_| with_sensors).map(|now| &now.sensors[..]), sensor),
        link: link(&service.live.link_state()),
        rejected: service.live.rejected_lately(now_us),
    };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(answer)).into_response())
}

fn parse_limit(text: &str) -> Result<f64, Error> {
    let limit = text.parse::<f64>().ok().filter(|limit| limit.is_finite());
    limit.ok_or_else(|| {
        Error::bad(
            "bad_value",
            format!("invalid threshold_c `{text}`: expected degrees Celsius, such as 50"),
        )
    })
}

/// Formats a time as RFC 3339 in UTC.
pub fn rfc3339(at_us: i64) -> String {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn all<T, U>(of: Option<&[T]>, each: impl Fn(&T) -> U) -> Vec<U> {
    of.unwrap_or_default().iter().map(each).collect()
}

fn over_limit(count: &TypeCount) -> OverLimit {
    let TypeCount { component, sensors, over_limit } = count.clone();
    OverLimit { component, sensors, over_limit }
}

fn hottest(group: &Group) -> Hottest {
    Hottest {
        plant: group.plant.clone(),
        lane: group.lane.clone(),
        component: group.component.clone(),
        sensors: group.sensors,
        silent: group.silent,
        over_limit: group.over_limit,
        temp_c: group.temp_c,
        at: rfc3339(group.at_us),
        window: window(&group.window),
    }
}

fn window(of: &RunningStats) -> Window {
    Window {
        readings: of.count(),
        temp_c_min: of.min(),
        temp_c_max: of.max(),
        temp_c_mean: of.mean(),
        temp_c_variance: of.variance(),
        temp_c_sd: of.variance().map(f64::sqrt),
    }
}

fn sensor(now: &SensorNow) -> Sensor {
    Sensor {
        sensor: now.sensor.to_string(),
        plant: now.sensor.plant.clone(),
        lane: now.sensor.lane.clone(),
        component: now.sensor.component.clone(),
        manufacturer: now.sensor.manufacturer.clone(),
        temp_c: now.temp_c,
        at: rfc3339(now.at_us),
        age_s: now.age_us as f64 / 1e6,
        state: if now.is_silent { SensorState::Silent } else { SensorState::Live },
        is_over_limit: now.is_over(),
        seconds_over_limit: now.seconds_over,
        rate_c_per_min: now.rate_c_per_min,
        window: window(&now.window),
    }
}

fn link(state: &LinkState) -> LinkAnswer {
    LinkAnswer {
        state: state.link.as_str().to_owned(),
        reason: state.reason.clone(),
        lag_messages: state.lags.iter().map(|lag| lag.lag_messages).sum(),
    }
}
