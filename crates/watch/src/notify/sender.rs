//! Sends what is due, until it is confirmed or given up.

use super::channel::{Deliveries, Failure, Outgoing};
use super::dispatch::pause_us;
use super::facts::{Facts, alarm_link, alarms_link};
use super::planner::NotificationPlanner;
use super::round::{self, Outcome};
use super::row::{Notification, NotificationKind};
use access::{Database, Error};
use anyhow::Context as _;
use config::notifications::Channel;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rusqlite::Transaction;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Difference between the clock of the day and the monotonic clock that counts as a step.
const CLOCK_STEP_US: i64 = 1_000_000;
/// Interval at which old notifications are deleted.
const EXPIRE_EVERY_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;
/// How long running attempts may take when the program stops; their outcome is unknown afterwards.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// The time of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970, UTC, by the clock of the day, which may be set.
    pub now_us: i64,
    /// Microseconds by a clock that is never set.
    pub elapsed_us: i64,
}

/// Sends what is due. Of several processes with one database, one sends at a time.
#[derive(Debug)]
pub struct Sender {
    database: Arc<Database>,
    planner: watch::Receiver<Arc<NotificationPlanner>>,
}

type Attempt = BoxFuture<'static, (Notification, Result<(), Failure>)>;

/// What a running sender remembers.
struct Sending {
    deliveries: Arc<Deliveries>,
    attempts: FuturesUnordered<Attempt>,
    /// Running attempts of each channel.
    running: BTreeMap<String, usize>,
    /// Results that are not stored yet.
    outcomes: Vec<(i64, Outcome)>,
    /// Channels whose last attempt failed.
    failing: BTreeSet<String>,
    last: Option<Moment>,
    expired_at_us: i64,
}

impl Sender {
    pub fn new(
        database: Arc<Database>,
        planner: watch::Receiver<Arc<NotificationPlanner>>,
    ) -> Self {
        Self { database, planner }
    }

