use super::world::{World, made};
use access::{Identity, Role};
use futures::StreamExt as _;
use plant::reading::{Reading, Registry, SensorId};
use std::time::Duration;
use tower::ServiceExt as _;

/// A reading of a sensor on each area.
pub fn record_readings(world: &World) {
    let id = |lane: &str, component: &str| SensorId {
        plant: "Plant1".into(),
        lane: lane.into(),
        component: component.into(),
        manufacturer: "m".into(),
    };
    let registry: Registry = world.live.registry();
    let mut sensors = registry.write().unwrap();
    let numbers = [id("1", "printer"), id("10", "wave")].map(|id| sensors.register(id));
    drop(sensors);
    let at_us = world.now_us();
    let readings = numbers.map(|sensor| Reading { sensor, at_us, temp_c: 21.5 });
    world.live.take(&readings, at_us);
}

async fn first_events(world: &World, cookie: &str) -> (axum::body::BodyDataStream, String) {
    let request = made("GET", "/api/v1/live", &[("cookie", cookie)], None);
    let response = world.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    while !text.contains("event: snap") {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    (stream, text)
}

/// Whether a stream ends by itself within the time a revocation may take.
async fn ends(mut stream: axum::body::BodyDataStream) -> bool {
    let end = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), end).await.is_ok()
}

#[tokio::test]
async fn a_stream_has_only_sensors_of_the_scope() {
    let world = World::new();
    world.add("smt", &[(Role::Viewer, "line:SMT/1")]);
    record_readings(&world);
    let (_stream, text) = first_events(&world, &world.cookie("smt")).await;
    assert!(text.contains("Plant1.1.printer.m") && !text.contains("wave"), "{text}");
    let (_stream, text) = first_events(&world, &world.cookie("viewer")).await;
    assert!(text.contains("Plant1.1.printer.m") && text.contains("Plant1.10.wave.m"), "{text}");
}

#[tokio::test]
async fn a_revocation_ends_open_streams() {
    let world = World::new();
    let terminal = Identity::terminal("test");
    let cookie = world.cookie("viewer");
    let (stream, _) = first_events(&world, &cookie).await;
    world.access.disable_user(&terminal, "viewer", world.now_us()).unwrap();
    assert!(ends(stream).await, "the user was disabled");
    let again = made("GET", "/api/v1/live", &[("cookie", &cookie)], None);
    assert_eq!(world.router().oneshot(again).await.unwrap().status(), 401);
    let (stream, _) = first_events(&world, &world.cookie("operator")).await;
    world.access.set_roles(&terminal, "operator", &[], world.now_us()).unwrap();
    assert!(ends(stream).await, "the role was removed");
    let (stream, _) = first_events(&world, &world.cookie("engineer")).await;
    world.advance(25 * 3_600);
    assert!(ends(stream).await, "the session has expired");
}
