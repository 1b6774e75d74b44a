//! How the columns of a data file are encoded, chosen by the kind of the table and by the first rows.

use super::{FileKind, FileSizes};
use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::row::{RowConverter, SortField};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::collections::HashSet;

/// Size of a page of the files of a stream, in bytes: the payloads of one page fit into the CPU cache.
const STREAM_PAGE_BYTES: usize = 256 << 10;

/// Rows by which the share of distinct values of a column is estimated. With fewer rows the encoding costs
/// little either way.
const SAMPLE_ROWS: usize = 1024;

/// The text column of landed rows that has statistics: a data file with one dump is recognized by it.
const FILE: &str = "_file";

/// The settings of a Parquet file with the columns of `schema` that begins with the rows of `first`.
pub(super) fn properties(
    schema: &Schema,
    first: &RecordBatch,
    sizes: FileSizes,
    kind: FileKind,
) -> anyhow::Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(sizes.rows_per_group));
    if kind == FileKind::Stream {
        properties = properties.set_data_page_size_limit(STREAM_PAGE_BYTES);
    }
    for (field, array) in schema.fields().iter().zip(first.columns()) {
        let column = ColumnPath::from(field.name().as_str());
        let is_distinct = kind != FileKind::Stream && is_mostly_distinct(array)?;
        if is_distinct || !has_dictionary(field.data_type(), kind) {
            properties = properties.set_column_dictionary_enabled(column.clone(), false);
        }
        if is_distinct && is_whole_number(field.data_type()) {
            let encoding = Encoding::DELTA_BINARY_PACKED;
            properties = properties.set_column_encoding(column.clone(), encoding);
        }
        if !has_statistics(field, kind) {
            properties = properties.set_column_statistics_enabled(column, EnabledStatistics::None);
        }
    }
    Ok(properties.build())
}

/// Whether a type is dictionary-encoded unless its values are mostly distinct. Payloads rarely repeat, and
/// neither do the offsets, timestamps and measurements of a stream, where the lookups would cost more than the
/// dictionary saves.
fn has_dictionary(kind_of_values: &DataType, kind: FileKind) -> bool {
    match kind_of_values {
        DataType::Binary => false,
        DataType::Int64 | DataType::Float64 | DataType::Timestamp(_, _) => kind != FileKind::Stream,
        _ => true,
    }
}

/// Whether a column has statistics. No reader skips files by payloads, nor by the texts of a stream: every file
/// has messages of all producers. Texts of a dump as received are compared with nothing, either.
pub(super) fn has_statistics(field: &Field, kind: FileKind) -> bool {
    match (field.data_type(), kind) {
        (DataType::Binary, _) | (DataType::Utf8, FileKind::Stream) => false,
        (DataType::Utf8, FileKind::Landed) => field.name() == FILE,
        _ => true,
    }
}

/// Whether differences of adjacent values are small numbers as a rule.
fn is_whole_number(kind: &DataType) -> bool {
    matches!(kind, DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(_, _))
}

/// Whether more than half of the first values differ from all before. A dictionary of such a column is nearly
/// as large as the column, and building it costs several times as much as writing the values.
fn is_mostly_distinct(array: &ArrayRef) -> anyhow::Result<bool> {
    if array.len() < SAMPLE_ROWS || *array.data_type() == DataType::Boolean {
        return Ok(false);
    }
    let sample = array.slice(0, SAMPLE_ROWS);
    let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(&sample))?;
    let known = (0..SAMPLE_ROWS).filter(|row| sample.is_valid(*row));
    let distinct: HashSet<&[u8]> = known.map(|row| rows.row(row).data()).collect();
    Ok(2 * distinct.len() > SAMPLE_ROWS - sample.null_count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;

    fn texts(distinct: usize) -> ArrayRef {
        let texts = (0..SAMPLE_ROWS).map(|row| Some((row % distinct).to_string()));
        Arc::new(texts.collect::<StringArray>())
    }

    #[test]
    fn columns_that_repeat_keep_their_dictionary() {
        let check = |array: ArrayRef, expected| {
            assert_eq!(is_mostly_distinct(&array).unwrap(), expected);
        };
        check(texts(SAMPLE_ROWS / 2), false);
        check(texts(SAMPLE_ROWS / 2 + 1), true);
        check(texts(SAMPLE_ROWS).slice(1, SAMPLE_ROWS - 1), false);
        let sparse = (0..2000_i64).map(|row| (row % 100 == 0).then_some(row));
        check(Arc::new(sparse.collect::<Int64Array>()), true);
        check(Arc::new(Int64Array::from(vec![None; 2000])), false);
    }

    #[test]
    fn landed_texts_have_no_statistics_but_their_file() {
        let field = |name, kind| Field::new(name, kind, true);
        assert!(has_statistics(&field("_file", DataType::Utf8), FileKind::Landed));
        assert!(!has_statistics(&field("station", DataType::Utf8), FileKind::Landed));
        assert!(has_statistics(&field("station", DataType::Utf8), FileKind::Refined));
        assert!(has_statistics(&field("_record", DataType::Int64), FileKind::Landed));
        assert!(!has_statistics(&field("payload", DataType::Binary), FileKind::Refined));
    }
}
