//! Messages that are not simply one object with all columns in it: framed, changes of a table, with several
//! records each, or with columns from the topic, the key, the headers, or the envelope of the records.

mod change;
mod outside;
mod slot;
mod sparkplug;

use super::{MessageSchema, ObjectReader, Rows, Schemas, framed, undecodable, unreadable};
use crate::decode::DecodeLimits;
use crate::decode::json::{Field, Found, Splitter};
use arrow::array::{Int32Array, Int32Builder, UInt32Array};
use batches::batch::{Elements, Fault, Fields, Messages, topic_name};
use outside::{MessageKey, Outside};
use plant::contract::{ChangeFormat, Column, Contract, Framing, Origin};
use plant::topic_filter::TopicFilter;
use regex::Regex;
use slot::{KEY_FIELD, Slot};
use sparkplug::MetricColumns;
use std::borrow::Cow;

/// How the messages of a contract are laid out.
#[derive(Debug)]
pub struct LaidOut {
    framing: Framing,
    /// The schemas of framed messages; `None` if these are JSON.
    schemas: Option<Schemas>,
    /// Finds the records, if a message may hold several.
    splitter: Option<Splitter>,
    /// Reads the fields around the record, if a message is a change of a table.
    change: Option<ObjectReader>,
    slots: Vec<Slot>,
    /// Reads the fields of keys that columns take.
    key_fields: ObjectReader,
    /// Regular expressions of topics; their named groups are parts of a topic's name.
    patterns: Vec<Regex>,
    /// Filters of topics of MQTT, whose named levels are parts of a topic.
    filters: Vec<TopicFilter>,
    /// Reads payloads of Sparkplug B; `None` for those of another format.
    metrics: Option<MetricColumns>,
}

type Text<'a> = Option<Cow<'a, str>>;

/// A fault, and the beginning of the message that has it.
type Refused<'a> = (Fault, Option<&'a [u8]>);

fn splitter(contract: &Contract) -> Option<Splitter> {
    let columns = contract.columns.iter().enumerate();
    let envelope = columns.filter(|(_, column)| column.origin == Origin::Envelope);
    let envelope = envelope.map(|(at, column)| (at, column.header.clone())).collect();
    let path = contract.records.as_deref()?;
    Some(Splitter::new(Some(path), envelope, contract.columns.len()).lenient())
}

/// A reader of the columns around the record of a change.
fn change(contract: &Contract) -> Option<ObjectReader> {
    let around = contract.columns.iter().filter(|column| column.origin == Origin::Envelope);
    let ChangeFormat::Debezium = contract.changes?;
    Some(ObjectReader::new(around.map(|column| column.header.as_str())))
}

impl LaidOut {
    /// `None` if each message is simply one object with all columns in it.
    pub fn from_contract(contract: &Contract) -> Option<Self> {
        let is_in_record = |column: &Column| column.origin == Origin::Record;
        let is_simple = contract.framing == Framing::None
            && contract.records.is_none()
            && contract.changes.is_none();
        if is_simple && contract.columns.iter().all(is_in_record) {
            return None;
        }
        let mqtt = contract.mqtt.as_ref();
        let columns = contract.columns.iter().enumerate();
        let slots: Vec<Slot> = columns.map(|(at, column)| Slot::new(at, column, mqtt)).collect();
        let has_topic = slots.iter().any(|slot| matches!(slot, Slot::Topic(_)));
        let patterns = contract.topics.iter().filter(|topic| has_topic && topic.starts_with('^'));
        let of_key = contract.columns.iter().filter(|column| column.origin == Origin::Key);
        let key_fields = of_key.filter_map(|column| column.header.strip_prefix(KEY_FIELD));
        Some(Self {
            framing: contract.framing,
            schemas: None,
            splitter: splitter(contract),
            change: change(contract),
            key_fields: ObjectReader::new(key_fields),
            // The patterns were checked when the contract was read.
            patterns: patterns.filter_map(|pattern| Regex::new(pattern).ok()).collect(),
            filters: mqtt.map(|mqtt| mqtt.filters.clone()).unwrap_or_default(),
            metrics: MetricColumns::from_contract(contract),
            slots,
        })
    }

    /// Reads framed messages by these schemas.
    pub fn with_schemas(self, schemas: Schemas) -> Self {
        Self { schemas: Some(schemas), ..self }
    }

