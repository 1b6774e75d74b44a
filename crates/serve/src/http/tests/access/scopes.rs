//! A user with a role on one line, on every route.

use super::world::World;
use crate::Limits;
use crate::http::ReportSource;
use crate::http::visibility::Visibility;
use access::{Action, Role};
use arrow::array::RecordBatch;
use config::model::TableName;
use report::{Bound, QueryLimits, Source as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn scoped() -> World {
    let world = World::new();
    world.add("smt", &[(Role::Supervisor, "line:SMT/1")]);
    world.add("nowhere", &[(Role::Supervisor, "area:gone")]);
    world.add("mixed", &[(Role::Viewer, "plant"), (Role::Supervisor, "area:THT")]);
    world
}

async fn column(world: &World, cookie: &str, sql: &str) -> Value {
    let reply =
        world.request_as(cookie, "POST", "/api/v1/query", Some(json!({ "sql": sql }))).await;
    assert_eq!(reply.status, 200, "{sql}: {}", reply.text());
    let rows = reply.json()["rows"].as_array().unwrap().clone();
    rows.iter().map(|row| row.as_object().unwrap().values().next().unwrap().clone()).collect()
}

#[tokio::test]
async fn tables_have_only_rows_of_the_scope() {
    let world = scoped();
    let cookie = world.cookie("smt");
    for (table, count) in
        [("by_unit", 2), ("by_line", 1), ("by_station", 2), ("by_lane", 2), ("by_sensor", 2)]
    {
        for suffix in ["", "?format=csv", "?distinct=true"] {
            let path = format!("/api/v1/tables/gold/{table}{suffix}");
            let reply = world.request_as(&cookie, "GET", &path, None).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            let found = match suffix {
                "?format=csv" => reply.text().lines().count() - 1,
                _ => reply.json()["rows"].as_array().unwrap().len(),
            };
            assert_eq!(found, count, "{path}: {}", reply.text());
            assert!(!reply.text().contains("wave") && !reply.text().contains("unlisted"));
        }
    }
    for table in ["gold/stock", "silver/rejected"] {
        let reply =
            world.request_as(&cookie, "GET", &format!("/api/v1/tables/{table}"), None).await;
        assert_eq!(reply.refusal(), (403, "forbidden".into()), "{table}");
    }
    let listed = world.request_as(&cookie, "GET", "/api/v1/tables", None).await.json();
    let listed = listed["tables"].as_array().unwrap();
    let names: Vec<&str> = listed.iter().map(|it| it["table"].as_str().unwrap()).collect();
    assert_eq!(names, ["by_unit", "by_line", "by_station", "by_lane", "by_sensor"]);
    assert!(listed.iter().all(|it| it["rows"].is_null()));
}

#[tokio::test]
async fn no_statement_bypasses_the_filter() {
    let world = scoped();
    let cookie = world.cookie("smt");
    for (sql, expected) in [
        ("SELECT unit FROM gold.by_unit ORDER BY 1", json!(["oven", "printer"])),
        ("SELECT count(*) FROM gold.by_unit", json!([2])),
        ("SELECT max(amount) FROM gold.by_unit", json!([2])),
        ("SELECT count(*) FROM gold.by_unit a CROSS JOIN gold.by_unit b", json!([4])),
        ("WITH x AS (SELECT * FROM gold.by_unit) SELECT count(*) FROM x", json!([2])),
        (
            "SELECT unit FROM gold.by_unit WHERE amount > 2 OR true ORDER BY 1",
            json!(["oven", "printer"]),
        ),
        ("SELECT (SELECT count(*) FROM gold.by_unit WHERE unit = 'wave')", json!([0])),
        (
            "SELECT count(*) FROM (SELECT unit FROM gold.by_unit UNION ALL SELECT unit FROM gold.by_unit)",
            json!([4]),
        ),
        ("SELECT unit FROM gold.by_unit ORDER BY unit DESC LIMIT 1", json!(["printer"])),
        (
            "SELECT note FROM gold.by_unit WHERE CAST(note AS BIGINT) > 5 ORDER BY 1",
            json!(["10", "20"]),
        ),
        ("SELECT 100 / (amount - 3) FROM gold.by_unit ORDER BY 1", json!([-100, -50])),
    ] {
        assert_eq!(column(&world, &cookie, sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn hidden_tables_and_rows_leave_no_trace() {
    let world = scoped();
    let cookie = world.cookie("smt");
    for sql in [
        "SELECT * FROM gold.stock",
        "SELECT * FROM silver.rejected",
        "SELECT * FROM datafusion.gold.stock",
        "EXPLAIN SELECT * FROM gold.stock",
        "DESCRIBE gold.stock",
    ] {
        let reply =
            world.request_as(&cookie, "POST", "/api/v1/query", Some(json!({ "sql": sql }))).await;
        assert_eq!(reply.status, 400, "{sql}: {}", reply.text());
        assert!(!reply.text().contains("amount"), "{sql}: {}", reply.text());
    }
    for sql in ["SHOW TABLES", "SELECT table_name FROM information_schema.tables"] {
        let reply =
            world.request_as(&cookie, "POST", "/api/v1/query", Some(json!({ "sql": sql }))).await;
        assert!(!reply.text().contains("stock") && reply.text().contains("by_unit"), "{sql}");
    }
    for sql in [
        "EXPLAIN ANALYZE SELECT * FROM gold.by_unit",
        "EXPLAIN SELECT * FROM gold.by_unit WHERE note = 'x'",
        "SELECT CAST(note AS INT) FROM gold.by_unit",
    ] {
        let reply =
            world.request_as(&cookie, "POST", "/api/v1/query", Some(json!({ "sql": sql }))).await;
        let text = reply.text();
        let leaks = ["secret", "wave", "unlisted", "output_rows=4"];
        assert!(leaks.iter().all(|it| !text.contains(it)), "{sql}: {text}");
    }
}

#[tokio::test]
async fn a_scope_without_equipment_has_no_rows() {
    let world = scoped();
    let cookie = world.cookie("nowhere");
    assert_eq!(column(&world, &cookie, "SELECT count(*) FROM gold.by_unit").await, json!([0]));
    let sensors = world.request_as(&cookie, "GET", "/api/v1/temperatures/now", None).await;
    assert_eq!(sensors.json()["sensors"], json!([]));
}

#[tokio::test]
async fn each_permission_is_limited_to_its_own_scope() {
    let world = scoped();
    let cookie = world.cookie("mixed");
    let table = world.request_as(&cookie, "GET", "/api/v1/tables/gold/by_unit", None).await.json();
    assert_eq!(table["total"], 4, "a viewer of the whole plant");
    let found = column(&world, &cookie, "SELECT unit FROM gold.by_unit").await;
    assert_eq!(found, json!(["wave"]), "SQL only in the area");
    let stock = world.request_as(&cookie, "GET", "/api/v1/tables/gold/stock", None).await;
    assert_eq!(stock.status, 200);
}

#[tokio::test]
async fn a_cached_page_of_another_user_is_not_reused() {
    let world = scoped();
    let path = "/api/v1/tables/gold/by_unit";
    let first = world.request_as(&world.cookie("viewer"), "GET", path, None).await;
    let tag = first.header("etag").to_owned();
    let cookie = world.cookie("smt");
    let headers = [("cookie", cookie.as_str()), ("if-none-match", tag.as_str())];
    let second = world.request("GET", path, &headers, None).await;
    assert_eq!((second.status.as_u16(), &second.json()["total"]), (200, &json!(2)));
}

#[tokio::test]
async fn sensors_of_other_lines_are_hidden() {
    let world = scoped();
    super::streams::record_readings(&world);
    let cookie = world.cookie("smt");
    let now = world.request_as(&cookie, "GET", "/api/v1/temperatures/now", None).await.json();
    let sensors = now["sensors"].as_array().unwrap();
    let names: Vec<&str> = sensors.iter().map(|it| it["sensor"].as_str().unwrap()).collect();
    assert_eq!(names, ["Plant1.1.printer.m"]);
    assert_eq!(now["hottest"].as_array().unwrap().len(), 1);
    for (sensor, status) in [("Plant1.1.printer.m", 200), ("Plant1.10.wave.m", 403)] {
        let path = format!("/api/v1/temperatures?sensor={sensor}");
        assert_eq!(world.request_as(&cookie, "GET", &path, None).await.status, status, "{sensor}");
    }
    let kpis = world.request_as(&cookie, "GET", "/api/v1/kpis?by=plant", None).await;
    assert_eq!(kpis.refusal(), (403, "forbidden".into()));
}

/// Rows of a report's statement for a user with a role on one line.
async fn report_rows(world: &World, sql: &str) -> Result<usize, String> {
    let cookie = world.cookie("smt");
    let session = cookie.split_once('=').unwrap().1;
    let identity = world.access.authenticate_session(session, world.now_us()).unwrap();
    let lake = super::world::lake();
    let visibility = Visibility::new(&identity, &[Action::ReadTables], &lake.equipment).unwrap();
    let source = ReportSource::new(Arc::new(lake), Limits::default()).with_visibility(visibility);
    let tables = ["by_unit", "stock"].map(|table| TableName::new("gold", table));
    let versions = source.versions(&tables.into(), None).await.unwrap();
    let (bound, limits) = (
        Bound { sql, values: &BTreeMap::new() },
        QueryLimits { rows_max: 100, bytes_max: 1 << 20 },
    );
    let rows = source.rows(&[bound], &versions, &[limits]).await;
    let batches = rows.map_err(|(_, error)| error.to_string())?.remove(0).batches;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

#[tokio::test]
async fn a_report_has_only_rows_of_the_scope_of_its_user() {
    let world = scoped();
    for (sql, count) in [
        ("SELECT * FROM gold.by_unit", 2),
        ("SELECT * FROM gold.by_unit WHERE unit = 'wave' OR true", 2),
        ("SELECT * FROM gold.by_unit a CROSS JOIN gold.by_unit b", 4),
    ] {
        assert_eq!(report_rows(&world, sql).await, Ok(count), "{sql}");
    }
    let error = report_rows(&world, "SELECT * FROM gold.stock").await.unwrap_err();
    assert!(error.contains("gold.stock"), "{error}");
}
