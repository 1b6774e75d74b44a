//! Delimited text such as CSV.
//!
//! *In*: lines of fields separated by a delimiter, some fields in quotes.
//! *Out*: one record per line, or per several lines where a quoted field contains line ends.
//! *Promise*: a ragged or broken line affects no other line; a record without quotes and without columns
//! beyond the contract needs no allocation.
//!
//! Records are cut here and not by a CSV library because each needs its bytes in the file, and because a
//! broken quote may cost one line only (`cut.rs`).

mod cut;
mod dialect;
pub(in crate::decode) mod layout;
mod signs;

use super::DecodeLimits;
use super::columns::Slots;
use super::error::DecodeError;
use super::json_text::{push_array, push_key, push_string};
use super::lines::{Cut, LineEnds};
use super::raw::Raw;
use batches::batch::{BatchBuilder, Fault};
use cut::{Cell, Cutter};
use plant::columns::FileColumns;
use plant::contract::{Column, Contract, Escape};
use plant::format::trim;
use signs::Signs;

pub(super) use dialect::declared_delimiter;
pub(super) use layout::Layout;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Key of the fields beyond the header in `rest`.
const EXTRA_KEY: &str = "";

/// Decodes [`plant::contract::Format::Delimited`].
#[derive(Debug)]
pub(super) struct Delimited {
    /// The columns of the contract that are in the record.
    columns: Vec<Column>,
    slots: Slots,
    header: bool,
    cutter: Cutter,
    escape: Escape,
    record_type: Option<String>,
    skipped: u64,
    layout: Option<Layout>,
    is_case_sensitive: bool,
    /// Number of records by number of fields, in a file without a header.
    field_counts: BTreeMap<usize, u64>,
    rest: String,
    kept_faulty_bytes: usize,
}

/// Delimiter, quote and escape of a contract.
pub(super) type Dialect<'a> = (&'a str, Option<u8>, Escape);

impl Delimited {
    pub fn new(
        contract: &Contract,
        dialect: Dialect<'_>,
        header: bool,
        limits: DecodeLimits,
    ) -> Result<Self, DecodeError> {
        if let Some(problem) = dialect::problem(dialect) {
            return Err(DecodeError::Contract { table: contract.table.clone(), problem });
        }
        let (delimiter, quote, escape) = dialect;
        let (columns, slots) = Slots::new(contract);
        let signs = Signs::new(delimiter, quote, escape);
        Ok(Self {
            columns,
            slots,
            header,
            cutter: Cutter::new(signs, limits.max_record_bytes),
            escape,
            record_type: contract.lines.record_type.clone(),
            skipped: 0,
            layout: None,
            is_case_sensitive: contract.case_sensitive_columns,
            field_counts: BTreeMap::new(),
            rest: String::new(),
            kept_faulty_bytes: limits.kept_faulty_bytes,
        })
    }

    /// Whether the next record is the header.
    pub fn awaits_header(&self) -> bool {
        self.header && self.layout.is_none()
    }

    pub fn has_header(&self) -> bool {
        self.header
    }

    /// Number of records skipped because they are of another record type.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Sets the line ends, and detects the escape from the beginning of the dump. Returns the escape if
    /// it was detected.
    pub fn settle(&mut self, window: &[u8], ends: LineEnds) -> Option<u8> {
        self.cutter.signs_mut().ends = ends;
        if self.escape != Escape::Detect {
            return None;
        }
        let found = dialect::detect_escape(self.cutter.signs(), window)?;
        self.cutter.signs_mut().escape = Some(found);
        Some(found)
    }

    pub fn quote(&self) -> Option<u8> {
        self.cutter.signs().quote
    }

    pub fn delimiter(&self) -> &[u8] {
        self.cutter.signs().delimiter.bytes()
    }

    /// The columns of the file: the names of its header, or the most frequent number of fields; `None` before
    /// the first record.
    pub fn columns(&self) -> Option<FileColumns> {
        let layout = self.layout.as_ref()?;
        if self.header {
            return Some(FileColumns::Names(layout.names.clone()));
        }
        let most = self.field_counts.iter().max_by_key(|(_, records)| **records);
        most.map(|(fields, _)| FileColumns::Fields(*fields))
    }

    /// Length of the header; 0 if there is none or it is not read yet.
    pub fn header_bytes(&self) -> usize {
        self.layout.as_ref().map_or(0, Layout::header_bytes)
    }

