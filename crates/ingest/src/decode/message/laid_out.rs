//! Messages that are not simply one object with all columns in it: framed, with several records each,
//! or with columns from the topic, the key, the headers, or the envelope of the records.

use super::{ObjectReader, Rows, undecodable, unreadable};
use crate::decode::json::{Field, Found, Splitter};
use crate::decode::{DecodeLimits, headers};
use arrow::array::{Array as _, Int32Array, Int32Builder, UInt32Array};
use batches::batch::{Elements, Fault, Fields, Messages, topic_name};
use plant::contract::{Column, Contract, Framing, Origin};
use plant::mqtt_source::MqttSource;
use plant::topic_filter::TopicFilter;
use regex::Regex;
use std::borrow::Cow;

/// Bytes in front of a payload in a schema registry's wire format: a zero and the schema's number.
const FRAME_BYTES: usize = 5;

/// How the messages of a contract are laid out.
#[derive(Debug)]
pub struct LaidOut {
    framing: Framing,
    /// Finds the records, if a message may hold several.
    splitter: Option<Splitter>,
    slots: Vec<Slot>,
    /// Regular expressions of topics; their named groups are parts of a topic's name.
    patterns: Vec<Regex>,
    /// Filters of topics of MQTT, whose named levels are parts of a topic.
    filters: Vec<TopicFilter>,
}

/// Where the text of a column comes from.
#[derive(Debug)]
enum Slot {
    /// The next field of the record.
    Record,
    /// The field of the envelope at this position among the columns.
    Envelope(usize),
    /// The group of this name of the topic's regular expression, or the whole name of the topic.
    Topic(String),
    /// The level of this name of the topic, which is the key of a message of MQTT.
    Level(String),
    Key,
    /// The header of this key.
    Header(String),
}

type Text<'a> = Option<Cow<'a, str>>;

impl Slot {
    /// The slot of the column at position `at`.
    fn new(at: usize, column: &Column, mqtt: Option<&MqttSource>) -> Self {
        match (column.origin, mqtt) {
            (Origin::Topic, Some(mqtt)) if mqtt.has_level(&column.header) => {
                Self::Level(column.header.clone())
            }
            (Origin::Topic, Some(_)) => Self::Key,
            (origin, _) => Self::from_origin(at, column, origin),
        }
    }

    fn from_origin(at: usize, column: &Column, origin: Origin) -> Self {
        match origin {
            Origin::Record | Origin::Path => Self::Record,
            Origin::Envelope => Self::Envelope(at),
            Origin::Topic => Self::Topic(column.header.clone()),
            Origin::Key => Self::Key,
            Origin::Header => Self::Header(column.header.clone()),
        }
    }
}

fn splitter(contract: &Contract) -> Option<Splitter> {
    let columns = contract.columns.iter().enumerate();
    let envelope = columns.filter(|(_, column)| column.origin == Origin::Envelope);
    let envelope = envelope.map(|(at, column)| (at, column.header.clone())).collect();
    let path = contract.records.as_deref()?;
    Some(Splitter::new(Some(path), envelope, contract.columns.len()).lenient())
}

