//! The OData service, by requests of clients.

use super::access::world::World;
use super::lake::BOARDS;
use super::{Reply, TestClient};
use crate::Limits;
use crate::http::AccessMode;
use access::{Action, Role};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;

fn small_pages(odata_page_rows: u64) -> TestClient {
    TestClient::with_limits(Limits { odata_page_rows, ..Limits::default() }, &[])
}

async fn rows(client: &TestClient, path: &str) -> Vec<Value> {
    let reply = client.get(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()["value"].as_array().unwrap().clone()
}

/// The rows of all pages, and the number of pages.
async fn all(client: &TestClient, path: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut path) = (Vec::new(), 0, path.to_owned());
    loop {
        let reply = client.get(&path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let body = reply.json();
        rows.extend(body["value"].as_array().unwrap().iter().cloned());
        pages += 1;
        let Some(next) = body["@odata.nextLink"].as_str() else { return (rows, pages) };
        path = next.strip_prefix("http://localhost:8080").unwrap().to_owned();
    }
}

#[tokio::test]
async fn the_service_document_lists_the_sets() {
    let client = TestClient::new();
    for path in ["/odata/v4", "/odata/v4/"] {
        let reply = client.get(path).await;
        assert_eq!(reply.header("odata-version"), "4.0");
        assert_eq!(reply.header("content-type"), "application/json;odata.metadata=minimal");
        let body = reply.json();
        assert_eq!(body["@odata.context"], "http://localhost:8080/odata/v4/$metadata");
        let set = json!({ "name": "gold_sample", "kind": "EntitySet", "url": "gold_sample" });
        assert!(body["value"].as_array().unwrap().contains(&set), "{body}");
    }
    let reply = client.get_with("/odata/v4/$metadata", &[("accept", "application/json")]).await;
    assert_eq!(reply.header("content-type"), "application/xml");
    assert!(reply.text().contains("<EntityType Name=\"silver_board\">"), "{}", reply.text());
}

#[tokio::test]
async fn the_request_of_power_query_is_answered() {
    let headers = [
        ("user-agent", "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)"),
        ("maxdataserviceversion", "3.0"),
        ("odata-maxversion", "4.0"),
        (
            "accept",
            "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
             application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
        ),
        ("accept-encoding", "gzip, deflate"),
    ];
    let reply = TestClient::new().get_with("/odata/v4/gold_sample?$top=1000", &headers).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-encoding")), (200, "gzip"));
    let versions = reply.headers.get_all("odata-version").iter().collect::<Vec<_>>();
    assert_eq!(versions, ["4.0"], "exactly one");
    let mut text = String::new();
    GzDecoder::new(&reply.body[..]).read_to_string(&mut text).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["@odata.context"], "http://localhost:8080/odata/v4/$metadata#gold_sample");
    let expected = json!({
        "id": 1, "Name_x0020_of_x0020_it": "മലയാളം, \"x\"\n", "qty": 1.500, "on_day": "2023-01-03",
        "at": "2023-01-03T00:00:00Z", "ratio": 0.5, "ok": true
    });
    assert_eq!(body["value"][0], expected);
    assert_eq!(body["value"][1]["ratio"], "NaN");
}

#[tokio::test]
async fn pages_contain_every_row_once() {
    let client = small_pages(300);
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let (rows, pages) = all(&client, "/odata/v4/silver_board").await;
    assert_eq!((rows.len(), pages), (BOARDS, 9));
    rows.iter().for_each(|row| *count.entry(row.to_string()).or_default() += 1);
    let whole = client.get("/api/v1/tables/silver/board?limit=100000").await.json();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for row in whole["rows"].as_array().unwrap() {
        *expected.entry(row.to_string()).or_default() += 1;
    }
    assert_eq!(count, expected);
}