    /// Sends until `stop`. A database that fails is tried again.
    ///
    /// # Errors
    /// The lock file cannot be opened, or there is no TLS.
    pub async fn run(
        mut self,
        clock: impl Fn() -> Moment + Send,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let Some(_lock) = self.lock(&stop).await? else { return Ok(()) };
        let mut sending = Sending::new(&self.planner())?;
        let begun = clock();
        while let Err(error) = self.write(move |tx| round::recover(tx, begun.now_us)).await {
            tracing::warn!(%error, "notifications cannot be read");
            if self.pause(&stop).await {
                return Ok(());
            }
        }
        loop {
            if let Err(error) = self.round(&mut sending, clock()).await {
                tracing::warn!(%error, "notifications cannot be stored");
            }
            let pause = Duration::from_millis(self.planner().notifications.limits.poll_ms.into());
            tokio::select! {
                () = stop.cancelled() => break,
                Some(done) = sending.attempts.next() => self.note(&mut sending, done, clock().now_us),
                Ok(()) = self.planner.changed() => sending.renew(&self.planner()),
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.end(&mut sending, clock).await;
        Ok(())
    }

    fn planner(&self) -> Arc<NotificationPlanner> {
        Arc::clone(&self.planner.borrow())
    }

    /// The lock of the one sender; `None` if stopped before another process released it.
    async fn lock(&self, stop: &CancellationToken) -> anyhow::Result<Option<File>> {
        let mut name = self.database.path().as_os_str().to_owned();
        name.push(".notify-lock");
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file =
            options.open(&name).with_context(|| format!("cannot open {}", name.display()))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", name.display()));
                }
            }
            if self.pause(stop).await {
                return Ok(None);
            }
        }
    }

    /// Waits for the interval of a round; true if stopped.
    async fn pause(&self, stop: &CancellationToken) -> bool {
        let poll_ms = self.planner().notifications.limits.poll_ms;
        let pause = tokio::time::sleep(Duration::from_millis(poll_ms.into()));
        tokio::select! {
            () = stop.cancelled() => true,
            () = pause => false,
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> anyhow::Result<T> {
        let database = Arc::clone(&self.database);
        Ok(tokio::task::spawn_blocking(move || database.write(work)).await??)
    }

    /// Stores results, and begins the attempts that are due.
    async fn round(&self, sending: &mut Sending, moment: Moment) -> anyhow::Result<()> {
        let now_us = moment.now_us;
        let step_us = sending.step_us(moment);
        if step_us.abs() >= CLOCK_STEP_US {
            tracing::warn!(
                step_ms = step_us / 1_000,
                "the clock was set; notifications keep their pauses"
            );
            self.write(move |tx| round::shift(tx, step_us)).await?;
        }
        sending.last = Some(moment);
        let planner = self.planner();
        self.expire(sending, &planner, now_us).await?;
        if sending.outcomes.is_empty() && !self.is_due(now_us).await? {
            return Ok(());
        }
        let (claiming, running) = (Arc::clone(&planner), sending.running.clone());
        let outcomes = sending.outcomes.clone();
        // One transaction, which is one synchronous write.
        let work = move |tx: &Transaction<'_>| {
            round::finish(tx, &outcomes, now_us)?;
            round::claim(tx, &claiming, &running, now_us)
        };
        let claimed = self.write(work).await?;
        sending.outcomes.clear();
        for row in claimed {
            sending.begin(&planner, row, now_us);
        }
        Ok(())
    }

    async fn is_due(&self, now_us: i64) -> anyhow::Result<bool> {
        let database = Arc::clone(&self.database);
        let due = move || database.read(|tx| round::is_due(tx, now_us));
        Ok(tokio::task::spawn_blocking(due).await??)
    }

    async fn store(&self, sending: &mut Sending, now_us: i64) -> anyhow::Result<()> {
        if sending.outcomes.is_empty() {
            return Ok(());
        }
        let outcomes = sending.outcomes.clone();
        self.write(move |tx| round::finish(tx, &outcomes, now_us)).await?;
        sending.outcomes.clear();
        Ok(())
    }

    async fn expire(
        &self,
        sending: &mut Sending,
        planner: &NotificationPlanner,
        now_us: i64,
    ) -> anyhow::Result<()> {
        if now_us - sending.expired_at_us < EXPIRE_EVERY_US {
            return Ok(());
        }
        let before_us = now_us - i64::from(planner.notifications.limits.kept_days) * DAY_US;
        self.write(move |tx| round::expire(tx, before_us)).await?;
        sending.expired_at_us = now_us;
        Ok(())
    }

    /// Notes the result of an attempt, and of all others that ended meanwhile.
    fn note(&self, sending: &mut Sending, done: (Notification, Result<(), Failure>), now_us: i64) {
        let planner = self.planner();
        let mut done = Some(done);
        while let Some((row, result)) = done {
            sending.note(&planner, &row, result, now_us);
            done = futures::FutureExt::now_or_never(sending.attempts.next()).flatten();
        }
    }

    /// Waits a little for running attempts and stores their results.
    async fn end(&self, sending: &mut Sending, clock: impl Fn() -> Moment) {
        let waiting = async {
            while let Some(done) = sending.attempts.next().await {
                self.note(sending, done, clock().now_us);
            }
        };
        let has_ended = tokio::time::timeout(STOP_WITHIN, waiting).await.is_ok();
        if let Err(error) = self.store(sending, clock().now_us).await {
            tracing::warn!(%error, "results of notifications cannot be stored");
        }
        if !has_ended {
            let attempts = sending.attempts.len();
            tracing::info!(attempts, "notifications are attempted again after the next start");
        }
    }
}

impl Sending {
    fn new(planner: &NotificationPlanner) -> anyhow::Result<Self> {
        Ok(Self {
            deliveries: deliveries(planner)?,
            attempts: FuturesUnordered::new(),
            running: BTreeMap::new(),
            outcomes: Vec::new(),
            failing: BTreeSet::new(),
            last: None,
            expired_at_us: i64::MIN / 2,
        })
    }

