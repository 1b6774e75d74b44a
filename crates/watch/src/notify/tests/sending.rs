//! The sender with real HTTP servers of this machine.

use super::world::{SECOND_US, T0, database, event, planner, raise};
use crate::notify::{
    Moment, Notification, NotificationPlanner, NotificationQuery, NotificationState, Sender, list,
};
use access::Database;
use plant::alarm::{Priority, Transition};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A request as the receiver got it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub id: String,
    body: String,
    at: Instant,
}

pub(super) type Received = Arc<Mutex<Vec<Request>>>;

/// What the receiver responds to its nth request; `None`: nothing, the connection stays open.
pub(super) type Script = fn(usize) -> Option<&'static str>;

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// Starts a receiver and returns its URL.
async fn receiver(script: Script) -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/alarms", listener.local_addr().unwrap());
    (url, receive(listener, script))
}

/// Answers the requests to a listener, which it notes.
pub(super) fn receive(listener: TcpListener, script: Script) -> Received {
    let received = Received::default();
    let shared = Arc::clone(&received);
    let mut connections = tokio::task::JoinSet::new();
    let mut accepting = tokio::task::JoinSet::new();
    accepting.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let received = Arc::clone(&shared);
            connections.spawn(async move { respond(stream, &received, script).await });
        }
    });
    accepting.detach_all();
    received
}

async fn respond(mut stream: TcpStream, received: &Received, script: Script) -> Option<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.unwrap_or_default()
    };
    let length: usize = header("content-length: ").parse().ok()?;
    let mut body = bytes.split_off(head_end);
    while body.len() < length {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&chunk[..count]);
    }
    let number = {
        let mut received = received.lock().unwrap();
        received.push(Request {
            id: header("webhook-id: "),
            body: String::from_utf8(body).unwrap(),
            at: Instant::now(),
        });
        received.len()
    };
    match script(number) {
        Some(response) => stream.write_all(response.as_bytes()).await.ok(),
        None => std::future::pending().await,
    }
}

/// Quick pauses, and a webhook for each URL that all alarms go to.
fn configuration(urls: &[&str]) -> String {
    let mut text = "[notifications]\nallow = [\"127.0.0.0/8\"]\nretry_first_ms = 50\nretry_longest_ms = 2000\n\
                    attempt_time_ms = 1500\nattempts_max = 4\npoll_ms = 20\n"
        .to_owned();
    let mut to = Vec::new();
    for (number, url) in urls.iter().enumerate() {
        text +=
            &format!("[[channel]]\nname = \"w{number}\"\nkind = \"webhook\"\nurl = \"{url}\"\n");
        to.push(format!("\"channel:w{number}\""));
    }
    text + &format!("[[route]]\nto = [{}]\n", to.join(", "))
}

/// A running sender.
pub(super) struct Running {
    stop: CancellationToken,
    tasks: tokio::task::JoinSet<anyhow::Result<()>>,
    _planner: watch::Sender<Arc<NotificationPlanner>>,
}

impl Running {
    fn start(database: &Arc<Database>, planner: &Arc<NotificationPlanner>) -> Self {
        let begun = Instant::now();
        Self::with_clock(database, planner, move || {
            i64::try_from(begun.elapsed().as_micros()).unwrap()
        })
    }

