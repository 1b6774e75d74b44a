//! Rows of a database in the text format of PostgreSQL's COPY, which pulls of databases are stored in.
//!
//! *In*: lines that end with a newline, the first of them the names of the columns. *Out*: records, every field
//! as the text of the database. *Promise*: null and the empty text differ, and a line that is not UTF-8 is a
//! faulty record.

use super::columns::Slots;
use super::delimited::layout::Layout;
use super::json_text::{push_key, push_string};
use super::{DecodeError, DecodeLimits};
use batches::batch::{BatchBuilder, ByteRange, Fault};
use batches::record_digest;
use memchr::memchr_iter;
use plant::columns::FileColumns;
use plant::contract::{Column, Contract};
use std::borrow::Cow;

/// The text of null.
const NULL: &str = "\\N";

/// Appends a field to a line; `None` is null.
pub fn push_field(line: &mut Vec<u8>, field: Option<&[u8]>) {
    let Some(field) = field else { return line.extend_from_slice(NULL.as_bytes()) };
    for byte in field {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\t' => line.extend_from_slice(b"\\t"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            byte => line.push(*byte),
        }
    }
}

/// The line of some fields, with its newline.
pub fn line<'a>(fields: impl Iterator<Item = Option<&'a [u8]>>) -> Vec<u8> {
    let mut line = Vec::new();
    for (at, field) in fields.enumerate() {
        if at > 0 {
            line.push(b'\t');
        }
        push_field(&mut line, field);
    }
    line.push(b'\n');
    line
}

/// The field number `at` of a line, as written; `None` if the line has fewer.
pub fn raw_field(line: &[u8], at: usize) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut ends = memchr_iter(b'\t', line);
    let from = if at == 0 { 0 } else { ends.nth(at - 1)? + 1 };
    let to = ends.next().unwrap_or(line.len());
    line.get(from..to)
}

/// The text of a field as written; `None` if it is null.
pub fn text(raw: &str) -> Option<Cow<'_, str>> {
    if raw == NULL {
        return None;
    }
    if !raw.contains('\\') {
        return Some(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut signs = raw.chars();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            out.push(sign);
            continue;
        }
        match signs.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    Some(Cow::Owned(out))
}

/// Reads the lines of one pull.
#[derive(Debug)]
pub struct CopyRows {
    layout: Layout,
    slots: Vec<Option<usize>>,
    limits: DecodeLimits,
    at: u64,
    rest: String,
}

impl CopyRows {
    /// A reader of rows with the columns of `header`, the first line.
    ///
    /// # Errors
    /// [`DecodeError::OtherLayout`] if a required column or every column is missing.
    pub fn new(
        contract: &Contract,
        header: &[u8],
        limits: DecodeLimits,
    ) -> Result<Self, DecodeError> {
        let (own, slots): (Vec<Column>, Slots) = Slots::new(contract);
        let chars = String::from_utf8_lossy(header);
        let names: Vec<String> = chars
            .trim_end_matches('\n')
            .split('\t')
            .map(|name| text(name).unwrap_or_default().into_owned())
            .collect();
        let layout = Layout::named(&own, contract.case_sensitive_columns, header, &names)?;
        let cells = slots.iter().map(|slot| slot.and_then(|slot| layout.columns[slot])).collect();
        let (at, rest) = (header.len() as u64, String::new());
        Ok(Self { slots: cells, layout, limits, at, rest })
    }

    /// The columns of the source.
    pub fn columns(&self) -> FileColumns {
        FileColumns::Names(self.layout.names.clone())
    }

    /// Adds the record of a line, which ends with a newline.
    pub fn read(&mut self, line: &[u8], out: &mut BatchBuilder) {
        let bytes = line.strip_suffix(b"\n").unwrap_or(line);
        let range = ByteRange { from: self.at, to: self.at + bytes.len() as u64 };
        self.at += line.len() as u64;
        let fault = match std::str::from_utf8(bytes) {
            _ if bytes.len() > self.limits.max_record_bytes => Fault::TooLong,
            Ok(chars) => return self.record(chars, range, out),
            Err(_) => Fault::InvalidText,
        };
        out.end(range, Some(fault), Some(&self.kept(bytes)));
    }

