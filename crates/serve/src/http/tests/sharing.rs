//! Delta Sharing, by requests of clients.

use super::access::world::World;
use super::{Reply, TestClient};
use crate::http::AccessMode;
use crate::http::tests::access::world::lake;
use access::{Action, Role};
use serde_json::{Value, json};

const TABLE: &str = "/sharing/shares/gold/schemas/gold/tables/sample";

async fn post(client: &TestClient, path: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    let request = super::request("POST".parse().unwrap(), path, &all, body.to_string().into());
    client.send(request).await
}

fn lines(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn shares_schemas_and_tables_are_listed_by_pages() {
    let client = TestClient::new();
    let shares = client.get("/sharing/shares").await.json();
    assert_eq!(
        shares["items"],
        json!([{ "name": "gold", "id": "gold" }, { "name": "silver", "id": "silver" }])
    );
    let first = client.get("/sharing/shares?maxResults=1").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    let token = first["nextPageToken"].as_str().unwrap();
    let second =
        client.get(&format!("/sharing/shares?maxResults=1&pageToken={token}")).await.json();
    assert_eq!(second["items"][0]["name"], "silver");
    assert!(second.get("nextPageToken").is_none());
    let share = client.get("/sharing/shares/GOLD").await.json();
    assert_eq!(share["share"]["name"], "gold");
    let schemas = client.get("/sharing/shares/gold/schemas").await.json();
    assert_eq!(schemas["items"], json!([{ "name": "gold", "share": "gold" }]));
    for path in ["schemas/gold/tables", "all-tables"] {
        let tables = client.get(&format!("/sharing/shares/gold/{path}")).await.json();
        let names: Vec<_> =
            tables["items"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(names, ["ageing", "sample"], "{path}");
    }
    for path in ["/sharing/shares/bronze", "/sharing/shares/gold/schemas/silver/tables"] {
        assert_eq!(client.get(path).await.refusal(), (404, "unknown_share".into()), "{path}");
    }
}

#[tokio::test]
async fn versions_are_found_by_time() {
    let client = TestClient::new();
    let newest = client.get(&format!("{TABLE}/version")).await;
    assert_eq!(newest.header("delta-table-version"), "4");
    for (from, status, version) in [
        ("2023-01-03T00:00:00Z", 200, "3"),
        ("2023-01-03T00:00:00.001Z", 200, "4"),
        ("2023-01-05T00:00:00Z", 404, ""),
    ] {
        let reply = client.get(&format!("{TABLE}/version?startingTimestamp={from}")).await;
        let found = (reply.status.as_u16(), reply.header("delta-table-version"));
        assert_eq!(found, (status, version), "{from}");
    }
    let at = |timestamp: &str| json!({ "timestamp": timestamp });
    let path = format!("{TABLE}/query");
    let reply = post(&client, &path, &[], at("2023-01-04T00:00:00Z")).await;
    assert_eq!(reply.header("delta-table-version"), "4");
    let before = post(&client, &path, &[], at("2023-01-01T00:00:00Z")).await;
    assert_eq!(before.refusal(), (404, "unknown_version".into()));
    let deleted = post(&client, &path, &[], json!({ "version": 2 })).await;
    assert_eq!(deleted.refusal(), (404, "unknown_version".into()));
    let both = json!({ "version": 4, "timestamp": "2023-01-04T00:00:00Z" });
    assert_eq!(post(&client, &path, &[], both).await.refusal(), (400, "bad_parameter".into()));
    let changes = client.get(&format!("{TABLE}/changes?startingVersion=0")).await;
    assert_eq!(changes.refusal(), (400, "no_change_data_feed".into()));
}

#[tokio::test]
async fn a_file_is_read_by_its_signed_address() {
    let client = TestClient::new();
    let path = format!("{TABLE}/query");
    let hints = json!({ "limitHint": 5, "predicateHints": ["a = 1"], "jsonPredicateHints": "{}" });
    let reply = post(&client, &path, &[], hints).await;
    assert_eq!(reply.header("delta-sharing-capabilities"), "responseformat=parquet");
    let found = lines(&reply);
    assert_eq!(found[0], json!({ "protocol": { "minReaderVersion": 1 } }));
    assert_eq!(found[1]["metaData"]["numFiles"], 1);
    let file = &found[2]["file"];
    assert_eq!((&file["timestamp"], &file["version"]), (&json!(1_672_790_400_000_i64), &json!(4)));
    let url = file["url"].as_str().unwrap();
    let url = url.strip_prefix("http://localhost:8080").unwrap();
    assert!(url.starts_with("/sharing/files/gold-sample.parquet?grant="), "{url}");
    let whole = client.get(url).await;
    assert_eq!((whole.text(), whole.header("content-length")), ("PAR1", "4"));
    for (range, expected, shown) in [
        ("bytes=1-2", "AR", "bytes 1-2/4"),
        ("bytes=2-", "R1", "bytes 2-3/4"),
        ("bytes=-1", "1", "bytes 3-3/4"),
    ] {
        let part = client.get_with(url, &[("range", range)]).await;
        assert_eq!((part.status.as_u16(), part.text()), (206, expected), "{range}");
        assert_eq!(part.header("content-range"), shown);
    }
    let beyond = client.get_with(url, &[("range", "bytes=9-")]).await;
    assert_eq!(beyond.refusal(), (416, "bad_range".into()));
    let changed = url.replacen("Signature=", "Signature=A", 1);
    assert_eq!(client.get(&changed).await.refusal(), (400, "bad_signature".into()));
    let other = TestClient::new();
    assert_eq!(other.get(url).await.refusal(), (400, "bad_signature".into()), "another program");
}

#[tokio::test]
async fn both_response_formats_are_served() {
    let client = TestClient::new();
    let delta =
        [("delta-sharing-capabilities", "responseformat=delta;readerfeatures=deletionvectors")];
    let reply = post(&client, &format!("{TABLE}/query"), &delta, json!({})).await;
    assert_eq!(reply.header("delta-sharing-capabilities"), "responseformat=delta");
    let found = lines(&reply);
    assert_eq!(found[0]["protocol"]["deltaProtocol"]["minReaderVersion"], 1);
    let add = &found[2]["file"]["deltaSingleAction"]["add"];
    assert!(add["path"].as_str().unwrap().contains("/sharing/files/gold-sample.parquet?"));
    let both = [("delta-sharing-capabilities", "responseformat=delta,parquet")];
    let reply = client.get_with(&format!("{TABLE}/metadata"), &both).await;
    assert_eq!(reply.header("delta-sharing-capabilities"), "responseformat=parquet");
    assert_eq!(lines(&reply).len(), 2);
}

#[tokio::test]
async fn a_scope_smaller_than_the_plant_gets_no_files() {
    let world = World::with_lake(AccessMode::Login, lake());
    world.add("smt", &[(Role::Engineer, "line:SMT/1")]);
    world.add("viewer", &[(Role::Viewer, "plant")]);
    let cookie = world.cookie("smt");
    for path in ["/sharing/shares", "/sharing/shares/gold/schemas/gold/tables/by_unit/version"] {
        let reply = world.request_as(&cookie, "GET", path, None).await;
        assert_eq!(reply.refusal(), (403, "scope_too_small".into()), "{path}");
        assert!(reply.text().contains("/odata/v4"), "{}", reply.text());
    }
    // Rejected records need a permission that a viewer does not have.
    let cookie = world.cookie("viewer");
    let rejected = "/sharing/shares/silver/schemas/silver/tables/rejected/version";
    assert_eq!(world.request_as(&cookie, "GET", rejected, None).await.status, 403);
    let listed = world.request_as(&cookie, "GET", "/sharing/shares/silver/all-tables", None).await;
    assert_eq!(listed.json()["items"], json!([]));
    let token = format!("Bearer {}", world.token("viewer", Action::Download));
    let reply = world.request("GET", "/sharing/shares", &[("authorization", &token)], None).await;
    assert_eq!(reply.status, 403, "download without read_tables");
}

#[tokio::test]
async fn an_address_ends_and_a_query_is_in_the_audit_log() {
    let world = World::with_lake(AccessMode::Login, lake());
    world.add("viewer", &[(Role::Viewer, "plant")]);
    world.add("administrator", &[(Role::Administrator, "plant")]);
    let cookie = world.cookie("viewer");
    let path = "/sharing/shares/gold/schemas/gold/tables/by_unit/query";
    let reply = world.request_as(&cookie, "POST", path, Some(json!({}))).await;
    let url = lines(&reply)[2]["file"]["url"].as_str().unwrap().to_owned();
    let url = url.strip_prefix("http://localhost:8080").unwrap();
    assert_eq!(world.request("GET", url, &[], None).await.status, 200);
    world.advance(901);
    let reply = world.request("GET", url, &[], None).await;
    assert_eq!(reply.refusal(), (410, "url_expired".into()));
    let administrator = world.cookie("administrator");
    let path = "/api/v1/audit?kind=downloaded";
    let page = world.request_as(&administrator, "GET", path, None).await.json();
    let expected = json!({ "format": "delta-sharing", "ms": 0, "rows": 3, "what": "gold.by_unit" });
    assert_eq!(page["entries"][0]["detail"], expected);
}

#[tokio::test]
async fn changes_are_files_of_three_kinds() {
    let client = TestClient::new();
    let path = "/sharing/shares/silver/schemas/silver/tables/board/changes";
    let reply = client.get(&format!("{path}?startingVersion=4")).await;
    assert_eq!(reply.header("delta-table-version"), "4");
    let found = lines(&reply);
    let kinds: Vec<_> =
        found.iter().flat_map(|line| line.as_object().unwrap().keys().cloned()).collect();
    assert_eq!(kinds, ["protocol", "metaData", "add", "remove", "cdf"]);
    let file = &found[4]["cdf"];
    assert_eq!((&file["version"], &file["size"]), (&json!(4), &json!(4)));
    let url = file["url"].as_str().unwrap();
    assert!(url.contains("/sharing/files/c.parquet?grant="), "{url}");
    let delta = [("delta-sharing-capabilities", "responseformat=delta")];
    let found = lines(&client.get_with(&format!("{path}?startingVersion=4"), &delta).await);
    assert!(found[4]["file"]["deltaSingleAction"]["cdc"]["path"].is_string(), "{}", found[4]);
    for (query, expected) in [
        ("", (400, "bad_parameter")),
        ("?startingVersion=4&startingTimestamp=2023-01-01T00:00:00Z", (400, "bad_parameter")),
        ("?startingVersion=4&endingVersion=3", (400, "bad_value")),
        ("?startingVersion=5", (400, "bad_value")),
        ("?startingVersion=x", (400, "bad_value")),
        ("?startingTimestamp=2030-01-01T00:00:00Z", (404, "unknown_version")),
        ("?version=1", (400, "unknown_parameter")),
    ] {
        let reply = client.get(&format!("{path}{query}")).await;
        assert_eq!(reply.refusal(), (expected.0, expected.1.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn errors_have_the_fields_of_the_protocol() {
    let reply = TestClient::new().get("/sharing/shares/bronze").await;
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    assert_eq!(body["errorCode"], "unknown_share");
    assert_eq!(body["message"], body["detail"]);
}