    /// Reads payloads, each into a row for each of its records.
    pub fn read(
        &self,
        objects: &ObjectReader,
        limits: DecodeLimits,
        messages: &Messages,
    ) -> Fields {
        let mut out = Out {
            rows: Rows::new(self.slots.len(), messages.len()),
            message: Vec::with_capacity(messages.len()),
            position: Int32Builder::with_capacity(messages.len()),
            limits,
        };
        let mut counts = Vec::with_capacity(messages.len());
        let topic = topic_name(&messages.topic);
        let topics: Vec<Option<&str>> =
            self.slots.iter().map(|slot| self.topic_part(slot, topic)).collect();
        for row in 0..messages.len() {
            let before = out.rows.rows;
            let outside = Outside { messages, row, topics: &topics };
            if let Err((fault, raw)) = self.message(objects, &outside, &mut out) {
                out.faulty(row, None, fault, raw);
            }
            counts.push(i32::try_from(out.rows.rows - before).unwrap_or(i32::MAX));
        }
        let elements = Elements {
            message: UInt32Array::from(out.message),
            position: out.position.finish(),
            count: Int32Array::from(counts),
        };
        Fields { elements: self.splitter.is_some().then_some(elements), ..out.rows.finish() }
    }

    /// The value that a column takes from the topic's name.
    fn topic_part<'a>(&self, slot: &Slot, topic: &'a str) -> Option<&'a str> {
        let Slot::Topic(group) = slot else { return None };
        let has_group = |it: &&Regex| it.capture_names().flatten().any(|name| name == group);
        let mut patterns = self.patterns.iter().filter(has_group).peekable();
        if patterns.peek().is_none() {
            return Some(topic);
        }
        let found = |it: &Regex| Some(it.captures(topic)?.name(group)?.as_str());
        patterns.find_map(found)
    }

    fn message<'a>(
        &self,
        objects: &ObjectReader,
        outside: &Outside<'a>,
        out: &mut Out,
    ) -> Result<(), Refused<'a>> {
        let payload = outside.payload();
        let failed = |fault| (fault, payload);
        if payload.is_some_and(|it| it.len() > out.limits.max_record_bytes) {
            return Err(failed(Fault::TooLong));
        }
        if let Some(columns) = &self.metrics {
            return self.metrics(columns, outside, out).map_err(failed);
        }
        let text = payload.map(|it| self.body(it, out.limits)).transpose().map_err(failed)?;
        let key = self.key(outside, out.limits).map_err(failed)?;
        if let Some(around) = &self.change {
            let texts = self.change(around, objects, text.as_deref(), outside, &key);
            out.good(outside.row, 0, &texts.map_err(failed)?);
            return Ok(());
        }
        let Some(text) = text else { return Err((Fault::Tombstone, None)) };
        if let Some(splitter) = &self.splitter {
            return self.records(splitter, objects, &text, outside, &key, out).map_err(failed);
        }
        let record = objects.read(&text).map_err(|fault| match (&text, fault) {
            // A text that a schema made is JSON.
            (Cow::Owned(_), Fault::NotJson) => failed(Fault::NotObject),
            (_, Fault::NotJson) => failed(undecodable(&text)),
            _ => failed(fault),
        })?;
        let texts = self.texts(record, Vec::new(), outside, &key).map_err(failed)?;
        out.good(outside.row, 0, &texts);
        Ok(())
    }

    /// The rows of a message that may have several records.
    fn records(
        &self,
        splitter: &Splitter,
        objects: &ObjectReader,
        text: &str,
        outside: &Outside<'_>,
        key: &MessageKey<'_>,
        out: &mut Out,
    ) -> Result<(), Fault> {
        let mut position = 0;
        let split = splitter.split(text, &mut |found| {
            let (value, texts) = match found {
                Found::Record(value, envelope) => {
                    let texts = self.envelope(&envelope).and_then(|envelope| {
                        self.texts(objects.read(value.get())?, envelope, outside, key)
                    });
                    (value, texts)
                }
                Found::Faulty(value, fault) => (value, Err(fault)),
            };
            match texts {
                Ok(texts) => out.good(outside.row, position, &texts),
                Err(fault) => {
                    let fault = if fault == Fault::NotJson { Fault::NotObject } else { fault };
                    out.faulty(outside.row, Some(position), fault, Some(value.get().as_bytes()));
                }
            }
            position += 1;
        });
        match split {
            Err(_not_json) => Err(unreadable(text.as_bytes(), Fault::NotJson)),
            Ok(()) if position == 0 => Err(Fault::NoRecords),
            Ok(()) => Ok(()),
        }
    }

    /// The JSON text of a payload or a key.
    fn body<'a>(&self, bytes: &'a [u8], limits: DecodeLimits) -> Result<Cow<'a, str>, Fault> {
        let (id, body) = match (self.framing, bytes) {
            (Framing::Confluent, [0, ..]) => framed(bytes).unwrap_or_default(),
            _ => return text_of(bytes),
        };
        let Some(schemas) = &self.schemas else { return text_of(body) };
        match schemas.get(&id).map(|schema| &**schema) {
            None => Err(Fault::UnknownSchema),
            Some(MessageSchema::Unusable(_)) => Err(Fault::UnusableSchema),
            Some(MessageSchema::Json) => text_of(body),
            Some(MessageSchema::Avro(schema)) => {
                decoded(body, |text| schema.write_json(body, limits, text))
            }
            Some(MessageSchema::Protobuf(schema)) => {
                decoded(body, |text| schema.write_json(body, limits, text))
            }
        }
    }

    /// The texts of the fields around a record, in the order of their columns.
    fn envelope<'a>(&self, fields: &[Option<Field<'a>>]) -> Result<Vec<Text<'a>>, Fault> {
        let places = self.slots.iter().filter_map(|slot| match slot {
            Slot::Envelope(at, _) => Some(*at),
            _ => None,
        });
        places.map(|at| single_value(fields.get(at).copied().flatten())).collect()
    }

    /// The texts of all columns of one record.
    fn texts<'a>(
        &self,
        record: Vec<Text<'a>>,
        envelope: Vec<Text<'a>>,
        outside: &Outside<'a>,
        key: &'a MessageKey<'_>,
    ) -> Result<Vec<Text<'a>>, Fault> {
        let (mut record, mut envelope) = (record.into_iter(), envelope.into_iter());
        let mut key_fields = key.fields.iter();
        let mut texts = Vec::with_capacity(self.slots.len());
        for (slot, topic) in self.slots.iter().zip(outside.topics) {
            texts.push(match slot {
                Slot::Record => record.next().flatten(),
                Slot::Envelope(..) => envelope.next().flatten(),
                Slot::Topic(_) => topic.map(Cow::Borrowed),
                Slot::Level(name) => self.level(outside, name)?.map(Cow::Borrowed),
                Slot::Key => key.text.as_deref().map(Cow::Borrowed),
                Slot::KeyField => key_fields.next().and_then(|it| it.as_deref()).map(Cow::Borrowed),
                Slot::Header(key) => outside.header(key)?,
                Slot::Partition => Some(Cow::Owned(outside.partition().to_string())),
                Slot::Offset => Some(Cow::Owned(outside.offset().to_string())),
            });
        }
        Ok(texts)
    }

    /// The level of the topic with this name, by the first filter that matches and has it.
    fn level<'a>(&self, outside: &Outside<'a>, name: &str) -> Result<Option<&'a str>, Fault> {
        let topic = outside.key_text()?;
        Ok(topic.and_then(|topic| self.filters.iter().find_map(|it| it.level(topic, name))))
    }
}

