//! Alarms over HTTP, raised by readings of a real engine.

use super::world::{World, made};
use access::{Identity, Role};
use plant::alarm::{
    Comparison, Condition, CountCondition, Direction, GroupBy, LocalText, Priority, Rule,
    SensorPattern, Shelving, Timing,
};
use plant::reading::{Reading, SensorId};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use watch::{Actor, Alarms, Command, Engine, Setup};

/// Temperature of the rule `hot`.
const HOT_C: f64 = 50.0;

fn rule(name: &str, priority: Priority, condition: Condition) -> Arc<Rule> {
    let texts = |text: &str| -> LocalText {
        [("en", text.to_owned()), ("hi", format!("hi {text}"))]
            .map(|(language, text)| (language.to_owned(), text))
            .into_iter()
            .collect()
    };
    Arc::new(Rule {
        name: name.into(),
        text: texts(name),
        priority,
        condition,
        unit: "degC".to_owned(),
        timing: Timing::default(),
        shelving: Shelving { max_us: 3_600_000_000, is_allowed: true },
        owner: "maintenance".to_owned(),
        cause: texts("fan"),
        response: texts("stop the feed"),
        consequence: texts("defects"),
        suppress_while: None,
        is_enabled: true,
        sound: false,
    })
}

/// A rule for each sensor, and one for the whole plant.
pub fn rules() -> Vec<Arc<Rule>> {
    let sensors = SensorPattern::any();
    let comparison = Comparison { direction: Direction::Above, limit: HOT_C, deadband: 0.0 };
    let hot = Condition::Temperature { sensors, comparison };
    let many = Condition::Count(CountCondition {
        sensors: SensorPattern::parse(["*.*.printer.*", "*.*.wave.*"], []).unwrap(),
        group_by: GroupBy::Plant,
        above_c: HOT_C,
        window_us: 600_000_000,
        more_than: 0,
    });
    vec![rule("hot", Priority::P2, hot), rule("many_hot", Priority::P1, many)]
}

/// Starts the engine on a thread of its own, with the clock of the test.
pub fn start(setup: Setup, clock_us: &Arc<AtomicI64>) -> Alarms {
    let (engine, alarms) = Engine::open(setup).unwrap();
    let clock_us = Arc::clone(clock_us);
    let now_us: watch::NowUs = Arc::new(move || clock_us.load(Ordering::SeqCst));
    std::thread::spawn(move || engine.run(&now_us));
    alarms
}

/// A sensor in a lane of `Plant1`.
fn sensor(lane: &str, component: &str) -> SensorId {
    SensorId {
        plant: "Plant1".into(),
        lane: lane.into(),
        component: component.into(),
        manufacturer: "m".into(),
    }
}

impl World {
    /// Records one reading of each sensor, by lane and component.
    pub fn read(&self, sensors: &[(&str, &str)], temp_c: f64) {
        let registry = self.live.registry();
        let mut registered = registry.write().unwrap();
        let ids = sensors.iter().map(|(lane, component)| sensor(lane, component));
        let numbers: Vec<_> = ids.map(|id| registered.register(id)).collect();
        drop(registered);
        let at_us = self.now_us();
        let readings: Vec<_> =
            numbers.into_iter().map(|sensor| Reading { sensor, at_us, temp_c }).collect();
        self.alarms.take(&readings, at_us);
    }

    /// Waits until the journal has this number of entries.
    pub async fn wait_for(&self, number: i64) {
        let mut newest = self.alarms.changed();
        let reached = newest.wait_for(|newest| *newest >= number);
        tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap().unwrap();
    }

    /// Alarms of the printer in SMT and of the wave in THT, and of the plant; three journal entries.
    async fn raise(&self) {
        self.read(&[("1", "printer"), ("10", "wave")], 60.0);
        self.advance(3);
        self.wait_for(3).await;
    }
}

