//! JSON: a sequence of objects, or an array of objects.
//!
//! *In*: the bytes of a dump; the text of a message.
//! *Out*: one record per object, its fields found by path; members without a column go to `rest`.
//! *Promise*: numbers keep the digits they were written with, nothing in a record is lost, and a record has
//! the position of its own bytes wherever it is nested.

mod array;
mod keys;
mod object;
mod outer;
mod records;
mod scan;
mod split;

pub(super) use object::{Field, Paths};
pub(super) use split::{Found, Splitter};

use super::DecodeLimits;
use super::error::DecodeError;
use super::lines::{Cut, LineEnds};
use super::raw::Raw;
use array::{Array, Style};
use batches::batch::{BatchBuilder, Fault};
use keys::Keys;
use outer::Outer;
use plant::columns::FileColumns;
use plant::contract::{Contract, Format};
use records::{Record, Records};
use std::borrow::Cow;

/// Decodes [`Format::JsonLines`] and [`Format::JsonArray`].
#[derive(Debug)]
pub(super) struct Json {
    contract: Contract,
    array: Array,
    records: Records,
    /// Path of the array that `records` are in.
    within: Option<String>,
    is_preview: bool,
    headers: Vec<String>,
    keys: Keys,
    kept_faulty_bytes: usize,
}

impl Json {
    pub fn new(contract: &Contract, limits: DecodeLimits) -> Self {
        let style = match contract.format {
            Format::JsonArray => Style::Array,
            _ => Style::Objects,
        };
        let outer = Outer::new(contract, limits.max_record_bytes);
        Self {
            contract: contract.clone(),
            array: Array::new(style, outer, limits.max_record_bytes),
            records: Records::new(contract),
            within: None,
            is_preview: false,
            headers: contract.headers().into_iter().map(str::to_owned).collect(),
            keys: Keys::default(),
            kept_faulty_bytes: limits.kept_faulty_bytes,
        }
    }

    /// The keys of the objects in the file; `None` before the first object.
    pub fn columns(&self) -> Option<FileColumns> {
        self.keys.found(&self.headers)
    }

    /// Whether the file has to be read twice: fields of the envelope may follow the array.
    pub fn wants_preview(&self) -> bool {
        self.contract.format == Format::JsonArray && self.array.outer().has_fields()
    }

    /// Makes this the first of two passes, which returns no records.
    pub fn preview(&mut self) {
        self.is_preview = true;
        self.array.outer_mut().preview();
    }

    /// Takes the fields that the first pass found.
    pub fn take_preview(&mut self, preview: &Self) {
        self.array.outer_mut().set_fields(preview.array.outer().fields().to_vec());
    }

    pub fn set_ends(&mut self, ends: LineEnds) {
        self.array.set_ends(ends);
    }

    pub fn cut(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        self.array.cut(bytes, file_at, closed)
    }

    pub fn skip(&mut self, bytes: &[u8], closed: bool) -> Result<(usize, usize), usize> {
        self.array.skip(bytes, closed)
    }

    /// Adds the records in one object.
    pub fn read(&mut self, raw: Raw<'_>, out: &mut BatchBuilder) {
        if self.is_preview {
            return;
        }
        let Some(text) = raw.chars() else {
            return raw.end_faulty(Fault::InvalidText, self.kept_faulty_bytes, out);
        };
        if self.within.as_deref() != self.array.outer().array() {
            self.within = self.array.outer().array().map(str::to_owned);
            let within = self.within.as_deref().unwrap_or_default();
            self.records = Records::within(&self.contract, within);
        }
        let envelope = self.array.outer().fields();
        let own = self.records.own();
        self.records.read(text, &mut |record| {
            if record.fault.is_none() {
                let has = record.fields.iter().map(Option::is_some);
                self.keys.note(own, &text[record.from..record.to], has);
            }
            push(&record, raw.part(record.from, record.to), envelope, self.kept_faulty_bytes, out);
        });
    }
}

