//! Pulls from a real server, one way of its interface per path.

use super::*;
use crate::decode::testing::contract;
use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use chrono::DateTime;
use plant::contract::{Format, Kind};
use plant::http_source::{HttpAuth, PageSize};
use std::collections::HashMap;
use std::sync::Mutex;
use tokio::task::JoinSet;

const RECORDS: u64 = 7;
const PAGE: u64 = 3;

/// A server, and the requests that it received.
struct World {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

type Log = Arc<Mutex<Vec<String>>>;

async fn world() -> World {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Log::default();
    let router = Router::new().fallback(answer).with_state(requests.clone());
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    World { url, requests, _serving: serving }
}

/// The records `from..to` as JSON, within the source.
fn records(from: u64, to: u64) -> String {
    let rows: Vec<String> = (from.min(RECORDS)..to.min(RECORDS))
        .map(|id| format!(r#"{{"id":{id},"at":"2026-01-0{}T00:00:00Z"}}"#, id + 1))
        .collect();
    format!("[{}]", rows.join(","))
}

fn respond(status: u16, headers: &[(&str, &str)], body: String) -> Response<AxumBody> {
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(AxumBody::from(body)).unwrap()
}

async fn answer(State(log): State<Log>, request: Request) -> Response<AxumBody> {
    let uri = request.uri().clone();
    let earlier = {
        let mut log = log.lock().unwrap();
        log.push(uri.to_string());
        log.iter().filter(|it| it.split('?').next() == Some(uri.path())).count() as u64
    };
    let query: HashMap<String, String> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let number = |name: &str| query.get(name).and_then(|it| it.parse::<u64>().ok());
    if let Some(response) = paged(uri.path(), number, request.headers()) {
        return response;
    }
    odd(uri.path(), earlier, request.headers(), &query)
}

/// Ways of pages.
fn paged(
    path: &str,
    number: impl Fn(&str) -> Option<u64>,
    headers: &HeaderMap,
) -> Option<Response<AxumBody>> {
    let ok = |body: String| Some(respond(200, &[("content-type", "application/json")], body));
    let after = number("after").unwrap_or(0);
    let more = after + PAGE < RECORDS;
    match path {
        "/number" => {
            let page = number("page")? - 1;
            ok(records(page * PAGE, page * PAGE + number("limit")?.min(PAGE)))
        }
        "/offset" => ok(records(number("skip")?, number("skip")? + PAGE)),
        "/cursor" => {
            let next = if more { format!("\"{}\"", after + PAGE) } else { "null".to_owned() };
            let rows = records(after, after + PAGE);
            ok(format!(r#"{{"value":{rows},"meta":{{"next":{next}}}}}"#))
        }
        "/link" => {
            let rows = records(after, after + PAGE);
            let link = format!("<?after={}>; rel=\"next\"", after + PAGE);
            let headers = if more { vec![("link", link.as_str())] } else { Vec::new() };
            Some(respond(200, &headers, rows))
        }
        "/odata" => {
            let rows = records(after, after + PAGE);
            let host = headers.get("host")?.to_str().ok()?;
            let link =
                format!(r#""@odata.nextLink":"http://{host}/odata?after={}","#, after + PAGE);
            let link = if more { link } else { String::new() };
            ok(format!(r#"{{{link}"value":{rows}}}"#))
        }
        _ => None,
    }
}

/// What can go wrong, and ways to authenticate.
fn odd(
    path: &str,
    attempt: u64,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
) -> Response<AxumBody> {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let ok = || respond(200, &[], records(0, RECORDS));
    let only = |is_allowed: bool| if is_allowed { ok() } else { respond(401, &[], "who?".into()) };
    match path {
        "/basic" => only(header("authorization") == "Basic YTpzM2NyZXQ="),
        "/bearer" => only(header("authorization") == "Bearer s3cret"),
        "/key" => only(header("x-key") == "s3cret"),
        "/parameter" => only(query.get("k").is_some_and(|it| it == "s3cret")),
        "/token" => {
            let token = format!(r#"{{"access_token":"t{attempt}","expires_in":3600}}"#);
            match header("authorization") {
                "Basic YTpzM2NyZXQ=" => respond(200, &[], token),
                _ => respond(400, &[], r#"{"error":"invalid_client"}"#.into()),
            }
        }
        // The first token is revoked.
        "/oauth" => only(header("authorization") == "Bearer t2"),
        "/html" => respond(200, &[("content-type", "text/html")], "<p>Log in</p>".into()),
        "/doctype" => respond(200, &[], "\n<!DOCTYPE html>".into()),
        "/busy" if attempt < 3 => respond(429, &[("retry-after", "0")], String::new()),
        "/busy" => ok(),
        "/down" => respond(503, &[], "restarting".into()),
        "/moved" => respond(301, &[("location", "https://evil.example/")], String::new()),
        "/same" => ok(),
        "/large" => respond(200, &[], "x".repeat(2_000)),
        "/etag" if header("if-none-match") == "\"v1\"" => respond(304, &[], String::new()),
        "/etag" => respond(200, &[("etag", "\"v1\"")], records(0, RECORDS)),
        "/since" => {
            let from: u64 =
                query.get("since").map_or(0, |at| at[9..10].parse::<u64>().unwrap() - 1);
            respond(200, &[], records(from, RECORDS))
        }
        _ => respond(404, &[], "no such thing".into()),
    }
}

fn clock() -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn source(world: &World, path: &str, pages: Pages) -> HttpSource {
    HttpSource {
        url: format!("{}{path}", world.url),
        query: Vec::new(),
        headers: Vec::new(),
        auth: HttpAuth::None,
        pages,
        increment: None,
        requests_per_s: Some(10_000),
    }
}

fn reader(source: HttpSource, format: Format, records: Option<&str>) -> HttpReader {
    let mut contract = contract(format, &["id", "at"]);
    contract.records = records.map(str::to_owned);
    contract.columns[1].kind = Kind::Time {
        formats: vec![plant::format::TimeFormat::parse("yyyy-MM-dd'T'HH:mm:ssXXX").unwrap()],
        zone: chrono_tz::Tz::UTC,
        local_parts: false,
    };
    let mut limits = Limits::default();
    limits.ingest.http_source_answer_bytes = 1_000;
    limits.ingest.http_source_retry_first_ms = 1;
    limits.ingest.http_source_pages = 10;
    let policy = OutgoingPolicy::new(vec!["127.0.0.0/8".parse().unwrap()]);
    HttpReader::new(Arc::new(contract), source, policy, Arc::new(limits), clock).unwrap()
}

/// A pull, and the records of each of its answers.
async fn pull(reader: &mut HttpReader, from: &Checkpoint) -> Result<(Pulled, Vec<u64>), Error> {
    let (out, mut answers) = tokio::sync::mpsc::channel(100);
    let pulled = reader.pull(from, &out).await?;
    drop(out);
    let mut records = Vec::new();
    while let Some(answer) = answers.recv().await {
        records.push(answer.records);
    }
    Ok((pulled, records))
}

async fn error_of(source: HttpSource) -> Error {
    let mut reader = reader(source, Format::JsonArray, None);
    pull(&mut reader, &Checkpoint::default()).await.unwrap_err()
}

#[tokio::test]
async fn every_way_of_pages_yields_all_records() {
    let world = world().await;
    let size = Some(PageSize { parameter: "limit".into(), records: 5 });
    let [page, skip, after] = ["page", "skip", "after"].map(str::to_owned);
    let cases = [
        ("/number", Pages::Number { parameter: page, first: 1, size }, None, 4),
        ("/offset", Pages::Offset { parameter: skip, size: None }, None, 4),
        (
            "/cursor",
            Pages::Cursor { parameter: after, path: "meta.next".into(), size: None },
            Some("value"),
            3,
        ),
        ("/link", Pages::LinkHeader { size: None }, None, 3),
        (
            "/odata",
            Pages::NextLink { path: "@odata.nextLink".into(), size: None },
            Some("value"),
            3,
        ),
    ];
    for (path, pages, within, requests) in cases {
        let mut reader = reader(source(&world, path, pages), Format::JsonArray, within);
        let (pulled, records) = pull(&mut reader, &Checkpoint::default()).await.unwrap();
        assert_eq!((pulled.records, pulled.pages), (RECORDS, requests), "{path}");
        assert_eq!(records, [3, 3, 1], "{path}");
        // The same answers once more are no news.
        let (again, _) = pull(&mut reader, &pulled.next).await.unwrap();
        assert!(again.is_unchanged && !pulled.is_unchanged, "{path}");
        assert_eq!(again.next, pulled.next);
    }
}

#[tokio::test]
async fn every_way_to_authenticate_is_accepted_and_shown_nowhere() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "s3cret\n").unwrap();
    let secret = format!("file:{}", path.display());
    let token_url = format!("{}/token", world.url);
    let auths = [
        ("/basic", HttpAuth::Basic { user: "a".into(), password: secret.clone() }),
        ("/bearer", HttpAuth::Bearer { token: secret.clone() }),
        ("/key", HttpAuth::KeyHeader { name: "X-Key".into(), key: secret.clone() }),
        ("/parameter", HttpAuth::KeyParameter { name: "k".into(), key: secret.clone() }),
        (
            "/oauth",
            HttpAuth::ClientCredentials {
                token_url,
                client_id: "a".into(),
                client_secret: secret.clone(),
                scope: Some("read".into()),
            },
        ),
    ];
    for (path, auth) in auths {
        let source = HttpSource { auth, ..source(&world, path, Pages::One) };
        let mut reader = reader(source.clone(), Format::JsonArray, None);
        let (pulled, _) = pull(&mut reader, &Checkpoint::default()).await.unwrap();
        assert_eq!(pulled.records, RECORDS, "{path}");
        std::fs::write(folder.path().join("secret"), "hunter2").unwrap();
        if path != "/oauth" {
            let error = error_of(source).await;
            assert!(matches!(error, Error::Auth(_)), "{path}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        std::fs::write(folder.path().join("secret"), "s3cret\n").unwrap();
    }
    let tokens = world.requests.lock().unwrap().iter().filter(|it| *it == "/token").count();
    assert_eq!(tokens, 2, "a token is requested once, and again when it is refused");
}

#[tokio::test]
async fn faults_of_a_source_are_named() {
    let world = world().await;
    let one = |path: &str| source(&world, path, Pages::One);
    let check = |error: Error, expected: &str| {
        let text = format!("{:#}", anyhow::Error::from(error));
        assert!(text.contains(expected), "{text} lacks {expected}");
    };
    check(error_of(one("/html")).await, "a page for people (HTML)");
    check(error_of(one("/doctype")).await, "a page for people (HTML)");
    check(error_of(one("/down")).await, "in 5 attempts: ");
    check(error_of(one("/moved")).await, "redirects are not followed");
    check(error_of(one("/large")).await, "larger than 1000 bytes");
    check(error_of(one("/missing")).await, "404 Not Found: no such thing");
    let page = || "page".to_owned();
    let repeating = Pages::Number { parameter: page(), first: 1, size: None };
    check(error_of(source(&world, "/same", repeating)).await, "would repeat for ever");
    let mut elsewhere = one("/x");
    elsewhere.url = "http://10.0.0.1/x".into();
    check(error_of(elsewhere).await, "private address");
    let mut closed = one("/x");
    closed.url = "http://127.0.0.1:1/x".into();
    assert!(matches!(error_of(closed).await, Error::Unreachable(_)));
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let world = world().await;
    let mut reader = reader(source(&world, "/busy", Pages::One), Format::JsonArray, None);
    let (pulled, _) = pull(&mut reader, &Checkpoint::default()).await.unwrap();
    assert_eq!((pulled.records, world.requests.lock().unwrap().len()), (RECORDS, 3));
}

#[tokio::test]
async fn an_answer_that_has_not_changed_is_not_sent_again() {
    let world = world().await;
    let mut reader = reader(source(&world, "/etag", Pages::One), Format::JsonArray, None);
    let (first, _) = pull(&mut reader, &Checkpoint::default()).await.unwrap();
    let (second, records) = pull(&mut reader, &first.next).await.unwrap();
    assert!(second.is_unchanged && second.pages == 0 && records.is_empty());
    assert_eq!(second.next, first.next);
}

#[tokio::test]
async fn an_increment_starts_at_the_watermark() {
    let world = world().await;
    let mut source = source(&world, "/since", Pages::One);
    source.increment = Some(HttpIncrement {
        column: "at".into(),
        parameter: "since".into(),
        value: "{watermark}".into(),
        first: None,
        clock_tolerance_s: 0,
    });
    let mut reader = reader(source, Format::JsonArray, None);
    let (first, records) = pull(&mut reader, &Checkpoint::default()).await.unwrap();
    assert_eq!((records, first.next.watermark.as_deref()), (vec![7], Some("2026-01-07T00:00:00Z")));
    // The source repeats the last record, once.
    let (second, records) = pull(&mut reader, &first.next).await.unwrap();
    assert_eq!((records, second.is_unchanged), (vec![1], false));
    let (third, records) = pull(&mut reader, &second.next).await.unwrap();
    assert!(records.is_empty() && third.is_unchanged && third.next == second.next);
    // A watermark that the source has left behind is kept.
    let later = Checkpoint { watermark: Some("2026-01-05T00:00:00Z".into()), ..second.next };
    let (fourth, _) = pull(&mut reader, &later).await.unwrap();
    assert_eq!(fourth.next.watermark.as_deref(), Some("2026-01-07T00:00:00Z"));
}

#[tokio::test]
async fn answers_are_kept_and_a_killed_pull_is_discarded() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let lake =
        config::location::open(folder.path().to_str().unwrap(), config::location::Purpose::Write);
    let kept = kept::KeptAnswers::new(&lake.unwrap());
    let mut reader = reader(source(&world, "/same", Pages::One), Format::JsonArray, None);
    let (out, mut answers) = tokio::sync::mpsc::channel(1);
    let pulled = reader.pull(&Checkpoint::default(), &out).await.unwrap();
    let answer = answers.recv().await.unwrap();
    let note = kept.keep("orders", 1, &answer, clock()).await.unwrap();
    assert_eq!((note.key.as_str(), note.records), ("orders/0000000001/000001", RECORDS));
    assert!(kept.pulls("orders").await.unwrap().is_empty());
    kept.discard("orders", 1).await.unwrap();
    let file = folder.path().join("_cockpit/answers").join(&note.key);
    assert!(!file.exists());
    let note = kept.keep("orders", 1, &answer, clock()).await.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), note.size_bytes);
    let record =
        kept::PullRecord { number: 1, started_at: clock(), answers: vec![note], next: pulled.next };
    kept.complete("orders", &record).await.unwrap();
    assert_eq!(kept.pulls("orders").await.unwrap(), [record.clone()]);
    assert!(kept.complete("orders", &record).await.is_err(), "another process completed it");
    kept.forget("orders", 1).await.unwrap();
    assert!(kept.pulls("orders").await.unwrap().is_empty() && file.exists());
}
