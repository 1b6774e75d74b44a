//! Temperatures over HTTP: the stream, current values, and history.

use super::lake::{Lake, batch};
use super::{TestClient, live, now, request};
use crate::Limits;
use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use axum::body::{Body, BodyDataStream};
use axum::http::Method;
use futures::StreamExt as _;
use live::{Link, LinkState, Live, LiveLimits, PartitionLag};
use plant::reading::{Reading, Registry, SensorId};
use plant::time::{HOUR_US, MINUTE_US, SECOND_US};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::ServiceExt as _;

const SENSOR: &str = "Plant1.4.solder_paste_printer.manufact2";

fn id(plant: &str, lane: &str, component: &str) -> SensorId {
    let [plant, lane, component] = [plant, lane, component].map(str::to_owned);
    SensorId { plant, lane, component, manufacturer: "manufact2".into() }
}

/// A registry of these sensors, and a [`Live`] over it.
fn live_with_sensors(ids: &[SensorId]) -> (Registry, Live) {
    let registry = Registry::default();
    for id in ids {
        registry.write().unwrap().register(id.clone());
    }
    let limits = LiveLimits {
        limit_c: 50.0,
        silent_us: MINUTE_US,
        viewers: 3,
        streams: 2,
        frames_per_s: 20_000,
    };
    (registry.clone(), Live::new(registry, limits, "boot".into()))
}

fn reading(registry: &Registry, id: &SensorId, at_us: i64, temp_c: f64) -> Reading {
    let sensor = registry.read().unwrap().number(id).unwrap();
    Reading { sensor, at_us, temp_c }
}

fn client(live: &Live) -> TestClient {
    TestClient::with_live(Lake::of(Vec::new()), live.clone(), Limits::default(), &[])
}

#[tokio::test]
async fn current_values_and_statistics_are_returned() {
    let ids = [
        id("Plant1", "4", "solder_paste_printer"),
        id("Plant1", "10", "solder_paste_printer"),
        id("Plant2", "4", "label_printer"),
    ];
    let (registry, live) = live_with_sensors(&ids);
    let at_us = now().timestamp_micros();
    let ago = |id: &SensorId, minutes: i64, temp_c: f64| {
        reading(&registry, id, at_us - minutes * MINUTE_US, temp_c)
    };
    live.take(
        &[
            ago(&ids[0], 20, 80.0),
            ago(&ids[0], 10, 70.0),
            ago(&ids[0], 0, 48.5),
            ago(&ids[1], 9, 50.01),
            ago(&ids[2], 0, 40.0),
            ago(&ids[2], 29, 50.0),
        ],
        at_us,
    );
    live.count_rejected(at_us, 4);
    let lags = vec![PartitionLag { topic: "t".into(), partition: 0, lag_messages: 7 }];
    live.set_link(LinkState { link: Link::Connected, reason: None, lags });
    let client = client(&live);
    let answer = client.get("/api/v1/temperatures/now").await.json();
    assert_eq!(
        answer["over_limit"],
        json!([
            {"component": "label_printer", "sensors": 1, "over_limit": 0},
            {"component": "solder_paste_printer", "sensors": 2, "over_limit": 1},
        ])
    );
    let lanes: Vec<_> =
        answer["hottest"].as_array().unwrap().iter().map(|it| &it["lane"]).collect();
    assert_eq!(lanes, ["4", "10", "4"]);
    let hottest = &answer["hottest"][0];
    assert_eq!((&hottest["temp_c_max"], &hottest["readings"]), (&json!(80.0), &json!(3)));
    assert_eq!((&hottest["temp_c"], &hottest["over_limit"]), (&json!(48.5), &json!(0)));
    assert_eq!(answer["hottest"][1]["silent"], 1);
    assert_eq!(answer["sensors"][1]["state"], "silent");
    assert_eq!((&answer["sensors"][1]["age_s"], &answer["limit_c"]), (&json!(540.0), &json!(50.0)));
    assert_eq!((&answer["at"], &answer["rejected"]), (&json!("2023-01-10T00:00:00Z"), &json!(4)));
    assert_eq!(answer["over_limit_from"], "2023-01-09T23:50:01Z");
    assert_eq!(answer["link"], json!({"state": "connected", "reason": null, "lag_messages": 7}));
    let some = "/api/v1/temperatures/now?plant=Plant2&limit_c=39.5&sensors=false";
    let answer = client.get(some).await.json();
    assert_eq!(
        answer["over_limit"],
        json!([{"component": "label_printer", "sensors": 1, "over_limit": 1}])
    );
    assert_eq!((answer["hottest"].as_array().unwrap().len(), &answer["sensors"]), (1, &json!([])));
    let one = format!("/api/v1/temperatures/now?sensor={SENSOR}");
    let answer = client.get(&one).await.json();
    let sensors = answer["sensors"].as_array().unwrap();
    assert_eq!((sensors.len(), &sensors[0]["sensor"]), (1, &json!(SENSOR)));
    assert_eq!(answer["hottest"][0]["sensors"], 1);
    let metrics = client.get("/metrics").await;
    for line in [
        "cockpit_live_readings_total 6",
        "cockpit_live_sensors 3",
        "cockpit_live_lag_messages{topic=\"t\",partition=\"0\"} 7",
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line}\n{}", metrics.text());
    }
}

