//! The tables of notifications, in the transaction of the caller.

use super::message;
use super::planner::{About, NotificationPlanner, Planned, Recipient};
use super::row::{
    CHANNEL_PREFIX, NewEscalation, NewNotification, Notification, NotificationKind,
    NotificationState,
};
use access::Error;
use config::notifications::Language;
use plant::alarm::Priority;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::watch;

pub(super) const COLUMNS: &str = "id, event_number, occurrence, channel, recipient, kind, priority, language, \
    subject, body, data, queued_at_us, due_at_us, state, attempts, last_error, first_attempt_at_us, sent_at_us, \
    group_id, idempotency_key";

/// Which notifications to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotificationQuery {
    pub state: Option<NotificationState>,
    /// Only those of this occurrence of an alarm.
    pub occurrence: Option<i64>,
    /// Only those before this one: the last of the previous page.
    pub before: Option<i64>,
    pub limit: u32,
}

/// How many notifications are not delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Messages that wait for their time or for an attempt.
    pub waiting: u32,
    /// Messages that waited for an attempt since before this time: the oldest one that is due.
    pub due_since_us: Option<i64>,
    /// Messages that were given up.
    pub failed: u32,
}

/// Queues what a transition leads to.
///
/// # Errors
/// The database fails.
pub fn queue(tx: &Connection, planned: &Planned) -> Result<(), Error> {
    for new in &planned.notifications {
        insert(tx, new)?;
    }
    for new in &planned.escalations {
        insert_escalation(tx, new)?;
    }
    Ok(())
}

/// What an engine calls for its transitions: queues their messages by the current configuration.
pub fn queue_with(planner: watch::Receiver<Arc<NotificationPlanner>>) -> crate::Planner {
    Box::new(move |tx, changes, now_us| {
        let planner = Arc::clone(&planner.borrow());
        for change in changes {
            queue(tx, &planner.plan(&change.event, &change.saved.alarm, now_us))?;
        }
        Ok(())
    })
}

/// Queues a message that tests a channel, to a person or to the channel itself.
///
/// # Errors
/// There is no such channel or person, or the person is not reached by the channel; or the database fails.
pub fn queue_test(
    tx: &Connection,
    planner: &NotificationPlanner,
    channel: &str,
    recipient: Option<&str>,
    now_us: i64,
) -> Result<i64, Error> {
    let name = recipient.map_or_else(|| format!("{CHANNEL_PREFIX}{channel}"), str::to_owned);
    check_test(planner, channel, recipient)?;
    let recipient = Recipient { channel: channel.to_owned(), name };
    let count: i64 = tx
        .prepare_cached("SELECT coalesce(max(id), 0) FROM notifications")?
        .query_row([], |row| row.get(0))?;
    let about = About {
        kind: NotificationKind::Test,
        event_number: 0,
        occurrence: 0,
        // A person who requests a test is awake.
        priority: Priority::P1,
        data: "[]".to_owned(),
        identity: format!("test/{now_us}/{count}"),
    };
    let message = message::about_test(planner.language(&recipient));
    let new = NewNotification {
        priority: Priority::P4,
        ..planner.new_notification(about, &recipient, message, now_us)
    };
    insert(tx, &new)?;
    Ok(tx.last_insert_rowid())
}

fn check_test(
    planner: &NotificationPlanner,
    channel: &str,
    recipient: Option<&str>,
) -> Result<(), Error> {
    let not_found = |what, name: &str| Error::NotFound { what, name: name.to_owned() };
    let found = planner.notifications.channel(channel);
    let found = found.ok_or_else(|| not_found("channel", channel))?;
    let invalid = |value: &str, expected: &str| Error::Invalid {
        what: "recipient",
        value: value.chars().take(100).collect(),
        expected: expected.to_owned(),
    };
    match recipient {
        None if found.kind.has_own_recipient() => Ok(()),
        None => Err(invalid("", "a person, because the channel has no recipient of its own")),
        Some(name) => {
            let person = planner.notifications.person(name);
            let person = person.ok_or_else(|| not_found("person", name))?;
            let is_reached = person.channels.iter().any(|it| it == channel);
            is_reached.then_some(()).ok_or_else(|| invalid(name, "a person with this channel"))
        }
    }
}