async fn get(world: &World, cookie: &str, path: &str) -> Value {
    let reply = world.request_as(cookie, "GET", path, None).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

async fn post(world: &World, cookie: &str, path: &str, body: Value) -> (u16, Value) {
    let reply = world.request_as(cookie, "POST", path, Some(body)).await;
    (reply.status.as_u16(), reply.json())
}

fn objects(answer: &Value) -> Vec<&str> {
    answer["alarms"].as_array().unwrap().iter().map(|it| it["object"].as_str().unwrap()).collect()
}

/// The number of the alarm of an object.
async fn id(world: &World, object: &str) -> i64 {
    let listed = get(world, &world.cookie("administrator"), "/api/v1/alarms?state=all").await;
    let alarms = listed["alarms"].as_array().unwrap();
    alarms.iter().find(|it| it["object"] == object).unwrap()["id"].as_i64().unwrap()
}

#[tokio::test]
async fn the_queue_has_alarms_with_counts_and_load() {
    let world = World::new();
    let cookie = world.cookie("operator");
    let empty = get(&world, &cookie, "/api/v1/alarms").await;
    assert_eq!((&empty["alarms"], &empty["cursor"]), (&json!([]), &json!(0)));
    world.raise().await;
    let answer = get(&world, &cookie, "/api/v1/alarms?language=hi").await;
    assert_eq!(objects(&answer), ["Plant1", "Plant1.1.printer.m", "Plant1.10.wave.m"]);
    let alarm = &answer["alarms"][1];
    assert_eq!(alarm["state"], "unacknowledged");
    assert_eq!((&alarm["value"], &alarm["limit"]), (&json!(60.0), &json!(HOT_C)));
    assert_eq!((&alarm["text"], &alarm["priority"]), (&json!("hi hot"), &json!(2)));
    assert_eq!(alarm["place"]["line"], "1");
    assert_eq!(alarm["may"], json!(["acknowledge", "comment", "assign"]));
    let open = json!({ "1": 1, "2": 2, "3": 0, "4": 0 });
    assert_eq!((&answer["counts"]["open"], &answer["counts"]["unacknowledged"]), (&open, &open));
    assert_eq!((&answer["flood"]["in_10_min"], &answer["cursor"]), (&json!(3), &json!(3)));
    let narrow =
        get(&world, &cookie, "/api/v1/alarms?priority=2,3&object=Plant1.1.printer.m").await;
    assert_eq!(objects(&narrow), ["Plant1.1.printer.m"]);
    assert_eq!(narrow["counts"]["open"], open, "the counts are of all");
    for wrong in ["state=closed", "priority=5", "priority=", "language=fr", "x=1"] {
        let path = format!("/api/v1/alarms?{wrong}");
        assert_eq!(world.request_as(&cookie, "GET", &path, None).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn an_unchanged_queue_is_not_sent_again() {
    let world = World::new();
    world.raise().await;
    let cookie = world.cookie("operator");
    let first = world.request_as(&cookie, "GET", "/api/v1/alarms", None).await;
    let tag = first.header("etag").to_owned();
    let again = |cookie: String, path: &'static str| {
        let (world, tag) = (&world, tag.clone());
        async move {
            let headers = [("cookie", cookie.as_str()), ("if-none-match", tag.as_str())];
            world.request("GET", path, &headers, None).await.status.as_u16()
        }
    };
    assert_eq!(again(cookie.clone(), "/api/v1/alarms").await, 304);
    assert_eq!(again(cookie.clone(), "/api/v1/alarms?state=all").await, 200);
    assert_eq!(again(world.cookie("supervisor"), "/api/v1/alarms").await, 200, "other commands");
    let path = format!("/api/v1/alarms/{}/comment", id(&world, "Plant1").await);
    assert_eq!(post(&world, &cookie, &path, json!({ "text": "seen" })).await.0, 200);
    assert_eq!(again(cookie, "/api/v1/alarms").await, 200);
}

#[tokio::test]
async fn commands_change_the_alarm_and_are_journaled_and_audited() {
    let world = World::new();
    world.raise().await;
    let printer = id(&world, "Plant1.1.printer.m").await;
    let path = |command: &str| format!("/api/v1/alarms/{printer}/{command}");
    let cookie = world.cookie("engineer");
    let acknowledge = json!({ "comment": " on my way " });
    let (status, alarm) = post(&world, &cookie, &path("acknowledge"), acknowledge).await;
    assert_eq!((status, &alarm["state"]), (200, &json!("acknowledged")), "{alarm}");
    assert_eq!(alarm["acknowledged_by"], "engineer");
    let (status, again) = post(&world, &cookie, &path("acknowledge"), json!({})).await;
    assert_eq!((status, &again["error"]["code"]), (409, &json!("refused")));
    let (_, alarm) = post(&world, &cookie, &path("assign"), json!({ "user": "operator" })).await;
    assert_eq!(alarm["assignee"], "operator");
    let shelve = json!({ "minutes": 15, "reason": "fan ordered" });
    let (_, alarm) = post(&world, &cookie, &path("shelve"), shelve).await;
    assert_eq!((&alarm["state"], alarm["shelved_until_at"].is_string()), (&json!("shelved"), true));
    let (_, alarm) = post(&world, &cookie, &path("unshelve"), json!({})).await;
    assert_eq!(alarm["state"], "acknowledged");
    let (_, alarm) = post(&world, &cookie, &path("out-of-service"), json!({ "reason": "x" })).await;
    assert_eq!(alarm["may"], json!(["comment", "assign", "in_service"]));
    let (_, alarm) = post(&world, &cookie, &path("in-service"), json!({})).await;
    assert_eq!(alarm["is_active"], true, "{alarm}");
    let detail = get(&world, &cookie, &format!("/api/v1/alarms/{printer}")).await;
    let events = detail["events"].as_array().unwrap();
    let done: Vec<_> = events.iter().map(|it| it["transition"].as_str().unwrap()).collect();
    let expected = ["raised", "acknowledged", "assigned", "shelved", "unshelved", "out_of_service"];
    assert_eq!(done[..6], expected);
    assert_eq!(
        (&events[1]["actor"], &events[1]["comment"]),
        (&json!("engineer"), &json!("on my way"))
    );
    let audit = get(&world, &world.cookie("administrator"), "/api/v1/audit?kind=changed").await;
    let entries = audit["entries"].as_array().unwrap();
    let what: Vec<_> =
        entries.iter().rev().map(|it| it["detail"]["what"].as_str().unwrap()).collect();
    let expected = ["acknowledge", "assign", "shelve", "unshelve", "out_of_service", "in_service"];
    assert_eq!(what, expected.map(|it| format!("alarm.{it}")));
    assert_eq!(
        (&entries[0]["actor"], &entries[0]["detail"]["alarm"]),
        (&json!("engineer"), &json!(printer))
    );
}

#[tokio::test]
async fn invalid_commands_are_refused() {
    let world = World::new();
    world.raise().await;
    let printer = id(&world, "Plant1.1.printer.m").await;
    let cookie = world.cookie("engineer");
    for (command, body, status) in [
        ("shelve", json!({ "minutes": 15 }), 400),
        ("shelve", json!({ "minutes": 15, "reason": " " }), 422),
        ("shelve", json!({ "reason": "x" }), 422),
        ("shelve", json!({ "minutes": 5, "until": "end_of_shift", "reason": "x" }), 422),
        ("shelve", json!({ "until": "tomorrow", "reason": "x" }), 422),
        ("shelve", json!({ "minutes": 61, "reason": "longer than the rule allows" }), 422),
        ("comment", json!({ "text": "x".repeat(2_001) }), 422),
        ("comment", json!({ "text": "x", "by": "another" }), 400),
        ("out-of-service", json!({ "reason": "" }), 422),
        ("unshelve", json!({}), 409),
        ("in-service", json!({}), 409),
    ] {
        let path = format!("/api/v1/alarms/{printer}/{command}");
        let (found, answer) = post(&world, &cookie, &path, body.clone()).await;
        assert_eq!(found, status, "{command} {body}: {answer}");
    }
    for unknown in ["999", "0", "-1", "hot%2Fnothing", "nothing", "99999999999999999999"] {
        let path = format!("/api/v1/alarms/{unknown}/comment");
        let (status, _) = post(&world, &cookie, &path, json!({ "text": "x" })).await;
        assert_eq!(status, 404, "{unknown}");
    }
    assert_eq!(world.alarms.newest(), 3, "nothing was journaled");
}

#[tokio::test]
async fn an_alarm_is_shelved_until_the_end_of_the_shift() {
    let world = World::new();
    world.raise().await;
    // Shifts of the test begin at 0, 8 and 16 h; the rule allows an hour.
    let left_us = 8 * 3_600_000_000 - world.now_us().rem_euclid(8 * 3_600_000_000);
    world.advance(left_us / 1_000_000 - 600);
    let path = "/api/v1/alarms/hot%2FPlant1.1.printer.m/shelve?language=hi";
    let body = json!({ "until": "end_of_shift", "reason": "known" });
    let (status, alarm) = post(&world, &world.cookie("supervisor"), path, body).await;
    assert_eq!((status, &alarm["state"]), (200, &json!("shelved")), "{alarm}");
    assert_eq!(alarm["cause"], "hi fan");
    let until: chrono::DateTime<chrono::Utc> =
        alarm["shelved_until_at"].as_str().unwrap().parse().unwrap();
    let left_s = (until.timestamp_micros() - world.now_us()) / 1_000_000;
    assert!((590..=610).contains(&left_s), "{left_s} s");
}

#[tokio::test]
async fn several_alarms_are_acknowledged_together() {
    let world = World::new();
    world.add("smt", &[(Role::Operator, "line:SMT/1"), (Role::Viewer, "plant")]);
    world.raise().await;
    let (printer, wave) =
        (id(&world, "Plant1.1.printer.m").await, id(&world, "Plant1.10.wave.m").await);
    let body = json!({ "ids": [printer, wave, 999, printer], "comment": "seen" });
    let cookie = world.cookie("smt");
    let (status, answer) = post(&world, &cookie, "/api/v1/alarms/acknowledge", body).await;
    assert_eq!((status, &answer["acknowledged"]), (200, &json!(1)), "{answer}");
    let refused = answer["refused"].as_array().unwrap();
    let codes: Vec<_> = refused.iter().map(|it| (it["id"].clone(), it["code"].clone())).collect();
    let expected = [(wave, "forbidden"), (999, "not_found"), (printer, "refused")];
    assert_eq!(codes, expected.map(|(id, code)| (json!(id), json!(code))));
    let many = json!({ "ids": vec![1; 501] });
    assert_eq!(post(&world, &cookie, "/api/v1/alarms/acknowledge", many).await.0, 422);
}

#[tokio::test]
async fn the_journal_is_read_in_pages() {
    let world = World::new();
    world.raise().await;
    let cookie = world.cookie("viewer");
    let page = get(&world, &cookie, "/api/v1/alarms/journal?limit=2").await;
    let numbers = |page: &Value| -> Vec<i64> {
        page["events"].as_array().unwrap().iter().map(|it| it["number"].as_i64().unwrap()).collect()
    };
    assert_eq!((numbers(&page), &page["next_before"]), (vec![3, 2], &json!(2)));
    let rest = get(&world, &cookie, "/api/v1/alarms/journal?limit=2&before=2").await;
    assert_eq!((numbers(&rest), &rest["next_before"]), (vec![1], &json!(null)));
    let rule = get(&world, &cookie, "/api/v1/alarms/journal?rule=many_hot").await;
    assert_eq!(numbers(&rule).len(), 1);
    let none = get(&world, &cookie, "/api/v1/alarms/journal?to=2000-01-01T00:00:00Z").await;
    assert_eq!(numbers(&none).len(), 0);
    for wrong in ["limit=x", "from=today", "before=1.5"] {
        let path = format!("/api/v1/alarms/journal?{wrong}");
        assert_eq!(world.request_as(&cookie, "GET", &path, None).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_past_alarm_is_read_and_not_changed() {
    let world = World::new();
    world.raise().await;
    let printer = id(&world, "Plant1.1.printer.m").await;
    let actor = Actor::new("test");
    let acknowledge = Command::Acknowledge { comment: None };
    world.alarms.command(&actor, &printer.to_string(), acknowledge).unwrap();
    world.advance(60);
    world.read(&[("1", "printer")], 20.0);
    world.wait_for(5).await;
    let cookie = world.cookie("operator");
    let detail = get(&world, &cookie, &format!("/api/v1/alarms/{printer}")).await;
    assert_eq!(detail["alarm"]["state"], "normal");
    assert_eq!(detail["statistics"]["times_30d"], 1);
    let path = format!("/api/v1/alarms/{printer}/acknowledge");
    assert_eq!(post(&world, &cookie, &path, json!({})).await.0, 422);
}

#[tokio::test]
async fn without_alarms_the_routes_report_it() {
    let client = super::super::TestClient::new();
    let reply = client.get("/api/v1/alarms").await;
    assert_eq!(reply.refusal(), (409, "no_alarms".into()));
}

#[tokio::test]
async fn a_request_of_another_site_changes_nothing() {
    let world = World::new();
    world.raise().await;
    let cookie = world.cookie("operator");
    let path = format!("/api/v1/alarms/{}/acknowledge", id(&world, "Plant1").await);
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site")];
    let reply = world.send(made("POST", &path, &headers, Some(json!({})))).await;
    assert_eq!(reply.refusal(), (403, "cross_site".into()));
    assert_eq!(world.alarms.newest(), 3);
    assert!(Identity::terminal("test").name().starts_with("terminal:"));
}
