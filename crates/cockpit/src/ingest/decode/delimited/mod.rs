//! Delimited text: CSV and its kin.
//!
//! *In*: lines of fields with a delimiter between them, some fields in quotes.
//! *Out*: one record per line, or per lines where a quoted field holds line ends.
//! *Promise*: a ragged or broken line costs no other line; nothing is allocated for a record that
//! has neither quotes nor columns beyond the contract.

mod cut;
mod layout;

use super::Limits;
use super::error::DecodeError;
use super::json_text::{push_array, push_key, push_string};
use super::lines::Cut;
use super::raw::{Chars, Raw};
use crate::batch::{BatchBuilder, Fault};
use cut::{Cell, Cutter};
use layout::Layout;
use plant::columns::FileColumns;
use plant::contract::{Column, Contract, Encoding};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Key of the fields beyond the header, beside those the contract has no column for.
const EXTRA_KEY: &str = "";

/// Decodes [`plant::contract::Format::Delimited`].
#[derive(Debug)]
pub(super) struct Delimited {
    columns: Vec<Column>,
    header: bool,
    cutter: Cutter,
    quote: Quote,
    layout: Option<Layout>,
    is_case_sensitive: bool,
    /// Records by their number of fields, counted in a file without a header.
    field_counts: BTreeMap<usize, u64>,
    rest: String,
    kept_faulty_bytes: usize,
}

/// The quote as text, once and doubled.
#[derive(Debug)]
struct Quote {
    single: String,
    doubled: String,
}

impl Delimited {
    pub fn new(
        contract: &Contract,
        (delimiter, quote, header): (u8, Option<u8>, bool),
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        if let Some(problem) = problem(delimiter, quote, contract.encoding) {
            return Err(DecodeError::Contract { table: contract.table.clone(), problem });
        }
        let single = quote.map_or_else(String::new, |quote| char::from(quote).to_string());
        Ok(Self {
            columns: contract.columns.clone(),
            header,
            cutter: Cutter::new(delimiter, quote, limits.max_record_bytes),
            quote: Quote { doubled: single.repeat(2), single },
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

    /// The columns of the file: the names of its header, or how many fields most of its records
    /// have; `None` before the first record.
    pub fn columns(&self) -> Option<FileColumns> {
        let layout = self.layout.as_ref()?;
        if self.header {
            return Some(FileColumns::Names(layout.names.clone()));
        }
        let most = self.field_counts.iter().max_by_key(|(_, records)| **records);
        most.map(|(fields, _)| FileColumns::Fields(*fields))
    }

    /// Length of the header, 0 if there is none or it was not read yet.
    pub fn header_bytes(&self) -> usize {
        self.layout.as_ref().map_or(0, Layout::header_bytes)
    }

    pub fn cut(&mut self, bytes: &[u8], at: u64, closed: bool) -> Cut {
        self.cutter.cut(bytes, at, closed)
    }

    /// Lands the record that was cut last, or learns the header from it.
    pub fn read(&mut self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        let cells = self.cutter.cells();
        let Some(chars) = raw.chars() else { return self.read_no_text(raw, out) };
        let last_is_empty = cells.last().is_some_and(|cell| cell.from == cell.to);
        let layout = match &mut self.layout {
            Some(layout) => layout,
            empty if self.header => {
                let name = |cell| self.quote.text(chars, cell).trim().to_owned();
                let names: Vec<String> = cells.iter().map(name).collect();
                *empty =
                    Some(Layout::named(&self.columns, self.is_case_sensitive, raw.bytes, &names)?);
                return Ok(());
            }
            empty => empty.insert(Layout::unnamed(&self.columns, cells.len(), last_is_empty)),
        };
        if layout.is_header(raw.bytes) {
            raw.land_faulty(Fault::RepeatedHeader, self.kept_faulty_bytes, out);
            return Ok(());
        }
        for column in &layout.columns {
            let cell = column.and_then(|column| cells.get(column));
            out.field(cell.map(|cell| self.quote.text(chars, cell)).as_deref());
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
        write_rest(&mut self.rest, layout, &self.quote, chars, cells, extra);
        out.end(raw.place(), fault, Some(self.rest.as_str()).filter(|rest| !rest.is_empty()));
        Ok(())
    }

    fn read_no_text(&self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        if self.awaits_header() {
            let reason = Fault::InvalidText.code();
            return Err(DecodeError::BadHeader { byte: raw.file_from, reason });
        }
        raw.land_faulty(Fault::InvalidText, self.kept_faulty_bytes, out);
        Ok(())
    }
}

/// Different numbers of fields that are counted: a file has few, unless it is none of this table.
const COUNTED_WIDTHS: usize = 64;

fn count(counts: &mut BTreeMap<usize, u64>, fields: usize) {
    if counts.len() < COUNTED_WIDTHS || counts.contains_key(&fields) {
        *counts.entry(fields).or_default() += 1;
    }
}

impl Quote {
    fn text<'a>(&self, chars: Chars<'a>, cell: &Cell) -> Cow<'a, str> {
        let text = chars.slice(cell.from, cell.to);
        if cell.doubled { Cow::Owned(text.replace(&self.doubled, &self.single)) } else { text }
    }
}

/// Writes what the contract has no column for: an object by header, an array of the fields beyond
/// the last column, or an object with that array; nothing for a record that has neither.
fn write_rest(
    rest: &mut String,
    layout: &Layout,
    quote: &Quote,
    chars: Chars<'_>,
    cells: &[Cell],
    extra: &[Cell],
) {
    rest.clear();
    for (cell, key) in &layout.others {
        if let Some(cell) = cells.get(*cell) {
            push_key(rest, key);
            push_string(rest, &quote.text(chars, cell));
        }
    }
    let object = !rest.is_empty();
    if !extra.is_empty() {
        if object {
            push_key(rest, EXTRA_KEY);
        }
        push_array(rest, extra.iter().map(|cell| quote.text(chars, cell)));
    }
    if object {
        rest.push('}');
    }
}

fn problem(delimiter: u8, quote: Option<u8>, encoding: Encoding) -> Option<String> {
    let ends_lines = |sign: u8| matches!(sign, b'\n' | b'\r');
    let is_ascii = delimiter.is_ascii() && quote.is_none_or(|quote| quote.is_ascii());
    if ends_lines(delimiter) || quote.is_some_and(ends_lines) {
        Some("delimiter and quote cannot be line ends".into())
    } else if quote == Some(delimiter) {
        Some("delimiter and quote are the same".into())
    } else if !is_ascii && encoding != Encoding::Latin1 {
        Some("delimiter and quote must be ASCII unless the encoding is latin1".into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
