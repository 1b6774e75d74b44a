//! Every user of the generated plant on every alarm: lists, details, journal, stream and commands.

use super::super::world::{World, made};
use super::plant::{self, NOWHERE, Object, Subject};
use access::Action;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt as _;
use watch::{Actor, Command};

const LIVE: &[Action] = &[Action::FollowLive];
/// The object of the alarm about the whole plant.
const WHOLE: &str = "Plant1";

/// Commands with a body that is refused only after the permission was checked, so that no alarm changes.
fn commands() -> [(&'static str, &'static str, Action, Value); 7] {
    [
        ("acknowledge", "acknowledge", Action::AcknowledgeAlarm, json!({})),
        ("shelve", "shelve", Action::ShelveAlarm, json!({ "minutes": 5, "reason": " " })),
        ("unshelve", "unshelve", Action::ShelveAlarm, json!({})),
        ("comment", "comment", Action::AcknowledgeAlarm, json!({ "text": " " })),
        ("assign", "assign", Action::AcknowledgeAlarm, json!({ "user": "x".repeat(3_000) })),
        ("out-of-service", "out_of_service", Action::EditRules, json!({ "reason": "" })),
        ("in-service", "in_service", Action::EditRules, json!({})),
    ]
}

/// What an alarm is about: a unit, by its sensor, or the whole plant.
fn objects() -> Vec<Object> {
    plant::units().into_iter().chain(plant::whole()).collect()
}

fn alarm_object(name: &str) -> String {
    if name == NOWHERE { WHOLE.to_owned() } else { plant::sensor(name) }
}

fn alarm_objects(names: &BTreeSet<String>) -> BTreeSet<String> {
    names.iter().map(|name| alarm_object(name)).collect()
}

/// An acknowledged alarm about each object; returns the world, and number and object of the alarms.
async fn world(subjects: &[Subject]) -> (World, Vec<(i64, Object)>) {
    let world = plant::world(subjects);
    world.advance(1);
    let units = plant::units();
    let lanes: Vec<(String, &str)> = units
        .iter()
        .map(|it| (plant::sensor(&it.name).split('.').nth(1).unwrap().to_owned(), it.name.as_str()))
        .collect();
    let sensors: Vec<_> = lanes.iter().map(|(lane, name)| (lane.as_str(), *name)).collect();
    world.read(&sensors, 60.0);
    world.advance(3);
    let count = i64::try_from(objects().len()).unwrap();
    world.wait_for(count).await;
    let mut alarms = Vec::new();
    for alarm in world.alarms.list(&watch::Filter::default()) {
        let acknowledge = Command::Acknowledge { comment: None };
        world.alarms.command(&Actor::new("test"), &alarm.id.to_string(), acknowledge).unwrap();
        let is_it = |object: &Object| alarm_object(&object.name) == *alarm.key.object;
        alarms.push((alarm.id, objects().into_iter().find(is_it).unwrap()));
    }
    assert_eq!(alarms.len(), objects().len());
    (world, alarms)
}

async fn get(world: &World, cookie: &str, path: &str) -> Value {
    let reply = world.request_as(cookie, "GET", path, None).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

fn found(rows: &Value) -> BTreeSet<String> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row["object"].as_str().unwrap().to_owned()).collect()
}

async fn check_reading(world: &World, subject: &Subject, alarms: &[(i64, Object)]) {
    let cookie = world.cookie(&subject.name);
    let seen = alarm_objects(&subject.seen(LIVE, &objects()));
    let listed = get(world, &cookie, "/api/v1/alarms?state=all").await;
    assert_eq!(found(&listed["alarms"]), seen, "{subject:?}");
    let open = listed["counts"]["open"].as_object().unwrap().values();
    let open: u64 = open.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(open, seen.len() as u64, "{subject:?}: counts");
    assert_eq!(listed["flood"]["in_10_min"], seen.len(), "{subject:?}: load");
    for alarm in listed["alarms"].as_array().unwrap() {
        check_may(subject, alarm);
    }
    let journal = get(world, &cookie, "/api/v1/alarms/journal").await;
    assert_eq!(found(&journal["events"]), seen, "{subject:?}: journal");
    assert_eq!(journal["events"].as_array().unwrap().len(), 2 * seen.len());
    let performance = get(world, &cookie, "/api/v1/alarms/performance").await;
    assert_eq!(performance["annunciations"], seen.len(), "{subject:?}: performance");
    for (id, object) in alarms {
        let path = format!("/api/v1/alarms/{id}");
        let status = world.request_as(&cookie, "GET", &path, None).await.status.as_u16();
        let expected = if subject.sees(LIVE, object) { 200 } else { 404 };
        assert_eq!(status, expected, "{subject:?} {object:?}");
    }
    assert_eq!(streamed(world, &cookie, seen.is_empty()).await, seen, "{subject:?}: stream");
}

