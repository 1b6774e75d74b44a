//! The rows of an increment: those that bronze has not, and where the next increment starts.

use super::columns::{ColumnKind, SqlColumn};
use super::watermark::{Position, is_later};
use crate::Error;
use crate::decode::copy_text::{CopyRows, raw_field, text};
use crate::files::decode_limits;
use crate::pull::{Request, Spool};
use chrono::DateTime;
use plant::source::{Increment, Overlap, SqlSource};
use std::cmp::Ordering;
use std::collections::HashSet;

/// The rows of an increment.
pub struct Increments<'a> {
    column: &'a SqlColumn,
    /// Position of the watermark in a line.
    at: usize,
    table: &'a str,
    rows: CopyRows,
    known: &'a HashSet<u128>,
    last: Option<&'a Increment>,
    overlap: Overlap,
    tolerance_s: u64,
    /// The latest position at which the next increment may start: time of the database plus the tolerance of
    /// clocks, or the last number that is not in use by a transaction; `None` without a bound.
    latest: Option<Position>,
    /// Where the next increment starts, as far as it is known.
    to: Option<String>,
    /// The greatest watermark of a new row.
    greatest: Option<String>,
    /// Whether a new row has no position.
    is_unplaced: bool,
    /// New rows.
    records: u64,
    /// New rows after `latest`.
    ahead: u64,
}

impl<'a> Increments<'a> {
    /// # Errors
    /// [`Error::Config`] if the column or the overlap does not fit a watermark, [`Error::Data`] if the rows do
    /// not fit the contract.
    pub fn new(
        request: &Request<'a>,
        source: &SqlSource,
        column: &'a SqlColumn,
        header: &[u8],
    ) -> Result<Self, Error> {
        let is_number = column.kind == ColumnKind::Integer;
        let overlap = super::overlap(source, request.limits, is_number);
        check(request, column, overlap)?;
        let names = header.strip_suffix(b"\n").unwrap_or(header).split(|byte| *byte == b'\t');
        let name = column.name.as_bytes();
        let watermark = source.watermark.as_ref();
        let tolerance_s = watermark.and_then(|it| it.clock_tolerance_s);
        Ok(Self {
            column,
            at: names.into_iter().position(|it| it == name).unwrap_or_default(),
            table: &request.contract.table,
            rows: CopyRows::new(request.contract, header, decode_limits(request.limits))?,
            known: request.known,
            last: request.last,
            overlap,
            tolerance_s: tolerance_s.unwrap_or(request.limits.pull.sql_clock_tolerance_s),
            latest: None,
            to: request.last.map(|last| last.to.clone()),
            greatest: None,
            is_unplaced: false,
            records: 0,
            ahead: 0,
        })
    }

    /// Sets the time of the database.
    pub fn set_now(&mut self, now: &str) {
        if let (Some(Position::Time(us)), true) =
            (Position::parse(now), self.column.kind != ColumnKind::Integer)
        {
            let tolerance_us = self.tolerance_s.saturating_mul(1_000_000).cast_signed();
            self.latest = Some(Position::Time(us.saturating_add(tolerance_us)));
        }
    }

    /// Sets the last number that no transaction in progress can take any more.
    pub fn set_settled(&mut self, number: i64) {
        self.latest = Some(Position::Number(number.into()));
    }

    /// The watermark from which rows are read; `None` for all rows.
    pub fn start(&self) -> Option<String> {
        self.last.map(|last| super::watermark::before(&last.to, self.overlap))
    }

    /// Takes a row: a new one goes to the spool.
    pub fn take(&mut self, line: &[u8], spool: &mut Spool) -> Result<(), Error> {
        let raw = raw_field(line, self.at).unwrap_or_default();
        let chars = std::str::from_utf8(raw).unwrap_or_default();
        let watermark = text(chars).filter(|it| Position::parse(it).is_some());
        let is_ahead = watermark.as_deref().is_some_and(|it| self.is_ahead(it));
        if let Some(watermark) = watermark.as_deref().filter(|_| !is_ahead) {
            raise(&mut self.to, watermark);
        }
        let is_known = !self.known.is_empty() && self.known.contains(&self.rows.digest(line));
        if is_known {
            return Ok(());
        }
        match watermark.as_deref() {
            Some(watermark) => raise(&mut self.greatest, watermark),
            None => self.is_unplaced = true,
        }
        self.records += 1;
        self.ahead += u64::from(is_ahead);
        spool.write(line)
    }

