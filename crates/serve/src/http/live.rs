//! Current temperatures and alarm events, pushed as server-sent events.

mod cursor;
mod feed;
mod topics;

use super::Service;
use super::alarms::PlaceFilter;
use super::authorization::Caller;
use super::error::{BUSY_RETRY_S, Error, Refusals};
use super::listen::Endless;
use super::query::parameters;
use super::visibility::Visibility;
use access::{Action, Identity};
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use cursor::Position;
use feed::{Feed, Next};
use futures::{Stream, StreamExt as _, stream};
use live::{OpenError, Subscription, Viewer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::time::Interval;
use topics::Topics;
use uuid::Uuid;

/// Delay before a viewer reconnects, and the upper bound of the random delay that is added so that viewers
/// do not all reconnect at the same time, in milliseconds.
const RETRY_MS: u64 = 400;
const RETRY_SPREAD_MS: u128 = 800;

/// Pushes current temperatures and alarm events as server-sent events.
///
/// `hello` `{boot, build, now, zone, hz, n}` is the first event; `n` is the number of the newest alarm event,
/// null without the topic `alarms`. `dict` `{d, s: [[sensor, unit, scale, [limit]], ...]}` lists the sensors
/// by position, and is sent again when sensors are added. `snap` `{t, d, v, q}` contains every value,
/// multiplied by the scale, null before the first reading, and the positions of the silent sensors; it is
/// sent at the start and once a minute. `t` `{t, i, v}` contains the values that changed, and `q` if the
/// silent sensors changed. `ver` `{table, v}` reports that a table changed. `hb` `{now, link, reason,
/// lag_messages, rejected}` is sent every 5 s and when the link changes. All times are milliseconds since
/// 1970 UTC; `t` is event time.
///
/// `alarm` `{n, transition, at, alarm}` is sent for each journal entry, with the alarm after it: in the order
/// of `n`, each once, none left out. `alarm_reset` `{}` is sent instead if entries were missed that are no
/// longer in memory: list the alarms again.
///
/// A viewer that sends the id of its last event as `Last-Event-ID` receives the values that changed since
/// then, and the alarm events after it.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    operation_id = "watchLive",
    tag = "temperatures",
    params(
        ("topics" = Option<String>, Query, description = "temps, or temps:Plant1 for the sensors of one plant; alarms; both with a comma between; temps if left out"),
        ("hz" = Option<u32>, Query, description = "Frames a second at most, 0 to 25; 0 sends every change at once; 1 if left out"),
        ("after" = Option<i64>, Query, description = "Alarm events after this one: `cursor` of the list of alarms; the newest if left out"),
        ("language" = Option<String>, Query, description = "Language of the texts of alarms: en, ml or hi; en if left out"),
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
    let values = parameters(query.as_deref(), &["topics", "hz", "after", "language"])?;
    let topics = Topics::parse(&values, &headers)?;
    let now_us = service.now_us();
    let feed = open_feed(&service, &caller, &topics)?;
    let viewer = open_viewer(&service, &caller, &topics, now_us)?;
    let frame = topics.position.frame.clone();
    let position = Position { frame, number: feed.as_ref().map(Feed::cursor) };
    let hello = hello(&service, topics.hz, &position, now_us);
    let checked = tokio::time::interval(service.limits.live_recheck_time);
    let permission = StreamPermission { service, caller };
    let waiting = VecDeque::from([hello]);
    let events = Events { viewer, feed, position, waiting, permission, checked };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let body = events.into_stream().map(Ok::<Bytes, Infallible>);
    let mut response = (headers, Body::from_stream(body)).into_response();
    response.extensions_mut().insert(Endless);
    Ok(response)
}

/// The frames of temperatures that the caller sees: of no sensor without the topic.
fn open_viewer(
    service: &Service,
    caller: &Caller,
    topics: &Topics,
    now_us: i64,
) -> Result<Viewer, Error> {
    let visibility = Visibility::of_caller(service, caller, &[Action::FollowLive])?;
    let lanes = if topics.temps { visibility.lanes() } else { Some(Arc::default()) };
    let last_id = Some(topics.position.frame.clone()).filter(|id| !id.is_empty());
    let subscription = Subscription { plant: topics.plant.clone(), lanes, hz: topics.hz, last_id };
    service.live.open(&subscription, now_us).map_err(refused)
}

/// The alarm events, if the topic is subscribed and this program manages alarms.
fn open_feed(
    service: &Arc<Service>,
    caller: &Caller,
    topics: &Topics,
) -> Result<Option<Feed>, Error> {
    let Some(alarms) = service.alarms.as_ref().filter(|_| topics.alarms) else { return Ok(None) };
    let places = PlaceFilter::new(service, caller)?;
    Ok(Some(Feed::new(alarms, places, topics.language, topics.position.number)))
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

fn hello(service: &Service, hz: u32, position: &Position, now_us: i64) -> Bytes {
    let health = service.lake.health();
    let retry_ms = u128::from(RETRY_MS) + Uuid::now_v7().as_u128() % RETRY_SPREAD_MS;
    let newest = service.alarms.as_ref().filter(|_| position.number.is_some());
    let data = serde_json::json!({
        "boot": service.live.boot(),
        "build": health.build,
        "now": now_us.div_euclid(1_000),
        "zone": health.zone,
        "hz": hz,
        "n": newest.map(watch::Alarms::newest),
    });
    let id = match position.number {
        Some(_) => format!("id: {}\n", position.id()),
        None => String::new(),
    };
    Bytes::from(format!("retry: {retry_ms}\nevent: hello\n{id}data: {data}\n\n"))
}

/// The events of one viewer.
struct Events {
    viewer: Viewer,
    feed: Option<Feed>,
    position: Position,
    /// Bytes to send before anything else.
    waiting: VecDeque<Bytes>,
    permission: StreamPermission,
    checked: Interval,
}

impl Events {
    fn into_stream(self) -> impl Stream<Item = Bytes> {
        stream::unfold(self, async |mut events| {
            let bytes = events.next().await?;
            Some((bytes, events))
        })
    }

    /// The next bytes; `None` when the program stops or the permission has ended. Called when the socket of
    /// the viewer can be written to, so what a slow viewer has not read waits in the shared memory.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            tokio::select! {
                _ = self.checked.tick() => self.permission.is_valid().then_some(())?,
                frame = self.viewer.next() => self.waiting.extend(self.position.advance(frame?)),
                next = next_alarms(&mut self.feed) => self.take_alarms(next),
            }
        }
    }

    fn take_alarms(&mut self, next: Next) {
        let Some(feed) = &mut self.feed else { return };
        let frame = self.position.frame.clone();
        let id = |number| Position { frame: frame.clone(), number: Some(number) }.id();
        let bytes = feed.take(next, id);
        self.position.number = Some(feed.cursor());
        self.waiting.extend(Some(bytes).filter(|bytes| !bytes.is_empty()));
    }
}

/// The next alarm events; never, without the topic.
async fn next_alarms(feed: &mut Option<Feed>) -> Next {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}

/// The permission to follow a stream, checked periodically while the stream is open.
struct StreamPermission {
    service: Arc<Service>,
    caller: Arc<Caller>,
}

impl StreamPermission {
    /// Whether the caller still has the rights with which the stream was opened: they decide which rows it
    /// contains, and which commands its alarms offer. A change of the rights ends the stream; the client
    /// reconnects with the new ones.
    fn is_valid(&self) -> bool {
        let Self { service, caller } = self;
        let now = service.access.recheck(caller, service.now_us());
        let then = caller.identity().map(Identity::rights);
        now.is_ok_and(|now| then.is_ok_and(|then| now.rights() == then))
    }
}
