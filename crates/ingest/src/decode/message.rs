//! Messages: each payload is one JSON object, or several, whose fields are found by path.
//!
//! *In*: payloads of a topic. *Out*: one row of text fields per record; a payload is one record unless
//! the contract names `records`. *Promise*: a payload that cannot be read affects no other; it becomes
//! one row with its fault, and so does an element of an array that cannot be read.
//!
//! Simple payloads (no escapes, no repeated keys, no values nested deeper than the contract names) are
//! read in one pass without allocation. All others go through a JSON parser. Both return the same fields,
//! which a property test checks.

mod laid_out;
mod schemas;

pub use schemas::{MessageSchema, Schemas, framed};

use super::DecodeLimits;
use super::json::{Field, Paths};
use arrow::array::{ArrayRef, StringArray, StringBuilder};
use batches::batch::{Fault, Fields, Messages};
use laid_out::LaidOut;
use plant::contract::{Contract, Origin};
use plant::message;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// Reads the messages of one contract.
#[derive(Debug)]
pub struct MessageReader {
    objects: ObjectReader,
    /// Reads messages that are not simply one object with all columns in it.
    laid_out: Option<LaidOut>,
    limits: DecodeLimits,
}

/// Reads one object.
#[derive(Debug)]
struct ObjectReader {
    plain: message::Paths,
    paths: Paths,
    /// Number of columns in the object.
    width: usize,
}

impl MessageReader {
    /// A reader for the messages of a contract.
    pub fn new(contract: &Contract, limits: DecodeLimits) -> Self {
        let within = contract.columns.iter().filter(|column| column.origin == Origin::Record);
        let objects = ObjectReader::new(within.map(|column| column.header.as_str()));
        Self { objects, laid_out: LaidOut::from_contract(contract), limits }
    }

    /// Reads framed messages by the schemas of a registry. Without it, what follows a frame is JSON.
    #[must_use]
    pub fn with_schemas(mut self, schemas: Schemas) -> Self {
        self.laid_out = self.laid_out.map(|laid_out| laid_out.with_schemas(schemas));
        self
    }

    /// Reads payloads into a row for each of their records.
    pub fn read(&self, messages: &Messages) -> Fields {
        if let Some(laid_out) = &self.laid_out {
            return laid_out.read(&self.objects, self.limits, messages);
        }
        let mut out = Rows::new(self.objects.width, messages.len());
        let mut texts: Vec<Option<&str>> = vec![None; self.objects.width];
        for payload in &messages.payload {
            let text = match payload.map(|payload| self.text(payload)) {
                Some(Ok(text)) => text,
                Some(Err(fault)) => {
                    out.faulty(fault, payload, self.limits);
                    continue;
                }
                None => {
                    out.faulty(Fault::Tombstone, None, self.limits);
                    continue;
                }
            };
            texts.fill(None);
            match self.objects.plain.read(text, &mut texts) {
                Ok(()) => out.good(texts.iter().copied()),
                Err(message::Unsupported) => self.push_parsed(text, &mut out),
            }
        }
        out.finish()
    }

    fn text<'a>(&self, payload: &'a [u8]) -> Result<&'a str, Fault> {
        if payload.len() > self.limits.max_record_bytes {
            return Err(Fault::TooLong);
        }
        std::str::from_utf8(payload).map_err(|_error| unreadable(payload, Fault::InvalidText))
    }

    fn push_parsed(&self, text: &str, out: &mut Rows) {
        match self.objects.parse(text) {
            Ok(texts) => out.good(texts.iter().map(Option::as_deref)),
            Err(Fault::NotJson) => {
                out.faulty(undecodable(text), Some(text.as_bytes()), self.limits);
            }
            Err(fault) => out.faulty(fault, Some(text.as_bytes()), self.limits),
        }
    }
}

impl ObjectReader {
    /// A reader of the fields at these paths.
    fn new<'p>(headers: impl Iterator<Item = &'p str> + Clone) -> Self {
        Self {
            plain: message::Paths::new(headers.clone()),
            width: headers.clone().count(),
            paths: Paths::new(headers),
        }
    }

    /// The fields of an object, read by a JSON parser.
    fn parse<'a>(&self, text: &'a str) -> Result<Vec<Option<Cow<'a, str>>>, Fault> {
        let mut fields: Vec<Option<Field<'_>>> = vec![None; self.width];
        let read = self.paths.read(text, &mut fields, &mut String::new()).and_then(|()| {
            fields.iter().map(|field| field.as_ref().and_then(Field::text).transpose()).collect()
        });
        let texts = read.map_err(|_error| Fault::NotJson)?;
        let is_nested = fields.iter().flatten().any(Field::is_nested);
        if is_nested { Err(Fault::NotScalar) } else { Ok(texts) }
    }

    /// The fields of an object, in one pass if it is simple.
    fn read<'a>(&self, text: &'a str) -> Result<Vec<Option<Cow<'a, str>>>, Fault> {
        let mut texts: Vec<Option<&str>> = vec![None; self.width];
        match self.plain.read(text, &mut texts) {
            Ok(()) => Ok(texts.into_iter().map(|text| text.map(Cow::Borrowed)).collect()),
            Err(message::Unsupported) => self.parse(text),
        }
    }
}

