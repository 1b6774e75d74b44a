//! Every user of the generated plant on every object that rows, figures, sensors and streams are about.

use super::super::world::{World, made};
use super::plant::{self, NOWHERE, Object, Subject, Table};
use access::Action;
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt as _;

const READ: &[Action] = &[Action::ReadTables];
const SQL: &[Action] = &[Action::RunSql];
const LIVE: &[Action] = &[Action::FollowLive];

/// Tables of received files and rejected records.
const SOURCES: [&str; 3] = ["silver.rejected", "bronze.event", "meta.files"];
/// Tables that are the same for everyone.
const CATALOGUE: [&str; 1] = ["meta.kpis"];

/// The objects of a table that a subject sees, by the rules of `docs/permissions.md`; `None` if the table
/// is hidden.
fn expected(subject: &Subject, actions: &[Action], table: &Table) -> Option<BTreeSet<String>> {
    let name = format!("{}.{}", table.schema, table.name);
    let is_everywhere = actions.iter().all(|it| subject.has_everywhere(*it));
    if SOURCES.contains(&name.as_str()) && !subject.has_everywhere(Action::ReadSources) {
        return None;
    }
    let all = || table.objects.iter().map(|it| it.name.clone()).collect();
    if is_everywhere || CATALOGUE.contains(&name.as_str()) {
        return Some(all());
    }
    let is_filtered = table.names_equipment && matches!(table.schema, "silver" | "gold");
    is_filtered.then(|| subject.seen(actions, &table.objects))
}

fn objects(rows: &Value) -> BTreeSet<String> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row["object"].as_str().unwrap().to_owned()).collect()
}

async fn check_table(world: &World, cookie: &str, subject: &Subject, table: &Table) {
    let path = format!("/api/v1/tables/{}/{}", table.schema, table.name);
    let expected = expected(subject, READ, table);
    let reply = world.request_as(cookie, "GET", &path, None).await;
    let csv = world.request_as(cookie, "GET", &format!("{path}?format=csv"), None).await;
    let Some(expected) = expected else {
        assert_eq!(reply.refusal(), (403, "forbidden".into()), "{subject:?} {path}");
        assert_eq!(csv.refusal(), (403, "forbidden".into()), "{subject:?} {path}");
        return;
    };
    assert_eq!(objects(&reply.json()["rows"]), expected, "{subject:?} {path}");
    assert_eq!(csv.text().lines().count() - 1, expected.len(), "{subject:?} {path}");
}

/// The list of tables has exactly those that can be read.
async fn check_list(world: &World, cookie: &str, subject: &Subject) {
    let listed = world.request_as(cookie, "GET", "/api/v1/tables", None).await.json();
    let listed = listed["tables"].as_array().unwrap();
    let name = |it: &Value| {
        format!("{}.{}", it["schema"].as_str().unwrap(), it["table"].as_str().unwrap())
    };
    let listed: BTreeSet<String> = listed.iter().map(name).collect();
    let tables = plant::tables();
    let readable = tables.iter().filter(|table| expected(subject, READ, table).is_some());
    let readable: BTreeSet<String> =
        readable.map(|table| format!("{}.{}", table.schema, table.name)).collect();
    assert_eq!(listed, readable, "{subject:?}");
}

#[tokio::test]
async fn tables_have_exactly_the_rows_of_the_scopes() {
    let subjects = plant::singles();
    let world = plant::world(&subjects);
    for subject in &subjects {
        let cookie = world.cookie(&subject.name);
        check_list(&world, &cookie, subject).await;
        for table in plant::tables() {
            check_table(&world, &cookie, subject, &table).await;
        }
    }
}

async fn query(world: &World, cookie: &str, sql: &str) -> crate::http::tests::Reply {
    world.request_as(cookie, "POST", "/api/v1/query", Some(json!({ "sql": sql }))).await
}

/// One statement over all tables that the subject sees, and one over each that is hidden.
async fn check_sql(world: &World, subject: &Subject) {
    let cookie = world.cookie(&subject.name);
    let mut all = BTreeSet::new();
    let mut selects = Vec::new();
    for table in plant::tables() {
        let name = format!("{}.{}", table.schema, table.name);
        let select = format!("SELECT '{name}/' || object AS object FROM {name}");
        let Some(seen) = expected(subject, SQL, &table) else {
            let reply = query(world, &cookie, &select).await;
            assert_eq!(reply.status, 400, "{subject:?} {name}: {}", reply.text());
            continue;
        };
        all.extend(seen.iter().map(|object| format!("{name}/{object}")));
        selects.push(select);
    }
    let reply = query(world, &cookie, &selects.join(" UNION ALL ")).await;
    assert_eq!(reply.status, 200, "{subject:?}: {}", reply.text());
    assert_eq!(objects(&reply.json()["rows"]), all, "{subject:?}");
}

