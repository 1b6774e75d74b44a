//! The cost of a check, and the live stream while passwords are checked.
//!
//! ```text
//! cargo xtask bench access
//! ```

use super::world::{PASSWORD, World, made};
use crate::Limits;
use crate::http::{AccessMode, Endpoint, serve};
use access::access::Whose;
use access::token::NewToken;
use access::{Action, Role, Scope, Settings};
use axum::body::to_bytes;
use plant::reading::{Reading, SensorId, SensorNumber};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// What a check may cost.
const CHECK_MAX: Duration = Duration::from_micros(200);
/// Requests of each kind.
const REQUESTS: usize = 500;
const REQUESTS_MEASURED: usize = 20_000;
/// A public route, so that the same handler runs with and without credentials.
const ROUTE: &str = "/api/v1/health";

/// Logins at once, and for how long the stream is measured with and without them.
const LOGINS: usize = 50;
const MEASURED: Duration = Duration::from_secs(15);
const READING_EVERY: Duration = Duration::from_millis(10);

type Headers = [(&'static str, String); 1];

/// The same request without credentials, with a session and with a token.
fn kinds(world: &World) -> [(&'static str, Headers); 3] {
    let cookie = world.cookie("engineer");
    let value = cookie.split_once('=').unwrap().1;
    let identity = world.access.authenticate_session(value, world.now_us()).unwrap();
    let new = NewToken {
        name: "speed".into(),
        actions: BTreeSet::from([Action::ReadTables]),
        scope: Scope::Plant,
        life_s: 3_600,
    };
    let token = world.access.create_token(&identity, &new, world.now_us()).unwrap();
    let bearer = format!("Bearer {}", token.secret.expose());
    [
        ("unchecked", [("accept", "*/*".into())]),
        ("session", [("cookie", cookie)]),
        ("token", [("authorization", bearer)]),
    ]
}

/// The times of `count` requests of each kind, sorted. The kinds alternate.
async fn times(world: &World, count: usize) -> [(&'static str, Vec<Duration>); 3] {
    let kinds = kinds(world);
    let mut found = kinds.clone().map(|(name, _)| (name, Vec::with_capacity(count)));
    for _ in 0..count {
        for ((_, headers), (_, times)) in kinds.iter().zip(&mut found) {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
            let request = made("GET", ROUTE, &headers, None);
            let began = Instant::now();
            let response = world.router().oneshot(request).await.unwrap();
            let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            times.push(began.elapsed());
            assert!(!body.is_empty());
        }
    }
    found.iter_mut().for_each(|(_, times)| times.sort());
    found
}

fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// The median is asserted: the slowest of few requests show what else the machine does.
#[tokio::test]
async fn a_check_costs_little() {
    let world = World::new();
    let [(_, unchecked), session, token] = times(&world, REQUESTS).await;
    for (name, checked) in [session, token] {
        let cost = quantile(&checked, 50).saturating_sub(quantile(&unchecked, 50));
        assert!(cost <= CHECK_MAX, "{name}: {cost:?}");
    }
}

#[tokio::test]
#[ignore = "a benchmark, run by `cargo xtask bench access`"]
async fn bench_checks() {
    let world = World::new();
    times(&world, REQUESTS).await;
    for (name, times) in times(&world, REQUESTS_MEASURED).await {
        let [p50, p99] = [50, 99].map(|percent| quantile(&times, percent).as_secs_f64() * 1e3);
        println!("{name:10} {} requests  p50 {p50:.3} ms  p99 {p99:.3} ms", times.len());
    }
}

/// A sensor of the live stream.
fn sensor(world: &World) -> SensorNumber {
    let id = SensorId {
        plant: "Plant1".into(),
        lane: "1".into(),
        component: "printer".into(),
        manufacturer: "m".into(),
    };
    world.live.registry().write().unwrap().register(id)
}

/// Sends a reading at each interval until `end`, its number as value; returns when each was sent.
async fn send(world: &World, first: usize, end: Instant) -> Vec<Instant> {
    let (sensor, mut sent) = (sensor(world), Vec::new());
    let mut ticks = tokio::time::interval(READING_EVERY);
    while Instant::now() < end {
        ticks.tick().await;
        world.advance(1);
        let temp_c = (first + sent.len()) as f64 / 100.0;
        sent.push(Instant::now());
        let at_us = world.now_us();
        world.live.take(&[Reading { sensor, at_us, temp_c }], at_us);
    }
    sent
}

async fn connect(address: SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Reads the stream, and returns when each value arrived.
async fn watch(
    address: SocketAddr,
    cookie: &str,
    stop: &CancellationToken,
) -> Vec<(usize, Instant)> {
    let head =
        format!("GET /api/v1/live?hz=0 HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    let mut stream = connect(address, &head).await;
    let (mut text, mut found) = (String::new(), Vec::new());
    let mut buffer = [0; 8192];
    loop {
        let read = tokio::select! {
            read = stream.read(&mut buffer) => read.unwrap(),
            () = stop.cancelled() => return found,
        };
        let now = Instant::now();
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        while let Some((line, rest)) = text.split_once('\n') {
            let value = line.strip_prefix("data: {\"t\":").and_then(|it| it.split_once("\"v\":["));
            let number = value.and_then(|(_, it)| it.split([',', ']']).next()?.parse().ok());
            found.extend(number.map(|number: usize| (number, now)));
            text = rest.to_owned();
        }
    }
}

/// Logs in many times at once, again and again until `end`; returns how many logins succeeded.
async fn log_in(address: SocketAddr, end: Instant) -> usize {
    let body = serde_json::json!({ "name": "viewer", "password": PASSWORD }).to_string();
    let length = body.len();
    let head = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let one = async || {
        let mut answer = String::new();
        connect(address, &head).await.read_to_string(&mut answer).await.unwrap();
        usize::from(answer.starts_with("HTTP/1.1 200"))
    };
    let mut done = 0;
    while Instant::now() < end {
        let all = futures::future::join_all((0..LOGINS).map(|_| one())).await;
        done += all.iter().sum::<usize>();
    }
    done
}

/// The delays of the values of one phase, sorted.
fn delays(first: usize, sent: &[Instant], arrived: &[(usize, Instant)]) -> Vec<Duration> {
    let delay = |(number, at): &(usize, Instant)| {
        let sent = sent.get(number.checked_sub(first)?)?;
        at.checked_duration_since(*sent)
    };
    let mut delays: Vec<Duration> = arrived.iter().filter_map(delay).collect();
    delays.sort();
    delays
}

/// Without logins, with them, and without them again.
async fn phases(world: &World, address: SocketAddr, stop: &CancellationToken) {
    let cookie = world.cookie("engineer");
    let measuring = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (mut phases, mut first) = (Vec::new(), 1);
        for has_logins in [false, true, false] {
            let end = Instant::now() + MEASURED;
            let logins = async { if has_logins { log_in(address, end).await } else { 0 } };
            let (sent, logins) = tokio::join!(send(world, first, end), logins);
            let count = sent.len();
            phases.push((first, sent, logins));
            first += count;
        }
        stop.cancel();
        phases
    };
    let (phases, arrived) = tokio::join!(measuring, watch(address, &cookie, stop));
    for (first, sent, logins) in phases {
        let delays = delays(first, &sent, &arrived);
        let [p50, p99] = [50, 99].map(|percent| quantile(&delays, percent).as_secs_f64() * 1e3);
        let count = delays.len();
        println!("{logins:5} logins  {count} values  p50 {p50:.2} ms  p99 {p99:.2} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark, run by `cargo xtask bench access`"]
async fn bench_stream_beside_logins() {
    let limits = Limits::default();
    let world = World::with_settings(AccessMode::Login, Settings::default());
    world.add("viewer", &[(Role::Viewer, "plant")]);
    world.add("engineer", &[(Role::Engineer, "plant")]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let clock = {
        let at_us = world.now_us();
        Arc::new(move || at_us)
    };
    let serving = serve(listener, world.router(), &limits, Endpoint::default(), stop.clone());
    let pushing = world.live.push(clock, stop.clone());
    let (served, (), ()) = tokio::join!(serving, pushing, phases(&world, address, &stop));
    served.unwrap();
    let by = access::Identity::terminal("test");
    assert!(!world.access.sessions(&by, Whose::All, world.now_us()).unwrap().is_empty());
}
