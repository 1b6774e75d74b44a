use super::{TestClient, request};
use axum::body::{Body, to_bytes};
use axum::http::Method;
use serde_json::json;
use tower::ServiceExt;

async fn check_refused(sql: &str, expected: (u16, &str), message: &str) {
    let reply = TestClient::new().query(sql).await;
    assert_eq!(reply.refusal(), (expected.0, expected.1.to_owned()), "{sql}: {}", reply.text());
    let found = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(found.contains(message), "{sql}: {found}");
}

#[tokio::test]
async fn a_query_is_answered() {
    let reply = TestClient::new()
        .query("SELECT id, qty * 2 AS twice FROM gold.sample ORDER BY id LIMIT 2")
        .await;
    let expected = concat!(
        r#"{"columns":[{"name":"id","type":"bigint"},{"name":"twice","type":"decimal(38,3)"}],"#,
        r#""rows":[{"id":1,"twice":3.000},"#,
        "\n",
        r#"{"id":2,"twice":-0.010}],"row_count":2,"truncated":false}"#
    );
    assert_eq!(reply.text(), expected);
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_query_comes_in_every_format_and_by_link() {
    let client = TestClient::new();
    let csv = client.get("/api/v1/query?sql=SELECT+1+AS+one&format=csv").await;
    assert_eq!(csv.text(), "one\r\n1\r\n");
    let arrow = client.get("/api/v1/query?sql=SELECT+1+AS+one&format=arrow").await;
    assert_eq!(arrow.header("content-type"), "application/vnd.apache.arrow.stream");
    let parquet = client.get("/api/v1/query?sql=SELECT+1+AS+one&format=parquet").await;
    assert_eq!(&parquet.body[..4], b"PAR1");
}

#[tokio::test]
async fn reading_statements_are_allowed() {
    for sql in [
        "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 3) SELECT * FROM n",
        "WITH b AS (SELECT hour FROM silver.board) SELECT hour, count(*) FROM b GROUP BY hour",
        "SELECT * FROM silver.board WHERE hour IN (SELECT max(hour) FROM silver.board)",
        "SELECT a.id FROM gold.sample a JOIN gold.sample b USING (id)",
        "SELECT station, row_number() OVER (ORDER BY quantity) FROM silver.board LIMIT 1;",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT unnest(range(1, 3))",
        "SELECT lpad(station, 8, '0') FROM silver.board LIMIT 1",
        "SELECT DISTINCT station FROM silver.board UNION SELECT 'x'",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT now() AT TIME ZONE 'Asia/Kolkata' AS here",
        "SELECT 'DROP TABLE x; DELETE FROM y' AS text -- INSERT",
        "EXPLAIN SELECT * FROM gold.sample",
        "EXPLAIN ANALYZE SELECT count(*) FROM gold.sample",
        "SHOW TABLES",
        "SHOW COLUMNS FROM gold.sample",
        "DESCRIBE gold.sample",
        "SELECT * FROM information_schema.tables",
    ] {
        let reply = TestClient::new().query(sql).await;
        assert_eq!(reply.status, 200, "{sql}: {}", reply.text());
        assert!(reply.json()["row_count"].as_u64().unwrap() > 0, "{sql}");
    }
}

#[tokio::test]
async fn an_invalid_query_is_explained_with_its_position() {
    check_refused("SELEC 1", (400, "bad_sql"), "SELEC").await;
    check_refused("", (400, "bad_sql"), "no statement").await;
    check_refused("SELECT * FROM gold.sampel", (400, "unknown_table"), "did you mean gold.sample?")
        .await;
    check_refused("SELECT quantiti FROM silver.board", (400, "bad_query"), "quantity").await;
    check_refused("SELECT nosuch(1)", (400, "bad_query"), "nosuch").await;
    check_refused("SELECT 1 / 0", (400, "query_failed"), "ivide by zero").await;
    check_refused("SELECT regexp_like('a', '(')", (400, "query_failed"), "unclosed group").await;
    check_refused("SELECT CAST('x' AS INT)", (400, "query_failed"), "x").await;
    check_refused(
        "SELECT a.id, b.id FROM gold.sample a, gold.sample b",
        (400, "ambiguous_columns"),
        "named id",
    )
    .await;
    let reply =
        TestClient::new().query("SELECT id\nFROM gold.sample WHERE nosuch = 1").await.json();
    assert_eq!(
        (&reply["error"]["line"], &reply["error"]["column"]),
        (&json!(2), &json!(24)),
        "{reply}"
    );
    let reply = TestClient::new().query("SELECT id FROM\n  WHERE").await.json();
    assert_eq!(reply["error"]["line"], json!(2), "{reply}");
    assert!(!reply.to_string().contains("rror:"), "{reply}");
}

#[tokio::test]
async fn the_body_is_checked() {
    let client = TestClient::new();
    let json = [("content-type", "application/json")];
    let big = format!("{{\"sql\":\"SELECT '{}'\"}}", "x".repeat(65_536));
    for (headers, body, expected) in [
        (&json[..], "{}".to_owned(), (400, "bad_body")),
        (&json[..], "{\"sql\":\"SELECT 1\",\"x\":1}".to_owned(), (400, "bad_body")),
        (&json[..], "SELECT 1".to_owned(), (400, "bad_body")),
        (&json[..], big, (413, "body_too_long")),
        (
            &[("content-type", "text/plain")][..],
            "{\"sql\":\"SELECT 1\"}".to_owned(),
            (415, "not_json"),
        ),
        (&[], "{\"sql\":\"SELECT 1\"}".to_owned(), (415, "not_json")),
    ] {
        let reply =
            client.send(request(Method::POST, "/api/v1/query", headers, Body::from(body))).await;
        assert_eq!(reply.refusal(), (expected.0, expected.1.to_owned()), "{}", reply.text());
    }
    assert_eq!(client.get("/api/v1/query").await.refusal(), (400, "bad_parameter".into()));
    assert_eq!(
        client.get("/api/v1/query?sql=SELECT+1&x=1").await.refusal(),
        (400, "unknown_parameter".into())
    );
}

/// Unusual queries return a result or a client error, never an internal error.
#[tokio::test]
async fn odd_queries_are_answered_or_refused() {
    let client = TestClient::new();
    let mut faults = Vec::new();
    for sql in [
        "SELECT $1",
        "SELECT id FROM gold.sample LIMIT -1",
        "SELECT id FROM gold.sample LIMIT id",
        "SELECT INTERVAL '1 foo'",
        "SELECT INTERVAL '1 month' AS i",
        "SELECT unnest(1)",
        "SELECT unnest([1, 2]) AS u",
        "SELECT 9223372036854775807 + 1 AS n",
        "SELECT date '2023-13-01'",
        "SELECT '1' + 'a'",
        "SELECT sum('x')",
        "SELECT (SELECT id FROM gold.sample) AS s",
        "SELECT [1, 2][5] AS x",
        "SELECT regexp_like('a', '(')",
        "SELECT CAST(1e30 AS DECIMAL(10,2))",
        "SELECT to_date('x')",
        "SELECT NULL AS nothing",
        "SELECT arrow_cast(now(), 'Timestamp(Nanosecond, Some(\"+05:30\"))') AS here",
        "SELECT arrow_cast('12:00:00', 'Time64(Nanosecond)') AS clock",
        "SELECT {'a': 1, 'b': [1.5, NULL]} AS tree",
        "SELECT make_array(NULL) AS a",
        "SELECT X'00ff' AS bytes",
        "SELECT arrow_cast('x', 'Dictionary(Int32, Utf8)') AS d",
        "SELECT count(*) OVER (ORDER BY nosuch) FROM gold.sample",
        "SELECT station, count(*) FROM silver.board GROUP BY 1 HAVING quantity > 1",
        "SELECT 1 FROM gold.sample WHERE false",
        "SELECT * FROM (VALUES (1, 'a'))",
        "SELECT id, id FROM gold.sample",
        "SELECT 1 UNION SELECT 'a', 2",
        "SELECT * FROM gold.sample TABLESAMPLE (10 PERCENT)",
        "SELECT * FROM gold.sample FOR UPDATE",
        "SELECT * EXCLUDE (id) FROM gold.sample QUALIFY row_number() OVER () = 1",
        "SELECT * FROM generate_series(1, 'x')",
        "SELECT * FROM generate_series()",
        "EXPLAIN FORMAT TREE SELECT 1",
        "EXPLAIN FORMAT NONSENSE SELECT 1",
        "SHOW nonsense",
        "SHOW ALL",
        "DESCRIBE nosuch",
    ] {
        for format in ["json", "csv", "arrow", "parquet"] {
            let link = url::form_urlencoded::byte_serialize(sql.as_bytes()).collect::<String>();
            let path = format!("/api/v1/query?sql={link}&format={format}");
            let by_link = request(Method::GET, &path, &[], Body::empty());
            let response = client.router().oneshot(by_link).await.unwrap();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), usize::MAX).await;
            if status >= 500 || body.is_err() {
                faults.push(format!("{sql} as {format}: {status} {body:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
