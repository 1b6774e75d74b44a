//! The queue of alarms: lists and counts.

use super::PlaceFilter;
use super::dto::{Alarm, language};
use super::flood::{Flood, find_flood};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::error::{Error, Refusals};
use crate::http::query::parameters;
use crate::http::temperatures::rfc3339;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plant::alarm::Priority;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const PARAMETERS: [&str; 5] = ["state", "priority", "rule", "object", "language"];

/// Current alarms.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmsAnswer {
    /// Time of the alarms: event time, which runs apart from the clock when old data is replayed.
    #[schema(format = DateTime)]
    pub at: String,
    /// Unacknowledged ones first, then by priority, then by the time they were raised.
    pub alarms: Vec<Alarm>,
    /// Of all alarms that the caller sees, whatever the filter.
    pub counts: AlarmCounts,
    pub flood: Flood,
    /// Number of the newest journal entry that is contained: the parameter `after` of the live stream.
    pub cursor: i64,
}

/// Numbers of current alarms.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmCounts {
    /// Unacknowledged, acknowledged and returned.
    pub open: ByPriority,
    /// Unacknowledged and returned.
    pub unacknowledged: ByPriority,
    pub shelved: usize,
    pub suppressed: usize,
    pub out_of_service: usize,
}

/// A number for each priority.
#[derive(Debug, Serialize, ToSchema)]
pub struct ByPriority {
    #[serde(rename = "1")]
    pub p1: usize,
    #[serde(rename = "2")]
    pub p2: usize,
    #[serde(rename = "3")]
    pub p3: usize,
    #[serde(rename = "4")]
    pub p4: usize,
}

/// Lists current alarms.
///
/// The answer has an `ETag`; a request with `If-None-Match` gets 304 while nothing changed.
#[utoipa::path(
    get, path = "/api/v1/alarms", operation_id = "listAlarms", tag = "alarms",
    params(
        ("state" = Option<String>, Query, description = "open, shelved, suppressed, out_of_service, or all; open if left out"),
        ("priority" = Option<String>, Query, description = "Only these priorities, with commas between: 1,2"),
        ("rule" = Option<String>, Query, description = "Only alarms of this rule"),
        ("object" = Option<String>, Query, description = "Only alarms of this object"),
        ("language" = Option<String>, Query, description = "Language of the texts: en, ml or hi; en if left out"),
    ),
    responses((status = 200, description = "The alarms", body = AlarmsAnswer), (status = 304, description = "Unchanged"), Refusals)
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &PARAMETERS)?;
    let (filter, language) = (alarm_filter(&values)?, language(&values)?);
    let places = PlaceFilter::new(&service, &caller)?;
    let alarms = service.alarms()?;
    // The cursor is read first: an alarm of the list may be newer, none is older.
    let (cursor, now_us) = (alarms.newest(), alarms.engine_us(service.now_us()));
    let flood = find_flood(alarms, &places, now_us);
    let tag = tag(&[
        service.live.boot(),
        &cursor.to_string(),
        &places.fingerprint(),
        query.as_deref().unwrap_or_default(),
        &format!("{flood:?}"),
    ]);
    let tag_headers = [
        (header::ETAG, HeaderValue::try_from(&tag).map_err(|it| Error::internal(it.into()))?),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, tag_headers).into_response());
    }
    let all = alarms.list(&watch::Filter::default()).into_iter();
    let visible: Vec<_> = all.filter(|alarm| places.is_visible(&alarm.place)).collect();
    let answer = AlarmsAnswer {
        at: rfc3339(now_us),
        alarms: wanted(&visible, &filter, &places, language),
        counts: watch::Counts::from_alarms(&visible).into(),
        flood,
        cursor,
    };
    Ok((tag_headers, Json(answer)).into_response())
}

/// The alarms that a filter accepts, in the order of the queue.
fn wanted(
    visible: &[watch::Alarm],
    filter: &watch::Filter,
    places: &PlaceFilter,
    language: &str,
) -> Vec<Alarm> {
    let mut wanted: Vec<_> = visible.iter().filter(|alarm| filter.accepts(alarm)).collect();
    wanted.sort_by_key(|alarm| {
        let is_acknowledged = !alarm.state.needs_acknowledgement();
        (is_acknowledged, alarm.priority, alarm.raised_at_us.unwrap_or(alarm.since_us), &alarm.key)
    });
    wanted.into_iter().map(|alarm| Alarm::new(alarm, places, language)).collect()
}

/// A validator of a cached answer that depends on these parts.
fn tag(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.finalize()[..12]))
}

fn alarm_filter(values: &BTreeMap<String, String>) -> Result<watch::Filter, Error> {
    use plant::alarm::State;
    let filter = match values.get("state").map_or("open", String::as_str) {
        "open" => watch::Filter::open(),
        "all" => watch::Filter::default(),
        text => {
            let hidden = [State::Shelved, State::Suppressed, State::OutOfService];
            let found = hidden.into_iter().find(|it| it.as_str() == text).ok_or_else(|| {
                let expected = "open, shelved, suppressed, out_of_service or all";
                Error::bad("bad_value", format!("invalid state `{text}`: expected {expected}"))
            })?;
            watch::Filter { states: vec![found], ..watch::Filter::default() }
        }
    };
    let priorities = values.get("priority").map_or(Ok(Vec::new()), |text| priorities(text))?;
    let (rule, object) = (values.get("rule").cloned(), values.get("object").cloned());
    Ok(watch::Filter { priorities, rule, object, ..filter })
}

fn priorities(text: &str) -> Result<Vec<Priority>, Error> {
    let priority = |part: &str| part.trim().parse().ok().and_then(Priority::from_number);
    let found: Option<Vec<_>> = text.split(',').map(priority).collect();
    found.ok_or_else(|| {
        let message = format!("invalid priority `{text}`: expected numbers from 1 to 4, as in 1,2");
        Error::bad("bad_value", message)
    })
}

impl From<watch::Counts> for AlarmCounts {
    fn from(counts: watch::Counts) -> Self {
        Self {
            open: counts.open.into(),
            unacknowledged: counts.unacknowledged.into(),
            shelved: counts.shelved,
            suppressed: counts.suppressed,
            out_of_service: counts.out_of_service,
        }
    }
}

impl From<[usize; 4]> for ByPriority {
    fn from([p1, p2, p3, p4]: [usize; 4]) -> Self {
        Self { p1, p2, p3, p4 }
    }
}
