use super::*;

fn check(of: DataType, text: &str, expected: Result<&str, &str>) {
    let field = Field::new("x", of, true);
    let shown = condition(&field, text).map(|(expr, _)| expr.to_string());
    let shown = shown.as_deref().map_err(|error| error.code);
    assert_eq!(shown, expected, "{text} on {field:?}");
}

fn instants() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

#[test]
fn filters_become_typed_expressions() {
    let text = || DataType::Utf8;
    check(text(), "A", Ok("x IN ([Utf8(\"A\")])"));
    check(text(), "A,B", Ok("x IN ([Utf8(\"A\"), Utf8(\"B\")])"));
    check(text(), "", Ok("x IN ([Utf8(\"\")])"));
    check(text(), "A\\,B", Ok("x IN ([Utf8(\"A,B\")])"));
    check(text(), "\\null", Ok("x IN ([Utf8(\"null\")])"));
    check(text(), "null", Ok("x IS NULL"));
    check(text(), "null,A", Ok("x IS NULL OR x IN ([Utf8(\"A\")])"));
    check(text(), "!null", Ok("x IS NOT NULL"));
    check(text(), "a..b", Ok("x >= Utf8(\"a\") AND x <= Utf8(\"b\")"));
    check(text(), "a\\..b", Ok("x IN ([Utf8(\"a..b\")])"));
    check(text(), "..", Err("bad_value"));
    check(text(), "a..b..c", Err("bad_value"));
    check(text(), "മലയാളം,\\", Ok("x IN ([Utf8(\"മലയാളം\"), Utf8(\"\\\")])"));
    check(DataType::Int32, "1..3", Ok("x >= Int32(1) AND x <= Int32(3)"));
    check(DataType::Int32, "..3", Ok("x <= Int32(3)"));
    check(DataType::Int32, "-5..", Ok("x >= Int32(-5)"));
    check(DataType::Boolean, "true", Ok("x IN ([Boolean(true)])"));
    check(DataType::Date32, "2023-01-03", Ok("x IN ([Date32(\"2023-01-03\")])"));
    check(DataType::Float64, "1.5", Ok("x IN ([Float64(1.5)])"));
    check(DataType::Decimal128(10, 2), "1.50", Ok("x IN ([Decimal128(1.50,10,2)])"));
    check(DataType::Decimal128(10, 2), "-.5", Ok("x IN ([Decimal128(-0.50,10,2)])"));
}

#[test]
fn a_bare_date_on_times_is_the_whole_day() {
    let from = "TimestampMicrosecond(1672704000000000, Some(\"UTC\"))";
    let to = "TimestampMicrosecond(1672790400000000, Some(\"UTC\"))";
    check(instants(), "2023-01-03", Ok(&format!("x >= {from} AND x < {to}")));
    check(instants(), "..2023-01-03", Ok(&format!("x < {to}")));
    check(instants(), "2023-01-03T05:30:00+05:30", Ok(&format!("x IN ([{from}])")));
    check(instants(), "2023-01-03 00:00:00..", Ok(&format!("x >= {from}")));
}

#[test]
fn a_value_that_is_not_of_the_type_is_refused() {
    for (of, text) in [
        (DataType::Int32, "1.5"),
        (DataType::Int32, "3000000000"),
        (DataType::Int32, "1 OR 1=1"),
        (DataType::Int64, ""),
        (DataType::UInt64, "-1"),
        (DataType::Boolean, "yes"),
        (DataType::Float64, "NaN"),
        (DataType::Float64, "1e999"),
        (DataType::Date32, "2023-02-30"),
        (DataType::Date32, "2023-1-3"),
        (DataType::Decimal128(10, 2), "1.505"),
        (DataType::Decimal128(10, 2), "123456789.00"),
        (DataType::Decimal128(10, 2), "1e3"),
        (DataType::Decimal128(10, 2), "."),
        (instants(), "yesterday"),
        (instants(), "2023-01-03T25:00:00Z"),
    ] {
        check(of, text, Err("bad_value"));
    }
    check(DataType::Binary, "00", Err("bad_filter"));
}

#[test]
fn parameters_are_checked_by_their_declared_type() {
    assert!(parameter("as_of", "date", "2023-01-01").is_ok());
    let refused = parameter("as_of", "date", "soon").unwrap_err();
    assert_eq!(
        refused.public,
        "invalid value `soon` of parameter as_of (date): expected a date like 2023-01-31"
    );
}