/// The fault of a text that is not a JSON object.
fn undecodable(text: &str) -> Fault {
    let is_array = text.trim_start().starts_with('[');
    if is_array && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Fault::ArrayReceived;
    }
    unreadable(text.as_bytes(), Fault::NotJson)
}

/// `fault`, or [`Fault::RegistryFraming`] if the payload begins like one in the wire format of a schema
/// registry.
fn unreadable(payload: &[u8], fault: Fault) -> Fault {
    /// Header version, compression and schema version id of an AWS Glue payload.
    const GLUE_BYTES: usize = 18;
    match payload {
        // Schema ids start at 1.
        [0, 0, 0, 0, 0, ..] => fault,
        [0, _, _, _, _, ..] => Fault::RegistryFraming,
        [3, 0 | 5, ..] if payload.len() >= GLUE_BYTES => Fault::RegistryFraming,
        _ => fault,
    }
}

/// Collects rows.
#[derive(Debug)]
struct Rows {
    columns: Vec<StringBuilder>,
    rows: usize,
    /// Rows that cannot be read, in order, with the beginning of their text, if there is any.
    faults: Vec<(usize, Fault, Option<String>)>,
}

impl Rows {
    fn new(width: usize, rows: usize) -> Self {
        /// Estimated length of a field, in bytes.
        const FIELD_BYTES: usize = 24;
        let column = |_| StringBuilder::with_capacity(rows, rows * FIELD_BYTES);
        Self { columns: (0..width).map(column).collect(), rows: 0, faults: Vec::new() }
    }

    fn good<'a>(&mut self, texts: impl Iterator<Item = Option<&'a str>>) {
        self.columns.iter_mut().zip(texts).for_each(|(column, text)| column.append_option(text));
        self.rows += 1;
    }

    fn faulty(&mut self, fault: Fault, raw: Option<&[u8]>, limits: DecodeLimits) {
        self.columns.iter_mut().for_each(StringBuilder::append_null);
        let kept = |raw: &[u8]| {
            let kept = &raw[..raw.len().min(limits.kept_faulty_bytes)];
            String::from_utf8_lossy(kept).into_owned()
        };
        self.faults.push((self.rows, fault, raw.map(kept)));
        self.rows += 1;
    }

    fn finish(mut self) -> Fields {
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        let columns = columns.collect();
        let fault = spread(self.rows, self.faults.iter().map(|it| (it.0, Some(it.1.code()))));
        let rest = spread(self.rows, self.faults.iter().map(|it| (it.0, it.2.as_deref())));
        Fields { columns, fault, rest, elements: None }
    }
}

