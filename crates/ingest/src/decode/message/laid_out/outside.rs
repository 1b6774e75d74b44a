//! The parts of a message besides its records.

use super::{LaidOut, Slot, Text};
use crate::decode::{DecodeLimits, headers};
use arrow::array::Array as _;
use batches::batch::{Fault, Messages};
use std::borrow::Cow;

/// The parts of a message besides its records.
pub struct Outside<'a> {
    pub messages: &'a Messages,
    pub row: usize,
    /// For each column the value that it takes from the topic's name.
    pub topics: &'a [Option<&'a str>],
}

/// The key of a message, and those of its fields that columns take.
#[derive(Default)]
pub struct MessageKey<'a> {
    pub text: Text<'a>,
    pub fields: Vec<Option<String>>,
}

impl<'a> Outside<'a> {
    pub fn payload(&self) -> Option<&'a [u8]> {
        let payload = &self.messages.payload;
        payload.is_valid(self.row).then(|| payload.value(self.row))
    }

    fn key(&self) -> Option<&'a [u8]> {
        let keys = self.messages.key.as_ref().filter(|keys| keys.is_valid(self.row))?;
        Some(keys.value(self.row))
    }

    /// The key as it is.
    pub fn key_text(&self) -> Result<Option<&'a str>, Fault> {
        let key = self.key().map(std::str::from_utf8).transpose();
        key.map_err(|_error| Fault::InvalidText)
    }

    pub fn header(&self, key: &str) -> Result<Text<'a>, Fault> {
        let all = self.messages.headers.as_ref().filter(|it| it.is_valid(self.row));
        let Some(all) = all else { return Ok(None) };
        headers::find(all.value(self.row), key).map_err(|_error| Fault::InvalidText)
    }

    pub fn partition(&self) -> i32 {
        self.messages.partition.value(self.row)
    }

    /// The time of the message in microseconds since 1970 UTC.
    pub fn timestamp_us(&self) -> i64 {
        self.messages.timestamp_us.value(self.row)
    }

    pub fn offset(&self) -> i64 {
        self.messages.offset.value(self.row)
    }
}

impl LaidOut {
    /// The key of a message, if it is needed. A framed key is read by its schema; a single text in it is without
    /// quotes.
    pub fn key<'a>(
        &self,
        outside: &Outside<'a>,
        limits: DecodeLimits,
    ) -> Result<MessageKey<'a>, Fault> {
        let is_field = |slot: &Slot| matches!(slot, Slot::KeyField);
        let has_fields = self.slots.iter().any(is_field);
        let is_needed = has_fields || self.change.is_some();
        if !is_needed && !self.slots.iter().any(|slot| matches!(slot, Slot::Key)) {
            return Ok(MessageKey::default());
        }
        let Some(bytes) = outside.key() else { return Ok(MessageKey::default()) };
        let text = match self.body(bytes, limits) {
            // An unframed key that is not text has no schema registry that could explain it.
            Err(Fault::RegistryFraming) => return Err(Fault::InvalidText),
            text => unquoted(text?),
        };
        let fields = match has_fields {
            true => self.key_fields.read(&text).map_err(|_not_json| Fault::NotObject)?,
            false => Vec::new(),
        };
        let fields = fields.into_iter().map(|it| it.map(Cow::into_owned)).collect();
        Ok(MessageKey { text: Some(text), fields })
    }
}

/// The text of a JSON text that was made by a schema; any other text as it is.
fn unquoted(text: Cow<'_, str>) -> Cow<'_, str> {
    let Cow::Owned(json) = &text else { return text };
    match serde_json::from_str::<String>(json) {
        Ok(value) => Cow::Owned(value),
        Err(_other) => text,
    }
}
