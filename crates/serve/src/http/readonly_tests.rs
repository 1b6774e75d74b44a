use super::*;
use datafusion::prelude::SessionConfig;

fn session() -> SessionContext {
    let session =
        SessionContext::new_with_config(SessionConfig::new().with_information_schema(true));
    session
        .register_batch(
            "t",
            arrow::array::RecordBatch::new_empty(std::sync::Arc::new(
                arrow::datatypes::Schema::new(vec![arrow::datatypes::Field::new(
                    "a",
                    arrow::datatypes::DataType::Int64,
                    true,
                )]),
            )),
        )
        .unwrap();
    session
}

async fn check(sql: &str, expected: &[&str]) {
    let refused = plan(&session(), sql, &Limits::default()).await.err();
    let code = refused.as_ref().map_or("allowed", |error| error.code);
    assert!(expected.contains(&code), "{sql}: {code} {refused:?}");
}

#[tokio::test]
async fn statements_that_do_more_than_read_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.csv");
    let out = out.display();
    for sql in [
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t SELECT * FROM t",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "TRUNCATE TABLE t",
        "MERGE INTO t USING t AS s ON t.a = s.a WHEN MATCHED THEN DELETE",
        "WITH x AS (SELECT 1 AS a) INSERT INTO t SELECT * FROM x",
        "CREATE TABLE u (a INT)",
        "CREATE TABLE u AS SELECT * FROM t",
        "CREATE TEMPORARY TABLE u AS SELECT 1",
        "CREATE OR REPLACE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE SCHEMA s",
        "CREATE DATABASE d",
        "CREATE FUNCTION f(INT) RETURNS INT RETURN $1",
        "CREATE INDEX i ON t (a)",
        "CREATE EXTERNAL TABLE e STORED AS CSV LOCATION '/etc/passwd'",
        "DROP TABLE t",
        "DROP VIEW t",
        "DROP SCHEMA public CASCADE",
        "DROP FUNCTION abs",
        "ALTER TABLE t ADD COLUMN b INT",
        "SET datafusion.execution.batch_size = 1",
        "SET TIME ZONE 'UTC'",
        "RESET datafusion.execution.batch_size",
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "USE s",
        "GRANT SELECT ON t TO u",
        "CALL p()",
        "KILL 1",
        "ANALYZE TABLE t",
        "LOAD DATA INPATH '/etc/passwd' INTO TABLE t",
        "EXPLAIN INSERT INTO t VALUES (1)",
        "EXPLAIN ANALYZE INSERT INTO t VALUES (1)",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN CREATE TABLE u AS SELECT 1",
        "EXPLAIN ANALYZE CREATE EXTERNAL TABLE e STORED AS CSV LOCATION '/etc/passwd'",
        "SELECT * INTO u FROM t",
    ] {
        check(sql, &["read_only", "bad_sql", "bad_query"]).await;
    }
    for sql in [
        format!("COPY t TO '{out}'"),
        format!("COPY (SELECT 1) TO '{out}' STORED AS CSV"),
        format!("EXPLAIN COPY t TO '{out}'"),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}' STORED AS CSV"),
    ] {
        check(&sql, &["read_only"]).await;
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn several_statements_are_refused() {
    for sql in [
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE t",
        "SELECT 1;; DELETE FROM t;",
        "SELECT 1; --\nSET x = 1",
    ] {
        check(sql, &["several_statements", "bad_sql"]).await;
    }
    check("SELECT 1;", &["allowed"]).await;
}

#[tokio::test]
async fn only_registered_tables_are_read() {
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'file:///etc/passwd.csv'",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "SELECT * FROM 's3://bucket/x.parquet'",
        "SELECT (SELECT count(*) FROM '/etc/passwd')",
        "WITH x AS (SELECT * FROM '/etc/passwd') SELECT * FROM x",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('/x.parquet')",
        "SELECT * FROM read_json('/x.json')",
        "SELECT * FROM csv_scan('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM parquet_metadata('/x.parquet')",
        "SELECT * FROM delta_scan('/lake')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT load_file('/etc/passwd')",
        "SELECT read_text('/etc/passwd')",
        "SELECT getenv('HOME')",
        "DESCRIBE '/etc/passwd'",
    ] {
        check(sql, &["bad_query", "bad_sql", "unknown_table"]).await;
    }
}

/// A session that could open files by name and has an additional table function opens none.
#[tokio::test]
async fn capabilities_of_the_session_are_not_reachable() {
    let session = session().enable_url_table();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.csv");
    std::fs::write(&file, "a\n1\n").unwrap();
    let sql = format!("SELECT * FROM '{}'", file.display());
    assert!(session.sql(&sql).await.is_ok(), "the session opens files");
    let refused = plan(&session, &sql, &Limits::default()).await.unwrap_err();
    assert_eq!(refused.code, "unknown_table");
}

#[tokio::test]
async fn functions_with_large_results_are_bounded() {
    for (sql, expected) in [
        ("SELECT repeat('x', 10000)", "allowed"),
        ("SELECT repeat('x', 2000000000)", "too_big"),
        ("SELECT repeat('x', a) FROM t", "too_big"),
        ("SELECT * FROM t WHERE length(repeat('x', 1000000)) > 1", "too_big"),
        ("SELECT a FROM t ORDER BY lpad('x', 1000000, 'y')", "too_big"),
        ("SELECT lpad('x', 8)", "allowed"),
        ("SELECT range(0, 1000000000)", "too_big"),
        ("SELECT range(0, 10)", "allowed"),
        ("SELECT (SELECT max(length(rpad('x', 1000000))) FROM t)", "too_big"),
        ("SELECT array_repeat(1, 100000000)", "too_big"),
    ] {
        check(sql, &[expected]).await;
    }
}