/// A column with texts in some of its rows, given in their order.
fn spread<'a>(rows: usize, texts: impl Iterator<Item = (usize, Option<&'a str>)>) -> StringArray {
    let mut texts = texts.peekable();
    if texts.peek().is_none() {
        return StringArray::new_null(rows);
    }
    let text_of = |row: usize| texts.next_if(|(at, _)| *at == row).and_then(|(_, text)| text);
    (0..rows).map(text_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::contract;
    use arrow::array::{Array as _, AsArray as _, BinaryArray, Int32Array, Int64Array};
    use plant::contract::Format;
    use proptest::prelude::*;

    fn reader() -> MessageReader {
        let contract = contract(Format::Message, &["a", "b.c", "b.d"]);
        MessageReader::new(
            &contract,
            DecodeLimits { max_record_bytes: 200, ..DecodeLimits::default() },
        )
    }

    fn messages(payloads: &[&[u8]]) -> Messages {
        let rows = payloads.len();
        Messages {
            topic: "t".into(),
            partition: Int32Array::from(vec![0; rows]),
            offset: Int64Array::from_iter_values(0..rows as i64),
            timestamp_us: Int64Array::from(vec![0; rows]),
            payload: BinaryArray::from_iter_values(payloads),
            key: None,
            headers: None,
        }
    }

    fn shown(fields: &Fields, row: usize) -> String {
        let cell = |column: &StringArray| match column.is_valid(row) {
            true => column.value(row).to_owned(),
            false => "∅".to_owned(),
        };
        let columns = fields.columns.iter().map(|column| cell(column.as_string()));
        let mut parts = vec![columns.collect::<Vec<_>>().join("|")];
        if fields.fault.is_valid(row) {
            parts.push(cell(&fields.fault));
        }
        parts.join(" ")
    }

    fn check(payload: &[u8], expected: &str) {
        assert_eq!(shown(&reader().read(&messages(&[payload])), 0), expected, "{payload:?}");
    }

    #[test]
    fn fields_are_found_by_path() {
        check(br#"{"a": "x", "b": {"c": "y", "d": "z"}}"#, "x|y|z");
        check(br#" {"b":{"d":1.50},"z":true,"a":-7} "#, "-7|∅|1.50");
        check(br#"{"b":{},"a":null}"#, "∅|∅|∅");
        check(br#"{}"#, "∅|∅|∅");
        check(br#"{"a":"\u00e9\n"}"#, "é\n|∅|∅");
        check(br#"{"a":1,"a":2}"#, "2|∅|∅");
        check(br#"{"b":5,"a":1e3,"z":{"deep":[1]}}"#, "1e3|∅|∅");
    }

    #[test]
    fn a_bad_message_has_its_fault() {
        check(b"", "∅|∅|∅ not_json");
        check(b"{\"a\":", "∅|∅|∅ not_json");
        check(b"[1]", "∅|∅|∅ array_received");
        check(b" [{\"a\":1}, {}] ", "∅|∅|∅ array_received");
        check(b"[1", "∅|∅|∅ not_json");
        check(b"\0\0\0\0\x0c{}", "∅|∅|∅ schema_registry_framing");
        check(&[0; 32], "∅|∅|∅ not_json");
        check(b"\0\0\0\x01\x90\x02\x81", "∅|∅|∅ schema_registry_framing");
        check(b"\x03\0\x01234567890123456{}", "∅|∅|∅ schema_registry_framing");
        check(b"\0\0", "∅|∅|∅ not_json");
        check(b"{\"a\":01}", "∅|∅|∅ not_json");
        check(b"{} x", "∅|∅|∅ not_json");
        check(b"{\"a\":\"\xff\"}", "∅|∅|∅ invalid_text");
        check(br#"{"a":{"x":1}}"#, "∅|∅|∅ not_scalar");
        check(br#"{"a":[]}"#, "∅|∅|∅ not_scalar");
        check(&[b' '; 201], "∅|∅|∅ too_long");
    }

    #[test]
    fn a_tombstone_is_not_an_empty_text() {
        let payload = BinaryArray::from_opt_vec(vec![None, Some(b"")]);
        let fields = reader().read(&Messages { payload, ..messages(&[b"", b""]) });
        assert_eq!([0, 1].map(|row| fields.fault.value(row)), ["tombstone", "not_json"]);
        assert_eq!([0, 1].map(|row| fields.rest.is_valid(row)), [false, true]);
    }

    fn json() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,2})?(e[0-9])?",
            "\"[a-zé ]{0,4}\"",
            Just("\"\\u0041\"".to_owned()),
        ];
        scalar.prop_recursive(3, 12, 4, |inner| {
            let key =
                prop_oneof![Just("a"), Just("b"), Just("c"), Just("d"), Just("b.c"), Just("z")];
            let member =
                (key, inner.clone()).prop_map(|(key, value)| format!("\"{key}\": {value}"));
            prop_oneof![
                prop::collection::vec(member, 0..4).prop_map(|it| format!("{{{}}}", it.join(", "))),
                prop::collection::vec(inner, 0..2).prop_map(|it| format!("[{}]", it.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_ways_read_the_same(text in json(), cut in 0_usize..40) {
            let reader = reader();
            let cut = text.char_indices().map(|(at, _)| at).rev().nth(cut).unwrap_or(text.len());
            for text in [text.as_str(), &text[..cut]] {
                let mut texts = vec![None; 3];
                let mut plain = Rows::new(3, 1);
                if reader.objects.plain.read(text, &mut texts).is_ok() {
                    plain.good(texts.into_iter());
                } else {
                    continue;
                }
                let mut parsed = Rows::new(3, 1);
                reader.push_parsed(text, &mut parsed);
                prop_assert_eq!(shown(&plain.finish(), 0), shown(&parsed.finish(), 0), "{}", text);
            }
        }
    }
}
