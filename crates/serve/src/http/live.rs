//! What the sensors say, pushed as server-sent events.

use super::Service;
use super::authorization::Caller;
use super::error::{Error, Refusals};
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

const HZ_MOST: u32 = 25;
/// Shortest wait of a viewer that lost us, and what is added by chance so that all do not come back
/// at the same moment, in milliseconds.
const RETRY_MS: u64 = 400;
const RETRY_SPREAD_MS: u128 = 800;

/// Pushes what the sensors say as server-sent events.
///
/// `hello` `{boot, build, now, zone, hz}` comes first. `dict` `{d, s: [[sensor, unit, scale,
/// [limit]], ...]}` names the sensors by their places, again when there are more. `snap` `{t, d, v,
/// q}` has every value, in parts of a unit by the scale, null before the first, and the places of
/// the silent sensors: at open and once a minute. `t` `{t, i, v}` has the values that changed, with
/// `q` when the silent ones did. `ver` `{table, v}` tells that a table changed. `hb` `{now, link,
/// reason, lag_messages, rejected}` comes every 5 s and when the link does. All times are
/// milliseconds since 1970 UTC; `t` is event time. A viewer that sends the id of its last frame as
/// `Last-Event-ID` gets what changed since.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    operation_id = "watchLive",
    tag = "temperatures",
    params(
        ("topics" = Option<String>, Query, description = "temps, or temps:Plant1 for the sensors of one plant"),
        ("hz" = Option<u32>, Query, description = "Frames a second at most, 0 to 25; 0 is as it happens; 1 if left out"),
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
    let asked = parameters(query.as_deref(), &["topics", "hz"])?;
    let wish = wish(&asked, &headers)?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::FollowLive])?;
    let wish = Subscription { lanes: visibility.lanes(), ..wish };
    let now_us = service.now_us();
    let viewer = service.live.open(&wish, now_us).map_err(refused)?;
    let hello = stream::iter([hello(&service, wish.hz, now_us)]);
    let body = hello
        .chain(frames(viewer, Right { service: Arc::clone(&service), caller }))
        .map(Ok::<Bytes, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn wish(asked: &BTreeMap<String, String>, headers: &HeaderMap) -> Result<Subscription, Error> {
    let plant = match asked.get("topics").map(|topics| topics.split_once(':')) {
        None => None,
        Some(Some(("temps", plant))) => Some(plant.to_owned()),
        Some(None) if asked.get("topics").is_some_and(|topics| topics == "temps") => None,
        Some(_) => {
            let message = "topics is temps, or temps:<plant>";
            return Err(Error::bad("unknown_topic", message));
        }
    };
    let hz = asked.get("hz").map_or(Ok(1), |hz| hz.parse().map_err(|_not_a_number| bad_hz(hz)))?;
    if hz > HZ_MOST {
        return Err(bad_hz(&hz.to_string()));
    }
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Ok(Subscription { plant, hz, last_id, lanes: None })
}

fn bad_hz(said: &str) -> Error {
    let message = format!("hz is a whole number from 0 to {HZ_MOST}, not {said}");
    Error::bad("bad_value", message)
}

fn refused(reason: OpenError) -> Error {
    let busy = |message: String| Error::new(StatusCode::TOO_MANY_REQUESTS, "busy", message);
    match reason {
        OpenError::Viewers(most) => busy(format!("{most} viewers are watching; try again later")),
        OpenError::Streams(most) => {
            busy(format!("{most} different streams are open; ask for a rate others have"))
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

fn frames(viewer: Viewer, right: Right) -> impl Stream<Item = Bytes> {
    let checked = tokio::time::interval(right.service.limits.live_recheck_time);
    stream::unfold((viewer, right, checked), async |(mut viewer, right, mut checked)| {
        loop {
            tokio::select! {
                _ = checked.tick() => right.is_valid().then_some(())?,
                bytes = viewer.next() => return Some((bytes?, (viewer, right, checked))),
            }
        }
    })
}

/// The right to follow a stream, checked again while the stream is open.
struct Right {
    service: Arc<Service>,
    caller: Arc<Caller>,
}

impl Right {
    /// Whether the caller may still see what the stream was opened for. A stream ends with any change
    /// of its scopes: the client opens another one, with what it may see then.
    fn is_valid(&self) -> bool {
        let Self { service, caller } = self;
        let granted = |it: &Identity| it.granted(Action::FollowLive);
        let now = service.access.recheck(caller, service.now_us());
        now.is_ok_and(|now| caller.identity().is_ok_and(|then| granted(&now) == granted(then)))
    }
}
