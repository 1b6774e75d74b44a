//! Current temperatures, pushed as server-sent events.

use super::Service;
use super::authorization::Caller;
use super::error::{BUSY_RETRY_S, Error, Refusals};
use super::query::parameters;
use super::visibility::Visibility;
use access::{Action, Identity};
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use live::{OpenError, Subscription, Viewer};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use uuid::Uuid;

const HZ_MAX: u32 = 25;
/// Delay before a viewer reconnects, and the upper bound of the random delay that is added so that viewers
/// do not all reconnect at the same time, in milliseconds.
const RETRY_MS: u64 = 400;
const RETRY_SPREAD_MS: u128 = 800;

/// Pushes current temperatures as server-sent events.
///
/// `hello` `{boot, build, now, zone, hz}` is the first event. `dict` `{d, s: [[sensor, unit, scale,
/// [limit]], ...]}` lists the sensors by position, and is sent again when sensors are added. `snap`
/// `{t, d, v, q}` contains every value, multiplied by the scale, null before the first reading, and the
/// positions of the silent sensors; it is sent at the start and once a minute. `t` `{t, i, v}` contains
/// the values that changed, and `q` if the silent sensors changed. `ver` `{table, v}` reports that a
/// table changed. `hb` `{now, link, reason, lag_messages, rejected}` is sent every 5 s and when the link
/// changes. All times are milliseconds since 1970 UTC; `t` is event time. A viewer that sends the id of
/// its last frame as `Last-Event-ID` receives the changes since then.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    operation_id = "watchLive",
    tag = "temperatures",
    params(
        ("topics" = Option<String>, Query, description = "temps, or temps:Plant1 for the sensors of one plant"),
        ("hz" = Option<u32>, Query, description = "Frames a second at most, 0 to 25; 0 sends every change at once; 1 if left out"),
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        Refusals,
    )
)]
pub async fn live(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["topics", "hz"])?;
    let subscription = subscription(&values, &headers)?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::FollowLive])?;
    let subscription = Subscription { lanes: visibility.lanes(), ..subscription };
    let now_us = service.now_us();
    let viewer = service.live.open(&subscription, now_us).map_err(refused)?;
    let hello = stream::iter([hello(&service, subscription.hz, now_us)]);
    let body = hello
        .chain(frames(viewer, StreamPermission { service: Arc::clone(&service), caller }))
        .map(Ok::<Bytes, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn subscription(
    values: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<Subscription, Error> {
    let plant = match values.get("topics").map(|topics| topics.split_once(':')) {
        None => None,
        Some(Some(("temps", plant))) => Some(plant.to_owned()),
        Some(None) if values.get("topics").is_some_and(|topics| topics == "temps") => None,
        Some(_) => {
            let message = "invalid topics: expected temps, or temps:<plant>";
            return Err(Error::bad("unknown_topic", message));
        }
    };
    let hz = values.get("hz").map_or(Ok(1), |hz| hz.parse().map_err(|_not_a_number| bad_hz(hz)))?;
    if hz > HZ_MAX {
        return Err(bad_hz(&hz.to_string()));
    }
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Ok(Subscription { plant, hz, last_id, lanes: None })
}

fn bad_hz(text: &str) -> Error {
    let message = format!("invalid hz `{text}`: expected a whole number from 0 to {HZ_MAX}");
    Error::bad("bad_value", message)
}

fn refused(reason: OpenError) -> Error {
    let busy = |message: String| {
        let busy = Error::new(StatusCode::TOO_MANY_REQUESTS, "busy", message);
        Error { retry_after_s: Some(BUSY_RETRY_S), ..busy }
    };
    match reason {
        OpenError::Viewers(most) => busy(format!("{most} viewers are watching; try again later")),
        OpenError::Streams(most) => {
            busy(format!("{most} different streams are open; request a rate that is in use"))
        }
        OpenError::Frames(most) => {
            busy(format!("the viewers receive {most} frames a second; request a smaller hz, not 0"))
        }
        OpenError::Stopping => {
            let message = "the program is stopping; try again later";
            Error::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message)
        }
    }
}

fn hello(service: &Service, hz: u32, now_us: i64) -> Bytes {
    let health = service.lake.health();
    let retry_ms = u128::from(RETRY_MS) + Uuid::now_v7().as_u128() % RETRY_SPREAD_MS;
    let data = serde_json::json!({
        "boot": service.live.boot(),
        "build": health.build,
        "now": now_us.div_euclid(1_000),
        "zone": health.zone,
        "hz": hz,
    });
    Bytes::from(format!("retry: {retry_ms}\nevent: hello\ndata: {data}\n\n"))
}

fn frames(viewer: Viewer, permission: StreamPermission) -> impl Stream<Item = Bytes> {
    let checked = tokio::time::interval(permission.service.limits.live_recheck_time);
    stream::unfold((viewer, permission, checked), async |(mut viewer, permission, mut checked)| {
        loop {
            tokio::select! {
                _ = checked.tick() => permission.is_valid().then_some(())?,
                bytes = viewer.next() => return Some((bytes?, (viewer, permission, checked))),
            }
        }
    })
}

/// The permission to follow a stream, checked periodically while the stream is open.
struct StreamPermission {
    service: Arc<Service>,
    caller: Arc<Caller>,
}

impl StreamPermission {
    /// Whether the caller still has the scopes with which the stream was opened. A change of the scopes ends
    /// the stream; the client reconnects with the new ones.
    fn is_valid(&self) -> bool {
        let Self { service, caller } = self;
        let granted = |it: &Identity| it.granted(Action::FollowLive);
        let now = service.access.recheck(caller, service.now_us());
        now.is_ok_and(|now| caller.identity().is_ok_and(|then| granted(&now) == granted(then)))
    }
}
