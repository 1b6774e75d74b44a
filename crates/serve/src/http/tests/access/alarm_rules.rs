//! Alarm rules and notifications over HTTP, in a plant folder on disk.

use super::super::TestClient;
use super::world::World;
use access::Role;
use config::folder::{self, Plant};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// `alarms.toml` of the tests: a valid rule between comments, one with a mistake, and a channel.
pub const FILE_TEXT: &str = r#"# Rules of the test.

# Above the limit of the solder paste.
[[rule]]
name = "hot"
text = "too hot"
priority = 2
kind = "temperature"
sensors = "*"
above = 50.0
owner = "maintenance"
cause = "fan"
response = "stop the feed"
consequence = "defects"

[[rule]]
name = "wrong"
text = "no such kind"
priority = 2
kind = "colour"
owner = "maintenance"
response = "none"

# The end.
[[channel]]
name = "shown"
kind = "outbox"
"#;

/// The reference plant.
pub fn plant() -> Arc<Plant> {
    static PLANT: OnceLock<Arc<Plant>> = OnceLock::new();
    let read = || Arc::new(folder::read(&folder::texts(None).unwrap()).0.unwrap());
    Arc::clone(PLANT.get_or_init(read))
}

async fn rules(world: &World, name: &str) -> Value {
    let cookie = world.cookie(name);
    let reply = world.request_as(&cookie, "GET", "/api/v1/alarms/rules", None).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn put(
    world: &World,
    cookie: &str,
    name: &str,
    toml: &str,
    revision: &Value,
) -> (u16, Value) {
    let path = format!("/api/v1/alarms/rules/{name}");
    let body = json!({ "toml": toml, "revision": revision });
    let reply = world.request_as(cookie, "PUT", &path, Some(body)).await;
    (reply.status.as_u16(), reply.json())
}

fn changed_rule(above: &str) -> String {
    let rule = FILE_TEXT.split("# Above the limit of the solder paste.\n").nth(1).unwrap();
    let rule = rule.split("\n\n").next().unwrap();
    rule.replace("above = 50.0", &format!("above = {above}"))
}

#[tokio::test]
async fn rules_are_listed_with_their_mistakes() {
    let world = World::new();
    let answer = rules(&world, "viewer").await;
    let names: Vec<_> =
        answer["rules"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["hot", "wrong"], "{answer}");
    let hot = &answer["rules"][0];
    assert_eq!(
        (&hot["kind"], &hot["line"], &hot["problem"]),
        (&json!("temperature"), &json!(4), &json!(null))
    );
    assert!(hot["toml"].as_str().unwrap().starts_with("[[rule]]\nname = \"hot\""));
    let wrong = &answer["rules"][1];
    assert!(wrong["problem"].as_str().unwrap().contains("colour"), "{wrong}");
    assert_eq!(answer["problems"][0]["file"], "alarms.toml");
    assert_eq!(answer["is_writable"], false, "a viewer");
    assert_eq!(rules(&world, "engineer").await["is_writable"], true);
}

#[tokio::test]
async fn a_changed_rule_is_stored_applied_and_journaled() {
    let world = World::new();
    let cookie = world.cookie("engineer");
    let revision = rules(&world, "engineer").await["revision"].clone();
    let body = json!({ "toml": changed_rule("62.5"), "revision": revision, "dry_run": true });
    let path = "/api/v1/alarms/rules/hot";
    let preview = world.request_as(&cookie, "PUT", path, Some(body)).await.json();
    assert_eq!(preview["revision"], revision, "nothing was stored");
    let (status, answer) = put(&world, &cookie, "hot", &changed_rule("62.5"), &revision).await;
    assert_eq!(status, 200, "{answer}");
    let diff = answer["diff"].as_str().unwrap();
    assert_eq!(preview["diff"], diff);
    assert!(diff.contains("-above = 50.0") && diff.contains("+above = 62.5"), "{diff}");
    let stored = std::fs::read_to_string(world.folder.path().join("alarms.toml")).unwrap();
    assert_eq!(stored, FILE_TEXT.replace("above = 50.0", "above = 62.5"), "comments remain");
    assert_eq!(rules(&world, "engineer").await["revision"], answer["revision"]);
    world.wait_for(1).await;
    let journal = world.request_as(&cookie, "GET", "/api/v1/alarms/journal?rule=hot", None).await;
    let entry = &journal.json()["events"][0];
    assert_eq!(
        (&entry["transition"], &entry["actor"]),
        (&json!("rule_changed"), &json!("engineer"))
    );
    assert_eq!(entry["comment"], diff);
    let limit = |rule: &plant::alarm::Rule| rule.condition.limit();
    assert_eq!(limit(&world.alarms.rules()[0]), 62.5);
    let (status, again) = put(&world, &cookie, "hot", &changed_rule("70"), &revision).await;
    assert_eq!((status, &again["error"]["code"]), (409, &json!("changed_meanwhile")));
    let audit = world.cookie("administrator");
    let audit = world.request_as(&audit, "GET", "/api/v1/audit?kind=changed", None).await.json();
    assert_eq!(audit["entries"][0]["detail"]["what"], "alarm_rule.change");
}

#[tokio::test]
async fn a_rule_with_a_mistake_is_reported_and_not_stored() {
    let world = World::new();
    let cookie = world.cookie("engineer");
    let revision = rules(&world, "engineer").await["revision"].clone();
    for (name, toml, part) in [
        ("hot", changed_rule("\"much\""), "line 7"),
        ("hot", changed_rule("1").replace("temperature", "colour"), "colour"),
        ("hot", "name = 'hot'".to_owned(), "one [[rule]]"),
        ("hot", format!("{}\n{}", changed_rule("1"), changed_rule("2")), "one [[rule]]"),
        ("hot", changed_rule("1").replace("\"hot\"", "\"wrong\""), "wrong"),
        ("hot", "[[rule".to_owned(), "invalid"),
        ("unknown", String::new(), "unknown"),
    ] {
        let (status, answer) = put(&world, &cookie, name, &toml, &revision).await;
        assert_eq!(status, 422, "{toml}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{toml}: {message}");
    }
    let stored = std::fs::read_to_string(world.folder.path().join("alarms.toml")).unwrap();
    assert_eq!((stored.as_str(), world.alarms.newest()), (FILE_TEXT, 0));
    let body = json!({ "toml": changed_rule("1").replace("temperature", "colour") });
    let reply = world.request_as(&cookie, "POST", "/api/v1/alarms/rules/check", Some(body)).await;
    let answer = reply.json();
    assert_eq!(answer["problems"][0]["line"], 5, "{answer}");
    let body = json!({ "toml": changed_rule("60") });
    let reply = world.request_as(&cookie, "POST", "/api/v1/alarms/rules/check", Some(body)).await;
    assert_eq!(reply.json()["problems"], json!([]));
}

#[tokio::test]
async fn rules_of_the_plant_need_the_permission_in_the_whole_plant() {
    let world = World::new();
    world.add("smt", &[(Role::Engineer, "area:SMT")]);
    let cookie = world.cookie("smt");
    let listed = rules(&world, "smt").await;
    assert_eq!(listed["is_writable"], false);
    let (status, _) = put(&world, &cookie, "hot", &changed_rule("60"), &listed["revision"]).await;
    assert_eq!(status, 403);
    for path in ["/api/v1/alarms/rules/check", "/api/v1/notifications/test"] {
        let body = match path.ends_with("check") {
            true => json!({ "toml": changed_rule("60") }),
            false => json!({ "channel": "shown" }),
        };
        assert_eq!(world.request_as(&cookie, "POST", path, Some(body)).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_trial_needs_a_valid_rule_a_period_and_the_lake() {
    let world = World::new();
    let cookie = world.cookie("engineer");
    let period = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let (from, to) = period;
    for (body, status) in [
        (json!({ "from": from, "to": to }), 422),
        (json!({ "toml": changed_rule("60"), "name": "hot", "from": from, "to": to }), 422),
        (json!({ "name": "unknown", "from": from, "to": to }), 422),
        (json!({ "toml": changed_rule("\"much\""), "from": from, "to": to }), 422),
        (json!({ "name": "hot", "from": to, "to": from }), 422),
        (json!({ "name": "hot", "from": "2020-01-01T00:00:00Z", "to": to }), 422),
        (json!({ "name": "hot", "from": "yesterday", "to": to }), 400),
        (json!({ "name": "hot", "from": from, "to": to }), 503),
        (json!({ "toml": changed_rule("60"), "from": from, "to": to }), 503),
    ] {
        let path = "/api/v1/alarms/backtest";
        let reply = world.request_as(&cookie, "POST", path, Some(body.clone())).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_channel_is_tested_and_notifications_are_listed() {
    let world = World::new();
    let cookie = world.cookie("engineer");
    let test = |channel: &str| Some(json!({ "channel": channel }));
    let reply =
        world.request_as(&cookie, "POST", "/api/v1/notifications/test", test("shown")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let id = reply.json()["id"].as_i64().unwrap();
    let reply = world.request_as(&cookie, "POST", "/api/v1/notifications/test", test("gone")).await;
    assert_eq!(reply.refusal(), (404, "not_found".into()));
    let listed =
        world.request_as(&cookie, "GET", "/api/v1/notifications?limit=5", None).await.json();
    assert_eq!(listed["notifications"][0]["id"], id, "{listed}");
    assert_eq!(
        (&listed["notifications"][0]["kind"], &listed["waiting"]),
        (&json!("test"), &json!(1))
    );
    let channel = json!({ "name": "shown", "kind": "outbox", "is_demo": true });
    assert_eq!(listed["channels"], json!([channel]));
    let retry = format!("/api/v1/notifications/{id}/retry");
    let reply = world.request_as(&cookie, "POST", &retry, None).await;
    assert_eq!(reply.status, 422, "it is not failed: {}", reply.text());
    let reply = world.request_as(&cookie, "POST", "/api/v1/notifications/99/retry", None).await;
    assert_eq!(reply.status, 404);
    world.add("smt", &[(Role::Supervisor, "area:SMT")]);
    let scoped = world.cookie("smt");
    let hidden = world.request_as(&scoped, "GET", "/api/v1/notifications", None).await.json();
    assert_eq!(hidden["notifications"], json!([]), "a test belongs to the whole plant");
    assert_eq!(world.request_as(&scoped, "POST", &retry, None).await.status, 403);
}

#[tokio::test]
async fn without_alarms_there_are_no_rules() {
    let client = TestClient::new();
    for path in ["/api/v1/alarms/rules", "/api/v1/alarms/performance", "/api/v1/notifications"] {
        assert_eq!(client.get(path).await.refusal(), (409, "no_alarms".into()), "{path}");
    }
}