impl LaidOut {
    /// `None` if each message is simply one object with all columns in it.
    pub fn from_contract(contract: &Contract) -> Option<Self> {
        let is_in_record = |column: &Column| column.origin == Origin::Record;
        let is_simple = contract.framing == Framing::None && contract.records.is_none();
        if is_simple && contract.columns.iter().all(is_in_record) {
            return None;
        }
        let mqtt = contract.mqtt.as_ref();
        let columns = contract.columns.iter().enumerate();
        let slots: Vec<Slot> = columns.map(|(at, column)| Slot::new(at, column, mqtt)).collect();
        let has_topic = slots.iter().any(|slot| matches!(slot, Slot::Topic(_)));
        let patterns = contract.topics.iter().filter(|topic| has_topic && topic.starts_with('^'));
        Some(Self {
            framing: contract.framing,
            splitter: splitter(contract),
            // The patterns were checked when the contract was read.
            patterns: patterns.filter_map(|pattern| Regex::new(pattern).ok()).collect(),
            filters: mqtt.map(|mqtt| mqtt.filters.clone()).unwrap_or_default(),
            slots,
        })
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
    ) -> Result<(), (Fault, Option<&'a [u8]>)> {
        let Some(payload) = outside.payload() else { return Err((Fault::Tombstone, None)) };
        let failed = |fault| (fault, Some(payload));
        if payload.len() > out.limits.max_record_bytes {
            return Err(failed(Fault::TooLong));
        }
        let body = match (self.framing, payload) {
            (Framing::Confluent, [0, ..]) => payload.get(FRAME_BYTES..).unwrap_or_default(),
            _ => payload,
        };
        let text = std::str::from_utf8(body)
            .map_err(|_error| failed(unreadable(body, Fault::InvalidText)))?;
        let Some(splitter) = &self.splitter else {
            return match self.texts(objects, outside, text, &[]) {
                Ok(texts) => {
                    out.good(outside.row, 0, &texts);
                    Ok(())
                }
                Err(Fault::NotJson) => Err(failed(undecodable(text))),
                Err(fault) => Err(failed(fault)),
            };
        };
        let mut position = 0;
        let split = splitter.split(text, &mut |found| {
            let (value, texts) = match found {
                Found::Record(value, envelope) => {
                    (value, self.texts(objects, outside, value.get(), &envelope))
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
            Err(_not_json) => Err(failed(unreadable(body, Fault::NotJson))),
            Ok(()) if position == 0 => Err(failed(Fault::NoRecords)),
            Ok(()) => Ok(()),
        }
    }

    /// The level of the topic with this name, by the first filter that matches and has it.
    fn level<'a>(&self, outside: &Outside<'a>, name: &str) -> Result<Option<&'a str>, Fault> {
        let topic = outside.key()?;
        Ok(topic.and_then(|topic| self.filters.iter().find_map(|it| it.level(topic, name))))
    }

    /// The texts of all columns of one record.
    fn texts<'a>(
        &self,
        objects: &ObjectReader,
        outside: &Outside<'a>,
        record: &'a str,
        envelope: &[Option<Field<'a>>],
    ) -> Result<Vec<Text<'a>>, Fault> {
        let mut fields = objects.read(record)?.into_iter();
        let mut texts = Vec::with_capacity(self.slots.len());
        for (slot, topic) in self.slots.iter().zip(outside.topics) {
            texts.push(match slot {
                Slot::Record => fields.next().flatten(),
                Slot::Envelope(at) => single_value(envelope.get(*at).copied().flatten())?,
                Slot::Topic(_) => topic.map(Cow::Borrowed),
                Slot::Level(name) => self.level(outside, name)?.map(Cow::Borrowed),
                Slot::Key => outside.key()?.map(Cow::Borrowed),
                Slot::Header(key) => outside.header(key)?,
            });
        }
        Ok(texts)
    }
}

/// The parts of a message besides its records.
struct Outside<'a> {
    messages: &'a Messages,
    row: usize,
    /// For each column the value that it takes from the topic's name.
    topics: &'a [Option<&'a str>],
}

impl<'a> Outside<'a> {
    fn payload(&self) -> Option<&'a [u8]> {
        let payload = &self.messages.payload;
        payload.is_valid(self.row).then(|| payload.value(self.row))
    }

    fn key(&self) -> Result<Option<&'a str>, Fault> {
        let keys = self.messages.key.as_ref().filter(|keys| keys.is_valid(self.row));
        let key = keys.map(|keys| std::str::from_utf8(keys.value(self.row))).transpose();
        key.map_err(|_error| Fault::InvalidText)
    }

    fn header(&self, key: &str) -> Result<Text<'a>, Fault> {
        let all = self.messages.headers.as_ref().filter(|it| it.is_valid(self.row));
        let Some(all) = all else { return Ok(None) };
        headers::find(all.value(self.row), key).map_err(|_error| Fault::InvalidText)
    }
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
