//! Fixed-width text: one record per line, each field with a fixed number of characters.

use super::DecodeLimits;
use super::columns::Slots;
use super::error::DecodeError;
use super::json_text::push_array;
use super::raw::Raw;
use batches::batch::{BatchBuilder, Fault};
use plant::columns::FileColumns;
use plant::contract::{Column, Contract};
use plant::format::trim;

/// Decodes [`plant::contract::Format::Fixed`].
///
/// Many systems drop the spaces at the end of a line. A short line is therefore read as if they were there,
/// unless a required column has no character left.
#[derive(Debug)]
pub(super) struct Fixed {
    /// The columns of the contract that are in the record.
    columns: Vec<Column>,
    slots: Slots,
    record_type: Option<String>,
    skipped: u64,
    awaits_header: bool,
    header: Option<String>,
    /// The names of the header.
    names: Vec<String>,
    is_case_sensitive: bool,
    kept_faulty_bytes: usize,
}

impl Fixed {
    pub fn new(
        contract: &Contract,
        header: bool,
        limits: DecodeLimits,
    ) -> Result<Self, DecodeError> {
        let (columns, slots) = Slots::new(contract);
        if let Some(column) = columns.iter().find(|column| column.width_chars == 0) {
            let problem = format!("column {} has no width", column.name);
            return Err(DecodeError::Contract { table: contract.table.clone(), problem });
        }
        Ok(Self {
            columns,
            slots,
            record_type: contract.lines.record_type.clone(),
            skipped: 0,
            awaits_header: header,
            header: None,
            names: Vec::new(),
            is_case_sensitive: contract.case_sensitive_columns,
            kept_faulty_bytes: limits.kept_faulty_bytes,
        })
    }

    /// Whether the next record is the header.
    pub fn awaits_header(&self) -> bool {
        self.awaits_header
    }

    /// The names of the header, if the file has one and it was read.
    pub fn columns(&self) -> Option<FileColumns> {
        self.header.as_ref().map(|_| FileColumns::Names(self.names.clone()))
    }

    /// Length of the header; 0 if there is none or it is not read yet.
    pub fn header_bytes(&self) -> usize {
        self.header.as_ref().map_or(0, String::len)
    }

    pub fn read(&mut self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        let Some(line) = raw.chars() else { return self.read_invalid_text(raw, out) };
        if self.awaits_header {
            return self.read_header(line);
        }
        if self.is_of_other_type(line) {
            self.skipped += 1;
            return Ok(());
        }
        if self.header.as_deref() == Some(line) {
            raw.end_faulty(Fault::RepeatedHeader, self.kept_faulty_bytes, out);
            return Ok(());
        }
        let mut left = line;
        let mut short = false;
        for column in self.slots.iter() {
            let Some(column) = column.and_then(|column| self.columns.get(column)) else {
                out.field(None);
                continue;
            };
            short |= column.required && left.is_empty();
            let (text, after) = left.split_at(chars_end(left, column.width_chars));
            out.field(Some(text.trim_end_matches(' ')).filter(|_| !left.is_empty()));
            left = after;
        }
        end(raw, short, left, out);
        Ok(())
    }

    pub fn has_header(&self) -> bool {
        self.awaits_header || self.header.is_some()
    }

    /// Number of lines skipped because they are of another record type.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn is_of_other_type(&self, line: &str) -> bool {
        let Some(expected) = &self.record_type else { return false };
        let width = self.columns.first().map_or(0, |column| column.width_chars);
        trim(&line[..chars_end(line, width)]) != expected
    }

    fn read_header(&mut self, line: &str) -> Result<(), DecodeError> {
        let mut left = line;
        let (mut missing, mut found) = (Vec::new(), Vec::new());
        for column in &self.columns {
            let (name, after) = left.split_at(chars_end(left, column.width_chars));
            let wanted = &column.header[..chars_end(&column.header, column.width_chars)];
            if !is_same(name.trim(), wanted.trim(), self.is_case_sensitive) {
                missing.push(column.header.clone());
            }
            found.push(name.trim().to_owned());
            left = after;
        }
        if !missing.is_empty() {
            return Err(DecodeError::OtherLayout { missing, found });
        }
        self.header = Some(line.to_owned());
        self.names = found;
        self.awaits_header = false;
        Ok(())
    }

    fn read_invalid_text(&self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        if self.awaits_header {
            let reason = Fault::InvalidText.code();
            return Err(DecodeError::BadHeader { byte: raw.file_from, reason });
        }
        raw.end_faulty(Fault::InvalidText, self.kept_faulty_bytes, out);
        Ok(())
    }
}

