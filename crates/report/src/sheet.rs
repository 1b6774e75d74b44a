//! Workbooks (XLSX): real numbers, days and times, units in headers, frozen headers, filters, charts.
//!
//! A sheet is written row by row into a temporary file, so memory does not grow with its rows.

mod about;
mod cell;
mod charts;
mod rows;

pub use about::AboutLine;
pub use rows::RowsWorkbook;

use crate::data::{Data, ReportColumn, ReportTable};
use crate::error::Error;
use anyhow::Context as _;
use arrow::array::RecordBatch;
use cell::CellFormats;
use chrono::DateTime;
use chrono_tz::Tz;
use config::reports::Definition;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Worksheet};

/// Rows of a sheet (ECMA-376), the header included.
pub const SHEET_ROWS: u32 = 1_048_576;

/// Characters of the name of a sheet.
const NAME_CHARS: usize = 31;
/// Width of a column, in characters.
const WIDTH_MIN: f64 = 9.0;
const WIDTH_MAX: f64 = 48.0;
/// Space for the button of the filter.
const FILTER_WIDTH: f64 = 3.0;

/// A workbook that is being written.
pub struct Workbook {
    inner: rust_xlsxwriter::Workbook,
    zone: Tz,
    names: Vec<String>,
}

/// A sheet that is being written.
pub struct Sheet<'a> {
    inner: &'a mut Worksheet,
    writer: Writer,
}

/// What the writing of a sheet remembers.
struct Writer {
    /// Positions of the columns that are shown.
    shown: Vec<usize>,
    formats: Vec<CellFormats>,
    widths: Vec<f64>,
    row: u32,
    zone: Tz,
}

impl Workbook {
    /// An empty workbook. Its properties contain the title and a time in microseconds since 1970 UTC, so that the
    /// same rows give the same bytes. Times of cells are shown in `zone`.
    pub fn new(title: &str, created_at_us: i64, zone: Tz) -> anyhow::Result<Self> {
        let mut inner = rust_xlsxwriter::Workbook::new();
        let created_at = DateTime::from_timestamp_micros(created_at_us).unwrap_or_default();
        let created_at = ExcelDateTime::from_timestamp(created_at.timestamp())?;
        let properties = DocProperties::new().set_title(title).set_author("Plant Cockpit");
        inner.set_properties(&properties.set_creation_datetime(&created_at));
        Ok(Self { inner, zone, names: Vec::new() })
    }

    /// A new sheet with the header of these columns; hidden columns are left out. `footer` is printed at the
    /// bottom of each page.
    pub fn sheet(
        &mut self,
        name: &str,
        columns: &[ReportColumn],
        footer: &str,
    ) -> anyhow::Result<Sheet<'_>> {
        let name = self.free_name(name);
        let inner = self.inner.add_worksheet_with_constant_memory()?;
        inner.set_name(name)?;
        inner.set_footer(format!("&L{}&R&P / &N", footer.replace('&', "&&")));
        inner.set_landscape().set_paper_size(9).set_repeat_rows(0, 0)?;
        let mut writer = Writer::new(self.zone);
        writer.header(inner, columns)?;
        Ok(Sheet { inner, writer })
    }

    /// A valid name that no sheet has: names differ in more than case.
    fn free_name(&mut self, name: &str) -> String {
        let is_valid = |sign: &char| !"[]:*?/\\'".contains(*sign) && !sign.is_control();
        let name: String = name.chars().filter(is_valid).take(NAME_CHARS).collect();
        let name = if name.is_empty() { "Sheet".to_owned() } else { name };
        let is_taken = |name: &str, names: &[String]| {
            names.iter().any(|taken| taken.to_lowercase() == name.to_lowercase())
        };
        let mut free = name.clone();
        let mut number = 2;
        while is_taken(&free, &self.names) {
            let ending = format!("~{number}");
            let start: String = name.chars().take(NAME_CHARS - ending.len()).collect();
            free = start + &ending;
            number += 1;
        }
        self.names.push(free.clone());
        free
    }

    /// Adds the last sheet, which describes the others.
    pub fn about(&mut self, lines: &[AboutLine]) -> anyhow::Result<()> {
        let name = self.free_name("About");
        about::write(self.inner.add_worksheet(), &name, lines)
    }

    /// The bytes of the workbook.
    pub fn finish(mut self) -> anyhow::Result<Vec<u8>> {
        Ok(self.inner.save_to_buffer()?)
    }
}