    fn is_ahead(&self, watermark: &str) -> bool {
        let position = Position::parse(watermark);
        let order = position.zip(self.latest).and_then(|(it, latest)| it.compare(latest));
        order == Some(Ordering::Greater)
    }

    /// Checks the greatest watermark of a source in which no row is at `start` or behind it.
    ///
    /// # Errors
    /// [`Error::Data`] if the watermark went backwards.
    pub fn check_greatest(&self, greatest: Option<&str>, start: &str) -> Result<(), Error> {
        let Some(greatest) = greatest.filter(|it| is_later(start, it)) else { return Ok(()) };
        let name = &self.column.name;
        let to = self.last.map_or(start, |last| last.to.as_str());
        Err(Error::Data(format!(
            "the watermark `{name}` went backwards: its greatest value is {greatest}, but rows up to {to} were \
             read; if the source was restored or its clock set back, raise `reading` in [sql] of {}.toml, so \
             that all rows are read once more",
            self.table
        )))
    }

    /// Where the next increment starts, the number of new rows, and notes. `None` if there are no new rows.
    pub fn finish(self) -> Option<(Increment, u64, Vec<String>)> {
        if self.records == 0 {
            return None;
        }
        let number = self.last.map_or(0, |last| last.number) + 1;
        let greatest = self.greatest.unwrap_or_default();
        let last = if self.is_unplaced { String::new() } else { greatest.clone() };
        let to = self.to.unwrap_or_else(|| self.latest.map_or_else(String::new, position_text));
        let mut notes = Vec::new();
        // Numbers in use by transactions are usual.
        if self.ahead > 0 && matches!(self.latest, Some(Position::Time(_))) {
            notes.push(format!(
                "{} rows have a `{}` more than {} s in the future, up to {greatest}; they are read, but the \
                 next read starts at {to}",
                self.ahead, self.column.name, self.tolerance_s
            ));
        }
        Some((Increment { number, to, last }, self.records, notes))
    }
}

fn check(request: &Request<'_>, column: &SqlColumn, overlap: Overlap) -> Result<(), Error> {
    let refuse = |problem: String| {
        let table = &request.contract.table;
        Err(Error::Data(format!("{problem}; correct [sql] of {table}.toml")))
    };
    let SqlColumn { name, type_name, kind, .. } = column;
    if matches!(kind, ColumnKind::Bool | ColumnKind::Number) {
        let expected = "expected whole numbers or times";
        return refuse(format!("the watermark `{name}` has type {type_name}: {expected}"));
    }
    let is_integer = *kind == ColumnKind::Integer;
    if is_integer != matches!(overlap, Overlap::Numbers(_)) {
        let expected = if is_integer { "a number" } else { "a duration such as \"10 min\"" };
        return refuse(format!(
            "the watermark `{name}` has type {type_name}: `overlap` has to be {expected}"
        ));
    }
    let before = request.last.and_then(|last| Position::parse(&last.to));
    let was_integer = before.map(|it| matches!(it, Position::Number(_)));
    if was_integer.is_some_and(|was| was != is_integer) {
        return refuse(format!(
            "the watermark `{name}` was retyped to {type_name}: raise `reading`, so that all rows are read once more"
        ));
    }
    Ok(())
}

/// Raises a text to a later position.
fn raise(greatest: &mut Option<String>, text: &str) {
    if greatest.as_deref().is_none_or(|it| is_later(text, it)) {
        *greatest = Some(text.to_owned());
    }
}

fn position_text(position: Position) -> String {
    match position {
        Position::Number(number) => number.to_string(),
        Position::Time(us) => {
            let at = DateTime::from_timestamp_micros(us).unwrap_or_default();
            at.format("%Y-%m-%d %H:%M:%S").to_string()
        }
    }
}