/// A text that is made of bytes.
fn decoded<'a>(
    bytes: &[u8],
    write: impl FnOnce(&mut String) -> Result<(), Fault>,
) -> Result<Cow<'a, str>, Fault> {
    let mut text = String::with_capacity(bytes.len() * 2);
    write(&mut text)?;
    Ok(Cow::Owned(text))
}

fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let text = std::str::from_utf8(bytes).map(Cow::Borrowed);
    text.map_err(|_error| unreadable(bytes, Fault::InvalidText))
}

/// The text of a field that has to be a single value.
fn single_value(field: Option<Field<'_>>) -> Result<Text<'_>, Fault> {
    let Some(field) = field else { return Ok(None) };
    if field.is_nested() {
        return Err(Fault::NotScalar);
    }
    field.text().transpose().map_err(|_error| Fault::NotJson)
}

/// Collects rows, and the position of each in its message.
struct Out {
    rows: Rows,
    message: Vec<u32>,
    position: Int32Builder,
    limits: DecodeLimits,
}

impl Out {
    fn good(&mut self, message: usize, position: i32, texts: &[Text<'_>]) {
        self.rows.good(texts.iter().map(Option::as_deref));
        self.push_position(message, Some(position));
    }

    fn faulty(&mut self, message: usize, position: Option<i32>, fault: Fault, raw: Option<&[u8]>) {
        self.rows.faulty(fault, raw, self.limits);
        self.push_position(message, position);
    }

    fn push_position(&mut self, message: usize, position: Option<i32>) {
        self.message.push(u32::try_from(message).unwrap_or(u32::MAX));
        self.position.append_option(position);
    }
}

#[cfg(test)]
mod tests;
