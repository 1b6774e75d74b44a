//! The row groups of a Parquet file. A column with one value in all rows of a group is not encoded row by row.

use super::repeated::{chunk, single_value};
use arrow::array::{Array as _, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Field, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;

/// Encodes rows into the bytes of a Parquet file, group by group.
pub(super) struct RowGroups {
    file: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    rows_per_group: usize,
    /// Rows of the open group.
    rows: usize,
    /// The columns of the open group.
    columns: Vec<Column>,
}

/// A column of the open group.
struct Column {
    writer: ArrowColumnWriter,
    content: Content,
}

/// What a column of the open group holds so far.
enum Content {
    Nothing,
    /// Rows with this value; the writer has none of them.
    One(ArrayRef),
    /// Rows that the writer has encoded.
    Several,
}

impl RowGroups {
    /// An empty file with columns that are not nested.
    pub(super) fn new(
        schema: SchemaRef,
        properties: WriterProperties,
        rows_per_group: usize,
    ) -> anyhow::Result<Self> {
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))?;
        let (file, factory) = writer.into_serialized_writer()?;
        let leaves = file.schema_descr().num_columns();
        anyhow::ensure!(leaves == schema.fields().len(), "a table has nested columns");
        let rows_per_group = rows_per_group.max(1);
        Ok(Self { file, factory, schema, rows_per_group, rows: 0, columns: Vec::new() })
    }

    /// Adds rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = (self.rows_per_group - self.rows).min(batch.num_rows() - from);
            self.write_to_group(&batch.slice(from, rows))?;
            from += rows;
            if self.rows == self.rows_per_group {
                self.close_group()?;
            }
        }
        Ok(())
    }

    /// The bytes that are complete since the last call.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(self.file.inner_mut())
    }

    /// Size of the file so far, in bytes.
    pub(super) fn bytes_written(&self) -> usize {
        self.file.bytes_written()
    }

    /// Closes the file. Its last bytes are those of [`RowGroups::take_bytes`] after this call.
    pub(super) fn finish(&mut self) -> anyhow::Result<ParquetMetaData> {
        if self.rows > 0 {
            self.close_group()?;
        }
        Ok(self.file.finish()?)
    }

    fn write_to_group(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        if self.columns.is_empty() {
            let group = self.file.flushed_row_groups().len();
            let writers = self.factory.create_column_writers(group)?;
            self.columns = writers.into_iter().map(Column::new).collect();
        }
        let fields = self.schema.fields().iter().zip(batch.columns());
        for (column, (field, array)) in self.columns.iter_mut().zip(fields) {
            column.push(field, array, self.rows)?;
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn close_group(&mut self) -> anyhow::Result<()> {
        let properties = self.file.properties().clone();
        let descriptions = self.file.schema_descr().columns().to_vec();
        let mut group = self.file.next_row_group()?;
        for (column, description) in self.columns.drain(..).zip(&descriptions) {
            let Content::One(value) = column.content else {
                column.writer.close()?.append_to_row_group(&mut group)?;
                continue;
            };
            let statistics = properties.statistics_enabled(description.path());
            let has_statistics = statistics != EnabledStatistics::None;
            let (bytes, close) = chunk(description, &value, self.rows, has_statistics)?;
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Column {
    fn new(writer: ArrowColumnWriter) -> Self {
        Self { writer, content: Content::Nothing }
    }

    /// Adds values; `rows` are the rows before them.
    fn push(&mut self, field: &Field, array: &ArrayRef, rows: usize) -> anyhow::Result<()> {
        let single = match &self.content {
            Content::Several => None,
            _ if !field.is_nullable() => None,
            _ => single_value(array),
        };
        match (&self.content, single) {
            (Content::Nothing, Some(value)) => {
                self.content = Content::One(value);
                return Ok(());
            }
            (Content::One(known), Some(value)) if known.to_data() == value.to_data() => {
                return Ok(());
            }
            (Content::One(known), _) => {
                let before = take(known, &UInt32Array::from(vec![0; rows]), None)?;
                self.encode(field, &before)?;
            }
            _ => {}
        }
        self.content = Content::Several;
        self.encode(field, array)
    }

    fn encode(&mut self, field: &Field, array: &ArrayRef) -> anyhow::Result<()> {
        for leaf in compute_leaves(field, array)? {
            self.writer.write(&leaf)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
