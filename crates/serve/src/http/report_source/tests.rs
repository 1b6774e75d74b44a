//! Statements of reports over a small lake.

use super::*;
use crate::http::tests::lake::Lake;
use report::Value;
use std::collections::BTreeMap;

const LIMITS: QueryLimits = QueryLimits { rows_max: 100, bytes_max: 10 << 20 };

fn source() -> ReportSource {
    ReportSource::new(Arc::new(Lake::new()), Limits::default())
}

/// The rows of a statement over `silver.board`.
async fn run(
    source: &ReportSource,
    sql: &str,
    values: &[(&str, Value)],
    limits: QueryLimits,
) -> Result<Rows, report::Error> {
    let tables = BTreeSet::from([TableName::new("silver", "board")]);
    let versions = source.versions(&tables, None).await?;
    let values: BTreeMap<String, Value> =
        values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let rows = source.rows(&[Bound { sql, values: &values }], &versions, &[limits]).await;
    rows.map(|mut rows| rows.remove(0)).map_err(|(_, error)| error)
}

fn count(rows: &Rows) -> usize {
    rows.batches.iter().map(arrow::array::RecordBatch::num_rows).sum()
}

#[tokio::test]
async fn placeholders_are_values() {
    let sql = "select * from silver.board where station = CAST($station AS VARCHAR) \
               limit CAST($top AS BIGINT)";
    let station = |text: &str| [("station", Value::Text(text.into())), ("top", Value::Whole(7))];
    let found = run(&source(), sql, &station("S1"), LIMITS).await.unwrap();
    assert_eq!((count(&found), found.is_truncated), (7, false));
    let found = run(&source(), sql, &station("S1' or '1'='1"), LIMITS).await.unwrap();
    assert_eq!(count(&found), 0);
}

#[tokio::test]
async fn rows_beyond_the_limit_are_left_out_visibly() {
    let limits = QueryLimits { rows_max: 10, ..LIMITS };
    let found = run(&source(), "select * from silver.board", &[], limits).await.unwrap();
    assert_eq!((count(&found), found.is_truncated), (10, true));
    let exact = run(&source(), "select * from silver.board limit 10", &[], limits).await.unwrap();
    assert_eq!((count(&exact), exact.is_truncated), (10, false));
    let limits = QueryLimits { rows_max: 10_000, bytes_max: 100 };
    let error = run(&source(), "select * from silver.board", &[], limits).await.unwrap_err();
    assert_eq!(error.code(), "report_limit");
}

#[tokio::test]
async fn statements_only_read() {
    for sql in
        ["drop table silver.board", "insert into silver.board values (1)", "select 1; select 2"]
    {
        let error = run(&source(), sql, &[], LIMITS).await.unwrap_err();
        assert_eq!(error.code(), "report_query", "{sql}");
    }
    let error =
        run(&source(), "select\n nonsense from silver.board", &[], LIMITS).await.unwrap_err();
    let report::Error::Statement { line, .. } = error else { panic!("{error}") };
    assert_eq!(line, 2);
}