#[tokio::test]
async fn an_empty_state_is_not_an_error() {
    let answer = client(&live()).get("/api/v1/temperatures/now").await.json();
    assert_eq!((&answer["at"], &answer["sensors"]), (&Value::Null, &json!([])));
    assert_eq!(answer["link"]["state"], "none");
}

#[tokio::test]
async fn invalid_parameters_are_refused() {
    let client = client(&live());
    for (path, code) in [
        ("/api/v1/temperatures/now?limit_c=warm", "bad_value"),
        ("/api/v1/temperatures/now?limit_c=inf", "bad_value"),
        ("/api/v1/temperatures/now?sensors=no", "bad_value"),
        ("/api/v1/temperatures/now?lane=4", "unknown_parameter"),
        ("/api/v1/live?topics=alarm", "unknown_topic"),
        ("/api/v1/live?hz=26", "bad_value"),
        ("/api/v1/live?hz=-1", "bad_value"),
        ("/api/v1/temperatures", "bad_parameter"),
        ("/api/v1/temperatures?sensor=x&points=0", "bad_value"),
        ("/api/v1/temperatures?sensor=x&points=5001", "bad_value"),
        ("/api/v1/temperatures?sensor=x&from=yesterday", "bad_value"),
        ("/api/v1/temperatures?sensor=x&from=2023-01-11T00:00:00Z", "bad_value"),
        (
            "/api/v1/temperatures?sensor=x&to=0001-01-01T00:00:00Z&from=9999-01-01T00:00:00Z",
            "bad_value",
        ),
    ] {
        assert_eq!(client.get(path).await.refusal(), (400, code.into()), "{path}");
    }
}

/// The events that a viewer receives, in order.
struct Events(BodyDataStream);

impl Events {
    async fn open(client: &TestClient, path: &str, headers: &[(&str, &str)]) -> Self {
        let open = request(Method::GET, path, headers, Body::empty());
        let response = client.router().oneshot(open).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self(response.into_body().into_data_stream())
    }

    /// The list of sensors, the values and the heartbeat with which a stream begins.
    async fn opening(&mut self) -> String {
        [self.next().await, self.next().await, self.next().await].concat()
    }

    async fn next(&mut self) -> String {
        String::from_utf8(self.0.next().await.unwrap().unwrap().to_vec()).unwrap()
    }
}