impl Sheet<'_> {
    /// Adds rows whose columns have the types of [`crate::ColumnType`].
    pub fn push(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        self.writer.push(self.inner, batch)
    }

    /// Ends the sheet: filter and widths of columns. Returns the number of its rows without the header.
    pub fn finish(self) -> anyhow::Result<u32> {
        self.writer.finish(self.inner)
    }
}

impl Writer {
    fn new(zone: Tz) -> Self {
        Self { shown: Vec::new(), formats: Vec::new(), widths: Vec::new(), row: 0, zone }
    }

    fn header(&mut self, sheet: &mut Worksheet, columns: &[ReportColumn]) -> anyhow::Result<()> {
        let format = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Bottom)
            .set_border_bottom(FormatBorder::Thin);
        for (at, column) in columns.iter().enumerate().filter(|(_, column)| !column.is_hidden) {
            let place = u16::try_from(self.shown.len()).context("more than 65,535 columns")?;
            let title = cell::heading(column, self.zone);
            let aligned = match column.kind.is_number() {
                true => format.clone().set_align(FormatAlign::Right),
                false => format.clone(),
            };
            sheet.write_string_with_format(0, place, &title, &aligned)?;
            let width = title.chars().count() as f64 + FILTER_WIDTH;
            self.widths.push(width.clamp(WIDTH_MIN, WIDTH_MAX));
            self.shown.push(at);
            self.formats.push(CellFormats::new(column));
        }
        sheet.set_freeze_panes(1, 0)?;
        self.row = 1;
        Ok(())
    }

    fn push(&mut self, sheet: &mut Worksheet, batch: &RecordBatch) -> anyhow::Result<()> {
        for row in 0..batch.num_rows() {
            if self.row >= SHEET_ROWS {
                anyhow::bail!("a sheet has at most {SHEET_ROWS} rows: request CSV or Parquet");
            }
            let places = self.shown.iter().zip(&self.formats).zip(&mut self.widths);
            for (place, ((at, formats), width)) in (0u16..).zip(places) {
                let value = crate::data::Cell::new(batch.column(*at), row);
                let chars = cell::write(sheet, (self.row, place), value, formats, self.zone)?;
                *width = width.max((chars as f64 + 1.5).min(WIDTH_MAX));
            }
            self.row += 1;
        }
        Ok(())
    }

    fn finish(self, sheet: &mut Worksheet) -> anyhow::Result<u32> {
        let last = u16::try_from(self.shown.len().saturating_sub(1))?;
        if !self.shown.is_empty() {
            sheet.autofilter(0, 0, self.row.saturating_sub(1), last)?;
        }
        for (place, width) in (0u16..).zip(&self.widths) {
            sheet.set_column_width(place, *width)?;
        }
        Ok(self.row - 1)
    }
}

/// The workbook of a report: one sheet per query, charts, and a sheet that describes them.
///
/// # Errors
/// A query has more rows than a sheet, or a temporary file cannot be written.
pub fn report(report: &Definition, data: &Data) -> Result<Vec<u8>, Error> {
    let mut workbook =
        Workbook::new(&data.title, data.dated_at_us().unwrap_or_default(), data.zone)?;
    for table in &data.tables {
        write_table(&mut workbook, table, data)?;
    }
    charts::add(&mut workbook.inner, report, data)?;
    workbook.about(&about::of_report(report, data))?;
    Ok(workbook.finish()?)
}

fn write_table(workbook: &mut Workbook, table: &ReportTable, data: &Data) -> anyhow::Result<()> {
    let footer = format!("{} {} {}", data.title, data.id, table.receipt);
    let mut sheet = workbook.sheet(&table.name, &table.columns, &footer)?;
    for batch in &table.batches {
        sheet.push(batch)?;
    }
    sheet.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests;
