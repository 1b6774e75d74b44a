//! Rows beside those of the library, and decimals read back.

use super::*;
use crate::postgres::rows::fields;
use arrow::datatypes::{Field, Schema};
use bytes::Buf as _;
use datafusion_postgres::arrow_pg::row_encoder::RowEncoder;
use pgwire::api::portal::Format;
use std::sync::Arc;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, it)| Field::new(*name, it.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn described(batch: &RecordBatch, format: &Format) -> Arc<Vec<FieldInfo>> {
    fields(&batch.schema(), format, &Arc::default()).unwrap()
}

fn encoded(batch: &RecordBatch) -> Vec<DataRow> {
    let fields = described(batch, &Format::UnifiedBinary);
    let mut rows = BinaryRows::new(batch, &fields).unwrap();
    std::iter::from_fn(|| rows.next_row()).collect()
}

/// The text of a decimal from its bytes.
fn shown(mut bytes: &[u8]) -> String {
    assert_eq!(usize::try_from(bytes.get_i32()).unwrap(), bytes.len());
    let (count, power) = (bytes.get_i16(), bytes.get_i16());
    let (sign, scale) = (bytes.get_u16(), usize::from(bytes.get_u16()));
    let groups: Vec<u16> = (0..count).map(|_| bytes.get_u16()).collect();
    assert!(bytes.is_empty() && groups.first() != Some(&0) && groups.last() != Some(&0));
    let group = |at: i16| {
        let at = usize::try_from(power - at).ok();
        at.and_then(|at| groups.get(at)).copied().unwrap_or_default()
    };
    let whole: String = (0..=power.max(0)).rev().map(|at| format!("{:04}", group(at))).collect();
    let part: String = (1..=10).map(|at| format!("{:04}", group(-at))).collect();
    let whole = Some(whole.trim_start_matches('0')).filter(|it| !it.is_empty()).unwrap_or("0");
    let point = if scale == 0 { "" } else { "." };
    let minus = if sign == NEGATIVE { "-" } else { "" };
    format!("{minus}{whole}{point}{}", &part[..scale])
}

#[test]
fn rows_are_those_of_the_library() {
    let stamps = TimestampMicrosecondArray::from(vec![Some(-1), Some(946_684_800_000_000), None]);
    let batch = batch(vec![
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])) as ArrayRef),
        ("int2", Arc::new(Int16Array::from(vec![Some(i16::MIN), Some(7), None]))),
        ("int4", Arc::new(Int32Array::from(vec![Some(i32::MAX), Some(-7), None]))),
        ("int8", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(0), None]))),
        ("float4", Arc::new(Float32Array::from(vec![Some(0.1), Some(f32::INFINITY), None]))),
        ("float8", Arc::new(Float64Array::from(vec![Some(-0.0), Some(1e300), None]))),
        ("text", Arc::new(StringArray::from(vec![Some(""), Some("é€"), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(-719_162), Some(20_000), None]))),
        ("at", Arc::new(stamps.clone())),
        ("at_utc", Arc::new(stamps.with_timezone("UTC"))),
    ]);
    let found = encoded(&batch);
    let mut library = RowEncoder::new(batch.clone(), described(&batch, &Format::UnifiedBinary));
    for row in &found {
        let expected = library.next_row().unwrap().unwrap();
        assert_eq!((row.field_count, &row.data), (expected.field_count, &expected.data));
    }
    assert_eq!(found.len(), 3);
    assert!(BinaryRows::new(&batch, &described(&batch, &Format::UnifiedText)).is_none());
}

#[test]
fn decimals_have_all_their_digits() {
    let largest = 10_i128.pow(38) - 1;
    for (scale, value, expected) in [
        (0, 0, "0"),
        (3, 0, "0.000"),
        (2, 150, "1.50"),
        (4, -1, "-0.0001"),
        (5, 1, "0.00001"),
        (8, 100_000_000, "1.00000000"),
        (1, 123_456_789, "12345678.9"),
        (0, 10_000, "10000"),
        (3, -100_000_000, "-100000.000"),
        (0, largest, "99999999999999999999999999999999999999"),
        (35, largest, "999.99999999999999999999999999999999999"),
        (35, -1, "-0.00000000000000000000000000000000001"),
        (20, -largest, "-999999999999999999.99999999999999999999"),
    ] {
        let array = Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).unwrap();
        let rows = encoded(&batch(vec![("a", Arc::new(array) as ArrayRef)]));
        assert_eq!(shown(&rows[0].data), expected, "{value} with {scale}");
    }
}

#[test]
fn other_types_are_left_to_the_library() {
    let small = Decimal128Array::from(vec![1]).with_precision_and_scale(38, 36).unwrap();
    let bytes = arrow::array::BinaryArray::from(vec![&b"a"[..]]);
    for array in [Arc::new(small) as ArrayRef, Arc::new(bytes)] {
        let batch = batch(vec![("a", array)]);
        let fields = described(&batch, &Format::UnifiedBinary);
        assert!(BinaryRows::new(&batch, &fields).is_none(), "{}", batch.schema());
    }
}
