//! Parquet files.
//!
//! *In*: a file that can be read at any position.
//! *Out*: batches in the order of the file, values as text, each record with its row group and row.
//! *Promise*: every row of the file is in one batch, or the last item is an error with the reason; a corrupt
//! file is an error, never a panic.

mod json;
mod layout;
mod shape;
mod text;

use super::DecodeError;
use arrow::array::{Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use batches::batch::Batch;
use layout::Layout;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;
use plant::columns::FileColumns;
use plant::contract::Contract;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Opens a Parquet file and returns its records in batches of at most `batch_rows` rows.
///
/// Values are formatted as in a CSV export: `2022-06-01`, `17:02:00.5`, `2022-06-01 17:02:00`, followed by `Z`
/// if the column is in UTC; numbers with all their digits, decimals with all digits of their scale; bytes as
/// UTF-8, or else in hexadecimal; nested values as JSON. Where the type in the contract would read that text
/// as another value or reject it, the value is formatted for that type: whole floats and decimals without a
/// decimal point for `int`, the decimal separator and boolean texts of the contract, midnight without a time
/// for `date`; NaN is null. A header `a.b` is the member `b` of the struct `a`. Columns without a column in the
/// contract go to `rest`, without nulls.
///
/// # Errors
/// Fails if the file is not Parquet, or has another layout.
pub fn decode<R: ChunkReader + 'static>(
    contract: &Contract,
    file: R,
    batch_rows: usize,
) -> Result<Batches, DecodeError> {
    let refuse = |source| DecodeError::NotParquet { source };
    guarded(|| open(contract, file, batch_rows))
        .unwrap_or_else(|panic| Err(refuse(ParquetError::General(panic))))
}

/// The batches of one Parquet file. After an error there are no more.
pub struct Batches {
    reader: ParquetRecordBatchReader,
    layout: Layout,
    group_rows: Vec<i64>,
    next: Next,
    spent: bool,
}

/// The position of the next row.
#[derive(Default)]
struct Next {
    record: i64,
    group: usize,
    row: i64,
}

fn open<R: ChunkReader + 'static>(
    contract: &Contract,
    file: R,
    batch_rows: usize,
) -> Result<Batches, DecodeError> {
    let refuse = |source| DecodeError::NotParquet { source };
    let metadata = load(&file).map_err(refuse)?;
    let layout = Layout::new(contract, &metadata)?;
    let groups = metadata.metadata().row_groups();
    let group_rows = groups.iter().map(|group| group.num_rows()).collect();
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let reader = builder.with_batch_size(batch_rows.max(1)).build().map_err(refuse)?;
    Ok(Batches { reader, layout, group_rows, next: Next::default(), spent: false })
}

/// Reads the footer. The Arrow schema that some writers add is ignored: the Parquet types suffice, and all readers
/// agree on them.
fn load<R: ChunkReader>(file: &R) -> Result<ArrowReaderMetadata, ParquetError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let loaded = ArrowReaderMetadata::load(file, options.clone())?;
    let requested = shape::requested(loaded.schema().fields(), loaded.parquet_schema());
    let metadata = Arc::clone(loaded.metadata());
    ArrowReaderMetadata::try_new(metadata, options.with_schema(Arc::new(Schema::new(requested))))
}

impl Batches {
    /// The columns of the file, and the members of structs that the contract names.
    pub fn columns(&self) -> FileColumns {
        FileColumns::Names(self.layout.names.clone())
    }

    fn batch(&mut self) -> Result<Option<Batch>, String> {
        match self.reader.next() {
            Some(rows) => {
                let rows = rows.map_err(|error| error.to_string())?;
                self.convert(&rows).map(Some).map_err(|error| error.to_string())
            }
            None => self.check_count().map(|()| None),
        }
    }

    fn convert(&mut self, rows: &RecordBatch) -> Result<Batch, ArrowError> {
        let count = rows.num_rows();
        let fields = self.layout.fields(rows)?;
        let rest = self.layout.rest(rows)?;
        let (records, positions): (Vec<i64>, Vec<(i32, i64)>) =
            (0..count).map(|_| self.next.step(&self.group_rows)).unzip();
        let (groups, rows): (Vec<i32>, Vec<i64>) = positions.into_iter().unzip();
        Ok(Batch {
            fields,
            rest,
            fault: StringArray::new_null(count),
            record: Int64Array::from(records),
            byte_from: Int64Array::new_null(count),
            byte_to: Int64Array::new_null(count),
            row_group: Int32Array::from(groups),
            row: Int64Array::from(rows),
        })
    }

    fn check_count(&self) -> Result<(), String> {
        let declared: i64 = self.group_rows.iter().sum();
        if declared != self.next.record {
            return Err(format!("its footer declares {declared} records"));
        }
        Ok(())
    }
}

impl Next {
    /// Number, row group and row of the next record.
    fn step(&mut self, group_rows: &[i64]) -> (i64, (i32, i64)) {
        while group_rows.get(self.group).is_some_and(|rows| self.row >= *rows) {
            self.group += 1;
            self.row = 0;
        }
        self.record += 1;
        self.row += 1;
        (self.record, (self.group as i32, self.row - 1))
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.spent {
            return None;
        }
        let record = self.next.record;
        let batch = guarded(|| self.batch()).unwrap_or_else(Err);
        self.spent = !matches!(batch, Ok(Some(_)));
        batch.map_err(|reason| classify(record, reason)).transpose()
    }
}

/// The error for a reason given by the library, which may only lack a feature.
fn classify(record: i64, reason: String) -> DecodeError {
    let lower_case = reason.to_lowercase();
    if lower_case.contains("crc checksum") {
        return DecodeError::ParquetChecksum { record };
    }
    let unsupported =
        ["nyi:", "not implemented", "not yet implemented", "not supported", "unsupported"];
    if unsupported.iter().any(|word| lower_case.contains(word)) {
        return DecodeError::UnsupportedParquet { reason };
    }
    DecodeError::CorruptParquet { record, reason }
}

/// The Parquet library panics on some corrupt files. The panic is caught here, because a bad dump must not stop
/// the program.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => panic.downcast_ref::<&str>().unwrap_or(&"panic").to_string(),
    })
}

#[cfg(test)]
mod tests;
