//! Boards over HTTP, in a plant folder on disk.

use super::alarm_rules;
use super::world::{self, World};
use crate::LakeReader as _;
use crate::http::BoardStore;
use access::Role;
use datafusion::prelude::SessionContext;
use lake::plan::boards::Checker;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// A board with tiles that work, one that is hidden from some, one without data, and one that fails.
const LINE: &str = r#"title = { en = "Line", hi = "लाइन" }

[[tile]]
name = "amount"
kind = "number"
sql = "SELECT sum(amount) AS amount, 10 AS planned FROM gold.by_unit"
value = "amount"
target = "planned"
unit = "boards"
limits = [{ below = "planned" }]

[[tile]]
name = "units"
kind = "table"
sql = "SELECT unit, amount, CAST(:day AS DATE) AS day FROM gold.by_unit ORDER BY unit"
max_rows = 3

[[tile]]
name = "stock"
kind = "bars"
sql = "SELECT item, amount FROM gold.stock ORDER BY item"
x = "item"
y = "amount"

[[tile]]
name = "later"
kind = "number"
sql = "SELECT amount FROM gold.missing"
value = "amount"

[[tile]]
name = "broken"
kind = "number"
sql = """
SELECT
    1 / (amount - amount) AS amount
FROM gold.by_unit"""
value = "amount"
"#;

const SMALL: &str = "title = \"Small\"\n\n[[tile]]\nname = \"a\"\nkind = \"number\"\n\
                     sql = \"SELECT sum(amount) AS a FROM gold.by_unit\"\nvalue = \"a\"\n";

/// The boards of the tests, written to a plant folder; `session` has the tables.
pub fn store(folder: &Path, session: SessionContext) -> Arc<BoardStore> {
    let boards = folder.join("boards");
    std::fs::create_dir(&boards).unwrap();
    std::fs::write(boards.join("line.toml"), LINE).unwrap();
    std::fs::write(boards.join("faulty.toml"), "title = 1\n").unwrap();
    let checker = Checker::over(session);
    let store = BoardStore::new(Some(folder.to_owned()), alarm_rules::plant(), checker);
    store.reload().unwrap();
    Arc::new(store)
}

async fn get(world: &World, cookie: &str, path: &str) -> Value {
    let reply = world.request_as(cookie, "GET", path, None).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

async fn put(
    world: &World,
    cookie: &str,
    name: &str,
    toml: &str,
    revision: &Value,
) -> (u16, Value) {
    let path = format!("/api/v1/boards/{name}");
    let body = json!({ "toml": toml, "revision": revision });
    let reply = world.request_as(cookie, "PUT", &path, Some(body)).await;
    (reply.status.as_u16(), reply.json())
}

/// The revision of a board's file.
async fn revision(world: &World, cookie: &str, name: &str) -> Value {
    get(world, cookie, &format!("/api/v1/boards/{name}/source")).await["revision"].clone()
}

fn tile<'a>(rows: &'a Value, name: &str) -> &'a Value {
    rows["tiles"].as_array().unwrap().iter().find(|tile| tile["name"] == name).unwrap()
}

#[tokio::test]
async fn boards_are_listed_and_described() {
    let world = World::new();
    let cookie = world.cookie("viewer");
    let list = get(&world, &cookie, "/api/v1/boards?language=hi").await;
    let boards = list["boards"].as_array().unwrap();
    let named: Vec<_> = boards.iter().map(|it| (&it["name"], &it["is_faulty"])).collect();
    assert_eq!(named, [(&json!("faulty"), &json!(true)), (&json!("line"), &json!(false))]);
    assert_eq!((&boards[1]["title"], &list["is_writable"]), (&json!("लाइन"), &json!(false)));
    let line = get(&world, &cookie, "/api/v1/boards/line").await;
    assert_eq!((&line["columns"], &line["has_time"]), (&json!(12), &json!(true)));
    assert_eq!(line["tiles"][0]["roles"]["value"], json!(["amount"]));
    assert_eq!(line["tiles"][0]["limits"][0]["bound_column"], "planned");
    let engineer = world.cookie("engineer");
    assert_eq!(get(&world, &engineer, "/api/v1/boards").await["is_writable"], true);
    let reply = world.request_as(&cookie, "GET", "/api/v1/boards/faulty", None).await;
    assert_eq!(reply.refusal(), (422, "faulty_board".into()));
    assert!(reply.text().contains("boards/faulty.toml:1"), "{}", reply.text());
    let reply = world.request_as(&cookie, "GET", "/api/v1/boards/none/data", None).await;
    assert_eq!(reply.refusal(), (404, "unknown_board".into()));
}

