//! A workbook with the rows of one table or statement, written batch by batch.

use super::{Workbook, Writer};
use crate::data::{ColumnType, ReportColumn};
use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Digits after the point of numbers that may have some.
const DECIMAL_DIGITS: u8 = 2;

/// A workbook of one sheet. Memory does not grow with its rows until [`RowsWorkbook::finish`].
pub struct RowsWorkbook {
    workbook: Workbook,
    writer: Writer,
    columns: Vec<ReportColumn>,
    schema: Arc<Schema>,
}

impl RowsWorkbook {
    /// A workbook with the header of the columns of `schema`, whose names are the titles, with the units by name of
    /// column. The sheet is named `title`; its times are shown in `zone`.
    ///
    /// # Errors
    /// A temporary file cannot be made, or there are more than 16,384 columns.
    pub fn new(
        title: &str,
        schema: &Schema,
        units: &BTreeMap<String, String>,
        zone: Tz,
        created_at_us: i64,
    ) -> anyhow::Result<Self> {
        let columns: Vec<ReportColumn> =
            schema.fields().iter().map(|field| column(field, units)).collect();
        let fields = columns.iter().map(|it| Field::new(&it.name, it.kind.arrow(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut workbook = Workbook::new(title, created_at_us, zone)?;
        let writer = workbook.sheet(title, &columns, title)?.writer;
        Ok(Self { workbook, writer, columns, schema })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The sheet is full, or a column has a type that a workbook does not have.
    pub fn push(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let casts = batch.columns().iter().zip(&self.columns);
        let casts = casts.map(|(values, column)| cast(values, &column.kind.arrow()));
        let casts = casts.collect::<Result<_, _>>().context("a type without a cell")?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), casts)?;
        let sheet = self.workbook.inner.worksheet_from_index(0)?;
        self.writer.push(sheet, &batch)
    }

    /// The bytes of the workbook.
    ///
    /// # Errors
    /// A temporary file cannot be read.
    pub fn finish(mut self) -> anyhow::Result<Vec<u8>> {
        self.writer.finish(self.workbook.inner.worksheet_from_index(0)?)?;
        self.workbook.finish()
    }
}

fn column(field: &Field, units: &BTreeMap<String, String>) -> ReportColumn {
    let kind = ColumnType::from_arrow(field.data_type());
    ReportColumn {
        name: field.name().clone(),
        title: field.name().clone(),
        unit: units.get(field.name()).cloned(),
        digits: if kind == ColumnType::Decimal { DECIMAL_DIGITS } else { 0 },
        kind,
        is_hidden: false,
    }
}
