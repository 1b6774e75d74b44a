//! The queue of deliveries, in the transaction of the caller.

use super::record::{Delivery, DeliveryKind, DeliveryState, NewDelivery};
use super::store::{from_json, json};
use access::Error;
use config::settings::NotificationLimits;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const HOUR_US: i64 = 3_600_000_000;

const COLUMNS: &str = "id, issued, kind, target, recipient, address, formats, due_at_us, queued_at_us, state, \
    attempts, last_error, sent_at_us";

/// Result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
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

/// How many deliveries are not made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryBacklog {
    /// Deliveries that wait for their time or for an attempt.
    pub waiting: u32,
    /// Deliveries that were given up.
    pub failed: u32,
}

/// Queues a delivery, unless the report has the same one already.
pub(super) fn insert(
    tx: &Connection,
    issued: i64,
    new: &NewDelivery,
    now_us: i64,
) -> Result<(), Error> {
    let sql = "INSERT INTO report_deliveries (issued, kind, target, recipient, address, formats, queued_at_us,
        due_at_us, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting') ON CONFLICT DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![
        issued,
        new.kind.as_str(),
        new.target,
        new.recipient,
        new.address,
        json(&new.formats),
        now_us,
        new.due_at_us,
    ])?;
    Ok(())
}

/// The deliveries of an issued report, in the order of their numbers.
///
/// # Errors
/// The database fails.
pub fn list(tx: &Connection, issued: i64) -> Result<Vec<Delivery>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM report_deliveries WHERE issued = ?1 ORDER BY id");
    let mut statement = tx.prepare_cached(&sql)?;
    Ok(statement.query_map([issued], read)?.collect::<Result<_, _>>()?)
}

/// How many deliveries are not made.
///
/// # Errors
/// The database fails.
pub fn backlog(tx: &Connection) -> Result<DeliveryBacklog, Error> {
    let sql =
        "SELECT count(*) FILTER (WHERE state <> 'failed'), count(*) FILTER (WHERE state = 'failed')
        FROM report_deliveries WHERE state IN ('waiting', 'sending', 'failed')";
    let row = tx
        .prepare_cached(sql)?
        .query_row([], |row| Ok(DeliveryBacklog { waiting: row.get(0)?, failed: row.get(1)? }));
    Ok(row?)
}

/// Whether a delivery is due.
pub(crate) fn is_due(tx: &Connection, now_us: i64) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM report_deliveries WHERE state = 'waiting' AND due_at_us <= ?1)";
    Ok(tx.prepare_cached(sql)?.query_row([now_us], |row| row.get(0))?)
}

/// Claims at most `room` deliveries that are attempted now. A recipient who has used up the budget of an hour gets
/// the others when the budget allows it.
pub(crate) fn claim(
    tx: &Connection,
    limits: &NotificationLimits,
    room: u32,
    now_us: i64,
) -> Result<Vec<Delivery>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM report_deliveries WHERE state = 'waiting' AND due_at_us <= ?1 ORDER BY id LIMIT ?2"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let due = statement.query_map([now_us, i64::from(room)], read)?;
    let due = due.collect::<Result<Vec<_>, _>>()?;
    let mut claimed = Vec::new();
    for delivery in due {
        let is_first = delivery.attempts == 0 && delivery.content.kind == DeliveryKind::Message;
        match is_first.then(|| budget_from_us(tx, limits, &delivery, now_us)).transpose()?.flatten()
        {
            Some(from_us) => postpone(tx, delivery.id, from_us)?,
            None => claimed.push(start(tx, delivery, now_us)?),
        }
    }
    Ok(claimed)
}

/// When the budget of the recipient permits another message; `None` if it does now.
fn budget_from_us(
    tx: &Connection,
    limits: &NotificationLimits,
    delivery: &Delivery,
    now_us: i64,
) -> Result<Option<i64>, Error> {
    let sql = "SELECT first_attempt_at_us FROM report_deliveries
        WHERE recipient = ?1 AND first_attempt_at_us > ?2 AND kind = 'message'
        ORDER BY first_attempt_at_us DESC LIMIT 1 OFFSET ?3";
    let offset = limits.messages_per_hour.saturating_sub(1);
    let given = params![delivery.content.recipient, now_us - HOUR_US, offset];
    let oldest = tx.prepare_cached(sql)?.query_row(given, |row| row.get::<_, i64>(0)).optional()?;
    Ok(oldest.map(|at_us| at_us + HOUR_US))
}