#[tokio::test]
async fn statements_read_exactly_the_rows_of_the_scopes() {
    let subjects: Vec<Subject> = plant::singles().into_iter().chain(plant::pairs()).collect();
    let world = plant::world(&subjects);
    let mut checked = 0;
    for subject in subjects.iter().filter(|it| !it.granted(Action::RunSql).is_empty()) {
        check_sql(&world, subject).await;
        checked += 1;
    }
    let scopes = plant::scopes().len();
    assert_eq!(
        checked,
        3 * scopes + scopes * scopes,
        "supervisors, engineers, administrators, pairs"
    );
}

/// The units and lines of KPIs, and no sum over what is outside of the scopes.
async fn check_kpis(world: &World, subject: &Subject) {
    let cookie = world.cookie(&subject.name);
    for (level, all) in [("unit", plant::units()), ("line", plant::lines())] {
        let path = format!("/api/v1/kpis?level={level}");
        let answer = world.request_as(&cookie, "GET", &path, None).await.json();
        let rows = answer["rows"].as_array().unwrap();
        let names = rows.iter().filter_map(|row| row[level].as_str());
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        assert_eq!(names, subject.seen(READ, &all), "{subject:?} {level}");
        let is_everywhere = subject.has_everywhere(Action::ReadTables);
        assert!(is_everywhere || rows.len() == names.len(), "{subject:?}: a row without {level}");
    }
    let reply = world.request_as(&cookie, "GET", "/api/v1/kpis?level=plant", None).await;
    let expected = if subject.has_everywhere(Action::ReadTables) { 200 } else { 403 };
    assert_eq!(reply.status, expected, "{subject:?}");
}

#[tokio::test]
async fn kpis_are_those_of_the_scopes() {
    let subjects: Vec<Subject> = plant::singles().into_iter().chain(plant::pairs()).collect();
    let world = plant::world(&subjects);
    for subject in &subjects {
        check_kpis(&world, subject).await;
    }
}

/// Names of the sensors of these units.
fn sensors(units: &BTreeSet<String>) -> BTreeSet<String> {
    units.iter().map(|unit| plant::sensor(unit)).collect()
}

async fn check_sensors(world: &World, subject: &Subject) {
    let cookie = world.cookie(&subject.name);
    let live = sensors(&subject.seen(LIVE, &plant::units()));
    let now = world.request_as(&cookie, "GET", "/api/v1/temperatures/now", None).await.json();
    let names = now["sensors"].as_array().unwrap().iter().map(|it| it["sensor"].as_str().unwrap());
    assert_eq!(names.map(str::to_owned).collect::<BTreeSet<_>>(), live, "{subject:?}");
    assert_eq!(now["hottest"].as_array().unwrap().len(), live.len(), "{subject:?}");
    for unit in plant::units() {
        let path = format!("/api/v1/temperatures?sensor={}", plant::sensor(&unit.name));
        let status = world.request_as(&cookie, "GET", &path, None).await.status.as_u16();
        let expected = if subject.sees(READ, &unit) { 200 } else { 403 };
        assert_eq!(status, expected, "{subject:?} {path}");
    }
    assert_eq!(streamed(world, &cookie).await, live, "{subject:?}");
}

/// The sensors of the live stream.
async fn streamed(world: &World, cookie: &str) -> BTreeSet<String> {
    let request = made("GET", "/api/v1/live?topics=temps", &[("cookie", cookie)], None);
    let response = world.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    while !text.contains("event: snap") {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    let dict = text.split("event: dict\ndata: ").nth(1).unwrap().lines().next().unwrap();
    let dict: Value = serde_json::from_str(dict).unwrap();
    let sensors = dict["s"].as_array().unwrap();
    sensors.iter().map(|sensor| sensor[0].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn sensors_are_those_of_the_scopes() {
    let subjects = plant::singles();
    let world = plant::world(&subjects);
    for subject in &subjects {
        check_sensors(&world, subject).await;
    }
}

/// The rule that the tests compare with sees what the words of the scopes mean.
#[test]
fn the_expected_rows_are_as_intended() {
    let names = |scope: &str| -> BTreeSet<String> {
        let subjects = plant::singles();
        let at = plant::scopes().iter().position(|it| it == scope).unwrap();
        subjects[at].seen(READ, &plant::units())
    };
    let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names("area:SMT"), set(&["printer", "oven", "mounter"]));
    assert_eq!(names("line:SMT/S1"), set(&["printer", "oven"]));
    assert_eq!(names("area:gone"), set(&[]));
    assert_eq!(names("plant").len(), plant::units().len());
    let nowhere: Vec<Object> = plant::whole();
    assert_eq!(nowhere[0].name, NOWHERE);
    assert!(!plant::singles()[1].sees(READ, &nowhere[0]), "a viewer of one area");
}
