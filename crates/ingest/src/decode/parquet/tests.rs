use super::*;
use crate::decode::testing::{contract, rows};
use arrow::array::*;
use arrow::datatypes::{DataType, Field, Fields};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType as PhysicalType, FixedLenByteArray, FixedLenByteArrayType,
    Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use plant::contract::Format;

fn file(columns: Vec<(&str, ArrayRef)>, group_rows: usize) -> Bytes {
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let properties =
        WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

fn decoded(headers: &[&str], file: Bytes) -> Result<Vec<String>, DecodeError> {
    let mut texts = Vec::new();
    for batch in decode(&contract(Format::Parquet, headers), file, 2)? {
        texts.extend(rows(&batch?));
    }
    Ok(texts)
}

fn check(array: impl Array + 'static, expected: &[&str]) {
    assert_eq!(decoded(&["a"], file(vec![("a", Arc::new(array))], 1000)).unwrap(), expected);
}

#[test]
fn every_type_has_its_text() {
    check(StringArray::from(vec![Some("x"), None, Some("")]), &["x", "∅", ""]);
    check(BinaryArray::from(vec![&b"ab"[..], b"\xFF\x00"]), &["ab", "ff00"]);
    check(BooleanArray::from(vec![true, false]), &["true", "false"]);
    check(Int8Array::from(vec![-1]), &["-1"]);
    check(UInt64Array::from(vec![u64::MAX]), &["18446744073709551615"]);
    check(Float32Array::from(vec![0.1]), &["0.1"]);
    check(Float64Array::from(vec![0.1, 1e300, f64::NAN]), &["0.1", "1e300", "NaN"]);
    let decimal = Decimal128Array::from(vec![1250, -5]).with_precision_and_scale(18, 4).unwrap();
    check(decimal, &["0.1250", "-0.0005"]);
    check(Date32Array::from(vec![19144]), &["2022-06-01"]);
    check(Time64MicrosecondArray::from(vec![61_500_000]), &["00:01:01.500"]);
    check(TimestampMillisecondArray::from(vec![1_654_102_920_500]), &["2022-06-01 17:02:00.500"]);
    let utc = TimestampMicrosecondArray::from(vec![1_654_102_920_000_000]).with_timezone("+05:30");
    check(utc, &["2022-06-01 17:02:00Z"]);
    let dictionary: DictionaryArray<arrow::datatypes::Int8Type> =
        vec!["x", "y", "x"].into_iter().collect();
    check(dictionary, &["x", "y", "x"]);
    check(NullArray::new(2), &["∅", "∅"]);
}

/// A file with one column `a` of a type that Arrow does not write.
fn plain_file<T: PhysicalType>(column: &str, values: &[T::T]) -> Bytes {
    let schema = parse_message_type(&format!("message m {{ required {column}; }}")).unwrap();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut columns = group.next_column().unwrap().unwrap();
    columns.typed::<T>().write_batch(values, None, None).unwrap();
    columns.close().unwrap();
    group.close().unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

#[test]
fn types_of_other_writers_have_their_text() {
    let check = |file, expected: &[&str]| assert_eq!(decoded(&["a"], file).unwrap(), expected);
    let day = |julian, nanos: u64| {
        let mut stamp = Int96::new();
        stamp.set_data(nanos as u32, (nanos >> 32) as u32, julian);
        stamp
    };
    let never = day(5_373_484, 86_399_000_000_000);
    check(
        plain_file::<Int96Type>("int96 a", &[day(2_440_588, 1_500_000_000), never]),
        &["1970-01-01 00:00:01.500", "9999-12-31 23:59:59"],
    );
    let uuid = FixedLenByteArray::from((0..16).collect::<Vec<u8>>());
    check(
        plain_file::<FixedLenByteArrayType>("fixed_len_byte_array(16) a (UUID)", &[uuid]),
        &["00010203-0405-0607-0809-0a0b0c0d0e0f"],
    );
    let texts = ["x".into(), ByteArray::from(vec![0xFF])];
    check(plain_file::<ByteArrayType>("binary a (ENUM)", &texts), &["x", "ff"]);
    let fixed = FixedLenByteArray::from(b"ab".to_vec());
    check(plain_file::<FixedLenByteArrayType>("fixed_len_byte_array(2) a", &[fixed]), &["ab"]);
}

#[test]
fn a_timestamp_outside_the_calendar_is_rejected_alone() {
    let stamps = TimestampMicrosecondArray::from(vec![i64::MAX, 0]);
    let texts = decoded(&["a"], file(vec![("a", Arc::new(stamps))], 9)).unwrap();
    assert!(texts[0].contains("9223372036854775807"), "{texts:?}");
    assert_eq!(texts[1], "1970-01-01 00:00:00");
}

#[test]
fn nested_values_are_json() {
    let list = ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    check(list, &["[1,null]", "∅", "[]"]);
    let stamp = TimestampMillisecondArray::from(vec![Some(0), None]).with_timezone("+00:00");
    let stamps = StructArray::try_from(vec![("t", Arc::new(stamp) as ArrayRef)]).unwrap();
    check(stamps, &[r#"{"t":"1970-01-01 00:00:00Z"}"#, r#"{"t":null}"#]);
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("x\"y"), None]));
    check(
        StructArray::try_from(vec![("s", inner)]).unwrap(),
        &[r#"{"s":"x\"y"}"#, r#"{"s":null}"#],
    );
}

#[test]
fn a_map_has_keys_of_any_type() {
    let mut builder = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
    for (key, value) in [(7, Some("x")), (8, None)] {
        builder.keys().append_value(key);
        builder.values().append_option(value);
    }
    builder.append(true).unwrap();
    builder.append(false).unwrap();
    builder.append(true).unwrap();
    check(builder.finish(), &[r#"{"7":"x","8":null}"#, "∅", "{}"]);
}

#[test]
fn members_of_structs_are_found_by_path() {
    let inner = StructArray::from(vec![(
        Arc::new(Field::new("c.d", DataType::Int32, true)),
        Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])) as ArrayRef,
    )]);
    let absent = arrow::buffer::NullBuffer::from(vec![true, true, false]);
    let fields = Fields::from(vec![
        Field::new("x", DataType::Utf8, true),
        Field::new("b", inner.data_type().clone(), true),
    ]);
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["p", "q", "r"]));
    let outer = StructArray::new(fields, vec![texts, Arc::new(inner)], Some(absent));
    let file = file(vec![("a", Arc::new(outer))], 9);
    let rest = [r#"{"a":{"x":"p","b":{"c.d":1}}}"#, r#"{"a":{"x":"q","b":{"c.d":null}}}"#];
    assert_eq!(
        decoded(&["a.x", "a.b.c.d", "a.b.z"], file.clone()).unwrap(),
        [format!("p|1|∅ {}", rest[0]), format!("q|∅|∅ {}", rest[1]), "∅|∅|∅".to_owned()],
    );
    assert_eq!(decoded(&["a.b"], file).unwrap()[0], format!(r#"{{"c.d":1}} {}"#, rest[0]));
}

#[test]
fn of_a_repeated_name_the_first_is_read() {
    let schema =
        parse_message_type("message m { required int64 q; required int64 q; required int64 Q; }");
    let schema = Arc::new(schema.unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for value in [1, 2, 3] {
        let mut column = group.next_column().unwrap().unwrap();
        let typed = column.typed::<parquet::data_type::Int64Type>();
        typed.write_batch(&[value], None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    let file = Bytes::from(writer.into_inner().unwrap());
    assert_eq!(decoded(&["q", "Q"], file.clone()).unwrap(), [r#"1|3 {"q":2}"#]);
    let batches = decode(&contract(Format::Parquet, &["q"]), file, 9).unwrap();
    let names = ["q", "q", "Q"].map(str::to_owned).to_vec();
    assert_eq!(batches.columns(), FileColumns::Names(names));
}

#[test]
fn nan_and_infinity_are_text_in_json() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, f64::NEG_INFINITY, 1.5]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    let columns = StructArray::try_from(vec![("f", floats), ("b", flags)]).unwrap();
    let expected =
        [r#"{"f":"NaN","b":true}"#, r#"{"f":"-inf","b":false}"#, r#"{"f":1.5,"b":true}"#];
    check(columns, &expected);
}

#[test]
fn far_dates_within_a_list_are_kept() {
    let schema = parse_message_type(
        "message m { required group a (LIST) { repeated group list { required int96 element; } } }",
    );
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema.unwrap()), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let nanos = 86_399_000_000_000_u64;
    let mut never = Int96::new();
    never.set_data(nanos as u32, (nanos >> 32) as u32, 5_373_484);
    column.typed::<Int96Type>().write_batch(&[never], Some(&[1]), Some(&[0])).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let file = Bytes::from(writer.into_inner().unwrap());
    assert_eq!(decoded(&["a"], file).unwrap(), [r#"["9999-12-31 23:59:59"]"#]);
}

#[test]
fn columns_are_found_by_name() {
    let numbers = |from: i64| Arc::new(Int64Array::from(vec![from, from + 1])) as ArrayRef;
    let columns = || vec![("b", numbers(1)), (" a ", numbers(3)), ("c", numbers(5))];
    let check = |headers: &[&str], expected: &[&str]| {
        assert_eq!(decoded(headers, file(columns(), 9)).unwrap(), expected);
    };
    check(&["a", "b", "c"], &["3|1|5", "4|2|6"]);
    check(&["c", "z"], &[r#"5|∅ {"b":1," a ":3}"#, r#"6|∅ {"b":2," a ":4}"#]);
    let text = decoded(&["*z", "a"], file(columns(), 9)).unwrap_err().to_string();
    assert!(text.contains("missing [z], found [b,  a , c]"), "{text}");
}

#[test]
fn records_have_row_group_and_row() {
    let file = file(vec![("a", Arc::new(Int64Array::from_iter_values(0..7)))], 3);
    let contract = contract(Format::Parquet, &["a"]);
    let batches: Vec<Batch> =
        decode(&contract, file, 2).unwrap().collect::<Result<_, _>>().unwrap();
    let all = |column: fn(&Batch) -> Vec<i64>| batches.iter().flat_map(column).collect::<Vec<_>>();
    assert_eq!(all(|batch| batch.record.values().to_vec()), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(all(|batch| batch.row.values().to_vec()), [0, 1, 2, 0, 1, 2, 0]);
    let groups = |batch: &Batch| batch.row_group.values().iter().map(|&g| i64::from(g)).collect();
    assert_eq!(all(groups), [0, 0, 0, 1, 1, 1, 2]);
    assert!(
        batches.iter().all(|batch| batch.len() <= 2 && batch.byte_from.null_count() == batch.len())
    );
}

#[test]
fn a_file_that_is_not_parquet_is_refused() {
    let whole = file(vec![("a", Arc::new(Int64Array::from_iter_values(0..1000)))], 100);
    let refused =
        |bytes: Bytes| matches!(decoded(&["a"], bytes), Err(DecodeError::NotParquet { .. }));
    assert!(refused(Bytes::new()));
    assert!(refused(Bytes::from_static(b"ID|ItemNo|Date\n1|2|3\n")));
    assert!(refused(whole.slice(..whole.len() - 9)));
    assert!(!refused(whole));
}

#[test]
fn a_corrupt_page_ends_the_batches() {
    let whole = file(vec![("a", Arc::new(Int64Array::from_iter_values(0..1000)))], 100);
    let mut bytes = whole.to_vec();
    bytes[4..4000].fill(0xFF);
    let contract = contract(Format::Parquet, &["a"]);
    let mut batches = decode(&contract, Bytes::from(bytes), 10).unwrap();
    let error = batches.find_map(Result::err).unwrap().to_string();
    assert!(error.contains("corrupt after record"), "{error}");
    assert!(batches.next().is_none());
}

#[test]
fn a_wrong_checksum_and_an_unsupported_feature_are_errors_of_their_own() {
    let error = classify(7, "Parquet error: Page CRC checksum mismatch".to_owned()).to_string();
    assert!(error.contains("checksum (CRC)") && error.contains("record 7"), "{error}");
    let error = classify(7, "NYI: encoding".to_owned()).to_string();
    assert!(error.contains("an unsupported feature (NYI: encoding)"), "{error}");
}
