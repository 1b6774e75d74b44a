//! A round of the sender: what is due is expanded, grouped, and claimed for an attempt, in one transaction.

use super::dispatch::{Class, Decision, decide};
use super::facts::Facts;
use super::message;
use super::planner::{About, NotificationPlanner, Recipient};
use super::row::{CHANNEL_PREFIX, Notification, NotificationKind};
use super::store::{self, COLUMNS};
use access::Error;
use config::notifications::Target;
use plant::alarm::Priority;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::{BTreeMap, BTreeSet};

const HOUR_US: i64 = 3_600_000_000;

/// Most messages that one round looks at. The rest is looked at in the next rounds.
const ROUND_ROWS_MAX: u32 = 20_000;

/// Result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent,
    /// It may succeed later.
    Retry {
        due_at_us: i64,
        error: String,
    },
    /// It will not succeed.
    Failed {
        error: String,
    },
}

/// One recipient's messages of priority 1 or of the others, on one channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ClassKey {
    /// Urgent classes sort first.
    is_lesser: bool,
    recipient: Recipient,
}

/// Whether a round has anything to do.
pub(super) fn is_due(tx: &Connection, now_us: i64) -> Result<bool, Error> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM notifications WHERE state = 'waiting' AND due_at_us <= ?1)
        OR EXISTS (SELECT 1 FROM escalations WHERE due_at_us <= ?1)";
    Ok(tx.prepare_cached(sql)?.query_row([now_us], |row| row.get(0))?)
}

/// Claims the messages that are attempted now, each at most once at a time. `running` is the number of attempts
/// that run on each channel.
pub(super) fn claim(
    tx: &Connection,
    planner: &NotificationPlanner,
    running: &BTreeMap<String, usize>,
    now_us: i64,
) -> Result<Vec<Notification>, Error> {
    escalate(tx, planner, now_us)?;
    let mut ready = ungrouped(tx, planner, running, now_us)?;
    let mut classes = BTreeMap::<ClassKey, Vec<Due>>::new();
    for row in due(tx, planner, now_us)? {
        match row.is_decided {
            true => ready.push(row),
            false => classes.entry(row.class.clone()).or_default().push(row),
        }
    }
    let mut begun = BTreeMap::new();
    for (key, rows) in classes {
        ready.extend(dispatch(tx, planner, &key, rows, &mut begun, now_us)?);
    }
    start(tx, planner, ready, running, now_us)
}

/// A message that is due, without its texts.
#[derive(Debug, Clone)]
struct Due {
    id: i64,
    priority: Priority,
    class: ClassKey,
    /// Whether it is sent as it is: a group, a test, or one that was attempted before.
    is_decided: bool,
}

/// Columns of [`Due`].
const DUE_COLUMNS: &str = "id, channel, recipient, priority, \
    kind IN ('group', 'test') OR first_attempt_at_us IS NOT NULL";

fn read_due(row: &Row<'_>) -> rusqlite::Result<Due> {
    let recipient = Recipient { channel: row.get(1)?, name: row.get(2)? };
    let priority = Priority::from_number(row.get(3)?).unwrap_or(Priority::P4);
    let class = ClassKey { is_lesser: priority != Priority::P1, recipient };
    Ok(Due { id: row.get(0)?, priority, class, is_decided: row.get(4)? })
}

