//! A peer that sends what the Mosquitto of the oracle does not: topic aliases, and why it ends a session.

use super::*;
use crate::Retry;
use plant::mqtt_source::MqttVersion;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const WITHIN: Duration = Duration::from_secs(30);
/// The connection is accepted, and there is a session.
const ACCEPTED: [u8; 5] = [0x20, 3, 1, 0, 0];

/// A client and its peer after the answer to the request of a connection.
struct Opened {
    client: Version5,
    source: MqttSource,
    peer: TcpStream,
    request: Vec<u8>,
    found: Result<bool, Error>,
}

async fn opened(answer: &[u8]) -> Opened {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = "127.0.0.1".into();
    let base = access::tests::source(MqttVersion::Five);
    let source = MqttSource { host, port, user: None, password: None, ..base };
    let mut client = Version5::new(&source, &MqttLimits::default()).unwrap();
    let answered = async {
        let (mut peer, _) = listener.accept().await.unwrap();
        let request = packet(&mut peer).await;
        peer.write_all(answer).await.unwrap();
        (peer, request)
    };
    let (found, (peer, request)) = tokio::join!(client.open(&source, WITHIN), answered);
    Opened { client, source, peer, request, found }
}

/// The next packet, which has fewer than 128 bytes.
async fn packet(peer: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 2];
    peer.read_exact(&mut head).await.unwrap();
    let mut body = vec![0; head[1].into()];
    peer.read_exact(&mut body).await.unwrap();
    [&head[..], &body].concat()
}

#[tokio::test]
async fn a_session_is_requested_with_the_limits_of_the_program() {
    let opened = opened(&ACCEPTED).await;
    assert!(opened.found.unwrap() && opened.client.is_open());
    let expected = [
        &[0x10, 33, 0, 4, b'M', b'Q', b'T', b'T', 5, 0, 0, 30][..],
        // 30 days, a receive maximum of 10,000 and 100 topic aliases.
        &[11, 0x11, 0x00, 0x27, 0x8D, 0x00, 0x21, 0x27, 0x10, 0x22, 0, 100],
        &[0, 9],
        b"cockpit-t",
    ];
    assert_eq!(opened.request, expected.concat());
}

#[tokio::test]
async fn messages_have_their_topics_and_are_acknowledged_on_request() {
    let Opened { mut client, source, mut peer, .. } = opened(&ACCEPTED).await;
    let defined = [0x32, 10, 0, 1, b'a', 0, 1, 3, 0x23, 0, 1, b'x'];
    let again = [0x3A, 9, 0, 0, 0, 2, 3, 0x23, 0, 1, b'y'];
    peer.write_all(&[&defined[..], &again].concat()).await.unwrap();
    for (id, payload, is_again) in [(1, "x", false), (2, "y", true)] {
        let Arrived::Message(message) = client.next(&source).await.unwrap() else { panic!() };
        assert_eq!((message.topic.as_str(), message.id), ("a", id));
        assert_eq!((&message.payload[..], message.is_again), (payload.as_bytes(), is_again));
    }
    client.send(&source, Outgoing::Acknowledge(&[1, 2])).await.unwrap();
    assert_eq!(packet(&mut peer).await, [0x40, 2, 0, 1]);
    assert_eq!(packet(&mut peer).await, [0x40, 2, 0, 2]);
    client.send(&source, Outgoing::Disconnect).await.unwrap();
    assert_eq!(packet(&mut peer).await, [0xE0, 0]);
}

#[tokio::test]
async fn a_session_that_is_taken_over_is_an_error_that_is_not_tried_again_soon() {
    let Opened { mut client, source, mut peer, .. } = opened(&ACCEPTED).await;
    peer.write_all(&[0xE0, 1, 0x8E]).await.unwrap();
    let error = client.next(&source).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Slow);
    assert!(error.to_string().contains("another client"), "{error}");
    client.abandon();
    assert!(!client.is_open());
    client.send(&source, Outgoing::Acknowledge(&[1])).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_ends_without_a_reason_is_lost() {
    let Opened { mut client, source, peer, .. } = opened(&ACCEPTED).await;
    drop(peer);
    let error = client.next(&source).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Backoff);
}

#[tokio::test]
async fn a_refused_connection_is_not_open() {
    for (answer, expected) in
        [(&[0x20, 3, 0, 0x87, 0][..], "user and password"), (&[0x20, 2, 0, 1], "\"3.1.1\"")]
    {
        let opened = opened(answer).await;
        let error = opened.found.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!opened.client.is_open());
    }
}

#[tokio::test]
async fn a_subscription_requests_retained_messages_of_new_filters() {
    let Opened { mut client, source, mut peer, .. } = opened(&ACCEPTED).await;
    client.send(&source, Outgoing::Subscribe).await.unwrap();
    let filters = [&[0, 3][..], b"a/+", &[0x11, 0, 1], b"b", &[0x11]].concat();
    assert_eq!(packet(&mut peer).await, [&[0x82, 13, 0, 1, 0][..], &filters].concat());
    peer.write_all(&[0x90, 5, 0, 1, 0, 1, 1]).await.unwrap();
    assert_eq!(client.next(&source).await.unwrap(), Arrived::Subscribed);
    peer.write_all(&[0x90, 5, 0, 1, 0, 1, 0x87]).await.unwrap();
    let error = client.next(&source).await.unwrap_err();
    assert!(error.to_string().contains("`b` (not authorized)"), "{error}");
}

#[tokio::test]
async fn a_subscription_that_the_broker_does_not_accept_is_not_sent() {
    let accepted = [0x20, 8, 0, 0, 5, 0x27, 0, 0, 0, 14];
    let Opened { mut client, source, found, .. } = opened(&accepted).await;
    assert!(!found.unwrap());
    let error = client.send(&source, Outgoing::Subscribe).await.unwrap_err();
    assert!(error.to_string().contains("at most 14 bytes, and the subscription has 15"), "{error}");
}
