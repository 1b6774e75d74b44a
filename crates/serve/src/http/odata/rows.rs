//! Encodes rows as OData JSON.

use super::edm::{Edm, Property};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use chrono::{DateTime, NaiveDate, SecondsFormat};
use serde_json::Value;
use std::io::{self, Write};

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether `Edm.Int64` and `Edm.Decimal` are texts, for clients that read numbers as IEEE 754 doubles.
    pub long_numbers_as_text: bool,
}

/// Writes the rows of batches as objects with commas between them.
pub struct RowWriter {
    /// `"name":` of each property, as JSON, and its type.
    properties: Vec<(Vec<u8>, Edm)>,
    style: Style,
    is_first: bool,
}

impl RowWriter {
    /// A writer for batches that begin with the columns of `properties`.
    pub fn new(properties: &[Property], style: Style) -> Self {
        let head = |it: &Property| (format!("{}:", Value::from(it.name.as_str())).into(), it.edm);
        Self { properties: properties.iter().map(head).collect(), style, is_first: true }
    }

    /// Appends the rows of `batch` to `out`.
    pub fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let columns = self.properties.iter().zip(batch.columns());
        let columns = columns.map(|((_, edm), column)| Cells::new(column, *edm));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            out.extend_from_slice(if self.is_first { b"{" } else { b",\n{" });
            self.is_first = false;
            for (position, ((name, _), cells)) in self.properties.iter().zip(&columns).enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(name);
                cells.write(row, self.style, out)?;
            }
            out.push(b'}');
        }
        Ok(())
    }
}

/// The values of a column.
enum Cells {
    Bool(BooleanArray),
    Int(Int64Array),
    Long(Int64Array),
    Single(Float32Array),
    Double(Float64Array),
    Decimal(Decimal128Array),
    Text(StringArray),
    Binary(BinaryArray),
    Date(Date32Array),
    Time(TimestampMicrosecondArray),
}

impl Cells {
    fn new(column: &ArrayRef, edm: Edm) -> Result<Self, ArrowError> {
        let as_type = |of: DataType| cast(column, &of);
        Ok(match edm {
            Edm::Boolean => Self::Bool(as_type(DataType::Boolean)?.as_boolean().clone()),
            Edm::SByte | Edm::Int16 | Edm::Int32 => {
                Self::Int(as_type(DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            Edm::Int64 => Self::Long(as_type(DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            Edm::Single => {
                Self::Single(as_type(DataType::Float32)?.as_primitive::<Float32Type>().clone())
            }
            Edm::Double => {
                Self::Double(as_type(DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            Edm::Decimal { precision, scale } => {
                let of = DataType::Decimal128(precision.min(38), scale);
                Self::Decimal(as_type(of)?.as_primitive::<Decimal128Type>().clone())
            }
            Edm::Text => Self::Text(as_type(DataType::Utf8)?.as_string::<i32>().clone()),
            Edm::Binary => Self::Binary(as_type(DataType::Binary)?.as_binary::<i32>().clone()),
            Edm::Date => {
                Self::Date(as_type(DataType::Date32)?.as_primitive::<Date32Type>().clone())
            }
            Edm::DateTimeOffset => {
                let of = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
                let times = as_type(of)?;
                Self::Time(times.as_primitive::<TimestampMicrosecondType>().clone())
            }
        })
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Bool(it) => it,
            Self::Int(it) | Self::Long(it) => it,
            Self::Single(it) => it,
            Self::Double(it) => it,
            Self::Decimal(it) => it,
            Self::Text(it) => it,
            Self::Binary(it) => it,
            Self::Date(it) => it,
            Self::Time(it) => it,
        }
    }

    fn write(&self, row: usize, style: Style, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.array().is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        let quote = if style.long_numbers_as_text { "\"" } else { "" };
        match self {
            Self::Bool(it) => write!(out, "{}", it.value(row)),
            Self::Int(it) => write!(out, "{}", it.value(row)),
            Self::Long(it) => write!(out, "{quote}{}{quote}", it.value(row)),
            Self::Single(it) => float(f64::from(it.value(row)), &it.value(row).to_string(), out),
            Self::Double(it) => float(it.value(row), &it.value(row).to_string(), out),
            Self::Decimal(it) => write!(out, "{quote}{}{quote}", it.value_as_string(row)),
            Self::Text(it) => {
                serde_json::to_writer(&mut *out, it.value(row)).map_err(io::Error::from)
            }
            Self::Binary(it) => write!(out, "\"{}\"", URL_SAFE.encode(it.value(row))),
            Self::Date(it) => date(it.value(row), out),
            Self::Time(it) => time(it.value(row), out),
        }
        .map_err(|error| ArrowError::IoError(error.to_string(), error))
    }
}

/// Values that are not numbers of JSON are texts.
fn float(value: f64, text: &str, out: &mut Vec<u8>) -> io::Result<()> {
    let special = match value {
        value if value.is_nan() => Some("\"NaN\""),
        f64::INFINITY => Some("\"INF\""),
        f64::NEG_INFINITY => Some("\"-INF\""),
        _ => None,
    };
    out.write_all(special.unwrap_or(text).as_bytes())
}

fn date(days: i32, out: &mut Vec<u8>) -> io::Result<()> {
    match NaiveDate::from_epoch_days(days) {
        Some(day) => write!(out, "\"{day}\""),
        None => out.write_all(b"null"),
    }
}

fn time(at_us: i64, out: &mut Vec<u8>) -> io::Result<()> {
    match DateTime::from_timestamp_micros(at_us) {
        Some(at) => write!(out, "\"{}\"", at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        None => out.write_all(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::odata::edm::properties_of_schema;
    use std::sync::Arc;

    fn written(style: Style) -> String {
        let at = TimestampMicrosecondArray::from(vec![1_672_704_000_120_000]).with_timezone("UTC");
        let decimals = Decimal128Array::from(vec![-5]).with_precision_and_scale(28, 3).unwrap();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("a b", Arc::new(StringArray::from(vec!["മ\"\n"]))),
            ("n", Arc::new(Int64Array::from(vec![9_007_199_254_740_993]))),
            ("d", Arc::new(decimals)),
            ("day", Arc::new(Date32Array::from(vec![19_360]))),
            ("at", Arc::new(at)),
            ("x", Arc::new(Float64Array::from(vec![f64::NAN]))),
            ("y", Arc::new(Float32Array::from(vec![0.1]))),
            ("none", Arc::new(BooleanArray::from(vec![None]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties = properties_of_schema(&batch.schema());
        let mut out = Vec::new();
        let mut writer = RowWriter::new(&properties, style);
        writer.write(&batch, &mut out).unwrap();
        writer.write(&batch, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_exactly() {
        let row = "{\"a_x0020_b\":\"മ\\\"\\n\",\"n\":9007199254740993,\"d\":-0.005,\"day\":\"2023-01-03\",\
                   \"at\":\"2023-01-03T00:00:00.120Z\",\"x\":\"NaN\",\"y\":0.1,\"none\":null}";
        let text = written(Style { long_numbers_as_text: false });
        assert_eq!(text, format!("{row},\n{row}"));
        let text = written(Style { long_numbers_as_text: true });
        assert!(text.contains("\"n\":\"9007199254740993\",\"d\":\"-0.005\""), "{text}");
    }
}