    /// Takes over a changed configuration. Running attempts end as they began.
    fn renew(&mut self, planner: &NotificationPlanner) {
        match deliveries(planner) {
            Ok(deliveries) => self.deliveries = deliveries,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "channels keep their configuration");
            }
        }
    }

    /// How far the clock of the day was set since the last round.
    fn step_us(&self, moment: Moment) -> i64 {
        self.last
            .map_or(0, |last| (moment.now_us - last.now_us) - (moment.elapsed_us - last.elapsed_us))
    }

    /// Begins an attempt.
    fn begin(&mut self, planner: &NotificationPlanner, row: Notification, now_us: i64) {
        match outgoing(planner, &row, now_us) {
            Err(error) => self.outcomes.push((row.id, Outcome::Failed { error })),
            Ok((channel, message)) => {
                *self.running.entry(channel.name.clone()).or_default() += 1;
                let deliveries = Arc::clone(&self.deliveries);
                let attempt = async move {
                    let result = deliveries.deliver(&channel, &message).await;
                    (row, result)
                };
                self.attempts.push(Box::pin(attempt));
            }
        }
    }

    fn note(
        &mut self,
        planner: &NotificationPlanner,
        row: &Notification,
        result: Result<(), Failure>,
        now_us: i64,
    ) {
        let channel = &row.content.channel;
        if let Some(count) = self.running.get_mut(channel) {
            *count = count.saturating_sub(1);
        }
        let Err(failure) = result else {
            if self.failing.remove(channel) {
                tracing::info!(channel, "notifications are delivered again");
            }
            self.outcomes.push((row.id, Outcome::Sent));
            return;
        };
        let limits = &planner.notifications.limits;
        let Failure { error, is_permanent, asked_us } = failure;
        if is_permanent || row.attempts >= limits.attempts_max {
            let (id, attempts) = (row.id, row.attempts);
            tracing::error!(channel, id, attempts, error, "a notification was given up");
            self.outcomes.push((row.id, Outcome::Failed { error }));
            return;
        }
        if self.failing.insert(channel.clone()) {
            tracing::warn!(
                channel,
                error,
                "notifications are not delivered; they are attempted again"
            );
        }
        let pause_us = pause_us(row.attempts, &row.content.idempotency_key, asked_us, limits);
        let due_at_us = now_us.saturating_add(pause_us);
        self.outcomes.push((row.id, Outcome::Retry { due_at_us, error }));
    }
}

fn deliveries(planner: &NotificationPlanner) -> anyhow::Result<Arc<Deliveries>> {
    let time = Duration::from_millis(planner.notifications.limits.attempt_time_ms.into());
    Ok(Arc::new(Deliveries::new(&planner.notifications.outgoing, time)?))
}

/// The message and its channel, as they are configured now.
fn outgoing(
    planner: &NotificationPlanner,
    row: &Notification,
    now_us: i64,
) -> Result<(Channel, Outgoing), String> {
    let content = &row.content;
    let channel = planner.notifications.channel(&content.channel);
    let channel = channel
        .ok_or_else(|| format!("alarms.toml has no channel `{}` any more", content.channel))?;
    let address = planner.address_of(channel, &content.recipient)?.map(str::to_owned);
    let url = planner.public_url.as_ref();
    let facts = Facts::read_all(&content.data);
    let alarms = facts.iter().map(|facts| facts.public(content.language, url)).collect::<Vec<_>>();
    let link = match content.kind {
        NotificationKind::Group | NotificationKind::Test => alarms_link(url),
        _ => alarm_link(url, content.occurrence),
    };
    let message = Outgoing {
        key: content.idempotency_key.clone(),
        kind: content.kind.as_str(),
        occurrence: content.occurrence,
        priority: content.priority,
        language: content.language,
        recipient: content.recipient.clone(),
        address,
        subject: content.subject.clone(),
        body: content.body.clone(),
        link,
        alarms: Value::Array(alarms),
        attachments: Vec::new(),
        now_us,
    };
    Ok((channel.clone(), message))
}
