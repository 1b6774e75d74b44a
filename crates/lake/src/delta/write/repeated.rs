//! A column chunk whose rows all have the same value, written without encoding them one by one.
//!
//! Half of the columns of a wide dump are such, and so are most provenance columns. The standard encoder hashes
//! and compares each value. Here the chunk is what that encoder would write: a dictionary of one value, and one
//! run of its index; so every reader of dictionaries can read it.

use anyhow::Context as _;
use arrow::array::{Array, ArrayRef, AsArray as _, StringArray};
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// Longer texts are left to the standard encoder: a chunk here has its value in the statistics, unabridged.
const MAX_TEXT_BYTES: usize = 1024;

/// Bytes of the length before the definition levels of a page.
const LENGTH_BYTES: usize = 4;

/// The value that all rows of an array have, as an array of one row; `None` if they differ, or if chunks of its
/// type are not written here. The array must have a row.
pub(super) fn single_value(array: &ArrayRef) -> Option<ArrayRef> {
    let is_single = match array.null_count() {
        0 => has_one_value(array),
        nulls => nulls == array.len() && is_supported(array.data_type()),
    };
    is_single.then(|| array.slice(0, 1))
}

fn is_supported(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8
            | DataType::Int32
            | DataType::Int64
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
    )
}

fn has_one_value(array: &ArrayRef) -> bool {
    match array.data_type() {
        DataType::Utf8 => is_one_text(array.as_string()),
        DataType::Int32 => is_one(array.as_primitive::<Int32Type>().values()),
        DataType::Date32 => is_one(array.as_primitive::<Date32Type>().values()),
        DataType::Int64 => is_one(array.as_primitive::<Int64Type>().values()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            is_one(array.as_primitive::<TimestampMicrosecondType>().values())
        }
        _ => false,
    }
}

fn is_one<T: PartialEq>(values: &[T]) -> bool {
    values.first().is_some_and(|first| values.iter().all(|value| value == first))
}

/// Whether all texts are equal: they have one length, and their bytes equal those one text later.
fn is_one_text(texts: &StringArray) -> bool {
    let offsets = texts.value_offsets();
    let length = offsets[1] - offsets[0];
    if length as usize > MAX_TEXT_BYTES {
        return false;
    }
    if !offsets.windows(2).all(|pair| pair[1] - pair[0] == length) {
        return false;
    }
    let (from, to) = (offsets[0] as usize, offsets[texts.len()] as usize);
    let bytes = &texts.value_data()[from..to];
    let later = &bytes[length as usize..];
    later == &bytes[..later.len()]
}

/// The chunk of a nullable column whose `rows` rows have the one value of `value`, and its description.
///
/// # Errors
/// Fails if the type is not one of [`single_value`].
pub(super) fn chunk(
    column: &ColumnDescPtr,
    value: &ArrayRef,
    rows: usize,
    has_statistics: bool,
) -> anyhow::Result<(Bytes, ColumnCloseResult)> {
    let plain = if value.is_null(0) { None } else { Some(plain(value)?) };
    let mut sink = TrackedWrite::new(Vec::new());
    let mut pages = SerializedPageWriter::new(&mut sink);
    let dictionary = match &plain {
        Some(plain) => Some(pages.write_page(dictionary_page(plain))?),
        None => None,
    };
    let data = pages.write_page(data_page(rows, plain.is_some())?)?;
    let bytes = Bytes::from(sink.into_inner()?);
    let (size, data_offset) = (i64::try_from(bytes.len())?, i64::try_from(data.offset)?);
    let mut metadata = ColumnChunkMetaData::builder(column.clone())
        .set_compression(Compression::UNCOMPRESSED)
        .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
        .set_num_values(i64::try_from(rows)?)
        .set_total_compressed_size(size)
        .set_total_uncompressed_size(size)
        .set_data_page_offset(data_offset)
        .set_dictionary_page_offset(dictionary.map(|_| 0));
    if has_statistics {
        metadata = metadata.set_statistics(statistics(value, rows)?);
    }
    let mut offsets = OffsetIndexBuilder::new();
    offsets.append_row_count(i64::try_from(rows)?);
    offsets.append_offset_and_size(data_offset, i32::try_from(data.compressed_size)?);
    let close = ColumnCloseResult {
        bytes_written: u64::try_from(bytes.len())?,
        rows_written: u64::try_from(rows)?,
        metadata: metadata.build()?,
        bloom_filter: None,
        column_index: None,
        offset_index: Some(offsets.build()),
    };
    Ok((bytes, close))
}

