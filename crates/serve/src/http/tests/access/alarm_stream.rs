//! Alarm events in the live stream: each one once, in order, none lost.

use super::super::lake::Lake;
use super::world::{World, equipment, made};
use crate::http::AccessMode;
use access::{Identity, Role};
use axum::body::BodyDataStream;
use futures::StreamExt as _;
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt as _;

/// An event of a stream.
#[derive(Debug, Clone)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Event {
    fn number(&self) -> i64 {
        self.data["n"].as_i64().unwrap()
    }
}

/// A viewer that parses events as they arrive.
struct Reader {
    stream: BodyDataStream,
    text: String,
}

impl Reader {
    async fn open(world: &World, cookie: &str, query: &str, last_id: Option<&str>) -> Self {
        let mut headers = vec![("cookie", cookie)];
        headers.extend(last_id.map(|id| ("last-event-id", id)));
        let request = made("GET", &format!("/api/v1/live?{query}"), &headers, None);
        let response = world.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { stream: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        while !self.text.contains("\n\n") {
            let bytes = tokio::time::timeout(Duration::from_secs(20), self.stream.next());
            self.text.push_str(std::str::from_utf8(&bytes.await.unwrap()?.unwrap()).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        let data = serde_json::from_str(&field("data: ")).unwrap();
        let event = Event { name: field("event: "), id: field("id: "), data };
        self.text = rest.to_owned();
        Some(event)
    }

    /// The next events of this name.
    async fn events(&mut self, name: &str, count: usize) -> Vec<Event> {
        let mut found = Vec::new();
        while found.len() < count {
            let event = self.next().await.unwrap();
            found.extend(Some(event).filter(|event| event.name == name));
        }
        found
    }

    async fn numbers(&mut self, count: usize) -> Vec<i64> {
        self.events("alarm", count).await.iter().map(Event::number).collect()
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("c{number}")).collect()
}

/// Raises an alarm of this number of components of a lane.
async fn raise(world: &World, lane: &str, count: usize) {
    let names = names(count);
    let sensors: Vec<_> = names.iter().map(|name| (lane, name.as_str())).collect();
    let before = world.alarms.newest();
    world.read(&sensors, 60.0);
    world.wait_for(before + i64::try_from(count).unwrap()).await;
}

#[tokio::test]
async fn a_thousand_alarms_reach_every_viewer_once_and_in_order() {
    let world = World::new();
    let cookie = world.cookie("viewer");
    let mut one = Reader::open(&world, &cookie, "topics=temps,alarms", None).await;
    let mut other = Reader::open(&world, &cookie, "topics=alarms", None).await;
    let (_, found, others) =
        tokio::join!(raise(&world, "1", 1_000), one.numbers(1_000), other.numbers(1_000));
    let expected: Vec<i64> = (1..=1_000).collect();
    assert!(found == expected && others == expected);
}

#[tokio::test]
async fn a_viewer_resumes_after_every_event() {
    let world = World::new();
    let cookie = world.cookie("viewer");
    let mut first = Reader::open(&world, &cookie, "topics=temps,alarms", None).await;
    let hello = first.next().await.unwrap();
    raise(&world, "1", 20).await;
    let events = first.events("alarm", 20).await;
    let all: Vec<i64> = events.iter().map(Event::number).collect();
    assert_eq!(all, (1..=20).collect::<Vec<_>>());
    for event in std::iter::once(&hello).chain(&events) {
        let mut again = Reader::open(&world, &cookie, "topics=temps,alarms", Some(&event.id)).await;
        let after = event.data["n"].as_i64().unwrap();
        let rest = again.numbers(20 - usize::try_from(after).unwrap()).await;
        assert_eq!(rest, (after + 1..=20).collect::<Vec<_>>(), "after {}", event.id);
        raise_nothing(&mut again).await;
    }
    for after in 0..=20 {
        let query = format!("topics=alarms&after={after}");
        let mut again = Reader::open(&world, &cookie, &query, None).await;
        let rest = again.numbers(20 - usize::try_from(after).unwrap()).await;
        assert_eq!(rest, (after + 1..=20).collect::<Vec<_>>(), "after {after}");
    }
}

/// Checks that no further alarm event is in what has been received.
async fn raise_nothing(reader: &mut Reader) {
    while reader.text.contains("\n\n") {
        assert_ne!(reader.next().await.unwrap().name, "alarm");
    }
}

#[tokio::test]
async fn the_id_of_a_frame_of_temperatures_resumes_alarms_too() {
    let world = World::new();
    super::streams::record_readings(&world);
    let cookie = world.cookie("viewer");
    raise(&world, "1", 3).await;
    let mut first = Reader::open(&world, &cookie, "topics=temps,alarms&after=1", None).await;
    assert_eq!(first.numbers(2).await, [2, 3]);
    let mut again = Reader::open(&world, &cookie, "topics=temps,alarms&after=1", None).await;
    let snap = again.events("snap", 1).await.remove(0);
    let position: i64 = snap.id.split_once('~').unwrap().1.parse().unwrap();
    let mut resumed = Reader::open(&world, &cookie, "topics=temps,alarms", Some(&snap.id)).await;
    let rest = resumed.numbers(usize::try_from(3 - position).unwrap()).await;
    assert_eq!(rest, (position + 1..=3).collect::<Vec<_>>());
    let values = Reader::open(&world, &cookie, "topics=temps,alarms", Some(&snap.id)).await;
    let mut values = values;
    assert_eq!(values.events("t", 1).await.len(), 1, "changes, and no snapshot");
    let mut without = Reader::open(&world, &cookie, "topics=temps", Some(&snap.id)).await;
    let frame = without.events("t", 1).await.remove(0);
    assert!(!frame.id.contains('~'), "{}", frame.id);
}

#[tokio::test]
async fn a_slow_viewer_misses_nothing_while_the_ring_has_it() {
    let world = World::new();
    let cookie = world.cookie("viewer");
    let mut slow = Reader::open(&world, &cookie, "topics=alarms", None).await;
    assert_eq!(slow.next().await.unwrap().name, "hello");
    for _ in 0..10 {
        raise(&world, "1", 50).await;
        world.read_all_cool(50).await;
        world.advance(1);
    }
    let newest = world.alarms.newest();
    let expected: Vec<i64> = (1..=newest).collect();
    assert_eq!(slow.numbers(expected.len()).await, expected);
}

impl World {
    /// Lets the alarms of these components return.
    async fn read_all_cool(&self, count: usize) {
        self.advance(1);
        let names = names(count);
        let sensors: Vec<_> = names.iter().map(|name| ("1", name.as_str())).collect();
        let before = self.alarms.newest();
        self.read(&sensors, 20.0);
        self.wait_for(before + i64::try_from(count).unwrap()).await;
    }
}

#[tokio::test]
async fn a_cursor_that_is_too_old_or_of_another_journal_is_reset() {
    let mut lake = Lake::new();
    lake.equipment = equipment();
    let world = World::with_ring(AccessMode::Demo, lake, 5);
    raise(&world, "1", 20).await;
    for after in [0, 14, 99] {
        let query = format!("topics=alarms&after={after}");
        let mut reader = Reader::open(&world, "", &query, None).await;
        let reset = reader.events("alarm_reset", 1).await.remove(0);
        let newest = world.alarms.newest();
        let mut again = Reader::open(&world, "", "topics=alarms", Some(&reset.id)).await;
        raise(&world, "10", 1).await;
        assert_eq!(reader.numbers(1).await, [newest + 1], "after {after}");
        assert_eq!(again.numbers(1).await, [newest + 1], "after {after}");
        world.advance(1);
        world.read(&[("10", "c0")], 20.0);
        world.wait_for(newest + 2).await;
        world.advance(1);
    }
}

#[tokio::test]
async fn a_viewer_sees_the_alarms_of_its_scope_and_a_revocation_ends_the_stream() {
    let world = World::new();
    world.add("tht", &[(Role::Operator, "area:THT")]);
    let cookie = world.cookie("tht");
    let mut reader = Reader::open(&world, &cookie, "topics=alarms&language=hi", None).await;
    raise(&world, "1", 5).await;
    raise(&world, "10", 2).await;
    let events = reader.events("alarm", 2).await;
    for event in &events {
        assert_eq!(event.data["alarm"]["place"]["area"], "THT");
        assert_eq!(event.data["alarm"]["text"], "hi hot");
        let may = serde_json::json!(["acknowledge", "comment", "assign"]);
        assert_eq!(event.data["alarm"]["may"], may);
    }
    let viewer = [access::Assignment::new(Role::Viewer, "area:THT".parse().unwrap())];
    let by = Identity::terminal("test");
    world.access.set_roles(&by, "tht", &viewer, world.now_us()).unwrap();
    let end = async { while reader.next().await.is_some() {} };
    let ended = tokio::time::timeout(Duration::from_secs(5), end).await;
    assert!(ended.is_ok(), "the right to acknowledge was removed");
}