/// Notifications, newest first.
///
/// # Errors
/// The database fails.
pub fn list(tx: &Connection, query: &NotificationQuery) -> Result<Vec<Notification>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notifications WHERE id < ?1 AND (?2 IS NULL OR state = ?2)
        AND (?3 IS NULL OR occurrence = ?3) ORDER BY id DESC LIMIT ?4"
    );
    let state = query.state.map(NotificationState::as_str);
    let given = params![query.before.unwrap_or(i64::MAX), state, query.occurrence, query.limit];
    let mut statement = tx.prepare_cached(&sql)?;
    let found = statement.query_map(given, read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Attempts a failed notification again, with the same key.
///
/// # Errors
/// There is no such notification, it is not failed, or the database fails.
pub fn retry(tx: &Connection, id: i64, now_us: i64) -> Result<Notification, Error> {
    let sql = "UPDATE notifications SET state = 'waiting', attempts = 0, due_at_us = ?2
        WHERE id = ?1 AND state = 'failed'";
    let changed = tx.prepare_cached(sql)?.execute([id, now_us])?;
    let sql = format!("SELECT {COLUMNS} FROM notifications WHERE id = ?1");
    let found = tx.prepare_cached(&sql)?.query_row([id], read).optional()?;
    let found = found.ok_or(Error::NotFound { what: "notification", name: id.to_string() })?;
    if changed == 0 {
        let value = format!("{id} ({})", found.state.as_str());
        let expected = "a failed one".to_owned();
        return Err(Error::Invalid { what: "notification", value, expected });
    }
    Ok(found)
}

/// How many notifications are not delivered.
///
/// # Errors
/// The database fails.
pub fn backlog(tx: &Connection, now_us: i64) -> Result<Backlog, Error> {
    let sql = "SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')),
        min(due_at_us) FILTER (WHERE state IN ('waiting', 'sending') AND due_at_us <= ?1),
        count(*) FILTER (WHERE state = 'failed')
        FROM notifications WHERE state IN ('waiting', 'sending', 'failed')";
    let row = tx.prepare_cached(sql)?.query_row([now_us], |row| {
        Ok(Backlog { waiting: row.get(0)?, due_since_us: row.get(1)?, failed: row.get(2)? })
    });
    Ok(row?)
}

/// Adds a row, unless one has its key.
pub(super) fn insert(tx: &Connection, new: &NewNotification) -> Result<(), Error> {
    let sql = "INSERT INTO notifications (event_number, occurrence, channel, recipient, kind, priority, language,
        subject, body, data, queued_at_us, due_at_us, state, idempotency_key)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'waiting', ?13)
        ON CONFLICT (idempotency_key) DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![
        new.event_number,
        new.occurrence,
        new.channel,
        new.recipient,
        new.kind.as_str(),
        new.priority.number(),
        new.language.as_str(),
        new.subject,
        new.body,
        new.data,
        new.queued_at_us,
        new.due_at_us,
        new.idempotency_key
    ])?;
    Ok(())
}

fn insert_escalation(tx: &Connection, new: &NewEscalation) -> Result<(), Error> {
    let sql = "INSERT INTO escalations (event_number, occurrence, recipients, data, due_at_us)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![new.event_number, new.occurrence, new.recipients, new.data, new.due_at_us];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Reads a row of [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Notification> {
    let (kind, state): (String, String) = (row.get(5)?, row.get(13)?);
    let language: String = row.get(7)?;
    let kind = NotificationKind::ALL.into_iter().find(|it| it.as_str() == kind);
    Ok(Notification {
        id: row.get(0)?,
        content: NewNotification {
            event_number: row.get(1)?,
            occurrence: row.get(2)?,
            channel: row.get(3)?,
            recipient: row.get(4)?,
            // The table has a check on both.
            kind: kind.unwrap_or(NotificationKind::Alarm),
            priority: Priority::from_number(row.get(6)?).unwrap_or(Priority::P4),
            language: Language::from_code(&language).unwrap_or_default(),
            subject: row.get(8)?,
            body: row.get(9)?,
            data: row.get(10)?,
            queued_at_us: row.get(11)?,
            due_at_us: row.get(12)?,
            idempotency_key: row.get(19)?,
        },
        state: NotificationState::from_name(&state).unwrap_or(NotificationState::Failed),
        attempts: row.get(14)?,
        last_error: row.get(15)?,
        first_attempt_at_us: row.get(16)?,
        sent_at_us: row.get(17)?,
        group_id: row.get(18)?,
    })
}