    fn record(&mut self, chars: &str, range: ByteRange, out: &mut BatchBuilder) {
        let cells: Vec<&str> = chars.split('\t').collect();
        for cell in &self.slots {
            let raw = cell.and_then(|cell| cells.get(cell).copied());
            out.field(raw.and_then(text).as_deref());
        }
        self.write_rest(&cells);
        let rest = Some(self.rest.as_str()).filter(|rest| !rest.is_empty());
        out.end(range, self.layout.fault(cells.len(), false), rest);
    }

    /// Writes the fields without a column in the contract as a JSON object. Null stays null.
    fn write_rest(&mut self, cells: &[&str]) {
        self.rest.clear();
        for (cell, key) in &self.layout.others {
            let Some(raw) = cells.get(*cell) else { continue };
            push_key(&mut self.rest, key);
            match text(raw) {
                Some(text) => push_string(&mut self.rest, &text),
                None => self.rest.push_str("null"),
            }
        }
        if !self.rest.is_empty() {
            self.rest.push('}');
        }
    }

    /// The digest of the record of a line, as bronze has it.
    pub fn digest(&mut self, line: &[u8]) -> u128 {
        let bytes = line.strip_suffix(b"\n").unwrap_or(line);
        let chars = match std::str::from_utf8(bytes) {
            Ok(chars) if bytes.len() <= self.limits.max_record_bytes => chars,
            _ => {
                let nulls = self.slots.iter().map(|_| None);
                return record_digest::digest(nulls, Some(&self.kept(bytes)));
            }
        };
        let cells: Vec<&str> = chars.split('\t').collect();
        self.write_rest(&cells);
        let field = |cell: &Option<usize>| text(cells.get((*cell)?)?);
        let fields: Vec<Option<Cow<'_, str>>> = self.slots.iter().map(field).collect();
        let rest = Some(self.rest.as_str()).filter(|rest| !rest.is_empty());
        record_digest::digest(fields.iter().map(Option::as_deref), rest)
    }

    /// The beginning of a record that cannot be read.
    fn kept<'l>(&self, bytes: &'l [u8]) -> Cow<'l, str> {
        String::from_utf8_lossy(&bytes[..bytes.len().min(self.limits.kept_faulty_bytes)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::contract;
    use arrow::array::{Array as _, AsArray as _};
    use plant::contract::Format;
    use proptest::prelude::*;

    #[test]
    fn null_and_the_empty_text_differ() {
        let contract = contract(Format::CopyText, &["*id", "name"]);
        let mut rows =
            CopyRows::new(&contract, b"name\tid\tmore\n", DecodeLimits::default()).unwrap();
        let mut out = BatchBuilder::new(2);
        let lines: [&[u8]; 4] = [b"\\N\t1\ta\\tb\n", b"\t2\t\\N\n", b"x\t3\n", b"\xff\t4\t\n"];
        for line in lines {
            rows.read(line, &mut out);
        }
        let batch = out.take();
        let names = batch.fields[1].as_string::<i32>();
        assert!(names.is_null(0) && names.value(1).is_empty());
        let rest: Vec<Option<&str>> = batch.rest.iter().collect();
        let expected = [Some(r#"{"more":"a\tb"}"#), Some(r#"{"more":null}"#)];
        assert_eq!(rest[..2], expected);
        let faults: Vec<Option<&str>> = batch.fault.iter().collect();
        assert_eq!(faults, [None, None, Some("too_few_fields"), Some("invalid_text")]);
        assert_eq!(batch.byte_from.value(1), 13 + 10);
    }

    #[test]
    fn a_missing_required_column_is_named() {
        let contract = contract(Format::CopyText, &["*id", "name"]);
        let error =
            CopyRows::new(&contract, b"ident\tname\n", DecodeLimits::default()).unwrap_err();
        assert!(error.to_string().contains("missing [id], found [ident, name]"), "{error}");
    }

    proptest! {
        #[test]
        fn fields_are_read_as_they_were_written(
            fields in prop::collection::vec(prop::option::of(".{0,6}"), 1..5),
            at in 0..5_usize,
        ) {
            let line = line(fields.iter().map(|it| it.as_ref().map(|text| text.as_bytes())));
            let found = raw_field(&line, at).map(|raw| text(std::str::from_utf8(raw).unwrap()));
            let found = found.map(|text| text.map(Cow::into_owned));
            prop_assert_eq!(found, fields.get(at).cloned());
        }
    }
}