fn is_same(name: &str, wanted: &str, is_case_sensitive: bool) -> bool {
    name == wanted || (!is_case_sensitive && name.to_lowercase() == wanted.to_lowercase())
}

fn end(raw: Raw<'_>, short: bool, left: &str, out: &mut BatchBuilder) {
    if left.trim_end_matches(' ').is_empty() {
        return out.end(raw.range(), short.then_some(Fault::TooFewFields), None);
    }
    let mut rest = String::new();
    push_array(&mut rest, std::iter::once(left));
    out.end(raw.range(), Some(Fault::TooManyFields), Some(&rest));
}

/// End of the first `chars` characters of `text` in bytes, at most its length.
fn chars_end(text: &str, chars: usize) -> usize {
    match text.as_bytes().get(..chars) {
        Some(begin) if begin.is_ascii() => chars,
        _ => text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{contract, decode, rows};
    use plant::contract::Format;

    fn decoded(header: bool, input: &str) -> Result<Vec<String>, DecodeError> {
        let mut contract = contract(Format::Fixed { header }, &["*Aaaa", "Bb", "C"]);
        for (column, width) in contract.columns.iter_mut().zip([3, 2, 1]) {
            column.width_chars = width;
        }
        decode(&contract, input.as_bytes()).map(|batch| rows(&batch))
    }

    #[test]
    fn fields_are_cut_by_width() {
        let check = |input, expected: &[&str]| assert_eq!(decoded(false, input).unwrap(), expected);
        check("aaabbc\n", &["aaa|bb|c"]);
        check(" a  bc\r\n", &[" a| b|c"]);
        check("a  b", &["a|b|∅"]);
        check("äöü€😀ß  \n", &["äöü|€😀|ß"]);
        check("a\n", &["a|∅|∅"]);
        check("aaabbcd e\n", &["aaa|bb|c too_many_fields [\"d e\"]"]);
    }

    #[test]
    fn a_line_without_a_required_column_is_short() {
        let mut contract = contract(Format::Fixed { header: false }, &["A", "B", "*C"]);
        contract.columns.iter_mut().for_each(|column| column.width_chars = 2);
        let batch = decode(&contract, b"aabbcc\naabbc\naabb\na").unwrap();
        let short = ["aa|bb|∅ too_few_fields", "a|∅|∅ too_few_fields"];
        assert_eq!(rows(&batch), ["aa|bb|cc", "aa|bb|c", short[0], short[1]]);
    }

    #[test]
    fn the_header_names_the_columns() {
        let check = |input, expected: &[&str]| assert_eq!(decoded(true, input).unwrap(), expected);
        check("AaaBbC\naaabbc\n", &["aaa|bb|c"]);
        check("AaaBbC\naaabbc\nAaaBbC", &["aaa|bb|c", "∅|∅|∅ repeated_header AaaBbC"]);
        let text = decoded(true, "AaaBxC\n").unwrap_err().to_string();
        assert!(text.contains("missing [Bb], found [Aaa, Bx, C]"), "{text}");
    }

    #[test]
    fn lines_of_another_type_are_skipped() {
        let mut contract = contract(Format::Fixed { header: false }, &["Kind", "A"]);
        contract.columns.iter_mut().for_each(|column| column.width_chars = 2);
        contract.lines.record_type = Some("P".into());
        contract.lines.skip_footer = 1;
        let file = b"H 12\nP 34\n\0\0\nP a\0\nP end\n";
        let batch = decode(&contract, file).unwrap();
        assert_eq!(rows(&batch), ["P|34", "P|a\0"]);
    }
}