#[tokio::test]
async fn every_order_and_page_size_gives_the_same_rows() {
    for page_rows in [1, 7, 100] {
        let client = small_pages(page_rows);
        for order in ["station", "station desc", "quantity desc,hour", "hour"] {
            let path = format!("/odata/v4/silver_board?$orderby={order}&$top=120&$skip=3");
            let path = path.replace(' ', "%20");
            let (rows, _) = all(&client, &path).await;
            let (whole, pages) = all(&small_pages(100_000), &path).await;
            assert_eq!((rows.len(), pages), (120, 1), "{order} {page_rows}");
            assert_eq!(rows, whole, "{order} {page_rows}");
        }
    }
}

#[tokio::test]
async fn a_page_of_equal_rows_is_followed_by_the_rest() {
    let path =
        "/odata/v4/silver_board?$filter=hour%20eq%203&$apply=groupby((hour,station,quantity))";
    let (groups, _) = all(&small_pages(2), path).await;
    let (whole, _) = all(&small_pages(1000), path).await;
    assert_eq!(groups, whole);
    let equal = "/odata/v4/silver_board?$filter=station%20eq%20'S1'%20and%20hour%20eq%206&$skip=1";
    for page_rows in [1, 2, 3] {
        let (rows, _) = all(&small_pages(page_rows), equal).await;
        let (whole, _) = all(&small_pages(10_000), equal).await;
        assert_eq!(rows, whole, "{page_rows}");
    }
}

#[tokio::test]
async fn options_select_count_and_aggregate() {
    let client = TestClient::new();
    let sorted = "/odata/v4/gold_sample?$select=id,ok&$filter=id%20lt%20100&$orderby=id%20desc&$count=true&$top=1";
    let body = client.get(sorted).await.json();
    assert_eq!(body["@odata.count"], 2);
    assert_eq!(body["value"], json!([{ "id": 2, "ok": false }]));
    assert!(body["@odata.nextLink"].is_null());
    assert!(body["@odata.context"].as_str().unwrap().ends_with("#gold_sample(id,ok)"));
    let count = client.get("/odata/v4/silver_board/$count?$filter=hour%20eq%205").await;
    assert_eq!(count.header("content-type"), "text/plain; charset=utf-8");
    let expected = (0..BOARDS).filter(|row| row % 24 == 5).count();
    assert_eq!(count.text(), expected.to_string());
    let apply = "/odata/v4/silver_board?$apply=groupby((hour),aggregate(quantity%20with%20sum%20as%20total,\
                 $count%20as%20rows))&$orderby=total%20desc,hour&$top=2";
    let rows = rows(&client, apply).await;
    assert_eq!(rows[0].as_object().unwrap().len(), 3);
    assert!(rows[0]["total"].as_i64() >= rows[1]["total"].as_i64());
    let total =
        client.get("/odata/v4/silver_board?$apply=aggregate(quantity%20with%20sum%20as%20t)").await;
    let expected = (0..BOARDS).map(|row| row % 11).sum::<usize>();
    assert_eq!(total.json()["value"], json!([{ "t": expected }]));
    let none = client.get("/odata/v4/gold_sample?$filter=id%20eq%200").await;
    assert_eq!(none.json()["value"], json!([]));
}

#[tokio::test]
async fn an_entity_is_found_by_its_key() {
    let client = TestClient::new();
    for key in ["2", "id=2"] {
        let body = client.get(&format!("/odata/v4/gold_sample({key})?$select=id,ok")).await.json();
        let context = "http://localhost:8080/odata/v4/$metadata#gold_sample/$entity";
        assert_eq!(body, json!({ "@odata.context": context, "id": 2, "ok": false }));
    }
    for (path, status, code) in [
        ("gold_sample(5)", 404, "unknown_entity"),
        ("gold_sample('a')", 400, "bad_filter"),
        ("gold_sample(a=1)", 400, "bad_key"),
        ("gold_sample(1", 400, "bad_path"),
        ("silver_board(1)", 400, "bad_key"),
        ("gold_smple", 404, "unknown_table"),
        ("meta_tables", 404, "unknown_table"),
        ("gold_sample?$filter=idd%20eq%201", 400, "unknown_property"),
        ("gold_sample?$filter=id%20eq", 400, "bad_filter"),
        ("gold_sample?$expand=x", 501, "unsupported_option"),
        ("gold_sample?$skip=100000000", 400, "offset_too_big"),
        ("gold_sample?$skiptoken=eyJ2Ijo0LCJrIjpbXSwibiI6MTAwMDAwMDAwMDB9", 400, "offset_too_big"),
    ] {
        let reply = client.get(&format!("/odata/v4/{path}")).await;
        assert_eq!(reply.refusal(), (status, code.to_owned()), "{path}: {}", reply.text());
        assert_eq!(reply.header("odata-version"), "4.0");
    }
}