/// Messages to programs, which are never grouped: no more than their channels have room for, so that a round
/// of a long queue is short.
fn ungrouped(
    tx: &Connection,
    planner: &NotificationPlanner,
    running: &BTreeMap<String, usize>,
    now_us: i64,
) -> Result<Vec<Due>, Error> {
    let sql = format!(
        "SELECT {DUE_COLUMNS} FROM notifications WHERE state = 'waiting' AND due_at_us <= ?1
        AND channel = ?2 AND recipient = ?3 ORDER BY priority, id LIMIT ?4"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = Vec::new();
    for name in ungrouped_channels(planner) {
        let room = room(planner, running, name);
        let recipient = format!("{CHANNEL_PREFIX}{name}");
        let given = params![now_us, name, recipient, i64::try_from(room).unwrap_or(i64::MAX)];
        let found = statement.query_map(given, read_due)?;
        rows.extend(found.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(rows)
}

fn ungrouped_channels(planner: &NotificationPlanner) -> impl Iterator<Item = &str> {
    let channels = planner.notifications.channels.iter();
    channels.filter(|channel| !channel.is_grouped).map(|channel| channel.name.as_str())
}

/// Attempts that may begin on a channel.
fn room(planner: &NotificationPlanner, running: &BTreeMap<String, usize>, channel: &str) -> usize {
    let at_once = planner.notifications.limits.attempts_at_once as usize;
    at_once.saturating_sub(running.get(channel).copied().unwrap_or(0))
}

/// The other messages that are due.
fn due(tx: &Connection, planner: &NotificationPlanner, now_us: i64) -> Result<Vec<Due>, Error> {
    let sql = format!(
        "SELECT {DUE_COLUMNS} FROM notifications WHERE state = 'waiting' AND due_at_us <= ?1
        AND recipient NOT IN (SELECT value FROM json_each(?2)) ORDER BY priority, id LIMIT ?3"
    );
    let programs: Vec<String> =
        ungrouped_channels(planner).map(|name| format!("{CHANNEL_PREFIX}{name}")).collect();
    let programs = serde_json::to_string(&programs).unwrap_or_default();
    let mut statement = tx.prepare_cached(&sql)?;
    let found = statement.query_map(params![now_us, programs, ROUND_ROWS_MAX], read_due)?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn load(tx: &Connection, id: i64) -> Result<Notification, Error> {
    let sql = format!("SELECT {COLUMNS} FROM notifications WHERE id = ?1");
    Ok(tx.prepare_cached(&sql)?.query_row([id], store::read)?)
}

/// The messages of a class that are attempted now; the others are grouped or postponed. `begun` has the first
/// attempts of each person, to which those of this round are added.
fn dispatch(
    tx: &Connection,
    planner: &NotificationPlanner,
    key: &ClassKey,
    mut rows: Vec<Due>,
    begun: &mut BTreeMap<String, Vec<i64>>,
    now_us: i64,
) -> Result<Vec<Due>, Error> {
    let (name, limits) = (&key.recipient.name, &planner.notifications.limits);
    let priority = if key.is_lesser { Priority::P4 } else { Priority::P1 };
    if let Some(until_us) = planner.quiet_until(name, priority, now_us) {
        postpone(tx, &rows, until_us)?;
        return Ok(Vec::new());
    }
    let is_person = !name.starts_with(CHANNEL_PREFIX);
    if is_person && !begun.contains_key(name) {
        begun.insert(name.clone(), begun_of_person(tx, name, now_us)?);
    }
    let begun_us = begun_of_class(tx, key, now_us)?;
    let channel = planner.notifications.channel(&key.recipient.channel);
    let class = Class {
        due: rows.len(),
        is_urgent: !key.is_lesser,
        is_grouped: is_person || channel.is_some_and(|channel| channel.is_grouped),
        begun_us: &begun_us,
        person_begun_us: begun.get(name).filter(|_| is_person).map(Vec::as_slice),
    };
    match decide(&class, limits, now_us) {
        Decision::Wait => return Ok(Vec::new()),
        Decision::Hold { until_us } => {
            postpone(tx, &rows, until_us)?;
            return Ok(Vec::new());
        }
        Decision::Send => {}
        Decision::Group => rows = vec![group(tx, planner, key, &rows, now_us)?],
    }
    begun.entry(name.clone()).or_default().extend(std::iter::repeat_n(now_us, rows.len()));
    Ok(rows)
}

/// First attempts of the last hour of messages to a person, in order.
fn begun_of_person(tx: &Connection, name: &str, now_us: i64) -> Result<Vec<i64>, Error> {
    let sql = "SELECT first_attempt_at_us FROM notifications
        WHERE recipient = ?1 AND first_attempt_at_us > ?2 AND kind <> 'test' ORDER BY first_attempt_at_us";
    let mut statement = tx.prepare_cached(sql)?;
    let found = statement.query_map(params![name, now_us - HOUR_US], |row| row.get(0))?;
    let mut begun: Vec<i64> = found.collect::<Result<_, _>>()?;
    // A group that waits for room on its channel is part of the budget already.
    let sql = "SELECT count(*) FROM notifications WHERE recipient = ?1 AND kind = 'group' AND state = 'waiting'
        AND first_attempt_at_us IS NULL";
    let waiting: u32 = tx.prepare_cached(sql)?.query_row([name], |row| row.get(0))?;
    begun.extend(std::iter::repeat_n(now_us, waiting as usize));
    Ok(begun)
}

fn begun_of_class(tx: &Connection, key: &ClassKey, now_us: i64) -> Result<Vec<i64>, Error> {
    let sql = "SELECT first_attempt_at_us FROM notifications
        WHERE recipient = ?1 AND channel = ?2 AND (priority > 1) = ?3 AND first_attempt_at_us > ?4
        AND kind <> 'test' ORDER BY first_attempt_at_us";
    let mut statement = tx.prepare_cached(sql)?;
    let Recipient { channel, name } = &key.recipient;
    // The longest window of grouping is a day.
    let given = params![name, channel, key.is_lesser, now_us - 24 * HOUR_US];
    let found = statement.query_map(given, |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn postpone(tx: &Connection, rows: &[Due], until_us: i64) -> Result<(), Error> {
    let mut statement =
        tx.prepare_cached("UPDATE notifications SET due_at_us = ?2 WHERE id = ?1")?;
    for row in rows {
        statement.execute([row.id, until_us])?;
    }
    Ok(())
}

/// Makes the rows parts of one new message.
fn group(
    tx: &Connection,
    planner: &NotificationPlanner,
    key: &ClassKey,
    rows: &[Due],
    now_us: i64,
) -> Result<Due, Error> {
    let items_max = planner.notifications.limits.group_items as usize;
    // The alarm that came first is often the cause of the others.
    let ids: Vec<i64> =
        rows.iter().map(|row| row.id).collect::<BTreeSet<_>>().into_iter().collect();
    let mut facts = Vec::new();
    for id in ids.iter().take(items_max) {
        facts.extend(Facts::read_all(&load(tx, *id)?.content.data));
    }
    let language = planner.language(&key.recipient);
    let message = message::about_group(&facts, rows.len(), items_max, language, &planner.calendar);
    let first = ids.first().map(|id| load(tx, *id)).transpose()?;
    let key_of_first = first.map(|row| row.content.idempotency_key).unwrap_or_default();
    let priority = rows.iter().map(|row| row.priority).min().unwrap_or(Priority::P4);
    let about = About {
        kind: NotificationKind::Group,
        event_number: 0,
        occurrence: 0,
        priority,
        data: serde_json::to_string(&facts).unwrap_or_default(),
        // A message is in one group only.
        identity: format!("group/{key_of_first}"),
    };
    let new = planner.new_notification(about, &key.recipient, message, now_us);
    store::insert(tx, &new)?;
    let id = tx.last_insert_rowid();
    let sql = "UPDATE notifications SET state = 'grouped', group_id = ?2 WHERE id = ?1";
    let mut statement = tx.prepare_cached(sql)?;
    for row in rows {
        statement.execute([row.id, id])?;
    }
    Ok(Due { id, priority, class: key.clone(), is_decided: true })
}

/// Marks messages as being attempted, as many as their channels have room for.
fn start(
    tx: &Connection,
    planner: &NotificationPlanner,
    mut ready: Vec<Due>,
    running: &BTreeMap<String, usize>,
    now_us: i64,
) -> Result<Vec<Notification>, Error> {
    ready.sort_by_key(|row| (row.priority, row.id));
    let mut running = running.clone();
    let sql = "UPDATE notifications SET state = 'sending', attempts = attempts + 1,
        first_attempt_at_us = coalesce(first_attempt_at_us, ?2) WHERE id = ?1";
    let mut statement = tx.prepare_cached(sql)?;
    let mut started = Vec::new();
    for row in ready {
        let channel = row.class.recipient.channel;
        if room(planner, &running, &channel) > 0 {
            *running.entry(channel).or_default() += 1;
            statement.execute([row.id, now_us])?;
            started.push(load(tx, row.id)?);
        }
    }
    Ok(started)
}

/// Queues the messages of escalations that are due, without an acknowledgement.
fn escalate(tx: &Connection, planner: &NotificationPlanner, now_us: i64) -> Result<(), Error> {
    let sql = "SELECT id, event_number, occurrence, recipients, data, due_at_us FROM escalations
        WHERE due_at_us <= ?1 ORDER BY id";
    let mut statement = tx.prepare_cached(sql)?;
    let found = statement.query_map([now_us], |row| {
        let texts: (String, String) = (row.get(3)?, row.get(4)?);
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, texts))
    })?;
    let steps: Vec<(i64, i64, i64, (String, String))> = found.collect::<Result<_, _>>()?;
    for (id, event_number, occurrence, (recipients, data)) in steps {
        if is_unacknowledged(tx, event_number, occurrence)? {
            queue_step(tx, planner, id, &recipients, &data, now_us)?;
        }
        tx.prepare_cached("DELETE FROM escalations WHERE id = ?1")?.execute([id])?;
    }
    Ok(())
}

fn queue_step(
    tx: &Connection,
    planner: &NotificationPlanner,
    id: i64,
    recipients: &str,
    data: &str,
    now_us: i64,
) -> Result<(), Error> {
    let names: Vec<String> = serde_json::from_str(recipients).unwrap_or_default();
    let targets: Vec<Target> = names.iter().map(|name| Target::from(name.as_str())).collect();
    for facts in Facts::read_all(data) {
        let step = Some(id);
        let kind = NotificationKind::Escalation;
        for new in planner.address(kind, &facts, targets.iter(), step, now_us) {
            store::insert(tx, &new)?;
        }
    }
    Ok(())
}

/// Whether the alarm is still unacknowledged, and was not annunciated again, which has steps of its own.
fn is_unacknowledged(tx: &Connection, event_number: i64, occurrence: i64) -> Result<bool, Error> {
    let sql =
        "SELECT to_state FROM alarm_events WHERE occurrence = ?1 ORDER BY number DESC LIMIT 1";
    let state = tx.prepare_cached(sql)?.query_row([occurrence], |row| row.get::<_, String>(0));
    let sql = "SELECT max(number) FROM alarm_events WHERE occurrence = ?1
        AND to_state = 'unacknowledged' AND from_state <> 'unacknowledged'";
    let last: Option<i64> = tx.prepare_cached(sql)?.query_row([occurrence], |row| row.get(0))?;
    Ok(state.optional()?.as_deref() == Some("unacknowledged") && last == Some(event_number))
}

/// Stores the results of attempts.
pub(super) fn finish(
    tx: &Connection,
    outcomes: &[(i64, Outcome)],
    now_us: i64,
) -> Result<(), Error> {
    let sql =
        "UPDATE notifications SET state = ?2, due_at_us = coalesce(?3, due_at_us), last_error = ?4,
        sent_at_us = ?5 WHERE id = ?1 AND state = 'sending'";
    let mut statement = tx.prepare_cached(sql)?;
    for (id, outcome) in outcomes {
        let (state, due_at_us, error, sent_at_us) = match outcome {
            Outcome::Sent => ("sent", None, None, Some(now_us)),
            Outcome::Retry { due_at_us, error } => ("waiting", Some(due_at_us), Some(error), None),
            Outcome::Failed { error } => ("failed", None, Some(error), None),
        };
        statement.execute(params![id, state, due_at_us, error, sent_at_us])?;
    }
    Ok(())
}

/// Repeats the attempts whose outcome is unknown because the program was stopped.
pub(super) fn recover(tx: &Connection, now_us: i64) -> Result<usize, Error> {
    let sql = "UPDATE notifications SET state = 'waiting', due_at_us = ?1,
        last_error = 'the outcome of the last attempt is unknown: the program stopped' WHERE state = 'sending'";
    Ok(tx.prepare_cached(sql)?.execute([now_us])?)
}

/// Moves all times by the step of a clock that was set, so that pauses, escalations and budgets keep their
/// length.
pub(super) fn shift(tx: &Connection, step_us: i64) -> Result<(), Error> {
    let sql = "UPDATE notifications SET due_at_us = due_at_us + ?1 WHERE state = 'waiting'";
    tx.prepare_cached(sql)?.execute([step_us])?;
    let sql = "UPDATE notifications SET first_attempt_at_us = first_attempt_at_us + ?1
        WHERE first_attempt_at_us > (SELECT max(first_attempt_at_us) FROM notifications) - ?2";
    tx.prepare_cached(sql)?.execute([step_us, 24 * HOUR_US])?;
    tx.prepare_cached("UPDATE escalations SET due_at_us = due_at_us + ?1")?.execute([step_us])?;
    Ok(())
}

/// Deletes what was finished before this time, groups after their parts.
pub(super) fn expire(tx: &Connection, before_us: i64) -> Result<usize, Error> {
    let parts = "DELETE FROM notifications WHERE group_id IS NOT NULL AND queued_at_us < ?1
        AND group_id IN (SELECT id FROM notifications WHERE queued_at_us < ?1
        AND state IN ('sent', 'failed', 'dropped'))";
    let parts = tx.prepare_cached(parts)?.execute([before_us])?;
    let others = "DELETE FROM notifications WHERE queued_at_us < ?1 AND state IN ('sent', 'failed', 'dropped')
        AND id NOT IN (SELECT group_id FROM notifications WHERE group_id IS NOT NULL)";
    Ok(parts + tx.prepare_cached(others)?.execute([before_us])?)
}