fn dictionary_page(plain: &[u8]) -> CompressedPage {
    let page = Page::DictionaryPage {
        buf: Bytes::copy_from_slice(plain),
        num_values: 1,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    CompressedPage::new(page, plain.len())
}

/// The page with all rows: a run of definition levels, and a run of the index 0, which has no bits.
fn data_page(rows: usize, is_valid: bool) -> anyhow::Result<CompressedPage> {
    let mut levels = Vec::with_capacity(LENGTH_BYTES);
    push_run(&mut levels, rows);
    levels.push(is_valid.into());
    let mut bytes = u32::try_from(levels.len())?.to_le_bytes().to_vec();
    bytes.extend(levels);
    if is_valid {
        let bits_per_index = 0;
        bytes.push(bits_per_index);
        push_run(&mut bytes, rows);
    }
    let size = bytes.len();
    let page = Page::DataPage {
        buf: bytes.into(),
        num_values: u32::try_from(rows)?,
        encoding: if is_valid { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN },
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    Ok(CompressedPage::new(page, size))
}

/// The header of a run of equal values in the hybrid encoding: its length, shifted by one, as a varint.
fn push_run(bytes: &mut Vec<u8>, rows: usize) {
    let mut rest = rows << 1;
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// A value that is not null in the plain encoding.
fn plain(value: &ArrayRef) -> anyhow::Result<Vec<u8>> {
    Ok(match number(value) {
        Some(Number::Int(number)) => number.to_le_bytes().to_vec(),
        Some(Number::Long(number)) => number.to_le_bytes().to_vec(),
        None => {
            let text = text(value)?;
            let mut bytes = u32::try_from(text.len())?.to_le_bytes().to_vec();
            bytes.extend_from_slice(text.as_bytes());
            bytes
        }
    })
}

/// A number in its physical type.
enum Number {
    Int(i32),
    Long(i64),
}

fn number(value: &ArrayRef) -> Option<Number> {
    Some(match value.data_type() {
        DataType::Int32 => Number::Int(value.as_primitive::<Int32Type>().value(0)),
        DataType::Date32 => Number::Int(value.as_primitive::<Date32Type>().value(0)),
        DataType::Int64 => Number::Long(value.as_primitive::<Int64Type>().value(0)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Number::Long(value.as_primitive::<TimestampMicrosecondType>().value(0))
        }
        _ => return None,
    })
}

fn text(value: &ArrayRef) -> anyhow::Result<&str> {
    let texts = value.as_string_opt::<i32>();
    let texts = texts.with_context(|| format!("a chunk of {}", value.data_type()))?;
    Ok(texts.value(0))
}

fn statistics(value: &ArrayRef, rows: usize) -> anyhow::Result<Statistics> {
    let is_valid = value.is_valid(0);
    let nulls = if is_valid { Some(0) } else { Some(u64::try_from(rows)?) };
    Ok(match number(value) {
        Some(Number::Int(number)) => {
            let bound = is_valid.then_some(number);
            Statistics::int32(bound, bound, None, nulls, false)
        }
        Some(Number::Long(number)) => {
            let bound = is_valid.then_some(number);
            Statistics::int64(bound, bound, None, nulls, false)
        }
        None => {
            let bound = if is_valid { Some(ByteArray::from(text(value)?)) } else { None };
            Statistics::byte_array(bound.clone(), bound, None, nulls, false)
        }
    })
}
