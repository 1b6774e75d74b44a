//! CSV: one file, or a ZIP archive with a file per query.

pub mod formula;

use crate::data::{Cell, Data, ReportTable, day_text, time_text};
use crate::error::Error;
use anyhow::Context as _;
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The tables of a report as CSV (RFC 4180, UTF-8): headers are the names of the columns, numbers have all their
/// digits, shares are from 0 to 1, times are in plant time with its offset.
///
/// # Errors
/// A file cannot be compressed.
pub fn report(data: &Data) -> Result<Vec<u8>, Error> {
    if let [table] = data.tables.as_slice() {
        return Ok(text(table, data).into_bytes());
    }
    // The time of the archive's files is fixed: the same rows give the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for table in &data.tables {
        let name = format!("{}.csv", table.name);
        archive.start_file(&name, options).with_context(|| format!("cannot compress {name}"))?;
        let written = archive.write_all(text(table, data).as_bytes());
        written.with_context(|| format!("cannot compress {name}"))?;
    }
    let done = archive.finish().context("cannot compress the files")?;
    Ok(done.into_inner())
}

/// Whether the CSV of a report is a ZIP archive.
pub fn is_archive(data: &Data) -> bool {
    data.tables.len() != 1
}

fn text(table: &ReportTable, data: &Data) -> String {
    let shown: Vec<usize> =
        (0..table.columns.len()).filter(|at| !table.columns[*at].is_hidden).collect();
    let mut out = String::new();
    for (place, at) in shown.iter().enumerate() {
        field(&mut out, place, &table.columns[*at].name);
    }
    out.push_str("\r\n");
    for batch in &table.batches {
        for row in 0..batch.num_rows() {
            for (place, at) in shown.iter().enumerate() {
                cell(&mut out, place, Cell::new(batch.column(*at), row), data);
            }
            out.push_str("\r\n");
        }
    }
    out
}

fn cell(out: &mut String, place: usize, value: Cell<'_>, data: &Data) {
    let text = match value {
        Cell::Null => String::new(),
        Cell::Text(text) if formula::is_formula(text) => format!("{}{text}", formula::ESCAPE),
        Cell::Text(text) => text.to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(number) => number.to_string(),
        Cell::Day(day) => day_text(day),
        Cell::Time(at_us) => time_text(at_us, data.zone),
        Cell::Boolean(flag) => flag.to_string(),
    };
    field(out, place, &text);
}

fn field(out: &mut String, place: usize, text: &str) {
    if place > 0 {
        out.push(',');
    }
    if text.contains([',', '"', '\r', '\n']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests;
