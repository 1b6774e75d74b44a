//! Values of parameters as a client sends them: a schema and batches in the messages of Arrow.
//!
//! The reader of the library ends the program's task on messages whose buffers or types are inconsistent. So the
//! messages are checked here, before it reads them: types without children, without dictionaries, and every
//! buffer within its body, aligned, and of whole offsets.

use super::handle::Part;
use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::ipc;
use std::collections::HashMap;
use std::sync::Arc;

/// Digits of a decimal of 128 bits at most.
const DIGITS_MAX: i32 = 38;

/// Multiples of it are the offsets of buffers in a message (Arrow columnar format, encapsulated message format).
const ALIGNMENT_BYTES: usize = 8;

/// Why values are refused.
pub type Refused = String;

/// The values of all rows, at least one. `rows_max` is the number of rows at most.
///
/// # Errors
/// A message is invalid, a type is not supported, or there are no rows or more than `rows_max`.
pub fn read(parts: &[Part], rows_max: usize) -> Result<RecordBatch, Refused> {
    let (first, rest) = parts.split_first().ok_or("no values were bound")?;
    let schema = schema(first)?;
    let (mut batches, mut rows) = (Vec::new(), 0_usize);
    for part in rest {
        let batch = batch(part, &schema, rows_max)?;
        rows += batch.num_rows();
        if rows > rows_max {
            return Err(too_many(rows_max));
        }
        batches.push(batch);
    }
    if rows == 0 {
        return Err("no row of values was bound: bind one row or more".to_owned());
    }
    arrow::compute::concat_batches(&schema, &batches).map_err(|error| invalid(&error))
}

fn too_many(rows_max: usize) -> Refused {
    format!("more than {rows_max} rows of values: bind fewer, or raise sql_parameter_rows")
}

fn invalid(error: &ArrowError) -> Refused {
    format!("the values cannot be read: {error}")
}

fn message(part: &Part) -> Result<ipc::Message<'_>, Refused> {
    let message = ipc::root_as_message(&part.header);
    let message = message.map_err(|error| format!("the values cannot be read: {error}"))?;
    match message.version() {
        ipc::MetadataVersion::V4 | ipc::MetadataVersion::V5 => Ok(message),
        version => Err(format!("the values have the unknown version {version:?} of Arrow")),
    }
}