#[tokio::test]
async fn pages_are_of_one_version() {
    let client = small_pages(1);
    let first = client.get("/odata/v4/gold_sample").await;
    let next = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    let token = next.split("$skiptoken=").nth(1).unwrap();
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).unwrap();
    let mut position: Value = serde_json::from_slice(&decoded).unwrap();
    assert_eq!(position["v"], 4);
    position["v"] = json!(3);
    let older = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(position.to_string());
    let reply = client.get(&format!("/odata/v4/gold_sample?$skiptoken={older}")).await;
    assert_eq!(reply.refusal(), (410, "version_expired".into()));
    assert!(reply.text().contains("from its beginning"), "{}", reply.text());
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again() {
    let client = TestClient::new();
    let path = "/odata/v4/gold_sample?$top=2";
    let tag = client.get(path).await.header("etag").to_owned();
    assert!(tag.starts_with("\"4-"), "{tag}");
    let known = [("if-none-match", tag.as_str())];
    let reply = client.get_with(path, &known).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (304, 0));
    let packed = [("if-none-match", tag.as_str()), ("accept-encoding", "gzip")];
    assert_eq!(client.get_with(path, &packed).await.status, 200);
    let preferred = client.get_with(path, &[("prefer", "odata.maxpagesize=1")]).await;
    assert_eq!(preferred.header("preference-applied"), "odata.maxpagesize=1");
    assert!(preferred.json()["@odata.nextLink"].is_string());
}

async fn get(world: &World, path: &str, authorization: &str) -> Reply {
    world.request("GET", path, &[("authorization", authorization)], None).await
}

#[tokio::test]
async fn a_token_is_the_password_of_basic_authentication() {
    let world = World::new();
    let token = world.token("viewer", Action::ReadTables);
    let basic = format!("Basic {}", STANDARD.encode(format!("viewer:{token}")));
    let reply = get(&world, "/odata/v4/gold_by_unit", &basic).await;
    assert_eq!(reply.json()["value"].as_array().unwrap().len(), 4, "{}", reply.text());
    let wrong = format!("Basic {}", STANDARD.encode("viewer:wrong"));
    let reply = get(&world, "/odata/v4/", &wrong).await;
    assert_eq!((reply.status.as_u16(), reply.header("odata-version")), (401, "4.0"));
    let schemes = reply.headers.get_all("www-authenticate").iter();
    assert!(schemes.into_iter().any(|it| it.to_str().unwrap().starts_with("Basic ")));
}

#[tokio::test]
async fn each_page_is_in_the_audit_log() {
    let world =
        World::with_limits(AccessMode::Login, Limits { odata_page_rows: 3, ..Limits::default() });
    world.add("viewer", &[(Role::Viewer, "plant")]);
    world.add("administrator", &[(Role::Administrator, "plant")]);
    let token = format!("Bearer {}", world.token("viewer", Action::ReadTables));
    let reply = get(&world, "/odata/v4/gold_by_unit?$filter=amount%20gt%200", &token).await;
    assert!(reply.json()["@odata.nextLink"].is_string());
    let administrator = world.cookie("administrator");
    let path = "/api/v1/audit?kind=queried";
    let page = world.request_as(&administrator, "GET", path, None).await.json();
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{page}");
    assert_eq!(entries[0]["actor"], "viewer");
    assert_eq!(entries[0]["detail"]["rows"], 3);
    assert_eq!(entries[0]["detail"]["sql"], "odata gold.by_unit $filter=amount gt 0");
}
