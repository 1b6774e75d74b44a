//! Notifications: what was sent, waits, or could not be delivered; retries and tests.

use super::{PlaceFilter, uncached};
use crate::http::Service;
use crate::http::authorization::{Caller, Cost};
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use crate::http::query::{parameters, whole_number};
use crate::http::temperatures::rfc3339;
use access::Action;
use access::audit::{Event, Kind};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use config::notifications::{Channel, ChannelKind};
use plant::alarm::Place;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use watch::Alarms;
use watch::notify::{self, NotificationPlanner, NotificationQuery, NotificationState};

/// Notifications of a page when the request names no number.
const PAGE_ROWS: u32 = 100;

/// A page of notifications, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationsAnswer {
    pub notifications: Vec<AlarmNotification>,
    /// `before` of the next page; null after the oldest one.
    pub next_before: Option<i64>,
    pub channels: Vec<NotificationChannel>,
    /// Number of notifications that wait for their time or for an attempt.
    pub waiting: u32,
    /// Number of notifications that were given up.
    pub failed: u32,
}

/// A message to one recipient.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmNotification {
    pub id: i64,
    /// The alarm; null for a group or a test.
    pub alarm_id: Option<i64>,
    /// `alarm`, `returned`, `escalation`, `group` or `test`.
    pub kind: &'static str,
    pub channel: String,
    /// Name of a person, or `channel:NAME`.
    pub recipient: String,
    #[schema(minimum = 1, maximum = 4)]
    pub priority: u8,
    pub subject: String,
    pub body: String,
    #[schema(format = DateTime)]
    pub queued_at: String,
    /// When it is sent, or attempted again.
    #[schema(format = DateTime)]
    pub due_at: String,
    #[schema(format = DateTime)]
    pub sent_at: Option<String>,
    /// `waiting`, `sending`, `sent`, `failed`, `dropped` or `grouped`.
    pub state: &'static str,
    pub attempts: u32,
    pub last_error: Option<String>,
}

/// A way to reach people.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationChannel {
    pub name: String,
    /// `email`, `webhook`, `slack`, `teams`, `telegram`, `ntfy`, `mqtt` or `outbox`.
    pub kind: &'static str,
    /// Whether messages are only shown here and not sent.
    pub is_demo: bool,
}

/// A message that tests a channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    pub channel: String,
    /// Name of a person; the channel itself if left out.
    #[serde(default)]
    pub recipient: Option<String>,
}

/// A message that was queued.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedTest {
    /// Number of the notification.
    pub id: i64,
}

/// Lists notifications, newest first.
#[utoipa::path(
    get, path = "/api/v1/notifications", operation_id = "listNotifications", tag = "alarms",
    params(
        ("state" = Option<String>, Query, description = "Only those that are waiting, sending, sent, failed, dropped or grouped"),
        ("alarm" = Option<i64>, Query, description = "Only those of this alarm"),
        ("before" = Option<i64>, Query, description = "Only those before this number: `next_before` of the previous page"),
        ("limit" = Option<u32>, Query, description = "Notifications of the page; 100 if left out"),
    ),
    responses((status = 200, description = "A page", body = NotificationsAnswer), Refusals)
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["state", "alarm", "before", "limit"])?;
    let query = notification_query(&values, service.limits.alarm_journal_entries)?;
    let places = PlaceFilter::new(&service, &caller)?;
    let channels = channels(&service).await?;
    let now_us = service.now_us();
    let page =
        service.with_alarms_blocking(move |alarms| read_page(alarms, &places, &query, now_us));
    Ok(uncached(NotificationsAnswer { channels, ..page.await? }))
}

fn notification_query(
    values: &BTreeMap<String, String>,
    rows_max: u32,
) -> Result<NotificationQuery, Error> {
    let state = values.get("state").map(|text| {
        NotificationState::from_name(text).ok_or_else(|| {
            let names = NotificationState::ALL.map(NotificationState::as_str).join(", ");
            Error::bad("bad_value", format!("invalid state `{text}`: expected one of {names}"))
        })
    });
    let limit = whole_number(values, "limit")?.unwrap_or(PAGE_ROWS);
    Ok(NotificationQuery {
        state: state.transpose()?,
        occurrence: whole_number(values, "alarm")?,
        before: whole_number(values, "before")?,
        limit: limit.clamp(1, rows_max),
    })
}

/// The next notifications about alarms in the scopes of the caller. Those of groups and tests belong to the
/// whole plant.
fn read_page(
    alarms: &Alarms,
    places: &PlaceFilter,
    query: &NotificationQuery,
    now_us: i64,
) -> Result<NotificationsAnswer, watch::Error> {
    let database = alarms.database();
    let (found, backlog) =
        database.read(|tx| Ok((notify::list(tx, query)?, notify::backlog(tx, now_us)?)))?;
    let is_full = found.len() >= query.limit as usize;
    let next_before = found.last().filter(|_| is_full).map(|it| it.id);
    let mut notifications = Vec::new();
    for row in &found {
        let place = find_place(alarms, row.content.occurrence)?;
        if places.allows(Action::ShelveAlarm, &place) {
            notifications.push(AlarmNotification::from(row));
        }
    }
    let (waiting, failed) = (backlog.waiting, backlog.failed);
    Ok(NotificationsAnswer { notifications, next_before, channels: Vec::new(), waiting, failed })
}

