use super::{Reply, TestClient, request};
use crate::Limits;

use axum::body::{Body, to_bytes};
use axum::http::Method;
use std::time::Duration;
use tower::ServiceExt;

/// A query that does not end by itself.
const ENDLESS: &str =
    "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n % 10 + 1 FROM n) SELECT count(*) FROM n";

fn link(sql: &str) -> String {
    let sql = url::form_urlencoded::byte_serialize(sql.as_bytes()).collect::<String>();
    format!("/api/v1/query?sql={sql}")
}

fn short(answer_time_ms: u64) -> Limits {
    let time = Duration::from_millis(answer_time_ms);
    Limits {
        answer_time: time,
        file_time: time,
        wait_time: Duration::from_millis(50),
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_beyond_the_time_limit_is_aborted() {
    let client = TestClient::with_limits(short(300), &[]);
    let reply = client.query(ENDLESS).await;
    assert_eq!(reply.refusal(), (504, "timeout".into()));
    assert!(reply.text().contains("0.3 s"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_beyond_the_concurrency_limit_is_refused_until_another_ends() {
    let client = TestClient::with_limits(Limits { queries: 1, ..short(1_000) }, &[]);
    let busy = client.router();
    let long = async move {
        let request = request(Method::GET, &link(ENDLESS), &[], Body::empty());
        busy.oneshot(request).await.unwrap().status().as_u16()
    };
    let refused = async {
        tokio::task::yield_now().await;
        let reply = client.query("SELECT 1").await;
        assert_eq!(reply.header("retry-after"), "5");
        reply.refusal()
    };
    let (long, refused) = tokio::join!(long, refused);
    assert_eq!((long, refused), (504, (429, "busy".into())));
    assert_eq!(client.query("SELECT 1").await.status, 200);
    let metrics = client.get("/metrics").await;
    assert!(
        metrics.text().contains("cockpit_rejected_total{kind=\"query\"} 1\n"),
        "{}",
        metrics.text()
    );
    assert!(metrics.text().contains("cockpit_running{kind=\"query\"} 0\n"), "{}", metrics.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_beyond_the_memory_limit_is_aborted() {
    let sql =
        "SELECT value, count(*) AS n FROM generate_series(1, 20000000) GROUP BY value ORDER BY n";
    let reply: Reply = TestClient::new()
        .query(&format!("SELECT max(n) FROM (SELECT array_agg(value) AS n FROM ({sql}))"))
        .await;
    assert_eq!(reply.refusal(), (422, "out_of_memory".into()), "{}", reply.text());
    assert!(reply.text().contains("(32.0 MB for all queries)"), "{}", reply.text());
}

#[tokio::test]
async fn json_reports_that_rows_are_left_out() {
    let client = TestClient::with_limits(Limits { query_rows: 5, ..Limits::default() }, &[]);
    for (rows, expected) in [(4, (4, false)), (5, (5, false)), (6, (5, true))] {
        let reply = client.query(&format!("SELECT * FROM generate_series(1, {rows})")).await.json();
        assert_eq!(reply["rows"].as_array().unwrap().len(), expected.0);
        assert_eq!(
            (reply["row_count"].as_u64(), reply["truncated"].as_bool()),
            (Some(expected.0 as u64), Some(expected.1))
        );
    }
}

/// An incomplete file must not appear complete.
#[tokio::test]
async fn a_file_beyond_the_limit_is_aborted() {
    let client = TestClient::with_limits(Limits { file_rows: 10_000, ..Limits::default() }, &[]);
    let sql = "SELECT * FROM generate_series(1, 20000)";
    for format in ["csv", "arrow", "parquet"] {
        let path = format!("{}&format={format}", link(sql));
        let response =
            client.router().oneshot(request(Method::GET, &path, &[], Body::empty())).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(to_bytes(response.into_body(), usize::MAX).await.is_err(), "{format}");
    }
}
