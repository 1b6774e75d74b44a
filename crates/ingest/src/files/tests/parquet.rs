//! Values of Parquet types, formatted for the types of a contract.

use crate::decode::parquet::decode;
use arrow::array::*;
use bytes::Bytes;
use chrono_tz::Tz;
use config::contract;
use config::toml_reader::Findings;
use parquet::arrow::ArrowWriter;
use plant::contract::{Contract, Kind};
use plant::format::{parse_date, parse_time};
use plant::zone::ZoneTable;
use std::sync::Arc;

fn contract_of(columns: &str) -> Contract {
    let text = format!(
        "description = \"x\"\nsource = \"x\"\npaths = [\"x\"]\nformat = \"parquet\"\n\
         columns = [ {columns} ]\n"
    );
    contract::read("t", Tz::UTC, &Findings::new("t.toml", &text)).unwrap().0
}

/// Expects these texts for a file with one column `a` and a contract column of some type.
fn check_typed(kind: &str, array: impl Array + 'static, expected: &[&str]) {
    let array: ArrayRef = Arc::new(array);
    let rows = RecordBatch::try_from_iter_with_nullable([("a", array, true)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    let file = Bytes::from(writer.into_inner().unwrap());
    let contract = contract_of(&format!("{{ name = \"a\", {kind} }}"));
    let batches = decode(&contract, file, 100).unwrap();
    let columns: Vec<ArrayRef> = batches.map(|batch| batch.unwrap().fields[0].clone()).collect();
    let texts = columns.iter().flat_map(|column| column.as_string::<i32>().iter());
    assert_eq!(texts.map(|text| text.unwrap_or("∅")).collect::<Vec<_>>(), expected, "{kind}");
}

#[test]
fn values_are_formatted_for_the_type_that_reads_them() {
    let floats =
        || Float64Array::from(vec![Some(7337.0), None, Some(-1.5), Some(1e17), Some(f64::NAN)]);
    check_typed("type = \"int\"", floats(), &["7337", "∅", "-1.5", "100000000000000000", "∅"]);
    let grouped = "type = \"int\", thousands = \".\"";
    check_typed(grouped, Float64Array::from(vec![1.234]), &["1.234e0"]);
    check_typed(
        "type = \"int\"",
        Float64Array::from(vec![1e300, f64::INFINITY]),
        &["1e300", "inf"],
    );
    let decimals = || Decimal128Array::from(vec![500, 550]).with_precision_and_scale(9, 2).unwrap();
    check_typed("type = \"int\"", decimals(), &["5", "5.50"]);
    let comma = "type = \"decimal\", decimal = \",\", thousands = \".\"";
    check_typed(comma, decimals(), &["5,00", "5,50"]);
    check_typed("type = \"float\"", floats(), &["7337.0", "∅", "-1.5", "1e17", "∅"]);
    check_typed("type = \"text\"", Float64Array::from(vec![7337.0]), &["7337.0"]);
    let bools = || BooleanArray::from(vec![true, false]);
    check_typed("type = \"bool\"", bools(), &["true", "false"]);
    check_typed("type = \"bool\", yes = [\"J\"], no = [\"N\"]", bools(), &["J", "N"]);
    check_typed("type = \"bool\"", Float64Array::from(vec![1.0, 0.0]), &["1", "0"]);
    let day_ms = 86_400_000;
    let stamps = || TimestampMillisecondArray::from(vec![day_ms, day_ms + 500]);
    let date = "type = \"date\", formats = [\"dd.MM.yyyy\"]";
    check_typed(date, stamps(), &["1970-01-02", "1970-01-02 00:00:00.500"]);
    check_typed(date, stamps().with_timezone("UTC"), &["1970-01-02", "1970-01-02 00:00:00.500Z"]);
    check_typed(date, StringArray::from(vec!["02.01.1970"]), &["02.01.1970"]);
}

#[test]
fn native_dates_and_times_are_read_with_any_formats() {
    let contract = contract_of(
        r#"{ name = "d", type = "date", formats = ["dd.MM.yyyy"] },
           { name = "t", type = "time", formats = ["epoch_s"] }"#,
    );
    let zone = ZoneTable::new(Tz::UTC);
    let Kind::Date { formats, .. } = &contract.columns[0].kind else { panic!() };
    assert_eq!(parse_date("1970-01-02", formats), Ok(1));
    assert_eq!(parse_date("02.01.1970", formats), Ok(1));
    assert!(parse_date("1970-01-02 17:00:00", formats).is_err());
    let Kind::Time { formats, .. } = &contract.columns[1].kind else { panic!() };
    for (text, us) in [
        ("86400", 86_400_000_000),
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01 00:00:01", 1_000_000),
        ("1970-01-01 00:00:01.123456789Z", 1_123_456),
        ("1970-01-01 00:00:01.5", 1_500_000),
        ("1970-01-01 00:00:01Z", 1_000_000),
    ] {
        assert_eq!(parse_time(text, formats, &zone), Ok(us), "{text}");
    }
}