/// The place of the alarm of a notification: the whole plant for a group or a test.
fn find_place(alarms: &Alarms, occurrence: i64) -> Result<Place, watch::Error> {
    let found = if occurrence == 0 { None } else { alarms.get(occurrence)? };
    Ok(found.map(|alarm| alarm.place).unwrap_or_default())
}

async fn channels(service: &Arc<Service>) -> Result<Vec<NotificationChannel>, Error> {
    let planner = planner(service).await?;
    let channel = |it: &Channel| NotificationChannel {
        kind: it.kind.as_str(),
        is_demo: it.kind == ChannelKind::Outbox,
        name: it.name.clone(),
    };
    Ok(planner.notifications().channels.iter().map(channel).collect())
}

/// The configuration in use; that of the file in a program that sends no notifications.
async fn planner(service: &Arc<Service>) -> Result<Arc<NotificationPlanner>, Error> {
    if let Some(current) = &service.planner {
        return Ok(Arc::clone(&current.borrow()));
    }
    let file = Arc::clone(service.rule_file()?);
    let read = move || file.planner().map(Arc::new);
    service.blocking.run_apart(Cost::Disk, read).await?
}

/// Attempts a notification again that was given up.
#[utoipa::path(
    post, path = "/api/v1/notifications/{id}/retry", operation_id = "retryNotification", tag = "alarms",
    params(("id" = i64, Path, description = "Number of the notification")),
    responses((status = 204, description = "It is attempted again"), Refusals)
)]
pub async fn retry(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    let missing = || Error::new(StatusCode::NOT_FOUND, "not_found", "no such notification");
    let id: i64 = id.parse().map_err(|_not_a_number| missing())?;
    let places = PlaceFilter::new(&service, &caller)?;
    let now_us = service.now_us();
    let asked = Arc::clone(&caller);
    let work = Arc::clone(&service);
    let retried = move || -> Result<(), Error> {
        let alarms = work.alarms()?;
        let query = NotificationQuery { before: id.checked_add(1), limit: 1, ..Default::default() };
        let database = alarms.database();
        let found = database.read(|tx| notify::list(tx, &query))?;
        let row = found.into_iter().find(|row| row.id == id).ok_or_else(missing)?;
        let place = find_place(alarms, row.content.occurrence)?;
        places.check(Action::ShelveAlarm, &place, &asked)?;
        database.write(|tx| notify::retry(tx, id, now_us))?;
        Ok(())
    };
    service.blocking.run_apart(Cost::Disk, retried).await??;
    audit(&service, &caller, "notification.retry", json!({ "notification": id }))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Queues a message that tests a channel.
#[utoipa::path(
    post, path = "/api/v1/notifications/test", operation_id = "testNotification", tag = "alarms",
    request_body = TestRequest,
    responses((status = 200, description = "Queued", body = QueuedTest), Refusals)
)]
pub async fn test(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<TestRequest>,
) -> Result<Response, Error> {
    PlaceFilter::new(&service, &caller)?.check_plant(Action::EditRules, &caller)?;
    let detail = json!({ "channel": request.channel, "recipient": request.recipient });
    let (planner, alarms) = (planner(&service).await?, service.alarms()?.clone());
    let now_us = service.now_us();
    let queued = move || -> Result<i64, Error> {
        let recipient = request.recipient.as_deref();
        let queue = |tx: &_| notify::queue_test(tx, &planner, &request.channel, recipient, now_us);
        Ok(alarms.database().write(|tx| queue(tx))?)
    };
    let id = service.blocking.run_apart(Cost::Disk, queued).await??;
    audit(&service, &caller, "notification.test", detail)?;
    Ok(uncached(QueuedTest { id }))
}

fn audit(
    service: &Service,
    caller: &Caller,
    what: &str,
    detail: serde_json::Value,
) -> Result<(), Error> {
    let detail = json!({ "what": what, "about": detail });
    let event = Event::new(Kind::Changed, caller.identity()?.name(), detail);
    service.access.try_audit(event.from_address(caller.peer.address), service.now_us())
}

impl From<&notify::Notification> for AlarmNotification {
    fn from(row: &notify::Notification) -> Self {
        let content = &row.content;
        Self {
            id: row.id,
            alarm_id: Some(content.occurrence).filter(|id| *id != 0),
            kind: content.kind.as_str(),
            channel: content.channel.clone(),
            recipient: content.recipient.clone(),
            priority: content.priority.number(),
            subject: content.subject.clone(),
            body: content.body.clone(),
            queued_at: rfc3339(content.queued_at_us),
            due_at: rfc3339(content.due_at_us),
            sent_at: row.sent_at_us.map(rfc3339),
            state: row.state.as_str(),
            attempts: row.attempts,
            last_error: row.last_error.clone(),
        }
    }
}
