//! Rows of binary values of the usual types, encoded without an allocation per row.

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Date32Array, Decimal128Array, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use bytes::{BufMut as _, BytesMut};
use pgwire::api::Type;
use pgwire::api::results::{FieldFormat, FieldInfo};
use pgwire::messages::data::DataRow;

/// Rows share allocations of this many bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// The length of a null.
const NULL: i32 = -1;
/// Days and microseconds from the epoch of Unix to that of PostgreSQL, 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_US: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
/// Decimals have groups of four digits. With more of them behind the point than this, a value times 1,000 might not fit
/// into 128 bits.
const SCALE_MAX: i8 = 35;
const GROUP: u128 = 10_000;
const GROUP_DIGITS: u16 = 4;
/// Ten groups before the point and nine behind it.
const GROUPS_MAX: usize = 19;
const NEGATIVE: u16 = 0x4000;

/// The rows of a batch.
pub struct BinaryRows {
    columns: Vec<Column>,
    rows: usize,
    next: usize,
    bytes: BytesMut,
}

enum Column {
    Bool(BooleanArray),
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Float4(Float32Array),
    Float8(Float64Array),
    Text(StringArray),
    Date(Date32Array),
    Timestamp(TimestampMicrosecondArray),
    Numeric(Decimal128Array, u16),
}

impl BinaryRows {
    /// The rows of `batch` in the types of `fields`; `None` if they are others than those above, or texts.
    pub fn new(batch: &RecordBatch, fields: &[FieldInfo]) -> Option<Self> {
        let columns: Option<Vec<Column>> = batch
            .columns()
            .iter()
            .zip(fields)
            .map(|(array, field)| Column::new(array, field))
            .collect();
        Some(Self { columns: columns?, rows: batch.num_rows(), next: 0, bytes: BytesMut::new() })
    }

    /// The next row; `None` after the last one.
    pub fn next_row(&mut self) -> Option<DataRow> {
        let row = self.next;
        if row == self.rows {
            return None;
        }
        self.next += 1;
        if self.bytes.capacity() < self.columns.len() * size_of::<i128>() {
            self.bytes.reserve(CHUNK_BYTES);
        }
        self.columns.iter().for_each(|column| column.put(row, &mut self.bytes));
        let count = i16::try_from(self.columns.len()).unwrap_or(i16::MAX);
        Some(DataRow::new(self.bytes.split(), count))
    }
}

impl Column {
    fn new(array: &ArrayRef, field: &FieldInfo) -> Option<Self> {
        if field.format() != FieldFormat::Binary {
            return None;
        }
        let kind = field.datatype();
        Some(match array.data_type() {
            DataType::Boolean if *kind == Type::BOOL => Self::Bool(array.as_boolean().clone()),
            DataType::Int16 if *kind == Type::INT2 => Self::Int2(array.as_primitive().clone()),
            DataType::Int32 if *kind == Type::INT4 => Self::Int4(array.as_primitive().clone()),
            DataType::Int64 if *kind == Type::INT8 => Self::Int8(array.as_primitive().clone()),
            DataType::Float32 if *kind == Type::FLOAT4 => {
                Self::Float4(array.as_primitive().clone())
            }
            DataType::Float64 if *kind == Type::FLOAT8 => {
                Self::Float8(array.as_primitive().clone())
            }
            DataType::Utf8 if [Type::TEXT, Type::VARCHAR].contains(kind) => {
                Self::Text(array.as_string().clone())
            }
            DataType::Date32 if *kind == Type::DATE => Self::Date(array.as_primitive().clone()),
            DataType::Timestamp(TimeUnit::Microsecond, _)
                if [Type::TIMESTAMP, Type::TIMESTAMPTZ].contains(kind) =>
            {
                Self::Timestamp(array.as_primitive().clone())
            }
            DataType::Decimal128(_, scale @ 0..=SCALE_MAX) if *kind == Type::NUMERIC => {
                Self::Numeric(array.as_primitive().clone(), scale.unsigned_abs().into())
            }
            _ => return None,
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bool(array) => array.is_null(row),
            Self::Int2(array) => array.is_null(row),
            Self::Int4(array) => array.is_null(row),
            Self::Int8(array) => array.is_null(row),
            Self::Float4(array) => array.is_null(row),
            Self::Float8(array) => array.is_null(row),
            Self::Text(array) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
            Self::Numeric(array, _) => array.is_null(row),
        }
    }

    /// Appends the length of a value and the value.
    fn put(&self, row: usize, bytes: &mut BytesMut) {
        if self.is_null(row) {
            return bytes.put_i32(NULL);
        }
        match self {
            Self::Bool(array) => {
                bytes.put_i32(1);
                bytes.put_u8(array.value(row).into());
            }
            Self::Int2(array) => {
                bytes.put_i32(2);
                bytes.put_i16(array.value(row));
            }
            Self::Int4(array) => {
                bytes.put_i32(4);
                bytes.put_i32(array.value(row));
            }
            Self::Int8(array) => put_i64(array.value(row), bytes),
            Self::Float4(array) => {
                bytes.put_i32(4);
                bytes.put_f32(array.value(row));
            }
            Self::Float8(array) => {
                bytes.put_i32(8);
                bytes.put_f64(array.value(row));
            }
            Self::Text(array) => {
                let text = array.value(row);
                bytes.put_i32(i32::try_from(text.len()).unwrap_or(i32::MAX));
                bytes.put_slice(text.as_bytes());
            }
            Self::Date(array) => {
                bytes.put_i32(4);
                bytes.put_i32(array.value(row).saturating_sub(EPOCH_DAYS));
            }
            Self::Timestamp(array) => put_i64(array.value(row).saturating_sub(EPOCH_US), bytes),
            Self::Numeric(array, scale) => put_numeric(array.value(row), *scale, bytes),
        }
    }
}

fn put_i64(value: i64, bytes: &mut BytesMut) {
    bytes.put_i32(8);
    bytes.put_i64(value);
}

/// A decimal: the number of its groups, the power of the first one, sign, digits behind the point, and the groups without
/// zeros at both ends.
fn put_numeric(value: i128, scale: u16, bytes: &mut BytesMut) {
    let padding = scale.next_multiple_of(GROUP_DIGITS) - scale;
    let behind = usize::from((scale + padding) / GROUP_DIGITS);
    let unit = 10_u128.pow(scale.into());
    let (mut whole, mut part) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    part *= 10_u128.pow(padding.into());
    let mut groups = [0_u16; GROUPS_MAX];
    for (at, group) in groups.iter_mut().rev().enumerate() {
        let from = if at < behind { &mut part } else { &mut whole };
        *group = u16::try_from(*from % GROUP).unwrap_or_default();
        *from /= GROUP;
    }
    let first = groups.iter().position(|group| *group != 0).unwrap_or(GROUPS_MAX);
    let until = groups.iter().rposition(|group| *group != 0).map_or(first, |last| last + 1);
    let (used, before) = (&groups[first..until], GROUPS_MAX - behind);
    let power = match used {
        [] => 0,
        _ => as_i16(before) - as_i16(first) - 1,
    };
    bytes.put_i32(8 + 2 * i32::from(as_i16(used.len())));
    bytes.put_i16(as_i16(used.len()));
    bytes.put_i16(power);
    bytes.put_u16(if value < 0 { NEGATIVE } else { 0 });
    bytes.put_u16(scale);
    used.iter().for_each(|group| bytes.put_u16(*group));
}

fn as_i16(number: usize) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests;
