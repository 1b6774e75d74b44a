//! Cells to records.

use super::{Receiver, Sheets};
use crate::decode::delimited::Layout;
use crate::decode::error::DecodeError;
use crate::decode::json_text::{push_key, push_string};
use crate::decode::workbook::value::Value;
use arrow::array::{Int32Array, Int64Array};
use batches::batch::{Batch, BatchBuilder, ByteRange, Fault};
use plant::columns::FileColumns;
use plant::contract::{Column, Contract};

/// Collects the cells of a sheet, which arrive row by row, into records.
pub(super) struct Rows<'a, 'b> {
    contract: &'a Contract,
    has_header: bool,
    /// Number of the sheet, from 0.
    sheet: i32,
    batch_rows: usize,
    receive: Receiver<'b>,
    /// The cells of the current row: number of the column in the sheet, and value.
    cells: Vec<(u32, Value)>,
    /// Number of the current row, from 0.
    row: u32,
    layout: Option<Layout>,
    /// Column of the sheet of the first cell of a record.
    first_column: u32,
    builder: BatchBuilder,
    /// Row of each pending record, from 1.
    places: Vec<i64>,
    widest: usize,
    is_wanted: bool,
}

impl<'a, 'b> Rows<'a, 'b> {
    pub fn new(
        contract: &'a Contract,
        has_header: bool,
        sheet: i32,
        batch_rows: usize,
        receive: Receiver<'b>,
    ) -> Self {
        let first_column = match &contract.format {
            plant::contract::Format::Workbook { range, .. } => range.first_column,
            _ => 0,
        };
        Self {
            contract,
            has_header,
            sheet,
            batch_rows: batch_rows.max(1),
            receive,
            cells: Vec::new(),
            row: 0,
            layout: None,
            first_column,
            builder: BatchBuilder::new(contract.columns.len()),
            places: Vec::new(),
            widest: 0,
            is_wanted: true,
        }
    }

    /// Takes the next cell. Returns whether more are wanted.
    pub fn cell(&mut self, row: u32, column: u32, value: Value) -> Result<bool, DecodeError> {
        if row != self.row {
            self.end_row()?;
            self.row = row;
        }
        if !value.is_empty() {
            self.cells.push((column - self.first_column, value));
        }
        Ok(self.is_wanted)
    }

    /// Ends the sheet.
    pub fn finish(mut self) -> Result<Sheets, DecodeError> {
        self.end_row()?;
        self.hand_over();
        if self.has_header && self.layout.is_none() {
            return Err(super::unreadable("its range has no row, and so no header"));
        }
        let columns = match &self.layout {
            Some(layout) => Some(FileColumns::Names(layout.names.clone())),
            None if self.widest == 0 => None,
            None => Some(FileColumns::Fields(self.widest)),
        };
        Ok(Sheets { records: self.builder.records(), columns, notes: Vec::new() })
    }

    fn end_row(&mut self) -> Result<(), DecodeError> {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return Ok(());
        }
        if self.has_header && self.layout.is_none() {
            self.layout = Some(self.header(&cells)?);
            return Ok(());
        }
        self.record(&cells);
        if self.places.len() >= self.batch_rows {
            self.hand_over();
        }
        Ok(())
    }

    fn header(&self, cells: &[(u32, Value)]) -> Result<Layout, DecodeError> {
        let width = cells.iter().map(|(column, _)| *column as usize + 1).max().unwrap_or(0);
        let mut names = vec![String::new(); width];
        for (column, value) in cells {
            let name = value.for_kind(None).unwrap_or_default();
            names[*column as usize] = name.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        let is_case_sensitive = self.contract.case_sensitive_columns;
        Layout::named(&self.contract.columns, is_case_sensitive, &[], &names)
    }

    /// Adds the record of a row.
    fn record(&mut self, cells: &[(u32, Value)]) {
        let width = cells.iter().map(|(column, _)| *column as usize + 1).max().unwrap_or(0);
        self.widest = self.widest.max(width);
        let fault = self.fault(cells, width);
        let rest = if fault.is_some() { self.whole(cells) } else { self.others(cells) };
        if fault.is_none() {
            for (number, column) in self.contract.columns.iter().enumerate() {
                let text = self.position(number).and_then(|at| text_at(cells, at, column));
                self.builder.field(text.as_deref());
            }
        }
        self.builder.end(ByteRange { from: 0, to: 0 }, fault, rest.as_deref());
        self.places.push(i64::from(self.row) + 1);
    }

    /// The cell of a column of the contract.
    fn position(&self, column: usize) -> Option<usize> {
        match &self.layout {
            Some(layout) => layout.columns.get(column).copied().flatten(),
            None => Some(column),
        }
    }

    fn fault(&self, cells: &[(u32, Value)], width: usize) -> Option<Fault> {
        if self.layout.is_none() && width > self.contract.columns.len() {
            return Some(Fault::TooManyFields);
        }
        let is_error = |at: usize| {
            let found = cells.iter().find(|(column, _)| *column as usize == at);
            matches!(found, Some((_, Value::Error(_))))
        };
        let mut positions = (0..self.contract.columns.len()).filter_map(|it| self.position(it));
        positions.any(is_error).then_some(Fault::CellError)
    }

    /// Cells without a column in the contract as JSON.
    fn others(&self, cells: &[(u32, Value)]) -> Option<String> {
        let layout = self.layout.as_ref()?;
        let known = |column: usize| layout.columns.contains(&Some(column));
        self.object(cells.iter().filter(|(column, _)| !known(*column as usize)))
    }

    /// All cells of a faulty record as JSON.
    fn whole(&self, cells: &[(u32, Value)]) -> Option<String> {
        self.object(cells.iter())
    }

    fn object<'c>(&self, cells: impl Iterator<Item = &'c (u32, Value)>) -> Option<String> {
        let mut json = String::new();
        for (column, value) in cells {
            let at = *column as usize;
            let name = self.layout.as_ref().and_then(|layout| layout.names.get(at));
            let numbered = || format!("column_{}", at + 1);
            push_key(
                &mut json,
                &name.filter(|it| !it.is_empty()).cloned().unwrap_or_else(numbered),
            );
            push_string(&mut json, &value.for_kind(None).unwrap_or_default());
        }
        (!json.is_empty()).then(|| json + "}")
    }

    fn hand_over(&mut self) {
        if self.places.is_empty() || !self.is_wanted {
            return;
        }
        let count = self.places.len();
        let batch = Batch {
            byte_from: Int64Array::new_null(count),
            byte_to: Int64Array::new_null(count),
            row_group: Int32Array::from_value(self.sheet, count),
            row: Int64Array::from(std::mem::take(&mut self.places)),
            ..self.builder.take()
        };
        self.is_wanted = (self.receive)(batch);
    }
}

/// The text of a cell for a column.
fn text_at(cells: &[(u32, Value)], at: usize, column: &Column) -> Option<String> {
    let (_, value) = cells.iter().find(|(number, _)| *number as usize == at)?;
    value.for_kind(Some(&column.kind)).map(std::borrow::Cow::into_owned)
}