    pub fn cut(&mut self, bytes: &[u8], at: u64, closed: bool) -> Cut {
        self.cutter.cut(bytes, at, closed)
    }

    /// Reads the record that was cut last: adds it to `out`, or takes the layout from it if it is the header.
    pub fn read(&mut self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        let (cells, signs) = (self.cutter.cells(), self.cutter.signs());
        let Some(chars) = raw.chars() else { return self.read_invalid_text(raw, out) };
        let awaits_header = self.awaits_header();
        if !awaits_header && self.is_of_other_type(chars) {
            self.skipped += 1;
            return Ok(());
        }
        let last_is_empty = cells.last().is_some_and(|cell| cell.from == cell.to);
        let layout = match &mut self.layout {
            Some(layout) => layout,
            empty if awaits_header => {
                let name = |cell| text(signs, chars, cell).trim().to_owned();
                let names: Vec<String> = cells.iter().map(name).collect();
                *empty =
                    Some(Layout::named(&self.columns, self.is_case_sensitive, raw.bytes, &names)?);
                return Ok(());
            }
            empty => empty.insert(Layout::unnamed(&self.columns, cells.len(), last_is_empty)),
        };
        if layout.is_header(raw.bytes) {
            raw.end_faulty(Fault::RepeatedHeader, self.kept_faulty_bytes, out);
            return Ok(());
        }
        for column in self.slots.iter() {
            let cell = column.and_then(|column| layout.columns[column]);
            let cell = cell.and_then(|cell| cells.get(cell));
            out.field(cell.map(|cell| text(signs, chars, cell)).as_deref());
        }
        let fault = layout.fault(cells.len(), last_is_empty);
        if !self.header {
            let fields = if fault.is_none() { layout.width } else { cells.len() };
            count(&mut self.field_counts, fields);
        }
        let extra = match fault {
            Some(Fault::TooManyFields) => &cells[layout.width..],
            _ => &[],
        };
        write_rest(&mut self.rest, layout, signs, chars, cells, extra);
        out.end(raw.range(), fault, Some(self.rest.as_str()).filter(|rest| !rest.is_empty()));
        Ok(())
    }

    fn is_of_other_type(&self, chars: &str) -> bool {
        let Some(expected) = &self.record_type else { return false };
        let first = self.cutter.cells().first();
        first.is_none_or(|cell| trim(&text(self.cutter.signs(), chars, cell)) != expected)
    }

    fn read_invalid_text(&self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        if self.awaits_header() {
            let reason = Fault::InvalidText.code();
            return Err(DecodeError::BadHeader { byte: raw.file_from, reason });
        }
        raw.end_faulty(Fault::InvalidText, self.kept_faulty_bytes, out);
        Ok(())
    }
}

/// How many different numbers of fields are counted. A file of this table has few.
const COUNTED_WIDTHS: usize = 64;

fn count(counts: &mut BTreeMap<usize, u64>, fields: usize) {
    if counts.len() < COUNTED_WIDTHS || counts.contains_key(&fields) {
        *counts.entry(fields).or_default() += 1;
    }
}

/// The text of a field without quotes and escapes.
fn text<'a>(signs: &Signs, chars: &'a str, cell: &Cell) -> Cow<'a, str> {
    let text = chars.get(cell.from..cell.to).unwrap_or_default();
    match cell.is_escaped {
        true => Cow::Owned(signs.unescape(text, cell.is_quoted)),
        false => Cow::Borrowed(text),
    }
}

/// Writes the fields without a column in the contract: an object by header, an array of the fields beyond the
/// last column, or an object with that array. Nothing for a record without such fields.
fn write_rest(
    rest: &mut String,
    layout: &Layout,
    signs: &Signs,
    chars: &str,
    cells: &[Cell],
    extra: &[Cell],
) {
    rest.clear();
    for (cell, key) in &layout.others {
        if let Some(cell) = cells.get(*cell) {
            push_key(rest, key);
            push_string(rest, &text(signs, chars, cell));
        }
    }
    let object = !rest.is_empty();
    if !extra.is_empty() {
        if object {
            push_key(rest, EXTRA_KEY);
        }
        push_array(rest, extra.iter().map(|cell| text(signs, chars, cell)));
    }
    if object {
        rest.push('}');
    }
}

#[cfg(test)]
mod tests;
