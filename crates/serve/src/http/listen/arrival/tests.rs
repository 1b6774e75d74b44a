//! When a first request is passed on, and that its bytes stay as they are.

use super::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn limits() -> Limits {
    Limits { head_bytes: 1_000, body_bytes: 100, ..Limits::default() }
}

/// After how many bytes of the text the request is passed on; `None` if more is expected.
fn passed_on(text: &[u8]) -> Option<usize> {
    let (mut first, sizes) = (FirstRequest::default(), sizes(&limits()));
    let mut bytes = text.iter();
    loop {
        if first.progress(sizes) == Progress::Complete {
            return Some(first.bytes.len());
        }
        first.bytes.push(*bytes.next()?);
    }
}

#[test]
fn a_request_is_passed_on_when_it_is_complete() {
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(passed_on(head.as_bytes()), Some(head.len()));
    assert_eq!(passed_on(b"GET / HTTP/1.1\nHost: a\n\n"), Some(24));
    assert_eq!(passed_on(b"GET / HTTP/1.1\r\nHost: a\r\n"), None);
    let post = "POST / HTTP/1.1\r\ncontent-LENGTH : 5 \r\n\r\n";
    assert_eq!(passed_on(format!("{post}12345678").as_bytes()), Some(post.len() + 5));
    assert_eq!(passed_on(format!("{post}1234").as_bytes()), None);
}

#[test]
fn bytes_of_a_body_are_not_judged_as_a_head() {
    let head = "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n";
    let (mut first, sizes) = (FirstRequest::default(), sizes(&limits()));
    first.bytes.extend_from_slice(format!("{head}\0\x01").as_bytes());
    assert_eq!(first.progress(sizes), Progress::Body);
    first.bytes.extend_from_slice(&[0; 7]);
    assert_eq!(first.progress(sizes), Progress::Complete);
}

#[test]
fn what_is_not_plain_is_passed_on_after_its_head() {
    for line in [
        "Transfer-Encoding: chunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: five",
        "Content-Length: 101",
        "Content-Length: 99999999999999999999999",
        "Content-Length: 5\r\nExpect: 100-continue",
    ] {
        let head = format!("POST / HTTP/1.1\r\n{line}\r\n\r\n");
        assert_eq!(passed_on(format!("{head}123").as_bytes()), Some(head.len()), "{line}");
    }
}

#[test]
fn what_is_no_request_is_passed_on_at_once() {
    assert_eq!(passed_on(&[0x16, 3, 1, 0, 200]), Some(1));
    assert_eq!(passed_on(b"GET /\0"), Some(6));
    assert_eq!(passed_on(&[b'a'; 2_000]), Some(1_000));
}

/// However the bytes arrive, they come out as they went in, and the same end is found.
#[test]
fn bytes_stay_as_they_are_in_parts_of_any_size() {
    for text in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /second HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789",
        "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "no line\r\nends: here\r\n",
    ] {
        for size in 1..40 {
            let (mut first, sizes) = (FirstRequest::default(), sizes(&limits()));
            let mut parts = text.as_bytes().chunks(size);
            let mut complete = first.progress(sizes) == Progress::Complete;
            while let Some(part) = parts.next().filter(|_| !complete) {
                first.bytes.extend_from_slice(part);
                complete = first.progress(sizes) == Progress::Complete;
            }
            assert!(text.as_bytes().starts_with(&first.bytes), "{text} {size}");
            let whole = passed_on(text.as_bytes());
            assert_eq!(complete, whole.is_some(), "{text} {size}");
            assert!(whole.is_none_or(|whole| whole <= first.bytes.len()), "{text} {size}");
        }
    }
}

#[tokio::test]
async fn the_rest_follows_the_first_bytes() {
    let (mut client, server) = tokio::io::duplex(64);
    client.write_all(b"rest").await.unwrap();
    drop(client);
    let mut rewound = Rewound::new(b"first ".to_vec(), server, Takeover::default());
    let mut all = String::new();
    rewound.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "first rest");
}

#[tokio::test]
async fn slow_clients_are_given_up() {
    let short = Duration::from_millis(20);
    let limits = Limits { head_time: short, body_time: short, ..limits() };
    for (sent, expected) in [
        ("GET / HT", Arrival::Nothing),
        ("", Arrival::Nothing),
        ("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1", Arrival::SlowBody),
    ] {
        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(gather(&mut server, &limits).await.unwrap(), expected, "{sent}");
    }
    let (client, mut server) = tokio::io::duplex(64);
    drop(client);
    assert_eq!(gather(&mut server, &limits).await.unwrap(), Arrival::Nothing);
}
