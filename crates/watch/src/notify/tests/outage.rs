//! Receivers that are away for an hour, by a clock that the test sets: the pauses are those of the defaults.

use super::sending::{OK, Received, Running, receive};
use super::world::{SECOND_US, T0, database, event, planner, raise};
use crate::notify::{Notification, NotificationQuery, NotificationState, backlog, list};
use access::Database;
use plant::alarm::{Priority, Transition};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Each is a mail and a request.
const ALARMS: i64 = 10;
const OUTAGE_US: i64 = 3_600 * SECOND_US;
/// By so much the test sets the clock forward, when nothing is due.
const STEP_US: i64 = 15 * SECOND_US;
/// The longest pause by default, and the fifth of it by which pauses differ.
const LONGEST_PAUSE_US: i64 = 1_080 * SECOND_US;
/// Attempts in an hour with pauses from 5 s that double up to 15 min: 8 in 21 min, and 2 to 4 after that.
const ATTEMPTS: std::ops::RangeInclusive<u32> = 8..=13;

/// An address that refuses connections until something listens on it.
async fn unused_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Identities of the mails that a server accepted.
type Mails = Arc<Mutex<Vec<String>>>;

/// Accepts mails by SMTP.
async fn accept_mails(address: SocketAddr) -> Mails {
    let listener = TcpListener::bind(address).await.unwrap();
    let mails = Mails::default();
    let shared = Arc::clone(&mails);
    let mut accepting = tokio::task::JoinSet::new();
    accepting.spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let mails = Arc::clone(&shared);
            connections.spawn(async move { accept_mail(stream, &mails).await });
        }
    });
    accepting.detach_all();
    mails
}

/// One connection of a client; `None` when it ends.
async fn accept_mail(stream: TcpStream, mails: &Mails) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example\r\n").await.ok()?;
    let (mut is_data, mut id) = (false, String::new());
    loop {
        let line = lines.next_line().await.ok()??;
        let response = match line.as_str() {
            "." if is_data => {
                is_data = false;
                mails.lock().unwrap().push(std::mem::take(&mut id));
                "250 OK\r\n"
            }
            text if is_data => {
                id = text.strip_prefix("Message-ID: ").map_or(id, str::to_owned);
                continue;
            }
            "DATA" => {
                is_data = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 OK\r\n",
        };
        write.write_all(response.as_bytes()).await.ok()?;
    }
}

/// The clock of the test, and what it decides on.
struct World {
    database: Arc<Database>,
    elapsed_us: Arc<AtomicI64>,
}

impl World {
    fn all(&self) -> Vec<Notification> {
        let query = NotificationQuery { limit: 1_000, ..NotificationQuery::default() };
        self.database.read(|tx| list(tx, &query)).unwrap()
    }

    fn now_us(&self) -> i64 {
        T0 + self.elapsed_us.load(Ordering::SeqCst)
    }

    /// Waits until nothing is due or being sent.
    async fn idle(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let is_busy = |row: &Notification| match row.state {
            NotificationState::Sending => true,
            NotificationState::Waiting => row.content.due_at_us <= self.now_us(),
            _ => false,
        };
        while let Some(row) = self.all().iter().find(|row| is_busy(row)) {
            assert!(Instant::now() < deadline, "{row:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Lets time pass.
    async fn pass(&self, time_us: i64) {
        let end_us = self.now_us() + time_us;
        self.idle().await;
        while self.now_us() < end_us {
            self.elapsed_us.fetch_add(STEP_US, Ordering::SeqCst);
            self.idle().await;
        }
    }
}

fn configuration(smtp: SocketAddr, web: SocketAddr) -> String {
    format!(
        r#"
[notifications]
allow = ["127.0.0.0/8"]
poll_ms = 10
[[channel]]
name = "mail"
kind = "email"
host = "127.0.0.1"
port = {}
security = "none"
from = "cockpit@plant.example"
to = ["all@plant.example"]
group = false
[[channel]]
name = "program"
kind = "webhook"
url = "http://{web}/alarms"
[[route]]
to = ["channel:mail", "channel:program"]
"#,
        smtp.port()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_hour_without_receivers_each_message_arrives_once() {
    let (smtp, web) = (unused_address().await, unused_address().await);
    let ((_folder, database), planner) = (database(), planner(&configuration(smtp, web)));
    for number in 1..=ALARMS {
        raise(&database, &planner, &event(number, Priority::P2, Transition::Raised), T0);
    }
    let world = World { database, elapsed_us: Arc::default() };
    let elapsed_us = Arc::clone(&world.elapsed_us);
    let running =
        Running::with_clock(&world.database, &planner, move || elapsed_us.load(Ordering::SeqCst));
    world.pass(OUTAGE_US).await;
    let waiting = world.all();
    assert_eq!(waiting.len(), 2 * usize::try_from(ALARMS).unwrap());
    for row in &waiting {
        assert_eq!(row.state, NotificationState::Waiting);
        assert!(ATTEMPTS.contains(&row.attempts), "{row:?}");
        assert!(row.last_error.as_ref().is_some_and(|it| !it.is_empty()), "{row:?}");
    }
    let known = world.database.read(|tx| backlog(tx, world.now_us())).unwrap();
    assert_eq!((known.waiting as usize, known.failed), (waiting.len(), 0));

    let back_us = world.now_us();
    let mails = accept_mails(smtp).await;
    let requests: Received = receive(TcpListener::bind(web).await.unwrap(), |_| Some(OK));
    world.pass(LONGEST_PAUSE_US).await;
    running.stop().await;
    check_delivered(&world, back_us, &mails.lock().unwrap(), &requests);
}

/// Every message is sent, within the longest pause, and was received once with its identity.
fn check_delivered(world: &World, back_us: i64, mails: &[String], requests: &Received) {
    let rows = world.all();
    for row in &rows {
        assert_eq!(row.state, NotificationState::Sent, "{row:?}");
        let sent_after_us = row.sent_at_us.unwrap() - back_us;
        assert!(sent_after_us <= LONGEST_PAUSE_US, "{row:?}");
    }
    let keys = |channel: &str| -> BTreeSet<String> {
        let own = rows.iter().filter(|row| row.content.channel == channel);
        own.map(|row| row.content.idempotency_key.clone()).collect()
    };
    let by_mail = mails.iter().map(|id| id.trim_start_matches('<').split('@').next().unwrap());
    assert_eq!(by_mail.map(str::to_owned).collect::<BTreeSet<_>>(), keys("mail"));
    let requests = requests.lock().unwrap();
    let by_request: BTreeSet<String> = requests.iter().map(|it| it.id.clone()).collect();
    assert_eq!(by_request, keys("program"));
    let alarms = usize::try_from(ALARMS).unwrap();
    assert_eq!((mails.len(), requests.len()), (alarms, alarms));
}
