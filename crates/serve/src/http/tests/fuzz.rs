//! Requests of any content, from a generator with a seed.
//!
//! ```text
//! COCKPIT_TEST_REQUESTS=1000000 cargo test -p serve --lib fuzz
//! ```

mod check;
mod raw;
mod requests;
mod source;
mod texts;

use super::access::world::World;
use crate::Limits;
use crate::http::guard::SECURITY;
use crate::http::{AccessMode, Peer, authorization::routes::TABLE};
use access::access::Whose;
use access::token::NewToken;
use access::{Action, Identity, Role, Scope};
use axum::Router;
use axum::body::to_bytes;
use axum::http::{Method, header};
use axum::response::Response;
use check::Exchange;
use futures::StreamExt as _;
use requests::{Case, Credentials};
use source::Source;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tower::ServiceExt as _;

/// Requests of the short form; a variable sets another number.
const REQUESTS: u64 = 20_000;
const REQUESTS_VARIABLE: &str = "COCKPIT_TEST_REQUESTS";
/// State is compared this often.
const COMPARED_EVERY: u64 = 5_000;
const SEED: u64 = 21;
const BODY_BYTES: usize = 64 << 20;
/// Place of the administrator among the sessions.
const ADMINISTRATOR: usize = 3;

/// How many requests the test sends.
fn count() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the length of a test, not a setting")]
    let given = std::env::var(REQUESTS_VARIABLE);
    given.map_or(REQUESTS, |text| text.parse().expect("a number of requests"))
}

fn limits() -> Limits {
    let short = Duration::from_secs(5);
    Limits { answer_time: short, file_time: short, file_rows: 100_000, ..Limits::default() }
}

/// A service with users, and credentials of theirs.
fn world() -> (World, Credentials) {
    let world = World::with_limits(AccessMode::Login, limits());
    for role in Role::ALL {
        world.add(role.name(), &[(role, "plant")]);
    }
    world.add("scoped", &[(Role::Viewer, "line:SMT/1")]);
    let cookies = ["viewer", "engineer", "scoped", "administrator"].map(|name| world.cookie(name));
    let identity = |cookie: &str| {
        let value = cookie.split_once('=').unwrap().1;
        world.access.authenticate_session(value, world.now_us()).unwrap()
    };
    let token = |cookie: &str, actions: &[Action], scope: &str| {
        let new = NewToken {
            name: format!("{scope} {}", actions.len()),
            actions: actions.iter().copied().collect(),
            scope: scope.parse::<Scope>().unwrap(),
            life_s: 3_600,
        };
        let made = world.access.create_token(&identity(cookie), &new, world.now_us()).unwrap();
        (made.info.id, format!("Bearer {}", made.secret.expose()))
    };
    let reads = [Action::ReadTables, Action::RunSql, Action::FollowLive, Action::Download];
    let all = token(&cookies[1], &reads, "plant").1;
    let one = token(&cookies[1], &reads, "line:SMT/1").1;
    let (revoked, ended_token) = token(&cookies[1], &reads, "area:SMT");
    world.access.revoke_token(&identity(&cookies[1]), revoked, world.now_us()).unwrap();
    let ended_cookie = world.cookie("operator");
    let value = ended_cookie.split_once('=').unwrap().1;
    world.access.logout(value, world.now_us()).unwrap();
    let ended = vec![("authorization", ended_token), ("cookie", ended_cookie)];
    (world, Credentials { cookies: cookies.to_vec(), tokens: vec![all, one], ended })
}

/// Users, roles, sessions and tokens: all that requests could change.
fn state(world: &World) -> String {
    let (by, now_us) = (Identity::terminal("test"), world.now_us());
    let users = world.access.users(&by, now_us).unwrap();
    let sessions = world.access.sessions(&by, Whose::All, now_us).unwrap();
    let tokens = world.access.tokens(&by, Whose::All, now_us).unwrap();
    let sessions: Vec<_> = sessions.iter().map(|it| it.id).collect();
    let tokens: Vec<_> = tokens.iter().map(|it| (it.id, it.revoked_us)).collect();
    format!("{users:?} {sessions:?} {tokens:?}")
}