/// `may` names exactly the commands that the subject has the permission for and the state permits.
fn check_may(subject: &Subject, alarm: &Value) {
    let is_it = |it: &Object| alarm["object"] == alarm_object(&it.name);
    let object = objects().into_iter().find(is_it).unwrap();
    let is_possible = |name: &str| !matches!(name, "acknowledge" | "unshelve" | "in_service");
    let commands = commands();
    let may = commands
        .iter()
        .filter(|(_, name, action, _)| is_possible(name) && subject.sees(&[*action], &object));
    let may: BTreeSet<&str> = may.map(|(_, name, ..)| *name).collect();
    let listed = alarm["may"].as_array().unwrap();
    let listed: BTreeSet<&str> = listed.iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(listed, may, "{subject:?} {object:?}");
}

/// The objects of the events of the live stream since the first one. All of them arrive at once.
async fn streamed(world: &World, cookie: &str, is_empty: bool) -> BTreeSet<String> {
    let path = "/api/v1/live?topics=alarms&after=0";
    let request = made("GET", path, &[("cookie", cookie)], None);
    let response = world.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    while !text.contains("event: hb") || !(is_empty || text.contains("event: alarm")) {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    while let Some(Some(Ok(bytes))) = stream.next().now_or_never() {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    let data = text.split("event: alarm\n").skip(1);
    let data = data.map(|event| event.lines().find_map(|it| it.strip_prefix("data: ")).unwrap());
    let events = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
    events.map(|event| event["alarm"]["object"].as_str().unwrap().to_owned()).collect()
}

async fn check_commands(world: &World, subject: &Subject, alarms: &[(i64, Object)]) {
    let cookie = world.cookie(&subject.name);
    for (id, object) in alarms {
        for (segment, _, action, body) in commands() {
            let path = format!("/api/v1/alarms/{id}/{segment}");
            let reply = world.request_as(&cookie, "POST", &path, Some(body)).await;
            let status = reply.status.as_u16();
            let is_routed = !subject.granted(action).is_empty();
            match (is_routed, subject.sees(LIVE, object), subject.sees(&[action], object)) {
                (false, _, _) => assert_eq!(status, 403, "{subject:?} {path}"),
                (true, false, _) => assert_eq!(status, 404, "{subject:?} {path}"),
                (true, true, false) => assert_eq!(status, 403, "{subject:?} {path}"),
                (true, true, true) => {
                    assert!(matches!(status, 409 | 422), "{subject:?} {path}: {}", reply.text());
                }
            }
        }
    }
}

/// Acknowledging all alarms at once refuses each for the same reason as alone.
async fn check_together(world: &World, subject: &Subject, alarms: &[(i64, Object)]) {
    let cookie = world.cookie(&subject.name);
    let ids: Vec<i64> = alarms.iter().map(|(id, _)| *id).collect();
    let body = Some(json!({ "ids": ids }));
    let reply = world.request_as(&cookie, "POST", "/api/v1/alarms/acknowledge", body).await;
    if subject.granted(Action::AcknowledgeAlarm).is_empty() {
        assert_eq!(reply.status, 403, "{subject:?}");
        return;
    }
    let refused = reply.json()["refused"].as_array().unwrap().clone();
    for ((id, object), refused) in alarms.iter().zip(&refused) {
        let is_visible = subject.sees(LIVE, object);
        let code = match (is_visible, subject.sees(&[Action::AcknowledgeAlarm], object)) {
            (false, _) => "not_found",
            (true, false) => "forbidden",
            (true, true) => "refused",
        };
        assert_eq!((&refused["id"], &refused["code"]), (&json!(id), &json!(code)), "{subject:?}");
    }
    assert_eq!(refused.len(), alarms.len());
}

#[tokio::test]
async fn alarms_are_those_of_the_scopes() {
    let subjects: Vec<Subject> = plant::singles().into_iter().chain(plant::pairs()).collect();
    let (world, alarms) = world(&subjects).await;
    for subject in &subjects {
        check_reading(&world, subject, &alarms).await;
    }
}

#[tokio::test]
async fn commands_act_on_alarms_of_the_scopes_only() {
    let subjects: Vec<Subject> = plant::singles().into_iter().chain(plant::pairs()).collect();
    let (world, alarms) = world(&subjects).await;
    let before = world.alarms.newest();
    for subject in &subjects {
        check_commands(&world, subject, &alarms).await;
        check_together(&world, subject, &alarms).await;
    }
    assert_eq!(world.alarms.newest(), before, "a refused command was journaled");
}
