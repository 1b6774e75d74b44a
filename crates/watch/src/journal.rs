//! The journal of alarms in the embedded database, and the last state of every alarm.
//!
//! *In*: transitions with the alarms they lead to. *Out*: events by number, time and alarm; saved states.
//! *Promise*: one transaction writes a batch of events, the states they lead to, and the notifications they
//! queue; it is on the disk before the call returns. Events are only appended, numbered without gaps, and
//! linked by hashes as the audit log.

mod entry;
mod saved;
mod verify;

pub use entry::Entry;
pub use saved::Saved;
pub use verify::{export, verify, verify_export};

use access::{Database, chain};
use entry::COLUMNS;
use plant::alarm::{AlarmEvent, AlarmKey};
use rusqlite::{OptionalExtension as _, Transaction, params};

/// Which events to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalQuery {
    /// Only events at this time or later, in engine time.
    pub from_us: Option<i64>,
    /// Only events before this time.
    pub to_us: Option<i64>,
    pub rule: Option<String>,
    pub object: Option<String>,
    /// Only events before this one: the last of the previous page.
    pub before: Option<i64>,
    /// Maximum number of events.
    pub limit: u32,
}

/// Number and hash of the last event; 0 and zeros before the first.
pub(crate) fn last(tx: &Transaction<'_>) -> Result<(i64, String), access::Error> {
    // The counter of SQLite is compared, so that events removed from the end leave a gap.
    let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'alarm_events'), 0),
        (SELECT hash FROM alarm_events ORDER BY number DESC LIMIT 1)";
    let found: (i64, Option<String>) =
        tx.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((found.0, found.1.unwrap_or_else(chain::genesis)))
}

/// Number of the last event.
pub fn last_number(database: &Database) -> Result<i64, access::Error> {
    database.read(|tx| Ok(last(tx)?.0))
}

/// Appends numbered events, in order, to the chain whose last hash is `prev`; returns the new last hash.
pub(crate) fn append(
    tx: &Transaction<'_>,
    events: &[AlarmEvent],
    prev: String,
    recorded_at_us: i64,
) -> Result<String, access::Error> {
    let sql = "INSERT INTO alarm_events (number, at_us, rule, object, occurrence, transition, from_state,
        to_state, priority, value, limit_value, reading_at_us, actor, comment, evidence, recorded_at_us,
        prev, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    let mut statement = tx.prepare_cached(sql)?;
    let mut hash = prev;
    for event in events {
        let entry = Entry::new(event, recorded_at_us, hash);
        statement.execute(params![
            event.number,
            event.at_us,
            &*event.key.rule,
            &*event.key.object,
            event.occurrence,
            event.transition.as_str(),
            event.from.as_str(),
            event.to.as_str(),
            event.priority.number(),
            event.value,
            event.limit,
            event.reading_at_us,
            event.actor,
            event.comment,
            event.evidence,
            recorded_at_us,
            entry.prev,
            entry.hash
        ])?;
        hash = entry.hash;
    }
    Ok(hash)
}

/// Events that match, newest first.
pub fn list(database: &Database, query: &JournalQuery) -> Result<Vec<AlarmEvent>, access::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alarm_events WHERE number < ?1 AND at_us >= ?2 AND at_us < ?3
        AND (?4 IS NULL OR rule = ?4) AND (?5 IS NULL OR object = ?5) ORDER BY number DESC LIMIT ?6"
    );
    database.read(|tx| {
        let given = params![
            query.before.unwrap_or(i64::MAX),
            query.from_us.unwrap_or(i64::MIN),
            query.to_us.unwrap_or(i64::MAX),
            query.rule,
            query.object,
            query.limit
        ];
        collect(tx, &sql, given)
    })
}

/// Events with numbers above `number`, oldest first, at most `max`.
pub fn after(database: &Database, number: i64, max: u32) -> Result<Vec<AlarmEvent>, access::Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM alarm_events WHERE number > ?1 ORDER BY number LIMIT ?2");
    database.read(|tx| collect(tx, &sql, params![number, max]))
}

/// Events from one time to another in engine time, oldest first.
pub fn between(
    database: &Database,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<AlarmEvent>, access::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alarm_events WHERE at_us >= ?1 AND at_us < ?2 ORDER BY at_us, number"
    );
    database.read_apart(|tx| collect(tx, &sql, params![from_us, to_us]))
}

/// Events of one occurrence of an alarm, oldest first.
pub fn occurrence(database: &Database, id: i64) -> Result<Vec<AlarmEvent>, access::Error> {
    let sql = format!("SELECT {COLUMNS} FROM alarm_events WHERE occurrence = ?1 ORDER BY number");
    database.read(|tx| collect(tx, &sql, params![id]))
}

fn collect(
    tx: &Transaction<'_>,
    sql: &str,
    given: impl rusqlite::Params,
) -> Result<Vec<AlarmEvent>, access::Error> {
    let mut statement = tx.prepare_cached(sql)?;
    let found = statement.query_map(given, entry::read)?;
    found.map(|it| Ok(it?.event)).collect()
}

/// All saved states of alarms.
pub(crate) fn saved(database: &Database) -> Result<Vec<Saved>, access::Error> {
    database.read(|tx| {
        let mut statement = tx.prepare_cached("SELECT rule, object, alarm FROM alarm_states")?;
        let found = statement.query_map([], |row| {
            let (rule, object): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((rule, object, row.get::<_, String>(2)?))
        })?;
        let mut all = Vec::new();
        for row in found {
            let (rule, object, text) = row?;
            let key = AlarmKey { rule: rule.into(), object: object.into() };
            all.extend(Saved::from_json(key, &text));
        }
        Ok(all)
    })
}

/// Stores the states that a batch of events leads to.
pub(crate) fn save(tx: &Transaction<'_>, states: &[Saved]) -> Result<(), access::Error> {
    let sql = "INSERT INTO alarm_states (rule, object, occurrence, alarm) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (rule, object) DO UPDATE SET occurrence = excluded.occurrence, alarm = excluded.alarm";
    let mut statement = tx.prepare_cached(sql)?;
    for saved in states {
        let key = &saved.alarm.key;
        statement.execute(params![&*key.rule, &*key.object, saved.alarm.id, saved.to_json()])?;
    }
    Ok(())
}

/// The key of the alarm with this occurrence.
pub(crate) fn key_of(database: &Database, id: i64) -> Result<Option<AlarmKey>, access::Error> {
    let sql = "SELECT rule, object FROM alarm_events WHERE number = ?1";
    database.read(|tx| {
        let found = tx.prepare_cached(sql)?.query_row([id], |row| {
            Ok(AlarmKey {
                rule: row.get::<_, String>(0)?.into(),
                object: row.get::<_, String>(1)?.into(),
            })
        });
        Ok(found.optional()?)
    })
}