fn schema(part: &Part) -> Result<SchemaRef, Refused> {
    let schema = message(part)?.header_as_schema().ok_or("the values have no schema")?;
    if schema.endianness() != ipc::Endianness::Little {
        return Err("the values are big-endian: expected little-endian".to_owned());
    }
    let fields = schema.fields().ok_or("the schema of the values has no fields")?;
    let field = |(field, number): (ipc::Field<'_>, usize)| {
        let kind = kind(&field).ok_or_else(|| {
            format!(
                "parameter ${number} has the type {:?}, which is not supported: bind numbers, text, bytes, \
                 booleans, dates or times without dictionary",
                field.type_type()
            )
        })?;
        Ok(Field::new(format!("${number}"), kind, true))
    };
    let fields = fields.iter().zip(1..).map(field).collect::<Result<Vec<_>, Refused>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The type of a field; `None` if it is not supported.
fn kind(field: &ipc::Field<'_>) -> Option<DataType> {
    if field.dictionary().is_some() {
        return None;
    }
    Some(match field.type_type() {
        ipc::Type::Null => DataType::Null,
        ipc::Type::Bool => DataType::Boolean,
        ipc::Type::Int => integer(field.type_as_int()?)?,
        ipc::Type::FloatingPoint => match field.type_as_floating_point()?.precision() {
            ipc::Precision::SINGLE => DataType::Float32,
            ipc::Precision::DOUBLE => DataType::Float64,
            _ => return None,
        },
        ipc::Type::Decimal => decimal(field.type_as_decimal()?)?,
        ipc::Type::Utf8 => DataType::Utf8,
        ipc::Type::LargeUtf8 => DataType::LargeUtf8,
        ipc::Type::Binary => DataType::Binary,
        ipc::Type::LargeBinary => DataType::LargeBinary,
        ipc::Type::Date => match field.type_as_date()?.unit() {
            ipc::DateUnit::DAY => DataType::Date32,
            ipc::DateUnit::MILLISECOND => DataType::Date64,
            _ => return None,
        },
        ipc::Type::Time => time(field.type_as_time()?)?,
        ipc::Type::Timestamp => {
            let kind = field.type_as_timestamp()?;
            DataType::Timestamp(unit(kind.unit())?, kind.timezone().map(Into::into))
        }
        _ => return None,
    })
}

fn integer(kind: ipc::Int<'_>) -> Option<DataType> {
    Some(match (kind.bitWidth(), kind.is_signed()) {
        (8, true) => DataType::Int8,
        (16, true) => DataType::Int16,
        (32, true) => DataType::Int32,
        (64, true) => DataType::Int64,
        (8, false) => DataType::UInt8,
        (16, false) => DataType::UInt16,
        (32, false) => DataType::UInt32,
        (64, false) => DataType::UInt64,
        _ => return None,
    })
}

fn decimal(kind: ipc::Decimal<'_>) -> Option<DataType> {
    let (digits, scale) = (kind.precision(), kind.scale());
    let is_valid = kind.bitWidth() == 128
        && (1..=DIGITS_MAX).contains(&digits)
        && (0..=digits).contains(&scale);
    is_valid.then_some(DataType::Decimal128(u8::try_from(digits).ok()?, i8::try_from(scale).ok()?))
}

fn time(kind: ipc::Time<'_>) -> Option<DataType> {
    Some(match (kind.bitWidth(), unit(kind.unit())?) {
        (32, unit @ (TimeUnit::Second | TimeUnit::Millisecond)) => DataType::Time32(unit),
        (64, unit @ (TimeUnit::Microsecond | TimeUnit::Nanosecond)) => DataType::Time64(unit),
        _ => return None,
    })
}

fn unit(unit: ipc::TimeUnit) -> Option<TimeUnit> {
    Some(match unit {
        ipc::TimeUnit::SECOND => TimeUnit::Second,
        ipc::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
        ipc::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
        ipc::TimeUnit::NANOSECOND => TimeUnit::Nanosecond,
        _ => return None,
    })
}

fn batch(part: &Part, schema: &SchemaRef, rows_max: usize) -> Result<RecordBatch, Refused> {
    let message = message(part)?;
    let batch = message.header_as_record_batch().ok_or("expected a batch of values")?;
    let rows = usize::try_from(batch.length()).unwrap_or(usize::MAX);
    if rows > rows_max {
        return Err(too_many(rows_max));
    }
    if batch.compression().is_some() {
        return Err("the values are compressed: bind them without compression".to_owned());
    }
    if !is_consistent(&batch, schema, rows, part.body.len()) {
        return Err(
            "the values cannot be read: their buffers do not belong to their schema".to_owned()
        );
    }
    let body = Buffer::from(&part.body[..]);
    let (schema, none) = (Arc::clone(schema), HashMap::new());
    ipc::reader::read_record_batch(&body, batch, schema, &none, None, &message.version())
        .map_err(|error| invalid(&error))
}

/// Whether a batch has exactly the nodes and buffers of the schema, within its body, and as many bits of validity
/// as rows.
fn is_consistent(
    batch: &ipc::RecordBatch<'_>,
    schema: &Schema,
    rows: usize,
    body_bytes: usize,
) -> bool {
    let (Some(nodes), Some(buffers)) = (batch.nodes(), batch.buffers()) else { return false };
    let expected: usize = schema.fields().iter().map(|it| buffers_of(it.data_type())).sum();
    let is_complete = nodes.len() == schema.fields().len()
        && buffers.len() == expected
        && batch.variadicBufferCounts().is_none_or(|it| it.is_empty());
    if !is_complete {
        return false;
    }
    let mut lengths = Vec::with_capacity(expected);
    for buffer in buffers {
        let Some(length) = length_within(buffer, body_bytes) else { return false };
        lengths.push(length);
    }
    let mut lengths = &lengths[..];
    nodes.iter().zip(schema.fields()).all(|(node, field)| {
        let (own, later) = lengths.split_at(buffers_of(field.data_type()));
        lengths = later;
        let nulls = usize::try_from(node.null_count()).unwrap_or(usize::MAX);
        let has_validity = own.first().is_none_or(|bytes| nulls == 0 || bytes * 8 >= rows);
        let has_offsets = match (offset_bytes(field.data_type()), own.get(1)) {
            (Some(width), Some(bytes)) => bytes.is_multiple_of(width),
            _ => true,
        };
        usize::try_from(node.length()) == Ok(rows) && nulls <= rows && has_validity && has_offsets
    })
}

/// The length of a buffer; `None` if it is not within the body or begins between two words, which the format excludes.
fn length_within(buffer: &ipc::Buffer, body_bytes: usize) -> Option<usize> {
    let offset = usize::try_from(buffer.offset()).ok()?;
    let length = usize::try_from(buffer.length()).ok()?;
    let is_within = offset.checked_add(length)? <= body_bytes;
    (is_within && offset.is_multiple_of(ALIGNMENT_BYTES)).then_some(length)
}

/// The bytes of an offset of a type whose second buffer has offsets.
fn offset_bytes(kind: &DataType) -> Option<usize> {
    match kind {
        DataType::Utf8 | DataType::Binary => Some(size_of::<i32>()),
        DataType::LargeUtf8 | DataType::LargeBinary => Some(size_of::<i64>()),
        _ => None,
    }
}

/// The buffers of a column, the first of which has the validity of its values.
fn buffers_of(kind: &DataType) -> usize {
    match kind {
        DataType::Null => 0,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => 3,
        _ => 2,
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