/// Sends a request and checks its answer; returns the status.
async fn exchange(router: Router, case: Case, peer: IpAddr) -> u16 {
    let Case { mut request, sender, summary } = case;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(Peer { address: peer, is_secure: false });
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = read(Response::from_parts(parts.clone(), body)).await;
    let (status, headers) = (parts.status, &parts.headers);
    let seen = Exchange { sender, method: &method, path: &path, status, headers, body: &body };
    if let Some(fault) = seen.fault(&SECURITY) {
        panic!("{fault}\n{summary}\n{status} {headers:?}\n{}", String::from_utf8_lossy(&body));
    }
    status.as_u16()
}

/// The body; of a stream, which does not end, the first event. A file may be cut off by a limit.
async fn read(response: Response) -> Vec<u8> {
    let media = response.headers().get(header::CONTENT_TYPE).cloned();
    let is_stream = media.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return to_bytes(response.into_body(), BODY_BYTES).await.unwrap_or_default().to_vec();
    }
    let mut events = response.into_body().into_data_stream();
    events.next().await.map_or_else(Vec::new, |event| event.unwrap().to_vec())
}

/// This machine, or one of many others: logins are delayed by address.
fn peer(source: &mut Source<'_>) -> IpAddr {
    match source.is_one_in(2) {
        true => Ipv4Addr::LOCALHOST.into(),
        false => Ipv4Addr::new(10, source.byte(), source.byte(), source.byte()).into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_any_content_have_safe_answers_and_change_nothing() {
    let (world, credentials) = world();
    let routes: Vec<(&str, Method)> = TABLE.iter().map(|it| (it.path, it.method.clone())).collect();
    let (before, count) = (state(&world), count());
    let mut statuses = std::collections::BTreeMap::<u16, u64>::new();
    let (mut source, mut sent) = (Source::Seed(SEED), 0);
    while sent < count {
        let Some(case) = requests::next(&mut source, &routes, &credentials) else { continue };
        let status = exchange(world.router(), case, peer(&mut source)).await;
        *statuses.entry(status).or_default() += 1;
        sent += 1;
        if sent % COMPARED_EVERY == 0 {
            assert_eq!(state(&world), before, "after {sent} requests");
        }
    }
    println!("{sent} requests, answers by status: {statuses:?}");
    assert_eq!(state(&world), before);
    let verified = world.access.verify_audit(&Identity::terminal("test"), None, world.now_us());
    assert_eq!(verified.unwrap().broken, None);
    for status in [200, 303, 400, 401, 403, 404, 405, 413, 415, 421] {
        assert!(statuses.contains_key(&status), "no answer {status}: {statuses:?}");
    }
    assert_idle(&world, &credentials.cookies[ADMINISTRATOR]).await;
}

/// No permit and no viewer is left behind.
async fn assert_idle(world: &World, cookie: &str) {
    assert_eq!(world.live.counts().viewers, 0);
    let metrics = world.request_as(cookie, "GET", "/metrics", None).await;
    for kind in ["query", "table"] {
        let line = format!("cockpit_running{{kind=\"{kind}\"}} 0\n");
        assert!(metrics.text().contains(&line), "{}", metrics.text());
    }
}

#[test]
fn the_bytes_of_a_fuzzer_become_requests() {
    let routes = [("/api/v1/users/{name}/roles", Method::PUT)];
    let (cookies, tokens, ended) = (vec!["a=b".into()], vec!["Bearer x".into()], vec![]);
    let credentials = Credentials { cookies, tokens, ended };
    let input = [0; 64];
    let case = requests::next(&mut Source::Input(&input), &routes, &credentials).unwrap();
    assert_eq!((case.sender, case.request.method()), (requests::Sender::Stranger, &Method::PUT));
    assert!(requests::next(&mut Source::Input(&[]), &routes, &credentials).is_some());
}