#[tokio::test]
async fn the_stream_follows_the_protocol() {
    let id = id("Plant1", "4", "solder_paste_printer");
    let (registry, live) = live_with_sensors(std::slice::from_ref(&id));
    let at_us = now().timestamp_micros();
    live.take(&[reading(&registry, &id, at_us, 82.41)], at_us);
    let client = client(&live);
    let stop = tokio_util::sync::CancellationToken::new();
    let watching = async {
        let path = "/api/v1/live?topics=temps:Plant1&hz=0";
        let mut events = Events::open(&client, path, &[]).await;
        let hello = events.next().await;
        assert!(hello.starts_with("retry: ") && hello.contains("\nevent: hello\n"), "{hello}");
        assert!(hello.contains("\"boot\":\"boot\"") && hello.contains("\"zone\":\"Asia/Kolkata\""));
        let opening = events.opening().await;
        let expected = "event: dict\ndata: {\"d\":1,\"s\":[[\"Plant1.4.solder_paste_printer.manufact2\",\"\u{b0}C\",100.0,[50.0]]]}\n\n\
            event: snap\nid: boot-1\ndata: {\"t\":1673308800000,\"d\":1,\"v\":[8241],\"q\":[]}\n\n\
            event: hb\n";
        assert!(opening.starts_with(expected), "{opening}");
        live.take(&[reading(&registry, &id, at_us + 1, 83.0)], at_us);
        let changed = events.next().await;
        assert_eq!(
            changed,
            "event: t\nid: boot-2\ndata: {\"t\":1673308800000,\"i\":[0],\"v\":[8300]}\n\n"
        );
        drop(events);
        let mut again = Events::open(&client, path, &[("last-event-id", "boot-1")]).await;
        again.next().await;
        assert!(again.opening().await.contains("event: t\nid: boot-2\n"));
        let _second = Events::open(&client, "/api/v1/live", &[]).await;
        assert_eq!(client.get("/api/v1/live?hz=7").await.refusal(), (429, "busy".into()));
        stop.cancel();
        while again.0.next().await.is_some() {}
        assert_eq!(client.get("/api/v1/live").await.refusal(), (503, "stopping".into()));
    };
    tokio::join!(live.push(Arc::new(move || at_us), stop.clone()), watching);
}

/// Four hours of a reading every seven seconds, up to now.
fn four_hours() -> Vec<(i64, f64)> {
    let now_us = now().timestamp_micros();
    let steps = 4 * 3_600 / 7;
    let one =
        |step: i64| (now_us - step * 7 * SECOND_US, (4_000 + step * 37 % 2_000) as f64 / 100.0);
    (0..steps).rev().map(one).collect()
}

fn times(of: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(of).with_timezone("UTC"))
}

fn raw(readings: &[(i64, f64)]) -> RecordBatch {
    batch(vec![
        ("sensor", Arc::new(StringArray::from(vec![SENSOR; readings.len()]))),
        ("at", times(readings.iter().map(|it| it.0))),
        ("temp_c", Arc::new(readings.iter().map(|it| Some(it.1)).collect::<Float64Array>())),
    ])
}