fn push(
    record: &Record<'_>,
    raw: Raw<'_>,
    envelope: &[Option<String>],
    kept_faulty_bytes: usize,
    out: &mut BatchBuilder,
) {
    let texts = record.fields.iter().map(|field| field.as_ref().and_then(Field::text).transpose());
    let texts = texts.collect::<Result<Vec<Option<Cow<'_, str>>>, _>>();
    match (record.fault, texts) {
        (Some(fault), _) => raw.end_faulty(fault, kept_faulty_bytes, out),
        (None, Err(_)) => raw.end_faulty(Fault::NotJson, kept_faulty_bytes, out),
        (None, Ok(texts)) => {
            for (text, outer) in texts.iter().zip(envelope) {
                out.field(text.as_deref().or(outer.as_deref()));
            }
            let rest = Some(record.rest.as_str()).filter(|rest| !rest.is_empty());
            out.end(raw.range(), None, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{contract, decode, decode_chunked, rows, slices};
    use plant::contract::{Encoding, Origin};

    fn check(input: &str, expected: &[&str]) {
        let contract = contract(Format::JsonLines, &["a", "b.c", "b.d"]);
        assert_eq!(rows(&decode(&contract, input.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn fields_are_found_by_path() {
        check(r#"{"a":"x","b":{"c":"y","d":"z"}}"#, &["x|y|z"]);
        check("{\"a\":1}\n\n{\"a\":2}\r\n", &["1|∅|∅", "2|∅|∅"]);
        check(r#" {"a" : "x" } "#, &["x|∅|∅"]);
        check(r#"{}"#, &["∅|∅|∅"]);
        check(r#"{"b":{}}"#, &["∅|∅|∅"]);
        check(r#"{"b":null,"a":null}"#, &["∅|∅|∅"]);
        check(r#"{"a":"q\"\u00e9\n"}"#, &["q\"é\n|∅|∅"]);
    }

    #[test]
    fn values_keep_their_text() {
        check(r#"{"a":1.50,"b":{"c":1e3,"d":true}}"#, &["1.50|1e3|true"]);
        check(r#"{"a":123456789012345678901234567890}"#, &["123456789012345678901234567890|∅|∅"]);
        check(r#"{"a":[1, {"x": "y z"}], "b":{"c":{ }}}"#, &[r#"[1,{"x":"y z"}]|{}|∅"#]);
    }

    #[test]
    fn members_without_a_column_are_kept() {
        check(r#"{"z": 1.0, "a":2, "y":[1, 2]}"#, &[r#"2|∅|∅ {"z":1.0,"y":[1,2]}"#]);
        check(r#"{"b":{"c":1,"e": null}, "z":0}"#, &[r#"∅|1|∅ {"b":{"e":null},"z":0}"#]);
        check(r#"{"b":5}"#, &[r#"∅|∅|∅ {"b":5}"#]);
        check(r#"{"a":1,"a":2}"#, &[r#"2|∅|∅ {"a":1}"#]);
    }

    #[test]
    fn a_bad_line_is_one_faulty_record() {
        check("{\"a\":1}\n{\"a\":\n{\"a\":3}", &["1|∅|∅", "∅|∅|∅ not_json {\"a\":", "3|∅|∅"]);
        check("[1]", &["∅|∅|∅ not_json [1]"]);
        check(r#"{"a":"\ud800"}"#, &[r#"∅|∅|∅ not_json {"a":"\ud800"}"#]);
        check("{\"a\":\"\u{1}\"}", &["∅|∅|∅ not_json {\"a\":\"\u{1}\"}"]);
    }

    #[test]
    fn letter_case_is_ignored_if_only_one_key_matches() {
        check(r#"{"A":1,"B":{"C":2}}"#, &["1|2|∅"]);
        check(r#"{"A":1,"a":2}"#, &[r#"2|∅|∅ {"A":1}"#]);
        let mut contract = contract(Format::JsonLines, &["aa", "b.c"]);
        let twice = br#"{"AA":1,"aA":2}"#;
        assert_eq!(rows(&decode(&contract, twice).unwrap()), [r#"∅|∅ {"AA":1,"aA":2}"#]);
        contract.case_sensitive_columns = true;
        let upper = br#"{"AA":1}"#;
        assert_eq!(rows(&decode(&contract, upper).unwrap()), [r#"∅|∅ {"AA":1}"#]);
    }

    #[test]
    fn a_path_with_dots_may_be_one_key() {
        check(r#"{"b.c":1}"#, &["∅|1|∅"]);
    }

    #[test]
    fn objects_need_no_lines() {
        check(r#"{"a":1}{"a":2} {"a":3}"#, &["1|∅|∅", "2|∅|∅", "3|∅|∅"]);
        check("{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", &["1|∅|∅", "2|∅|∅"]);
        check("{\"a\":1},\r\n{\"a\":2},\r\n", &["1|∅|∅", "2|∅|∅"]);
        check("[{\"a\":1},\n{\"a\":2}]\n", &["1|∅|∅", "2|∅|∅"]);
        check("[]\n{\"a\":1}\n[ {\"a\":2} ]", &["1|∅|∅", "2|∅|∅"]);
        check("{\"a\":1} x\n{\"a\":2}", &["1|∅|∅", "∅|∅|∅ not_json x", "2|∅|∅"]);
        check("{\"a\":1}{\"a\":\n{\"a\":3}", &["1|∅|∅", "∅|∅|∅ not_json {\"a\":", "3|∅|∅"]);
        check("{\"a\":1}\r{\"a\":2}\r", &["1|∅|∅", "2|∅|∅"]);
    }

    #[test]
    fn records_may_be_within_lines() {
        let mut contract = contract(Format::JsonLines, &["a", "m"]);
        contract.records = Some("v".into());
        contract.columns[1].origin = Origin::Envelope;
        let text = "{\"v\":[{\"a\":1},{\"a\":2}],\"m\":\"é\"}\n{\"m\":7}\n{\"v\":[{\"a\":3}]}";
        for encoding in [Encoding::Utf8, Encoding::Utf16Le] {
            contract.encoding = encoding;
            let file = match encoding {
                Encoding::Utf8 => text.as_bytes().to_vec(),
                _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            };
            let batch = decode(&contract, &file).unwrap();
            assert_eq!(rows(&batch), ["1|é", "2|é", "∅|∅ no_records {\"m\":7}", "3|∅"]);
            let texts = slices(&batch, &file).into_iter().map(|bytes| {
                String::from_utf8(bytes.iter().copied().filter(|byte| *byte != 0).collect())
            });
            let expected = ["{\"a\":1}", "{\"a\":2}", "{\"m\":7}", "{\"a\":3}"];
            assert_eq!(texts.collect::<Result<Vec<_>, _>>().unwrap(), expected);
        }
    }

    #[test]
    fn an_object_over_the_limit_is_one_record() {
        let contract = contract(Format::JsonLines, &["a"]);
        let limits = DecodeLimits { max_record_bytes: 12, kept_faulty_bytes: 4, probe_bytes: 4 };
        let file =
            b"{\"a\":1}\n{\n\"a\":\n[1,2,{\"x\":3}]}{\"a\":2}\n{\"a\":\"34567890\"}\n{\"a\":4}";
        for chunk in 1..=file.len() {
            let batch = decode_chunked(&contract, file, limits, chunk).unwrap();
            let long = ["∅ too_long {\n\"a", "∅ too_long {\"a\""];
            assert_eq!(rows(&batch), ["1", long[0], "2", long[1], "4"], "{chunk}");
        }
    }
}
