//! Sheets of workbooks: Office Open XML (xlsx, xlsm) and OpenDocument (ods).
//!
//! *In*: a file that can be read at any position.
//! *Out*: batches in the order of the rows, values as text, each record with the number of its sheet and row.
//! *Promise*: every row of the range that is not empty is a record, or decoding ends with an error; a corrupt
//! file is an error, never a panic. Of xlsx, only the shared texts are in memory; of ods, the whole sheet.

mod rows;
mod value;

use super::error::DecodeError;
use batches::batch::Batch;
use calamine::{Data, Ods, OdsError, Reader, Sheet, SheetType, SheetVisible, Xlsx, XlsxError};
use plant::columns::FileColumns;
use plant::contract::{CellRange, Contract, Format};
use rows::Rows;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use value::Value;

/// The two formats of workbooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Office Open XML.
    Xlsx,
    /// OpenDocument.
    Ods,
}

/// What a sheet has besides its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheets {
    pub records: i64,
    /// Its columns; `None` if it has no row.
    pub columns: Option<FileColumns>,
    /// Peculiarities of the file, as sentences without a period.
    pub notes: Vec<String>,
}

/// Receives the batches of a sheet; returns whether more are wanted.
pub type Receiver<'a> = &'a mut dyn FnMut(Batch) -> bool;

/// Decodes the sheet of the contract, in batches of at most `batch_rows` records.
///
/// Numbers are written with the fewest digits that identify them, whole ones without a decimal point; times as
/// `2022-06-01 17:02:00`, with a date alone where the column is a date, and with a time of day alone where the
/// cell has no day; booleans as the contract has them. A row with the error of a formula in a column of the
/// contract is a faulty record. Rows without any value are no records. Cells beside the columns of the
/// contract go to `rest`.
///
/// # Errors
/// The file is not a workbook of this kind, has a password, lacks the sheet, or has other columns.
pub fn decode<R: Read + Seek>(
    contract: &Contract,
    kind: Kind,
    file: R,
    batch_rows: usize,
    receive: Receiver<'_>,
) -> Result<Sheets, DecodeError> {
    let work = || match kind {
        Kind::Xlsx => xlsx(contract, file, batch_rows, receive),
        Kind::Ods => ods(contract, file, batch_rows, receive),
    };
    // The library is fed with files of unknown origin; a bad dump must not stop the program.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| Err(unreadable("it is corrupt")))
}

fn xlsx<R: Read + Seek>(
    contract: &Contract,
    file: R,
    batch_rows: usize,
    receive: Receiver<'_>,
) -> Result<Sheets, DecodeError> {
    let source = Source::new(contract)?;
    let mut book = Xlsx::new(file).map_err(|error: XlsxError| explain_xlsx(&error))?;
    let (number, name) = source.sheet(book.sheets_metadata())?;
    let mut rows = Rows::new(contract, source.has_header, number, batch_rows, receive);
    let mut cells =
        book.worksheet_cells_reader(&name).map_err(|error: XlsxError| explain_xlsx(&error))?;
    while let Some(cell) = cells.next_cell().map_err(|error| explain_xlsx(&error))? {
        let (row, column) = cell.get_position();
        if source.range.contains(row, column)
            && !rows.cell(row, column, Value::from_xlsx(cell.get_value()))?
        {
            break;
        }
    }
    rows.finish()
}

fn ods<R: Read + Seek>(
    contract: &Contract,
    file: R,
    batch_rows: usize,
    receive: Receiver<'_>,
) -> Result<Sheets, DecodeError> {
    let source = Source::new(contract)?;
    let mut book = Ods::new(file).map_err(|error: OdsError| explain_ods(&error))?;
    let (number, name) = source.sheet(book.sheets_metadata())?;
    let mut rows = Rows::new(contract, source.has_header, number, batch_rows, receive);
    let range = book.worksheet_range(&name).map_err(|error| explain_ods(&error))?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, column, cell) in range.used_cells() {
        let row = first_row + u32::try_from(row).unwrap_or(u32::MAX);
        let column = first_column + u32::try_from(column).unwrap_or(u32::MAX);
        if source.range.contains(row, column)
            && *cell != Data::Empty
            && !rows.cell(row, column, Value::from_data(cell))?
        {
            break;
        }
    }
    rows.finish()
}

/// What is read of a workbook.
struct Source<'a> {
    sheet: Option<&'a str>,
    range: CellRange,
    has_header: bool,
}

impl<'a> Source<'a> {
    fn new(contract: &'a Contract) -> Result<Self, DecodeError> {
        match &contract.format {
            Format::Workbook { sheet, range, header } => {
                Ok(Self { sheet: sheet.as_deref(), range: *range, has_header: *header })
            }
            _ => {
                let problem = "its format is not workbook".to_owned();
                Err(DecodeError::Contract { table: contract.table.clone(), problem })
            }
        }
    }

    /// Number and name of the sheet: the configured one, whatever its letter case, or the only visible one.
    fn sheet(&self, sheets: &[Sheet]) -> Result<(i32, String), DecodeError> {
        let is_wanted = |sheet: &Sheet| match self.sheet {
            Some(name) => sheet.name.trim().to_lowercase() == name.trim().to_lowercase(),
            None => sheet.visible == SheetVisible::Visible,
        };
        let tables = sheets.iter().enumerate().filter(|(_, it)| it.typ == SheetType::WorkSheet);
        let found: Vec<_> = tables.filter(|(_, it)| is_wanted(it)).collect();
        match found.as_slice() {
            [(number, sheet)] => {
                Ok((i32::try_from(*number).unwrap_or(i32::MAX), sheet.name.clone()))
            }
            _ => Err(DecodeError::OtherSheet {
                wanted: self.sheet.map(str::to_owned),
                found: sheets.iter().map(|it| it.name.clone()).collect(),
            }),
        }
    }
}

fn explain_xlsx(error: &XlsxError) -> DecodeError {
    match error {
        XlsxError::Password => unreadable("it is encrypted with a password"),
        other => unreadable(other.to_string()),
    }
}

fn explain_ods(error: &OdsError) -> DecodeError {
    match error {
        OdsError::Password => unreadable("it is encrypted with a password"),
        other => unreadable(other.to_string()),
    }
}

fn unreadable(problem: impl Into<String>) -> DecodeError {
    DecodeError::BadWorkbook { problem: problem.into() }
}

#[cfg(test)]
mod tests;