fn grouped(readings: &[(i64, f64)], width_us: i64) -> BTreeMap<i64, Vec<f64>> {
    let mut groups = BTreeMap::<i64, Vec<f64>>::new();
    for (at_us, temp_c) in readings {
        groups.entry(at_us.div_euclid(width_us) * width_us).or_default().push(*temp_c);
    }
    groups
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn rolled_up(readings: &[(i64, f64)], at: &str, width_us: i64) -> RecordBatch {
    let groups = grouped(readings, width_us);
    let column = |value: fn(&[f64]) -> f64| -> ArrayRef {
        Arc::new(groups.values().map(|group| Some(value(group))).collect::<Float64Array>())
    };
    let counts = groups.values().map(|group| group.len() as i64).collect::<Vec<_>>();
    batch(vec![
        ("sensor", Arc::new(StringArray::from(vec![SENSOR; groups.len()]))),
        (at, times(groups.keys().copied())),
        ("readings", Arc::new(Int64Array::from(counts))),
        ("temp_c_sum", column(|group| group.iter().sum())),
        ("temp_c_min", column(lowest)),
        ("temp_c_max", column(highest)),
    ])
}

/// A lake that is behind memory, and memory with the last half hour.
fn with_history() -> TestClient {
    with_history_of(usize::MAX)
}

/// The same, with only the last `kept` readings in silver.
fn with_history_of(kept: usize) -> TestClient {
    let readings = four_hours();
    let id = id("Plant1", "4", "solder_paste_printer");
    let (registry, live) = live_with_sensors(std::slice::from_ref(&id));
    let all: Vec<_> = readings.iter().map(|it| reading(&registry, &id, it.0, it.1)).collect();
    live.restore(&all, now().timestamp_micros());
    let landed = &readings[..readings.len() - 20];
    let lake = Lake::of(vec![
        ("silver", "temperature", raw(&landed[landed.len().saturating_sub(kept)..])),
        ("gold", "temperature_minute", rolled_up(landed, "minute_at", MINUTE_US)),
        ("gold", "temperature_hour", rolled_up(landed, "hour_at", HOUR_US)),
    ]);
    TestClient::with_live(lake, live, Limits::default(), &[])
}

async fn check_history(client: &TestClient, minutes: (i64, i64), points: i64, sources: &[&str]) {
    let ago = |minutes: i64| (now() - chrono::TimeDelta::minutes(minutes)).to_rfc3339();
    let query = format!(
        "sensor={SENSOR}&from={}&to={}&points={points}",
        ago(minutes.0).replace('+', "%2B"),
        ago(minutes.1).replace('+', "%2B")
    );
    let answer = client.get(&format!("/api/v1/temperatures?{query}")).await.json();
    assert_eq!(answer["sources"], json!(sources), "{query}");
    let us = |field: &str| {
        let at: chrono::DateTime<chrono::Utc> = answer[field].as_str().unwrap().parse().unwrap();
        at.timestamp_micros()
    };
    let (from_us, to_us) = (us("from"), us("to"));
    let width_us = answer["bucket_s"].as_i64().unwrap() * SECOND_US;
    assert!((to_us - from_us) / width_us <= points + 2, "{query}");
    let within = four_hours().into_iter().filter(|it| (from_us..to_us).contains(&it.0));
    let expected = grouped(&within.collect::<Vec<_>>(), width_us);
    let found = answer["points"].as_array().unwrap();
    assert_eq!(found.len(), expected.len(), "{query}");
    for (point, (_, values)) in found.iter().zip(&expected) {
        assert_eq!(point["readings"].as_u64().unwrap() as usize, values.len(), "{query} {point}");
        assert_eq!(point["temp_c_max"], json!(highest(values)), "{query} {point}");
        assert_eq!(point["temp_c_min"], json!(lowest(values)), "{query} {point}");
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((point["temp_c_mean"].as_f64().unwrap() - mean).abs() < 1e-9, "{query} {point}");
    }
}

/// Every reading counts once, for any table and any begin of memory.
#[tokio::test]
async fn history_contains_every_reading_once() {
    let client = with_history();
    check_history(&client, (10, 0), 600, &["memory"]).await;
    check_history(&client, (60, 0), 600, &["silver.temperature", "memory"]).await;
    check_history(&client, (61, 40), 100, &["silver.temperature"]).await;
    check_history(&client, (60, 13), 7, &["gold.temperature_minute", "memory"]).await;
    check_history(&client, (170, 50), 30, &["gold.temperature_minute"]).await;
    let hours = ["gold.temperature_hour", "gold.temperature_minute", "memory"];
    check_history(&client, (230, 0), 3, &hours).await;
    check_history(
        &client,
        (230, 100),
        1,
        &["gold.temperature_hour", "gold.temperature_minute", "memory"],
    )
    .await;
}

/// If the readings have expired, the minutes are used at their resolution.
#[tokio::test]
async fn expired_readings_are_replaced_by_minutes() {
    let client = with_history_of(1_000);
    check_history(&client, (61, 40), 100, &["silver.temperature"]).await;
    check_history(&client, (230, 200), 600, &["gold.temperature_minute"]).await;
}

#[tokio::test]
async fn an_unknown_sensor_has_no_history() {
    let answer = with_history().get("/api/v1/temperatures?sensor=it's").await.json();
    assert_eq!(
        (&answer["points"], &answer["sources"]),
        (&json!([]), &json!(["silver.temperature"]))
    );
    let bare = client(&live()).get("/api/v1/temperatures?sensor=x").await.json();
    assert_eq!((&bare["points"], &bare["sources"]), (&json!([]), &json!([])));
}