fn postpone(tx: &Connection, id: i64, due_at_us: i64) -> Result<(), Error> {
    let sql = "UPDATE report_deliveries SET due_at_us = ?2 WHERE id = ?1";
    tx.prepare_cached(sql)?.execute([id, due_at_us])?;
    Ok(())
}

fn start(tx: &Connection, delivery: Delivery, now_us: i64) -> Result<Delivery, Error> {
    let sql = "UPDATE report_deliveries SET state = 'sending', attempts = attempts + 1,
        first_attempt_at_us = coalesce(first_attempt_at_us, ?2) WHERE id = ?1";
    tx.prepare_cached(sql)?.execute([delivery.id, now_us])?;
    let attempts = delivery.attempts + 1;
    Ok(Delivery { state: DeliveryState::Sending, attempts, ..delivery })
}

/// Stores the result of an attempt.
pub(crate) fn finish(
    tx: &Connection,
    id: i64,
    outcome: &DeliveryOutcome,
    now_us: i64,
) -> Result<(), Error> {
    let sql = "UPDATE report_deliveries SET state = ?2, due_at_us = coalesce(?3, due_at_us), last_error = ?4,
        sent_at_us = ?5 WHERE id = ?1 AND state = 'sending'";
    let (state, due_at_us, error, sent_at_us) = match outcome {
        DeliveryOutcome::Sent => ("sent", None, None, Some(now_us)),
        DeliveryOutcome::Retry { due_at_us, error } => {
            ("waiting", Some(due_at_us), Some(error), None)
        }
        DeliveryOutcome::Failed { error } => ("failed", None, Some(error), None),
    };
    tx.prepare_cached(sql)?.execute(params![id, state, due_at_us, error, sent_at_us])?;
    Ok(())
}

/// Makes the attempts of a killed program due again; their outcome is unknown.
pub(crate) fn recover(tx: &Connection, now_us: i64) -> Result<(), Error> {
    let sql = "UPDATE report_deliveries SET state = 'waiting', due_at_us = min(due_at_us, ?1) WHERE state = 'sending'";
    tx.prepare_cached(sql)?.execute([now_us])?;
    Ok(())
}

/// Attempts a failed delivery again, with the same key.
///
/// # Errors
/// There is no such delivery, it is not failed, or the database fails.
pub fn retry(tx: &Connection, id: i64, now_us: i64) -> Result<Delivery, Error> {
    let sql = "UPDATE report_deliveries SET state = 'waiting', attempts = 0, due_at_us = ?2
        WHERE id = ?1 AND state = 'failed'";
    let changed = tx.prepare_cached(sql)?.execute([id, now_us])?;
    let sql = format!("SELECT {COLUMNS} FROM report_deliveries WHERE id = ?1");
    let found = tx.prepare_cached(&sql)?.query_row([id], read).optional()?;
    let found = found.ok_or(Error::NotFound { what: "delivery", name: id.to_string() })?;
    if changed == 0 {
        let value = format!("{id} ({})", found.state.as_str());
        let expected = "a failed one".to_owned();
        return Err(Error::Invalid { what: "delivery", value, expected });
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let (kind, state): (String, String) = (row.get(2)?, row.get(9)?);
    // The table has a check on both.
    let kind = match kind.as_str() {
        "folder" => DeliveryKind::Folder,
        _ => DeliveryKind::Message,
    };
    Ok(Delivery {
        id: row.get(0)?,
        issued: row.get(1)?,
        content: NewDelivery {
            kind,
            target: row.get(3)?,
            recipient: row.get(4)?,
            address: row.get(5)?,
            formats: from_json(row, 6)?,
            due_at_us: row.get(7)?,
        },
        queued_at_us: row.get(8)?,
        state: DeliveryState::from_name(&state).unwrap_or(DeliveryState::Failed),
        attempts: row.get(10)?,
        last_error: row.get(11)?,
        sent_at_us: row.get(12)?,
    })
}
