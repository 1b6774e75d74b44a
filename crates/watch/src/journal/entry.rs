//! An event of the journal with its link to the one before.

use access::chain::{Linked, canonical, link};
use plant::alarm::{AlarmEvent, AlarmKey, Priority, State, Transition};
use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::{Value, json};

pub(super) const COLUMNS: &str = "number, at_us, rule, object, occurrence, transition, from_state, \
    to_state, priority, value, limit_value, reading_at_us, actor, comment, evidence, recorded_at_us, \
    prev, hash";

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub event: AlarmEvent,
    /// Time of the program when the event was recorded: microseconds since 1970, UTC.
    pub recorded_at_us: i64,
    /// Hash of the previous entry, in hexadecimal.
    pub prev: String,
    /// Hash of this entry, in hexadecimal.
    pub hash: String,
}

impl Entry {
    /// Links an event to the entry with the hash `prev`.
    pub(super) fn new(event: &AlarmEvent, recorded_at_us: i64, prev: String) -> Self {
        let mut entry = Self { event: event.clone(), recorded_at_us, prev, hash: String::new() };
        entry.hash = link(&entry.prev, &entry.content());
        entry
    }

    fn fields(&self) -> Value {
        let event = &self.event;
        json!({
            "actor": event.actor,
            "at_us": event.at_us,
            "comment": event.comment,
            "evidence": event.evidence,
            "from": event.from.as_str(),
            "limit": event.limit,
            "number": event.number,
            "object": &*event.key.object,
            "occurrence": event.occurrence,
            "priority": event.priority.number(),
            "reading_at_us": event.reading_at_us,
            "recorded_at_us": self.recorded_at_us,
            "rule": &*event.key.rule,
            "to": event.to.as_str(),
            "transition": event.transition.as_str(),
            "value": event.value,
        })
    }

    /// The entry with its hashes as one line of canonical JSON, without the line end.
    pub fn line(&self) -> String {
        let mut fields = self.fields();
        fields["prev"] = self.prev.as_str().into();
        fields["hash"] = self.hash.as_str().into();
        canonical(&fields)
    }

    /// Reads a line; `None` if it is not an entry.
    pub(super) fn from_line(line: &str) -> Option<Self> {
        let fields: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| fields[name].as_str().map(str::to_owned);
        let number = |name: &str| fields[name].as_i64();
        let event = AlarmEvent {
            number: number("number")?,
            at_us: number("at_us")?,
            key: AlarmKey { rule: text("rule")?.into(), object: text("object")?.into() },
            occurrence: number("occurrence")?,
            transition: Transition::from_name(&text("transition")?)?,
            from: State::from_name(&text("from")?)?,
            to: State::from_name(&text("to")?)?,
            priority: Priority::from_number(number("priority")?)?,
            value: fields["value"].as_f64(),
            limit: fields["limit"].as_f64(),
            reading_at_us: number("reading_at_us"),
            actor: text("actor"),
            comment: text("comment"),
            evidence: text("evidence"),
        };
        let recorded_at_us = number("recorded_at_us")?;
        Some(Self { event, recorded_at_us, prev: text("prev")?, hash: text("hash")? })
    }
}

impl Linked for Entry {
    fn seq(&self) -> i64 {
        self.event.number
    }

    fn prev(&self) -> &str {
        &self.prev
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn content(&self) -> String {
        canonical(&self.fields())
    }
}

/// Reads a row with [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let key =
        AlarmKey { rule: row.get::<_, String>(2)?.into(), object: row.get::<_, String>(3)?.into() };
    let event = AlarmEvent {
        number: row.get(0)?,
        at_us: row.get(1)?,
        key,
        occurrence: row.get(4)?,
        transition: named(row, 5, Transition::from_name)?,
        from: named(row, 6, State::from_name)?,
        to: named(row, 7, State::from_name)?,
        priority: Priority::from_number(row.get(8)?).ok_or_else(|| unknown(8, "priority"))?,
        value: row.get(9)?,
        limit: row.get(10)?,
        reading_at_us: row.get(11)?,
        actor: row.get(12)?,
        comment: row.get(13)?,
        evidence: row.get(14)?,
    };
    Ok(Entry { event, recorded_at_us: row.get(15)?, prev: row.get(16)?, hash: row.get(17)? })
}

fn named<T>(row: &Row<'_>, column: usize, read: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    read(&text).ok_or_else(|| unknown(column, &text))
}

fn unknown(column: usize, text: &str) -> rusqlite::Error {
    let error = format!("unknown value `{text}` in the alarm journal");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
