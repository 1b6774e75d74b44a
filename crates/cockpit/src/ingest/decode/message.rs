//! Messages: each payload one JSON object, its fields found by path.
//!
//! *In*: payloads of a topic. *Out*: one row of text fields per payload. *Promise*: a payload that
//! is no such object costs itself alone; it comes out as a row with its fault.
//!
//! Payloads written plainly (no escapes, no repeated keys, no values nested beyond what the contract
//! names) are read in one pass that allocates nothing. All others go through a JSON parser; both
//! ways give the same fields, which a property test holds.

use super::Limits;
use super::json::{Field, Paths};
use crate::batch::{Fault, Fields, Messages};
use arrow::array::{ArrayRef, StringBuilder};
use plant::contract::Contract;
use std::borrow::Cow;
use std::sync::Arc;

/// Objects within objects that the plain way follows.
const PLAIN_DEPTH: usize = 8;

/// Reads the messages of one contract.
#[derive(Debug)]
pub struct MessageReader {
    root: Node,
    paths: Paths,
    width: usize,
    limits: Limits,
}

/// Where columns stand in an object.
#[derive(Debug, Default)]
struct Node {
    key: String,
    column: Option<usize>,
    children: Vec<Node>,
}

/// Why the plain way does not read a payload.
struct Unusual;

impl MessageReader {
    pub fn new(contract: &Contract, limits: Limits) -> Self {
        let headers = contract.columns.iter().map(|column| column.header.as_str());
        let mut root = Node::default();
        for (column, header) in headers.clone().enumerate() {
            let leaf = header.split('.').fold(&mut root, Node::child);
            leaf.column = Some(column);
        }
        Self { root, paths: Paths::new(headers), width: contract.columns.len(), limits }
    }

    /// Reads payloads, each into one row.
    pub fn read(&self, messages: &Messages) -> Fields {
        let rows = messages.len();
        let mut out = Rows::new(self.width, rows);
        let mut texts: Vec<Option<&str>> = vec![None; self.width];
        for payload in messages.payload.iter().map(Option::unwrap_or_default) {
            if payload.len() > self.limits.max_record_bytes {
                out.faulty(Fault::TooLong, payload, self.limits);
                continue;
            }
            let Ok(text) = std::str::from_utf8(payload) else {
                out.faulty(Fault::InvalidText, payload, self.limits);
                continue;
            };
            texts.fill(None);
            match self.plain(text, &mut texts) {
                Ok(()) => out.good(texts.iter().copied()),
                Err(Unusual) => self.thorough(text, &mut out),
            }
        }
        out.finish()
    }

    fn plain<'a>(&self, text: &'a str, texts: &mut [Option<&'a str>]) -> Result<(), Unusual> {
        let mut scan = Scan { text, at: 0 };
        scan.object(&self.root, texts, PLAIN_DEPTH)?;
        scan.space();
        if scan.at == text.len() { Ok(()) } else { Err(Unusual) }
    }

    fn thorough(&self, text: &str, out: &mut Rows) {
        let mut fields: Vec<Option<Field<'_>>> = vec![None; self.width];
        let read = self.paths.read(text, &mut fields, &mut String::new()).and_then(|()| {
            fields.iter().map(|field| field.as_ref().and_then(Field::text).transpose()).collect()
        });
        let texts: Vec<Option<Cow<'_, str>>> = match read {
            Ok(texts) => texts,
            Err(_) => return out.faulty(Fault::NotJson, text.as_bytes(), self.limits),
        };
        if fields.iter().flatten().any(Field::is_nested) {
            return out.faulty(Fault::NotScalar, text.as_bytes(), self.limits);
        }
        out.good(texts.iter().map(Option::as_deref));
    }
}

impl Node {
    fn child(&mut self, key: &str) -> &mut Self {
        let at = self.children.iter().position(|child| child.key == key);
        let at = at.unwrap_or_else(|| {
            self.children.push(Self { key: key.to_owned(), ..Self::default() });
            self.children.len() - 1
        });
        &mut self.children[at]
    }
}