    /// Starts a sender whose time is `T0` and what `elapsed_us` returns.
    pub fn with_clock(
        database: &Arc<Database>,
        planner: &Arc<NotificationPlanner>,
        elapsed_us: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> Self {
        let (changes, planner) = watch::channel(Arc::clone(planner));
        let stop = CancellationToken::new();
        let clock = move || {
            let elapsed_us = elapsed_us();
            Moment { now_us: T0 + elapsed_us, elapsed_us }
        };
        let mut tasks = tokio::task::JoinSet::new();
        let sender = Sender::new(Arc::clone(database), planner);
        tasks.spawn(sender.run(clock, stop.clone()));
        Self { stop, tasks, _planner: changes }
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(done) = self.tasks.join_next().await {
            done.unwrap().unwrap();
        }
    }
}

/// All notifications, once none waits or is being sent.
async fn settled(database: &Arc<Database>) -> Vec<Notification> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let query = NotificationQuery { limit: 100_000, ..NotificationQuery::default() };
        let rows = database.read(|tx| list(tx, &query)).unwrap();
        let is_open = |row: &Notification| {
            matches!(row.state, NotificationState::Waiting | NotificationState::Sending)
        };
        if !rows.iter().any(is_open) {
            return rows;
        }
        assert!(Instant::now() < deadline, "{rows:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn raise_many(database: &Database, planner: &NotificationPlanner, count: i64) {
    for number in 1..=count {
        raise(database, planner, &event(number, Priority::P2, Transition::Raised), T0);
    }
}

/// Sends one alarm to a receiver; the notification and the requests.
async fn send_one(script: Script) -> (Notification, Vec<Request>) {
    let (url, received) = receiver(script).await;
    let ((_folder, database), planner) = (database(), planner(&configuration(&[&url])));
    raise_many(&database, &planner, 1);
    let running = Running::start(&database, &planner);
    let row = settled(&database).await.remove(0);
    running.stop().await;
    let requests = received.lock().unwrap().clone();
    (row, requests)
}

#[tokio::test]
async fn an_error_is_repeated_with_the_same_id_until_it_is_confirmed() {
    let failing: Script = |number| match number {
        1 => Some("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nbusy"),
        2 => Some("garbage\r\n\r\n"),
        _ => Some(OK),
    };
    let (row, requests) = send_one(failing).await;
    assert_eq!((row.state, row.attempts), (NotificationState::Sent, 3));
    assert!(row.sent_at_us.is_some() && row.last_error.is_none());
    let ids: BTreeSet<&str> = requests.iter().map(|it| it.id.as_str()).collect();
    assert_eq!((requests.len(), ids.len()), (3, 1));
    assert!(!requests[0].id.is_empty());
    let body: serde_json::Value = serde_json::from_str(&requests[2].body).unwrap();
    assert_eq!(body["id"], requests[0].id);
    assert_eq!(body["link"], "https://cockpit.example/alarms/1");
    assert_eq!(body["alarms"][0]["value"], 84.0);
    assert_eq!(body["alarms"][0]["object"], "Plant1.1");
}

#[tokio::test]
async fn a_pause_that_the_receiver_asks_for_is_kept() {
    let throttling: Script = |number| match number {
        1 => Some("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
        _ => Some(OK),
    };
    let (row, requests) = send_one(throttling).await;
    assert_eq!((row.state, requests.len()), (NotificationState::Sent, 2));
    let pause = requests[1].at - requests[0].at;
    assert!(pause >= Duration::from_millis(950), "{pause:?}");
}

#[tokio::test]
async fn a_refusal_and_too_many_failures_end_as_failed() {
    let (row, requests) =
        send_one(|_| Some("HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\nno field x")).await;
    assert_eq!((row.state, requests.len()), (NotificationState::Failed, 1));
    assert!(row.last_error.as_ref().unwrap().contains("no field"), "{row:?}");
    let (row, requests) =
        send_one(|_| Some("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")).await;
    assert_eq!((row.state, requests.len()), (NotificationState::Failed, 4));
}

#[tokio::test]
async fn redirects_are_not_followed_and_addresses_of_the_machine_are_refused() {
    let redirecting: Script = |_| {
        Some(
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data\r\n\
             Content-Length: 0\r\n\r\n",
        )
    };
    let (row, requests) = send_one(redirecting).await;
    assert_eq!((row.state, requests.len()), (NotificationState::Failed, 4));
    assert!(row.last_error.as_ref().unwrap().contains("redirects are not followed"), "{row:?}");

    let (url, received) = receiver(|_| Some(OK)).await;
    let named = url.replace("127.0.0.1", "localhost");
    let text = configuration(&[&named]).replace("allow = [\"127.0.0.0/8\"]\n", "");
    let ((_folder, database), planner) = (database(), planner(&text));
    raise_many(&database, &planner, 1);
    let running = Running::start(&database, &planner);
    let rows = settled(&database).await;
    running.stop().await;
    assert!(rows[0].last_error.as_ref().unwrap().contains("loopback"), "{rows:?}");
    assert_eq!(received.lock().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_does_not_delay_the_others() {
    let (slow_url, slow) = receiver(|_| None).await;
    let (url, received) = receiver(|_| Some(OK)).await;
    let text = configuration(&[&slow_url, &url]);
    let ((_folder, database), planner) = (database(), planner(&text));
    raise_many(&database, &planner, 50);
    let (begun, running) = (Instant::now(), Running::start(&database, &planner));
    while received.lock().unwrap().len() < 50 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", received.lock().unwrap().len());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        slow.lock().unwrap().len() <= 4 * (1 + usize::try_from(begun.elapsed().as_secs()).unwrap())
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_alarms_arrive_once_each_though_the_sender_is_stopped_again_and_again() {
    let flaky: Script = |number| match number % 7 {
        0 => Some("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
        _ => Some(OK),
    };
    let (url, received) = receiver(flaky).await;
    let text = configuration(&[&url]).replace("attempts_max = 4", "attempts_max = 1000");
    let ((_folder, database), planner) = (database(), planner(&text));
    raise_many(&database, &planner, 1_000);
    for _ in 0..5 {
        let running = Running::start(&database, &planner);
        let target = received.lock().unwrap().len() + 100;
        while received.lock().unwrap().len() < target {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Dropping the task ends it in the middle of its attempts, as a kill does.
        drop(running);
    }
    let running = Running::start(&database, &planner);
    let rows = settled(&database).await;
    running.stop().await;
    assert!(rows.iter().all(|row| row.state == NotificationState::Sent));
    let ids: BTreeSet<String> = received.lock().unwrap().iter().map(|it| it.id.clone()).collect();
    assert_eq!((rows.len(), ids.len()), (1_000, 1_000));
    let keys: BTreeSet<String> = rows.into_iter().map(|row| row.content.idempotency_key).collect();
    assert_eq!(ids, keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_senders_one_sends_until_it_ends() {
    let (url, received) = receiver(|_| Some(OK)).await;
    let ((_folder, database), planner) = (database(), planner(&configuration(&[&url])));
    let (first, second) =
        (Running::start(&database, &planner), Running::start(&database, &planner));
    raise_many(&database, &planner, 20);
    settled(&database).await;
    assert_eq!(received.lock().unwrap().len(), 20);
    first.stop().await;
    raise(&database, &planner, &event(21, Priority::P2, Transition::Raised), T0 + SECOND_US);
    settled(&database).await;
    assert_eq!(received.lock().unwrap().len(), 21);
    second.stop().await;
}
