//! Mail and MQTT as they are on the wire. The servers understand just enough of the protocols; the whole case of
//! notifications runs against complete ones.

use crate::notify::channel::{Deliveries, Failure, Outgoing};
use config::notifications::{Channel, Language, Notifications};
use plant::alarm::Priority;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A message whose texts contain what must not become headers or markup.
fn message() -> Outgoing {
    Outgoing {
        key: "0123456789abcdef".into(),
        kind: "alarm",
        occurrence: 8_812,
        priority: Priority::P1,
        language: Language::English,
        recipient: "anna".into(),
        address: Some("anna@plant.example".into()),
        subject: "[P1] ചൂട് <b>\r\nBcc: eve@evil.example".into(),
        body: "Value: 84 degC <script>\n".into(),
        link: Some("https://cockpit.example/alarms/8812".into()),
        alarms: serde_json::json!([]),
        attachments: Vec::new(),
        now_us: 1_767_587_400_000_000,
    }
}

fn channel(text: &str) -> Channel {
    let Notifications { mut channels, .. } = super::world::notifications(text);
    channels.remove(0)
}

async fn deliver(text: &str, message: &Outgoing) -> Result<(), Failure> {
    let policy = config::outgoing::OutgoingPolicy::default();
    let deliveries = Deliveries::new(&policy, Duration::from_secs(10)).unwrap();
    deliveries.deliver(&channel(text), message).await
}

/// A server for one connection; what `serve` returns is the result of the task.
async fn server<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    serve: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (u16, JoinSet<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut task = JoinSet::new();
    task.spawn(async move { serve(listener.accept().await.unwrap().0).await });
    (port, task)
}

/// Accepts one mail, or refuses its recipient with a reply; returns commands and mail.
async fn smtp(stream: TcpStream, recipient_reply: &'static str) -> String {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 test\r\n").await.unwrap();
    let (mut all, mut is_data) = (String::new(), false);
    while let Ok(Some(line)) = lines.next_line().await {
        all += &format!("{line}\n");
        let reply = match line.split(' ').next().unwrap_or_default() {
            "." if is_data => {
                is_data = false;
                "250 accepted"
            }
            _ if is_data => continue,
            "EHLO" => "250-test\r\n250 8BITMIME",
            "RCPT" => recipient_reply,
            "DATA" => {
                is_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if writing.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
    all
}

fn email(port: u16) -> String {
    format!(
        "[[channel]]\nname = \"mail\"\nkind = \"email\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         security = \"none\"\nfrom = \"cockpit@plant.example\"\n"
    )
}

#[tokio::test]
async fn a_mail_has_the_key_as_its_id_and_no_further_headers() {
    let (port, mut task) = server(|stream| smtp(stream, "250 ok")).await;
    deliver(&email(port), &message()).await.unwrap();
    let mail = task.join_next().await.unwrap().unwrap();
    for part in [
        "RCPT TO:<anna@plant.example>",
        "Message-ID: <0123456789abcdef@plant.example>",
        "References: <alarm-8812@plant.example>",
        "Auto-Submitted: auto-generated",
        "Importance: high",
        "Date: Mon, 05 Jan 2026 04:30:00 +0000",
        "text/plain",
        "text/html",
    ] {
        assert!(mail.contains(part), "{part} is missing in {mail}");
    }
    let headers = mail.split("\n\n").next().unwrap();
    assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
    assert!(mail.contains("alarms/8812"), "{mail}");
}

#[tokio::test]
async fn a_mailbox_that_is_unknown_is_final_and_one_that_is_busy_is_not() {
    for (reply, is_permanent) in [("550 no such user", true), ("451 try later", false)] {
        let (port, _task) = server(move |stream| smtp(stream, reply)).await;
        let failure = deliver(&email(port), &message()).await.unwrap_err();
        assert_eq!(failure.is_permanent, is_permanent, "{failure:?}");
        assert!(failure.error.contains(&reply[4..]), "{failure:?}");
    }
}

#[tokio::test]
async fn without_encryption_no_mail_is_sent_where_it_is_required() {
    let (port, mut task) = server(|stream| smtp(stream, "250 ok")).await;
    let text = email(port).replace("security = \"none\"\n", "");
    let failure = deliver(&text, &message()).await.unwrap_err();
    assert!(!failure.is_permanent || failure.error.contains("STARTTLS"), "{failure:?}");
    let received = task.join_next().await.unwrap().unwrap();
    assert!(!received.contains("MAIL FROM"), "{received}");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let failure = deliver(&email(port), &message()).await.unwrap_err();
    assert!(!failure.is_permanent && failure.error.contains("127.0.0.1"), "{failure:?}");
}

/// One MQTT packet: type and content.
async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await.ok()?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = stream.read_u8().await.ok()?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await.ok()?;
    Some((kind, content))
}

/// Accepts a connection with this return code and one message; returns topic and payload.
async fn mqtt(mut stream: TcpStream, code: u8) -> Option<(u8, String, String)> {
    let (kind, _) = packet(&mut stream).await?;
    assert_eq!(kind >> 4, 1, "CONNECT");
    stream.write_all(&[0x20, 2, 0, code]).await.ok()?;
    let (kind, content) = packet(&mut stream).await?;
    let topic_end = 2 + usize::from(u16::from_be_bytes([content[0], content[1]]));
    let topic = String::from_utf8(content[2..topic_end].to_vec()).ok()?;
    let payload = String::from_utf8(content[topic_end + 2..].to_vec()).ok()?;
    let acknowledgement = [0x40, 2, content[topic_end], content[topic_end + 1]];
    stream.write_all(&acknowledgement).await.ok()?;
    while packet(&mut stream).await.is_some() {}
    Some((kind, topic, payload))
}

fn mqtt_channel(port: u16) -> String {
    format!(
        "[[channel]]\nname = \"bus\"\nkind = \"mqtt\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = false\n\
         topic = \"plant/alarms\"\n"
    )
}

#[tokio::test]
async fn a_message_is_published_with_qos_1() {
    let (port, mut task) = server(|stream| mqtt(stream, 0)).await;
    deliver(&mqtt_channel(port), &message()).await.unwrap();
    let (kind, topic, payload) = task.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!((kind, topic.as_str()), (0x32, "plant/alarms"));
    let payload: serde_json::Value = serde_json::from_str(&payload).unwrap();
    assert_eq!((&payload["id"], &payload["priority"]), (&"0123456789abcdef".into(), &1.into()));
}

#[tokio::test]
async fn a_broker_that_refuses_is_a_failure() {
    let (port, _task) = server(|stream| mqtt(stream, 5)).await;
    let failure = deliver(&mqtt_channel(port), &message()).await.unwrap_err();
    assert!(failure.error.contains("MQTT broker 127.0.0.1"), "{failure:?}");
}