#[tokio::test]
async fn each_tile_has_its_rows_or_its_own_reason() {
    let world = World::new();
    let cookie = world.cookie("viewer");
    let rows = get(&world, &cookie, "/api/v1/boards/line/data?to=2026-01-31").await;
    let (from, to) = (&rows["period"]["from"], &rows["period"]["to"]);
    assert_eq!((from, to), (&json!("2026-01-31"), &json!("2026-01-31")));
    let amount = tile(&rows, "amount");
    assert_eq!(amount["rows"], json!([{ "amount": 10, "planned": 10 }]));
    assert_eq!(amount["columns"][0]["unit"], "boards");
    let units = tile(&rows, "units");
    assert_eq!(
        (units["rows"].as_array().unwrap().len(), &units["is_truncated"]),
        (3, &json!(true))
    );
    assert_eq!(units["rows"][0]["day"], "2026-01-31");
    assert!(units["sql"].as_str().unwrap().contains("CAST('2026-01-31' AS DATE)"), "{units}");
    assert_eq!(tile(&rows, "later")["missing_tables"], json!(["gold.missing"]));
    assert_eq!(tile(&rows, "later")["error"], Value::Null);
    let broken = &tile(&rows, "broken")["error"];
    assert!(broken["message"].as_str().unwrap().to_lowercase().contains("divi"), "{broken}");
    let tables: Vec<_> =
        rows["versions"].as_array().unwrap().iter().map(|it| it["table"].clone()).collect();
    assert_eq!(tables, ["gold.by_unit", "gold.stock"]);
    for query in [
        "to=2026-13-01",
        "shift=A",
        "from=2026-02-01&to=2026-01-01",
        "to=2026-01-01&shift=no",
        "x=1",
    ] {
        let path = format!("/api/v1/boards/line/data?{query}");
        assert_eq!(world.request_as(&cookie, "GET", &path, None).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_statement_of_a_receipt_gives_the_same_rows() {
    let world = World::new();
    let cookie = world.cookie("engineer");
    let rows = get(&world, &cookie, "/api/v1/boards/line/data?to=2026-01-31").await;
    for name in ["amount", "stock"] {
        let body = json!({ "sql": tile(&rows, name)["sql"] });
        let reply = world.request_as(&cookie, "POST", "/api/v1/query", Some(body)).await;
        assert_eq!(reply.json()["rows"], tile(&rows, name)["rows"], "{name}");
    }
}

#[tokio::test]
async fn people_see_the_rows_of_their_equipment_only() {
    let world = World::new();
    world.add("smt", &[(Role::Viewer, "line:SMT/1")]);
    let cookie = world.cookie("smt");
    let rows = get(&world, &cookie, "/api/v1/boards/line/data").await;
    assert_eq!(tile(&rows, "amount")["rows"], json!([{ "amount": 3, "planned": 10 }]));
    let units = tile(&rows, "units")["rows"].as_array().unwrap();
    assert_eq!(
        units.iter().map(|row| row["unit"].clone()).collect::<Vec<_>>(),
        ["oven", "printer"]
    );
    let stock = tile(&rows, "stock");
    assert_eq!((&stock["error"]["code"], &stock["rows"]), (&json!("forbidden"), &json!([])));
    let text = rows.to_string();
    assert!(!text.contains("wave") && !text.contains("secret"), "{text}");
    assert!(rows["versions"].as_array().unwrap().iter().all(|it| it["table"] != "gold.stock"));
}

#[tokio::test]
async fn an_answer_without_errors_is_not_sent_twice() {
    let world = World::new();
    world.add("smt", &[(Role::Viewer, "line:SMT/1")]);
    let engineer = world.cookie("engineer");
    let empty = revision(&world, &engineer, "small").await;
    assert_eq!(put(&world, &engineer, "small", SMALL, &empty).await.0, 200);
    let (cookie, path) = (world.cookie("viewer"), "/api/v1/boards/small/data");
    let first = world.request_as(&cookie, "GET", path, None).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let origin = ("sec-fetch-site", "same-origin");
    let headers = [("cookie", cookie.as_str()), ("if-none-match", tag.as_str()), origin];
    assert_eq!(world.request("GET", path, &headers, None).await.status, 304);
    let smt = world.cookie("smt");
    let headers = [("cookie", smt.as_str()), ("if-none-match", tag.as_str()), origin];
    assert_eq!(world.request("GET", path, &headers, None).await.status, 200, "other rows");
    let line = world.request_as(&cookie, "GET", "/api/v1/boards/line/data", None).await;
    assert!(!line.headers.contains_key("etag"), "a tile failed");
}

#[tokio::test]
async fn a_changed_board_is_stored_shown_and_audited() {
    let world = World::new();
    let cookie = world.cookie("engineer");
    let empty = revision(&world, &cookie, "small").await;
    let (status, answer) = put(&world, &cookie, "small", SMALL, &empty).await;
    assert_eq!(status, 200, "{answer}");
    let path = world.folder.path().join("boards/small.toml");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), SMALL);
    assert_eq!(get(&world, &cookie, "/api/v1/boards/small").await["title"], "Small");
    let changed = SMALL.replace("\"Small\"", "\"Other\"");
    assert_eq!(put(&world, &cookie, "small", &changed, &empty).await.0, 409, "an old version");
    let (status, answer) = put(&world, &cookie, "small", &changed, &answer["revision"]).await;
    assert_eq!(status, 200, "{answer}");
    let diff = answer["diff"].as_str().unwrap();
    assert!(
        diff.starts_with("--- boards/small.toml\n") && diff.contains("+title = \"Other\""),
        "{diff}"
    );
    let administrator = world.cookie("administrator");
    let audit = get(&world, &administrator, "/api/v1/audit?limit=20").await.to_string();
    assert!(audit.contains("board.change") && audit.contains("+title = \\\"Other\\\""), "{audit}");
    let faulty = SMALL.replace("value = \"a\"", "value = \"b\"");
    let (status, refused) = put(&world, &cookie, "small", &faulty, &answer["revision"]).await;
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("invalid_board")), "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("line 6: "), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), changed);
    let (status, removed) = put(&world, &cookie, "small", "", &answer["revision"]).await;
    assert_eq!((status, path.exists()), (200, false), "{removed}");
    let reply = world.request_as(&cookie, "GET", "/api/v1/boards/small", None).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn a_text_is_checked_with_its_rows_and_its_change() {
    let world = World::new();
    let cookie = world.cookie("engineer");
    let check = async |toml: String| {
        let body = Some(json!({ "toml": toml }));
        let reply = world.request_as(&cookie, "POST", "/api/v1/boards/line/check", body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    };
    let answer = check(LINE.replace("10 AS planned", "20 AS planned")).await;
    assert_eq!(tile(&answer["data"], "amount")["rows"][0]["planned"], 20);
    assert!(answer["diff"].as_str().unwrap().contains("20 AS planned"), "{answer}");
    let lines: Vec<_> =
        answer["problems"].as_array().unwrap().iter().map(|it| it["line"].clone()).collect();
    assert_eq!(lines, [28], "the missing table: {answer}");
    let answer = check(LINE.replace("kind = \"table\"", "kind = \"tables\"")).await;
    assert_eq!((&answer["board"], &answer["problems"][0]["line"]), (&Value::Null, &json!(14)));
    let stored = std::fs::read_to_string(world.folder.path().join("boards/line.toml")).unwrap();
    assert_eq!(stored, LINE, "nothing was stored");
}

#[tokio::test]
async fn only_engineers_of_the_whole_plant_change_boards() {
    let world = World::new();
    world.add("smt", &[(Role::Engineer, "line:SMT/1")]);
    for name in ["viewer", "operator", "supervisor", "smt"] {
        let cookie = world.cookie(name);
        let (status, answer) = put(&world, &cookie, "small", SMALL, &json!("")).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("forbidden")), "{name}");
        let body = Some(json!({ "toml": SMALL }));
        for (method, path, body) in [("POST", "check", body), ("GET", "source", None)] {
            let path = format!("/api/v1/boards/line/{path}");
            let reply = world.request_as(&cookie, method, &path, body).await;
            assert_eq!(reply.status, 403, "{name} {path}");
        }
    }
    let cookie = world.cookie("engineer");
    for name in ["operator", "..%2Falarms", "Line"] {
        let (status, answer) = put(&world, &cookie, name, SMALL, &json!("")).await;
        assert_eq!(status, 400, "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_file_that_becomes_faulty_leaves_the_board_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), world::lake().session().await.unwrap());
    std::fs::write(folder.path().join("boards/line.toml"), "title = [").unwrap();
    store.reload().unwrap();
    let file = store.file("line").unwrap();
    assert_eq!((file.board.as_ref().unwrap().tiles.len(), file.problems.len()), (5, 1));
    std::fs::remove_file(folder.path().join("boards/line.toml")).unwrap();
    store.reload().unwrap();
    assert!(store.file("line").is_err());
}
