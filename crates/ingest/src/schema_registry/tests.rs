use super::*;
use crate::http::Clock;
use arrow::array::{BinaryArray, Int32Array, Int64Array};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use config::location::{self, Purpose};
use std::sync::atomic::{AtomicUsize, Ordering};

const UNIT: &str =
    r#"{"type":"record","name":"plant.Unit","fields":[{"name":"name","type":"string"}]}"#;

#[derive(Clone, Default)]
struct World {
    requests: Arc<AtomicUsize>,
    is_away: Arc<AtomicUsize>,
}

async fn by_id(State(world): State<World>, Path(id): Path<u32>) -> impl IntoResponse {
    world.requests.fetch_add(1, Ordering::SeqCst);
    if world.is_away.load(Ordering::SeqCst) > 0 {
        world.is_away.fetch_sub(1, Ordering::SeqCst);
        return (StatusCode::SERVICE_UNAVAILABLE, "starting".to_owned());
    }
    let answer = match id {
        1 => r#"{"schema":"\"string\""}"#.to_owned(),
        2 => r#"{"schemaType":"JSON","schema":"{}"}"#.to_owned(),
        3 => {
            let schema =
                r#"{"type":"record","name":"R","fields":[{"name":"unit","type":"plant.Unit"}]}"#;
            let references = r#"[{"name":"plant.Unit","subject":"plant/unit","version":2}]"#;
            format!("{{\"schema\":{},\"references\":{references}}}", serde_json::json!(schema))
        }
        4 => r#"{"schemaType":"THRIFT","schema":""}"#.to_owned(),
        5 => "<html>".to_owned(),
        6 => return (StatusCode::NOT_FOUND, "no such page".to_owned()),
        7 => return (StatusCode::UNAUTHORIZED, String::new()),
        _ => return (StatusCode::NOT_FOUND, r#"{"error_code":40403,"message":"no"}"#.to_owned()),
    };
    (StatusCode::OK, answer)
}

async fn by_version(Path((subject, version)): Path<(String, u32)>) -> impl IntoResponse {
    assert_eq!((subject.as_str(), version), ("plant/unit", 2));
    format!("{{\"schema\":{}}}", serde_json::json!(UNIT))
}

/// A registry over HTTP, and its client with a lake.
async fn registry(world: &World, lake: &std::path::Path, clock: Clock) -> SchemaRegistry {
    let routes = Router::new()
        .route("/schemas/ids/{id}", get(by_id))
        .route("/subjects/{subject}/versions/{version}", get(by_version))
        .with_state(world.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a server of a test")]
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let address = RegistryAddress {
        url: url.parse().unwrap(),
        user: None,
        password: None,
        token: None,
        ca_file: None,
    };
    let limits = RegistryLimits {
        schema_registry_retry_min_ms: 10,
        schema_registry_attempts: 3,
        schema_unknown_ids: 3,
        ..RegistryLimits::default()
    };
    let lake = location::open(lake.to_str().unwrap(), Purpose::Write).unwrap();
    SchemaRegistry::new(&address, &lake, limits, clock).unwrap()
}

fn messages(ids: &[u32]) -> Messages {
    let payloads = ids.iter().map(|id| [&[0], &id.to_be_bytes()[..], b"x"].concat());
    Messages {
        topic: "t".into(),
        partition: Int32Array::from(vec![0; ids.len()]),
        offset: Int64Array::from_iter_values(0..ids.len() as i64),
        timestamp_us: Int64Array::from(vec![0; ids.len()]),
        payload: BinaryArray::from_iter_values(payloads),
        key: Some(BinaryArray::from_opt_vec(vec![None; ids.len()])),
        headers: None,
    }
}

fn midnight() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn kinds(schemas: &Schemas) -> Vec<(u32, &'static str)> {
    let kind = |schema: &MessageSchema| match schema {
        MessageSchema::Json => "json",
        MessageSchema::Avro(_) => "avro",
        MessageSchema::Protobuf(_) => "protobuf",
        MessageSchema::Unusable(_) => "unusable",
    };
    schemas.iter().map(|(id, schema)| (*id, kind(schema))).collect()
}

#[tokio::test]
async fn a_schema_is_requested_once_and_kept() {
    let (world, lake) = (World::default(), tempfile::tempdir().unwrap());
    let client = registry(&world, lake.path(), midnight).await;
    let found = client.schemas(&messages(&[1, 3, 2, 1, 4, 99])).await.unwrap();
    assert_eq!(kinds(&found), [(1, "avro"), (2, "json"), (3, "avro"), (4, "unusable")]);
    let requests = world.requests.load(Ordering::SeqCst);
    assert_eq!(client.schemas(&messages(&[1, 99])).await.unwrap().len(), 1);
    assert_eq!(world.requests.load(Ordering::SeqCst), requests);
    // Another process asks the lake first.
    let other = registry(&world, lake.path(), midnight).await;
    assert_eq!(other.schemas(&messages(&[1, 3])).await.unwrap(), {
        let mut both = found.clone();
        both.retain(|id, _| [1, 3].contains(id));
        both
    });
    assert_eq!(world.requests.load(Ordering::SeqCst), requests);
}

#[tokio::test]
async fn an_unknown_schema_is_requested_again_after_a_while() {
    static NOW_S: AtomicUsize = AtomicUsize::new(0);
    let clock = || DateTime::UNIX_EPOCH + TimeDelta::seconds(NOW_S.load(Ordering::SeqCst) as i64);
    let (world, lake) = (World::default(), tempfile::tempdir().unwrap());
    let client = registry(&world, lake.path(), clock).await;
    let unknown = messages(&[90, 91, 92, 93, 94, 95]);
    assert!(client.schemas(&unknown).await.unwrap().is_empty());
    assert_eq!(world.requests.load(Ordering::SeqCst), 3, "further ones are not requested");
    assert!(client.schemas(&unknown).await.unwrap().is_empty());
    assert_eq!(world.requests.load(Ordering::SeqCst), 3);
    NOW_S.store(31, Ordering::SeqCst);
    assert!(client.schemas(&messages(&[90])).await.unwrap().is_empty());
    assert_eq!(world.requests.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_registry_that_is_away_is_an_error_and_no_unknown_schema() {
    let (world, lake) = (World::default(), tempfile::tempdir().unwrap());
    let client = registry(&world, lake.path(), midnight).await;
    world.is_away.store(2, Ordering::SeqCst);
    assert_eq!(client.schemas(&messages(&[1])).await.unwrap().len(), 1, "the third attempt");
    world.is_away.store(100, Ordering::SeqCst);
    let error = client.schemas(&messages(&[2])).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable(text) if text.contains("starting")), "{error}");
    world.is_away.store(0, Ordering::SeqCst);
    for (id, expected) in [(5, "<html>"), (6, "no such page"), (7, "schema_registry_user")] {
        let error = client.schemas(&messages(&[id])).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
