//! Bytes that are not quite HTTP, over a real connection.

use super::source::Source;
use super::{SECURITY, count, limits, state, world};
use crate::http::{Endpoint, serve};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Of the requests of the test so many are sent over connections.
const SHARE: u64 = 20;
/// The longest time that a connection may stay open after the client has ended its half.
const END_LIMIT: Duration = Duration::from_secs(20);

/// Requests that two servers in a row could delimit differently, or that are long or incomplete.
const STARTS: [&str; 26] = [
    "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /api/v1/users HTTP/1.0\r\n\r\n",
    "GET /api/v1/health\r\n\r\n",
    "GET  /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /api/v1/health HTTP/1.1\nHost: localhost\n\n",
    "GET /api/v1/health HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "GET /api/v1/health HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{\"a\":1",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"\r\n\"\r\n{}\r\n0\r\n\r\n",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: +2\r\n\r\n{}",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
    "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX: \u{1}\u{7f}\u{e9}\r\n\r\n",
    "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}",
];

/// A request with some bytes changed, removed or repeated, sometimes with another one behind it.
fn bytes(source: &mut Source<'_>) -> Vec<u8> {
    let mut bytes = source.word(&STARTS).as_bytes().to_vec();
    if source.is_one_in(3) {
        bytes.extend(source.word(&STARTS).as_bytes());
    }
    for _ in 0..source.below(4) {
        let at = source.below(bytes.len().max(1));
        match source.below(5) {
            0 if at < bytes.len() => bytes[at] = source.byte(),
            1 => bytes.truncate(at),
            2 => bytes.splice(at..at, source.bytes(20)).for_each(drop),
            3 => bytes.splice(at..at, *b"\r\n").for_each(drop),
            _ => bytes.splice(at..at, vec![b'a'; source.below(90_000)]).for_each(drop),
        }
    }
    bytes
}

/// Sends bytes, ends the half of the client, and returns everything that comes back.
async fn answer(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The service may have closed the connection before it read everything.
    let _sent = stream.write_all(bytes).await;
    let _ended = stream.shutdown().await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(END_LIMIT, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection stays open after {}", String::from_utf8_lossy(bytes));
    answer
}

/// What is wrong with the first answer on a connection. The HTTP library itself answers what is not a
/// request, without a body.
fn fault(answer: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(answer);
    if text.is_empty() || text.starts_with("HTTP/1.1 100") {
        return None;
    }
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let is_library = head.starts_with("HTTP/1.1 400") || head.starts_with("HTTP/1.1 431");
    if is_library && head.contains("content-length: 0") && rest.is_empty() {
        return None;
    }
    if !head.starts_with("HTTP/1.") {
        return Some("not an answer of HTTP/1");
    }
    if head.get(9..10) == Some("5") {
        return Some("a server error");
    }
    let has = |name: &str| head.lines().any(|line| line.to_ascii_lowercase().starts_with(name));
    let is_complete = SECURITY.iter().all(|(name, _)| has(&format!("{name}:")));
    (!is_complete).then_some("a security header is missing")
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_http_are_refused_and_do_not_stop_the_service() {
    let (world, _) = world();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, limits, before) = (CancellationToken::new(), limits(), state(&world));
    let client = async {
        let mut source = Source::Seed(super::SEED);
        for _ in 0..count() / SHARE {
            let sent = bytes(&mut source);
            let found = answer(address, &sent).await;
            let shown = || String::from_utf8_lossy(&sent).into_owned();
            if let Some(fault) = fault(&found) {
                panic!("{fault}\n{}\n{}", shown(), String::from_utf8_lossy(&found));
            }
        }
        stop.cancel();
    };
    let serving = serve(listener, world.router(), &limits, Endpoint::default(), stop.clone());
    let (served, ()) = tokio::join!(serving, client);
    served.unwrap();
    assert_eq!(state(&world), before);
}
