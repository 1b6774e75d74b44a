use super::*;
use crate::bronze::utc;
use arrow::array::{
    BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use std::sync::Arc;

/// Rows of a group.
const GROUP: usize = 8;

/// One value per row in each type that a table has; `None` is null.
type Row = (Option<i32>, Option<i32>);

fn schema() -> SchemaRef {
    let kinds = [
        ("text", DataType::Utf8),
        ("int", DataType::Int32),
        ("long", DataType::Int64),
        ("day", DataType::Date32),
        ("at", utc()),
        ("flag", DataType::Boolean),
        ("number", DataType::Float64),
        ("other", DataType::Utf8),
    ];
    Arc::new(Schema::new(kinds.map(|(name, kind)| Field::new(name, kind, true)).to_vec()))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let (first, other): (Vec<Option<i32>>, Vec<Option<i32>>) = rows.iter().copied().unzip();
    let longs = || first.iter().map(|value| value.map(i64::from));
    let texts = |values: &[Option<i32>]| -> ArrayRef {
        let text = |value: i32| "é".repeat(usize::try_from(value).unwrap());
        Arc::new(values.iter().map(|value| value.map(text)).collect::<StringArray>())
    };
    let times = longs().collect::<TimestampMicrosecondArray>().with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        texts(&first),
        Arc::new(first.iter().copied().collect::<Int32Array>()),
        Arc::new(longs().collect::<Int64Array>()),
        Arc::new(first.iter().copied().collect::<Date32Array>()),
        Arc::new(times),
        Arc::new(first.iter().map(|value| value.map(|it| it > 1)).collect::<BooleanArray>()),
        Arc::new(first.iter().map(|value| value.map(f64::from)).collect::<Float64Array>()),
        texts(&other),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Writes batches and returns the bytes of the file.
fn written(batches: &[Vec<Row>]) -> Bytes {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut groups = RowGroups::new(schema(), properties, GROUP).unwrap();
    let mut bytes = Vec::new();
    for rows in batches {
        groups.write(&batch(rows)).unwrap();
        bytes.extend(groups.take_bytes());
    }
    groups.finish().unwrap();
    bytes.extend(groups.take_bytes());
    assert_eq!(bytes.len(), groups.bytes_written());
    bytes.into()
}

fn read(bytes: Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
    concat_batches(&schema(), &batches).unwrap()
}

fn check(batches: &[Vec<Row>]) {
    let expected: Vec<Row> = batches.concat();
    assert_eq!(read(written(batches)), batch(&expected), "{batches:?}");
}

#[test]
fn rows_are_read_as_they_were_written() {
    let one = vec![(Some(3), Some(1)); 5];
    let nothing = vec![(None, None); 5];
    check(std::slice::from_ref(&one));
    check(std::slice::from_ref(&nothing));
    check(&[one.clone(), one.clone(), one.clone(), one.clone()]);
    check(&[one.clone(), nothing.clone()]);
    check(&[nothing.clone(), one.clone(), nothing]);
    check(&[one, vec![(Some(3), Some(2)), (Some(4), None)], vec![(Some(0), Some(0)); 20]]);
}

proptest::proptest! {
    #[test]
    fn any_rows_are_read_as_they_were_written(
        batches in proptest::collection::vec(
            proptest::collection::vec(
                (proptest::option::of(0..2_i32), proptest::option::of(0..2_i32)), 1..12),
            1..5),
    ) {
        check(&batches);
    }
}

#[test]
fn one_value_is_a_dictionary_with_the_usual_statistics() {
    let rows = vec![(Some(2), None); GROUP];
    let bytes = written(std::slice::from_ref(&rows));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let mut usual = ArrowWriter::try_new(Vec::new(), schema(), None).unwrap();
    usual.write(&batch(&rows)).unwrap();
    usual.flush().unwrap();
    let (ours, usual) = (reader.metadata().row_group(0), &usual.flushed_row_groups()[0]);
    for (ours, usual) in ours.columns().iter().zip(usual.columns()) {
        let (left, right) = (ours.statistics().unwrap(), usual.statistics().unwrap());
        assert_eq!(left.min_bytes_opt(), right.min_bytes_opt(), "{}", ours.column_path());
        assert_eq!(left.max_bytes_opt(), right.max_bytes_opt());
        assert_eq!(left.null_count_opt(), right.null_count_opt());
        assert_eq!(ours.num_values(), usual.num_values());
    }
    let text = ours.column(0);
    assert!(text.dictionary_page_offset().is_some());
    assert!(text.encodings().any(|it| it == Encoding::RLE_DICTIONARY));
}

/// The bounds of a file are those of all its groups, so none may lack them.
#[test]
fn long_texts_have_bounds() {
    for length in [32, 33, 512, 513] {
        let rows = vec![(Some(length), None); GROUP];
        let reader = ParquetRecordBatchReaderBuilder::try_new(written(&[rows])).unwrap();
        let statistics = reader.metadata().row_group(0).column(0).statistics().unwrap();
        assert!(statistics.min_bytes_opt().is_some(), "{length} letters of two bytes");
    }
}
