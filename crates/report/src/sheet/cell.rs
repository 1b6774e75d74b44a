//! Cells of a sheet: values, number formats and headings.

use crate::data::{Cell, ColumnType, ReportColumn, day_text};
use chrono::{DateTime, Offset as _};
use chrono_tz::Tz;
use rust_xlsxwriter::{Format, FormatAlign, Worksheet};

/// Day 0 of workbooks is 1899-12-30, which is this many days before 1970-01-01.
const EPOCH_DAYS: f64 = 25_569.0;
/// The first day that all programs count alike: before it, Excel counts a 29 February 1900.
const FIRST_DAY: i32 = -25_508;
/// The greatest whole number that a cell holds exactly.
const WHOLE_MAX: i64 = 1 << 53;
/// Characters of a cell.
const TEXT_CHARS: usize = 32_767;

const DAY_FORMAT: &str = "yyyy-mm-dd";
const TIME_FORMAT: &str = "yyyy-mm-dd hh:mm:ss";

/// The format of the cells of a column.
pub struct CellFormats {
    format: Option<Format>,
}

impl CellFormats {
    pub fn new(column: &ReportColumn) -> Self {
        let format = |text: String| Some(Format::new().set_num_format(text));
        let format = match column.kind {
            ColumnType::Integer if is_code(column) => format("0".to_owned()),
            ColumnType::Integer | ColumnType::Decimal => format(number_format(column)),
            ColumnType::Day => format(DAY_FORMAT.to_owned()),
            ColumnType::Time => format(TIME_FORMAT.to_owned()),
            ColumnType::Boolean => Some(Format::new().set_align(FormatAlign::Left)),
            ColumnType::Text => None,
        };
        Self { format }
    }
}

/// Whether numbers are names, which have no digit groups.
fn is_code(column: &ReportColumn) -> bool {
    matches!(column.unit.as_deref(), Some("id" | "code"))
}

/// The number format; the program that opens the workbook groups digits as its region does.
fn number_format(column: &ReportColumn) -> String {
    let is_share = column.unit.as_deref() == Some("%");
    let fraction = match column.digits {
        0 => String::new(),
        digits => format!(".{}", "0".repeat(usize::from(digits))),
    };
    if is_share { format!("0{fraction}%") } else { format!("#,##0{fraction}") }
}

/// The heading of a column: its title, with its unit or, for times, the zone.
pub fn heading(column: &ReportColumn, zone: Tz) -> String {
    match (&column.unit, column.kind) {
        (Some(unit), _) if unit != "1" => format!("{} ({unit})", column.title),
        (_, ColumnType::Time) => format!("{} ({})", column.title, zone.name()),
        _ => column.title.clone(),
    }
}

/// Writes a value; returns about how many characters it shows.
pub fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    value: Cell<'_>,
    formats: &CellFormats,
    zone: Tz,
) -> anyhow::Result<usize> {
    let number = match value {
        Cell::Null => return Ok(0),
        Cell::Text(text) => return text_cell(sheet, (row, column), text),
        Cell::Integer(number) if number.abs() > WHOLE_MAX => {
            return text_cell(sheet, (row, column), &number.to_string());
        }
        Cell::Day(day) if day < FIRST_DAY => {
            return text_cell(sheet, (row, column), &day_text(day));
        }
        Cell::Boolean(flag) => {
            match &formats.format {
                Some(format) => sheet.write_boolean_with_format(row, column, flag, format)?,
                None => sheet.write_boolean(row, column, flag)?,
            };
            return Ok(5);
        }
        Cell::Integer(number) => number as f64,
        Cell::Decimal(number) => number,
        Cell::Day(day) => f64::from(day) + EPOCH_DAYS,
        Cell::Time(at_us) => serial(at_us, zone),
    };
    match &formats.format {
        Some(format) => sheet.write_number_with_format(row, column, number, format)?,
        None => sheet.write_number(row, column, number)?,
    };
    Ok(match value {
        Cell::Day(_) => DAY_FORMAT.len(),
        Cell::Time(_) => TIME_FORMAT.len(),
        // Digits, groups and the fraction, without the exact text.
        _ => number.abs().max(1.0).log10() as usize + 8,
    })
}

fn text_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    text: &str,
) -> anyhow::Result<usize> {
    let count = text.chars().count();
    match count <= TEXT_CHARS {
        true => sheet.write_string(row, column, text)?,
        false => {
            let start: String = text.chars().take(TEXT_CHARS - 1).collect();
            sheet.write_string(row, column, start + "…")?
        }
    };
    Ok(count)
}

/// A time as days since day 0, in plant time: workbooks have no zones.
fn serial(at_us: i64, zone: Tz) -> f64 {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default().with_timezone(&zone);
    let local_us = at_us + i64::from(at.offset().fix().local_minus_utc()) * 1_000_000;
    // Milliseconds are what workbooks show; more digits only differ in rounding.
    let local_ms = local_us.div_euclid(1_000) as f64;
    local_ms / 86_400_000.0 + EPOCH_DAYS
}