/// A pass over the text of one object.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Unusual> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(Unusual);
        }
        self.at += 1;
        Ok(())
    }

    fn object(
        &mut self,
        node: &Node,
        texts: &mut [Option<&'a str>],
        depth: usize,
    ) -> Result<(), Unusual> {
        self.take(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        // Keys mostly come in the order of the contract.
        let mut expected = 0;
        loop {
            self.space();
            let key = self.string()?;
            self.take(b':')?;
            self.space();
            let is_next = node.children.get(expected).is_some_and(|child| child.key == key);
            let found = if is_next {
                Some(expected)
            } else {
                node.children.iter().position(|child| child.key == key)
            };
            // A path may also be written as one key, dots and all.
            if found.is_none() && key.contains('.') {
                return Err(Unusual);
            }
            expected = found.unwrap_or(expected) + usize::from(found.is_some());
            self.member(found.map(|at| &node.children[at]), texts, depth)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Unusual),
            }
        }
    }

    fn member(
        &mut self,
        node: Option<&Node>,
        texts: &mut [Option<&'a str>],
        depth: usize,
    ) -> Result<(), Unusual> {
        let Some(node) = node else { return self.scalar().map(drop) };
        if self.peek() == Some(b'{') && node.column.is_none() && depth > 1 {
            return self.object(node, texts, depth - 1);
        }
        let value = self.scalar()?;
        let Some(column) = node.column else {
            // A value where an object is due says nothing of the columns below it.
            return Ok(());
        };
        // Of repeated keys the last counts; a null after a value is for the thorough way to weigh.
        if texts[column].is_some() || (value.is_none() && !node.children.is_empty()) {
            return Err(Unusual);
        }
        texts[column] = value;
        Ok(())
    }

    /// A string without escapes.
    fn string(&mut self) -> Result<&'a str, Unusual> {
        if self.peek() != Some(b'"') {
            return Err(Unusual);
        }
        let from = self.at + 1;
        let rest = &self.text.as_bytes()[from..];
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20);
        let end = end.filter(|end| rest[*end] == b'"').ok_or(Unusual)?;
        self.at = from + end + 1;
        Ok(&self.text[from..from + end])
    }

    /// A scalar as text, `None` for null.
    fn scalar(&mut self) -> Result<Option<&'a str>, Unusual> {
        match self.peek() {
            Some(b'"') => self.string().map(Some),
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            Some(b'n') => self.word("null").map(|_| None),
            Some(b't') => self.word("true").map(Some),
            Some(b'f') => self.word("false").map(Some),
            _ => Err(Unusual),
        }
    }

    fn word(&mut self, word: &str) -> Result<&'a str, Unusual> {
        let text = self.text.get(self.at..self.at + word.len()).filter(|it| *it == word);
        self.at += word.len();
        text.ok_or(Unusual)
    }

    /// A number with at most a fraction; exponents are for the thorough way.
    fn number(&mut self) -> Result<&'a str, Unusual> {
        let from = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.text.as_bytes()[self.at - whole] == b'0') {
            return Err(Unusual);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(Unusual);
            }
        }
        match self.peek() {
            Some(b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t') => Ok(&self.text[from..self.at]),
            _ => Err(Unusual),
        }
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }
}

/// Rows being collected.
struct Rows {
    columns: Vec<StringBuilder>,
    fault: StringBuilder,
    rest: StringBuilder,
}

impl Rows {
    fn new(width: usize, rows: usize) -> Self {
        /// A guess at the length of one field, in bytes.
        const FIELD_BYTES: usize = 16;
        let column = |_| StringBuilder::with_capacity(rows, rows * FIELD_BYTES);
        Self {
            columns: (0..width).map(column).collect(),
            fault: StringBuilder::with_capacity(rows, 0),
            rest: StringBuilder::with_capacity(rows, 0),
        }
    }

    fn good<'a>(&mut self, texts: impl Iterator<Item = Option<&'a str>>) {
        self.columns.iter_mut().zip(texts).for_each(|(column, text)| column.append_option(text));
        self.fault.append_null();
        self.rest.append_null();
    }

    fn faulty(&mut self, fault: Fault, payload: &[u8], limits: Limits) {
        self.columns.iter_mut().for_each(StringBuilder::append_null);
        self.fault.append_value(fault.code());
        let kept = &payload[..payload.len().min(limits.kept_faulty_bytes)];
        self.rest.append_value(String::from_utf8_lossy(kept));
    }

    fn finish(mut self) -> Fields {
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        Fields { columns: columns.collect(), fault: self.fault.finish(), rest: self.rest.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::contract;
    use super::*;
    use arrow::array::{
        Array as _, AsArray as _, BinaryArray, Int32Array, Int64Array, StringArray,
    };
    use plant::contract::Format;
    use proptest::prelude::*;

    fn reader() -> MessageReader {
        let contract = contract(Format::Message, &["a", "b.c", "b.d"]);
        MessageReader::new(&contract, Limits { max_record_bytes: 200, ..Limits::default() })
    }

    fn messages(payloads: &[&[u8]]) -> Messages {
        let rows = payloads.len();
        Messages {
            topic: "t".into(),
            partition: Int32Array::from(vec![0; rows]),
            offset: Int64Array::from_iter_values(0..rows as i64),
            timestamp_us: Int64Array::from(vec![0; rows]),
            payload: BinaryArray::from_iter_values(payloads),
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
        check(b"[1]", "∅|∅|∅ not_json");
        check(b"{\"a\":01}", "∅|∅|∅ not_json");
        check(b"{} x", "∅|∅|∅ not_json");
        check(b"{\"a\":\"\xff\"}", "∅|∅|∅ invalid_text");
        check(br#"{"a":{"x":1}}"#, "∅|∅|∅ not_scalar");
        check(br#"{"a":[]}"#, "∅|∅|∅ not_scalar");
        check(&[b' '; 201], "∅|∅|∅ too_long");
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
                if reader.plain(text, &mut texts).is_ok() {
                    plain.good(texts.into_iter());
                } else {
                    continue;
                }
                let mut thorough = Rows::new(3, 1);
                reader.thorough(text, &mut thorough);
                prop_assert_eq!(shown(&plain.finish(), 0), shown(&thorough.finish(), 0), "{}", text);
            }
        }
    }
}
