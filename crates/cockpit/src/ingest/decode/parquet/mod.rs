//! Parquet files.
//!
//! *In*: a file that can be read at any position.
//! *Out*: batches in the order of the file, values as text, each record with its row group and row.
//! *Promise*: every row of the file is in one batch, or the last item says why not; a corrupt file
//! is an error, never a panic.

mod text;

use super::DecodeError;
use crate::batch::Batch;
use arrow::array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, StructArray, new_null_array,
};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use parquet::schema::types::Type;
use plant::columns::{Expected, FileColumns, places};
use plant::contract::Contract;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use text::Style;

/// Opens a Parquet file whose records come in batches of at most `batch_rows` rows.
///
/// Text is written as a source that dumps CSV would: `2022-06-01`, `17:02:00.5`,
/// `2022-06-01 17:02:00`, with a `Z` behind it if the file says that it is UTC; numbers with all
/// their digits, decimals with all digits of their scale; bytes as UTF-8, or else in hex; nested
/// values as JSON. Columns the contract does not know go to `rest`, nulls left out.
///
/// Fails if the file is no Parquet, or is one of another layout.
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

/// The place of the next row.
#[derive(Default)]
struct Next {
    record: i64,
    group: usize,
    row: i64,
}

/// Where the contract's columns stand in the file.
struct Layout {
    columns: Vec<Option<Source>>,
    /// Columns the contract does not know.
    others: Vec<usize>,
    /// The columns of the file.
    names: Vec<String>,
}

struct Source {
    index: usize,
    style: Style,
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

/// The footer. The Arrow schema that some writers put beside the real one is left alone: the types
/// of the file itself say enough, and every reader of the file agrees on them.
fn load<R: ChunkReader>(file: &R) -> Result<ArrowReaderMetadata, ParquetError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let loaded = ArrowReaderMetadata::load(file, options.clone())?;
    let roots = roots(loaded.metadata());
    let wanted =
        loaded.schema().fields().iter().zip(roots).map(|(field, root)| wanted(field, root));
    let schema = Arc::new(Schema::new(wanted.collect::<Vec<FieldRef>>()));
    let metadata = Arc::clone(loaded.metadata());
    ArrowReaderMetadata::try_new(metadata, options.with_schema(schema))
}

/// The type to read a column as. INT96 becomes microseconds, because in nanoseconds it would end in
/// the year 2262, and "never" is often written as 9999.
fn wanted(field: &FieldRef, root: &Type) -> FieldRef {
    let is_int96 = root.is_primitive() && root.get_physical_type() == Physical::INT96;
    match field.data_type() {
        DataType::Timestamp(_, zone) if is_int96 => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            Arc::new(field.as_ref().clone().with_data_type(micros))
        }
        _ => in_utc(field),
    }
}

/// The field with UTC told as an offset, since names of zones need a table that may not be there.
fn in_utc(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(item) => DataType::List(in_utc(item)),
        DataType::Map(entry, sorted) => DataType::Map(in_utc(entry), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(in_utc).collect()),
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn roots(metadata: &ParquetMetaData) -> &[Arc<Type>] {
    metadata.file_metadata().schema_descr().root_schema().get_fields()
}

impl Layout {
    fn new(contract: &Contract, metadata: &ArrowReaderMetadata) -> Result<Self, DecodeError> {
        let fields = metadata.schema().fields();
        let roots = roots(metadata.metadata());
        let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        let headers = contract.headers();
        let is_case_sensitive = contract.case_sensitive_columns;
        let places = places(&names, Expected { headers: &headers, is_case_sensitive });
        let source = |place: Option<usize>| {
            let index = place?;
            Some(Source { index, style: style(roots.get(index)?, &fields[index]) })
        };
        let columns: Vec<Option<Source>> = places.into_iter().map(source).collect();
        let missing = contract.columns.iter().zip(&columns).filter(|(_, found)| found.is_none());
        let any_required = missing.clone().any(|(column, _)| column.required);
        if any_required || columns.iter().all(Option::is_none) {
            return Err(DecodeError::OtherLayout {
                missing: missing.map(|(column, _)| column.header.clone()).collect(),
                found: names,
            });
        }
        let known = |index: &usize| columns.iter().flatten().any(|source| source.index == *index);
        let others = (0..fields.len()).filter(|index| !known(index)).collect();
        Ok(Self { columns, others, names })
    }

    fn fields(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        let field = |source: &Option<Source>| match source {
            None => Ok(new_null_array(&DataType::Utf8, rows.num_rows())),
            Some(Source { index, style }) => {
                text::texts(rows.schema_ref().fields().get(*index), rows.column(*index), *style)
            }
        };
        self.columns.iter().map(field).collect()
    }

    fn rest(&self, rows: &RecordBatch) -> Result<StringArray, ArrowError> {
        if self.others.is_empty() {
            return Ok(StringArray::new_null(rows.num_rows()));
        }
        let fields: Fields =
            self.others.iter().map(|&index| rows.schema().field(index).clone()).collect();
        let columns = self.others.iter().map(|&index| Arc::clone(rows.column(index))).collect();
        let object = StructArray::try_new(fields.clone(), columns, None)?;
        let field = Arc::new(Field::new("rest", DataType::Struct(fields), false));
        text::objects(&field, &object)
    }
}

fn style(root: &Type, field: &Field) -> Style {
    match field.data_type() {
        DataType::Utf8 => Style::AsIs,
        DataType::Binary => Style::Bytes,
        _ if root.get_basic_info().logical_type_ref() == Some(&LogicalType::Uuid) => Style::Uuid,
        DataType::FixedSizeBinary(_) => Style::FixedBytes,
        nested if nested.is_nested() => Style::Json,
        _ => Style::Scalar,
    }
}

impl Batches {
    /// The columns of the file.
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
        let (records, places): (Vec<i64>, Vec<(i32, i64)>) =
            (0..count).map(|_| self.next.step(&self.group_rows)).unzip();
        let (groups, rows): (Vec<i32>, Vec<i64>) = places.into_iter().unzip();
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
        let promised: i64 = self.group_rows.iter().sum();
        if promised != self.next.record {
            return Err(format!("its footer promises {promised} records"));
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
        batch.map_err(|reason| DecodeError::CorruptParquet { record, reason }).transpose()
    }
}

/// The library behind this panics on some corrupt files. That is theirs to mend and ours to
/// contain: a bad dump must not take the program down.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => panic.downcast_ref::<&str>().unwrap_or(&"panic").to_string(),
    })
}

#[cfg(test)]
mod tests;
