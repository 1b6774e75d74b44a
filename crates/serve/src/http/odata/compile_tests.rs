use super::*;
use crate::http::odata::edm::properties_of_schema;
use crate::http::odata::syntax::SyntaxLimits;
use crate::http::odata::syntax::expression::parse_filter;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

const LIMITS: SyntaxLimits = SyntaxLimits { depth: 32, nodes: 8_000 };

/// Rows 1 to 4; every column but `id` is null in row 4.
fn rows() -> RecordBatch {
    let times = vec![Some(0), Some(3_600_000_000), Some(1_675_173_900_000_000), None];
    let decimals = Decimal128Array::from(vec![Some(100), Some(150), Some(-5), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
        ("text", Arc::new(StringArray::from(vec![Some("abc"), Some("it's"), Some("ലൈൻ"), None]))),
        ("n", Arc::new(Int64Array::from(vec![Some(1), Some(-2), Some(7), None]))),
        ("d", Arc::new(decimals.with_precision_and_scale(28, 2).unwrap())),
        ("x", Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NAN), Some(2.5), None]))),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), Some(false), Some(true), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), Some(1), Some(19_388), None]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

fn compiled(text: &str) -> Result<Expr, Error> {
    let node = parse_filter(text, LIMITS).unwrap_or_else(|error| panic!("{text}: {error}"));
    condition(&node, &properties_of_schema(&rows().schema()))
}

async fn check(text: &str, expected: &[i64]) {
    let condition = compiled(text).unwrap_or_else(|error| panic!("{text}: {}", error.public));
    #[expect(clippy::disallowed_methods, reason = "a test without the limits of the lake")]
    let session = SessionContext::new();
    let frame = session.read_batch(rows()).unwrap().filter(condition).unwrap();
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{text}: {error}"));
    let ids: Vec<i64> = batches
        .iter()
        .flat_map(|it| {
            it.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
        })
        .collect();
    assert_eq!(ids, expected, "{text}");
}

#[tokio::test]
async fn nulls_are_compared_as_odata_defines() {
    check("n eq null", &[4]).await;
    check("n ne null", &[1, 2, 3]).await;
    check("null eq n", &[4]).await;
    check("n ne 1", &[2, 3, 4]).await;
    check("not (n eq 1)", &[2, 3, 4]).await;
    check("not (n ne 1)", &[1]).await;
    check("not (n gt 1)", &[1, 2, 4]).await;
    check("not (n in (1,7))", &[2, 4]).await;
    check("n in (1,null)", &[1, 4]).await;
    check("not (n gt 1 or n lt 0)", &[1, 4]).await;
    check("not (n gt null)", &[1, 2, 3, 4]).await;
    check("not contains(text,'b')", &[2, 3, 4]).await;
    check("ok", &[1, 3]).await;
    check("not ok", &[2]).await;
    check("ok eq false or ok eq null", &[2, 4]).await;
}

#[tokio::test]
async fn each_type_is_compared_exactly() {
    check("d eq 1.5", &[2]).await;
    check("d gt -0.06 and d lt 1", &[3]).await;
    check("d eq 1", &[1]).await;
    check("x eq 0.1", &[1]).await;
    check("x gt 2 and x lt INF", &[3]).await;
    check("n eq 7.0", &[3]).await;
    check("text eq 'it''s'", &[2]).await;
    check("text eq 'ലൈൻ'", &[3]).await;
    check("day eq 2023-01-31", &[3]).await;
    check("day ge 1970-01-02", &[2, 3]).await;
    check("at eq 1970-01-01T01:00:00Z", &[2]).await;
    check("at eq 1970-01-01T06:30:00+05:30", &[2]).await;
    check("at gt 1970-01-01", &[2, 3]).await;
    check("n add 1 mul 2 eq 15", &[]).await;
    check("(n add 1) mul 2 eq 16", &[3]).await;
    check("-n eq 2", &[2]).await;
    check("id mod 2 eq 0", &[2, 4]).await;
}

#[tokio::test]
async fn functions_have_their_meaning() {
    check("contains(text,'b') or startswith(text,'it') or endswith(text,'ൻ')", &[1, 2, 3]).await;
    check("length(text) eq 3", &[1, 3]).await;
    check("indexof(text,'c') eq 2", &[1]).await;
    check("substring(text,1) eq 'bc' and substring(text,1,1) eq 'b'", &[1]).await;
    check("toupper(text) eq 'ABC' and tolower(text) eq 'abc' and trim(text) eq 'abc'", &[1]).await;
    check("concat(text,'x') eq 'abcx'", &[1]).await;
    check("year(at) eq 2023 and month(at) eq 1 and day(at) eq 31", &[3]).await;
    check("hour(at) eq 14 and minute(at) eq 5 and second(at) eq 0", &[3]).await;
    check("year(day) eq 1970", &[1, 2]).await;
    check("date(at) eq 2023-01-31", &[3]).await;
    check("round(x) eq 3 and floor(x) eq 2 and ceiling(x) eq 3", &[3]).await;
}

#[tokio::test]
async fn long_lists_of_alternatives_are_planned() {
    let many = (0..1_500).map(|n| format!("n eq {n}")).collect::<Vec<_>>().join(" or ");
    check(&many, &[1, 3]).await;
}

#[test]
fn kinds_are_checked() {
    for text in [
        "n eq 'x'",
        "text gt 5",
        "n",
        "1",
        "day eq 'x'",
        "n add text eq 1",
        "not n",
        "n and ok",
        "ok gt false",
        "contains(n,'x')",
        "contains(text)",
        "now() gt at",
        "missing eq 1",
        "n in ('x')",
        "-text eq 1",
    ] {
        let error = compiled(text).expect_err(text);
        assert!(["bad_filter", "unknown_property"].contains(&error.code), "{text}: {error:?}");
    }
}
