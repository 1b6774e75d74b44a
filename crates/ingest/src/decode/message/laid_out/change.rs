//! Messages that are changes of a table of a database, as Debezium writes them.
//!
//! A change has the row after it, and for a deleted row the one before it. Around them are the operation (`op`), times
//! and the position in the database, which are columns with `from = "envelope"`. Kafka Connect may wrap all of it in
//! an object with `schema` and `payload`. A tombstone, which follows a deletion in a compacted topic, is read as one
//! more deletion of its key.

use super::outside::{MessageKey, Outside};
use super::{LaidOut, ObjectReader, Slot, Text, undecodable};
use batches::batch::Fault;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The operation of a deleted row.
const DELETED: &str = "d";

/// A change, or the object that wraps it.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    op: Option<Cow<'a, str>>,
    #[serde(borrow)]
    before: Option<&'a RawValue>,
    #[serde(borrow)]
    after: Option<&'a RawValue>,
}

/// A key that Kafka Connect wraps.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl LaidOut {
    /// The texts of all columns of a change. `text` is `None` for a tombstone.
    pub fn change<'a>(
        &self,
        around: &ObjectReader,
        objects: &ObjectReader,
        text: Option<&'a str>,
        outside: &Outside<'a>,
        key: &'a MessageKey<'_>,
    ) -> Result<Vec<Text<'a>>, Fault> {
        let Some(text) = text else {
            let row = key.text.as_deref().map(unwrapped).ok_or(Fault::Tombstone)?;
            let record = objects.read(row).map_err(|_fault| Fault::Tombstone)?;
            return self.texts(record, self.tombstone(), outside, key);
        };
        let (change, row) = parts(text, key.text.as_deref())?;
        let is_json = |fault| if fault == Fault::NotJson { Fault::NotAChange } else { fault };
        let envelope = around.read(change).map_err(is_json)?;
        self.texts(objects.read(row).map_err(is_json)?, envelope, outside, key)
    }

    /// The columns around the row of a tombstone.
    fn tombstone<'a>(&self) -> Vec<Text<'a>> {
        let around = self.slots.iter().filter_map(|slot| match slot {
            Slot::Envelope(_, path) => Some(path),
            _ => None,
        });
        around.map(|path| (path == "op").then_some(Cow::Borrowed(DELETED))).collect()
    }
}

/// The object with the operation, and the row that it is about.
fn parts<'a>(text: &'a str, key: Option<&'a str>) -> Result<(&'a str, &'a str), Fault> {
    let parse = |text: &'a str| serde_json::from_str::<Envelope<'a>>(text);
    let mut change = parse(text).map_err(|_other| match undecodable(text) {
        Fault::NotJson if serde_json::from_str::<&RawValue>(text).is_ok() => Fault::NotAChange,
        fault => fault,
    })?;
    let mut text = text;
    if let (None, Some(payload)) = (&change.op, change.payload) {
        text = payload.get();
        change = parse(text).map_err(|_other| Fault::NotAChange)?;
    }
    let row = match change.op.as_deref() {
        Some("c" | "u" | "r") => change.after.map(RawValue::get),
        Some(DELETED) => change.before.map(RawValue::get).or_else(|| key.map(unwrapped)),
        _ => None,
    };
    Ok((text, row.ok_or(Fault::NotAChange)?))
}

/// The key in the object that Kafka Connect wraps it in.
fn unwrapped(key: &str) -> &str {
    match serde_json::from_str::<Wrapped<'_>>(key) {
        Ok(Wrapped { schema: Some(_), payload: Some(payload) }) => payload.get(),
        _ => key,
    }
}
