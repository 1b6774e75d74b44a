//! Kafka and MQTT -> bronze, silver and live values.
//!
//! A contract lists its topics or patterns for them; topics that match a pattern are searched for at an
//! interval.
//!
//! Topics of Kafka are read together; each contract of MQTT is a feed of its own, which fails and restarts alone.
//!
//! Each topic has a thread that reads, decodes and passes readings to the live values, and a task that lands.
//! A bounded queue of commands connects them: a commit does not delay the live values, and a slow disk slows
//! reading down instead of filling the memory.

mod mqtt;
mod reader;
pub mod restart;
mod states;
mod streams;

pub use states::TopicStates;

use super::observer::{ProblemLog, Readings, StreamObserver};
use super::{Flow, now};
use anyhow::Context as _;
use batches::batch::Messages;
use config::kafka::Kafka;
use ingest::decode::message::MessageReader;
use ingest::kafka::{self, Receiver, Until};
use ingest::schema_registry::SchemaRegistry;
use lake::context::{LakeContext, ReadMessages, read_messages};
use lake::delta::table::Table;
use lake::offsets::Partition;
use lake::plan::Step;
use lake::reconciliation::RowBalance;
use lake::reconciliation::streams::StreamReconciliation;
use lake::stream::interpret::Interpreter;
use lake::stream::land::{Chunk, Lander};
use lake::stream::resume::{Resumed, Wanted};
use plant::contract::{Contract, Framing};
use plant::reading::Registry;
use reader::{Held, Reader};
use restart::Restarts;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use streams::{Done, TopicReaders};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Commands between reader and lander. Their messages are limited separately.
const COMMANDS: usize = 1_024;

/// Full batches whose messages fit between reader and lander.
const BATCHES_BETWEEN: usize = 2;

/// The linger time is at most this fraction of the commit interval.
const HELD_OF_INTERVAL: u64 = 8;

/// The linger time of the idle Kafka client is at most this fraction of the commit interval.
const GATHERED_OF_INTERVAL: u64 = 4;

/// Messages that are read together.
#[expect(clippy::large_enum_variant, reason = "a program has a few feeds")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// The topics of all contracts.
    Kafka(Kafka),
    /// The topics of the contract of this table.
    Mqtt(String),
}

/// How to read, and who observes it.
#[derive(Clone)]
pub struct Streaming {
    pub until: Until,
    pub registry: Registry,
    pub observer: Arc<dyn StreamObserver>,
    pub stop: CancellationToken,
}

impl Streaming {
    /// Reads until `stop`, without an observer of readings.
    pub fn until_stopped(stop: &CancellationToken) -> Self {
        Self {
            until: Until::Stopped,
            registry: Registry::default(),
            observer: Arc::new(ProblemLog::default()),
            stop: stop.clone(),
        }
    }
}

/// A topic and the step that cleans its messages.
#[derive(Clone)]
pub struct Topic {
    pub refinery: LakeContext,
    contract: Contract,
    pub step: Step,
    name: String,
    /// Messages read from all topics.
    messages_read: Arc<AtomicU64>,
    /// The last offset that was committed, for a topic with one partition.
    landed: Arc<AtomicI64>,
    states: TopicStates,
}

enum Command {
    Assign(Wanted, oneshot::Sender<Resumed>),
    /// Messages, and their permit, which is held until they have landed.
    Take(Box<Chunk>, OwnedSemaphorePermit),
    Flush(oneshot::Sender<()>),
    /// Expired offsets of a partition: the first, and the one after the last.
    Expired(Partition, i64, i64),
}

impl Flow {
    /// What is read continuously.
    pub fn feeds(&self) -> Vec<Feed> {
        let contracts = self.refinery.plant.contracts.values();
        let mqtt = contracts.filter(|it| it.mqtt.is_some()).map(|it| Feed::Mqtt(it.table.clone()));
        self.kafka.iter().cloned().map(Feed::Kafka).chain(mqtt).collect()
    }

    /// Reads every topic to its current end. Returns the row balances and the problems. A broker of MQTT that
    /// cannot be read is a problem and does not stop the others.
    pub(super) async fn streams_to_bronze(&self) -> anyhow::Result<(Vec<RowBalance>, Vec<String>)> {
        let (mut entries, mut problems) = (Vec::new(), Vec::new());
        for feed in self.feeds() {
            let problem_log = Arc::new(ProblemLog::default());
            let streaming = Streaming {
                until: Until::End,
                observer: problem_log.clone(),
                ..Streaming::until_stopped(&CancellationToken::new())
            };
            match (self.stream(&feed, &streaming).await, &feed) {
                (Ok(read), _) => entries.extend(read),
                (Err(error), Feed::Mqtt(table)) => problems.push(format!("{table}: {error:#}")),
                (Err(error), Feed::Kafka(_)) => return Err(error),
            }
            problems.extend(problem_log.problems());
        }
        Ok((entries, problems))
    }

    /// Reads a feed until `stop` or its end.
    pub async fn stream(
        &self,
        feed: &Feed,
        streaming: &Streaming,
    ) -> anyhow::Result<Vec<RowBalance>> {
        match feed {
            Feed::Kafka(kafka) => self.stream_topics(kafka, streaming).await,
            Feed::Mqtt(table) => self.stream_mqtt(table, streaming).await,
        }
    }

    /// Reads every topic of Kafka until `stop` or its end. If one fails, the others are stopped. All readers
    /// have ended when this returns.
    async fn stream_topics(
        &self,
        kafka: &Kafka,
        streaming: &Streaming,
    ) -> anyhow::Result<Vec<RowBalance>> {
        let stop = streaming.stop.child_token();
        let streaming = Streaming { stop: stop.clone(), ..streaming.clone() };
        let mut readers = TopicReaders::start(self, kafka, streaming)?;
        let (mut entries, mut failed) = (Vec::new(), None);
        while let Some(done) = readers.next().await {
            let error = match done {
                Done::Read(Ok(read)) => {
                    entries.extend(read);
                    continue;
                }
                Done::Listed(found) => match readers.read_listed(found) {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Done::Read(Err(error)) => error,
            };
            stop.cancel();
            failed = failed.or(Some(error));
        }
        failed.map_or(Ok(entries), Err)
    }

    /// Reads all feeds until `stop`, each beside the others.
    pub async fn stream_on(&self, streaming: &Streaming) {
        let feeds = self.feeds();
        let reading = feeds.iter().map(|feed| Box::pin(self.stream_feed(feed, streaming)));
        futures::future::join_all(reading).await;
    }

    /// Reads a feed until `stop`, and starts again after each failure, see [`Restarts`].
    async fn stream_feed(&self, feed: &Feed, streaming: &Streaming) {
        let mut restarts = Restarts::new(&self.lake().limits().kafka);
        while !streaming.stop.is_cancelled() {
            let started = Instant::now();
            let Err(error) = self.stream(feed, streaming).await else { continue };
            let restart = restarts.after(&error, started.elapsed(), restart::random());
            restart.log();
            streaming.observer.failed(feed, &restart);
            self.fail_topics(feed, &restart);
            tokio::select! {
                () = streaming.stop.cancelled() => {}
                () = tokio::time::sleep(restart.pause) => {}
            }
        }
    }
}

/// Decodes the messages of a contract; framed ones by the schemas of a registry, if there is one.
pub fn reader(
    limits: &config::settings::Limits,
    registry: Option<Arc<SchemaRegistry>>,
) -> ReadMessages {
    let limits = ingest::decode::DecodeLimits {
        max_record_bytes: limits.stream.max_message_bytes,
        kept_faulty_bytes: limits.ingest.kept_faulty_bytes,
        ..Default::default()
    };
    read_messages(move |contract: &Contract, messages: &Messages| {
        let registry = registry.clone().filter(|_| contract.framing == Framing::Confluent);
        Box::pin(async move {
            let mut reader = MessageReader::new(contract, limits);
            if let Some(registry) = registry {
                reader = reader.with_schemas(registry.schemas(messages).await?);
            }
            Ok(reader.read(messages))
        })
    })
}

/// Reads a topic with `source` on a thread of its own, and lands what it reads.
async fn run(
    topic: Topic,
    streaming: Streaming,
    source: impl FnOnce(&mut dyn Receiver) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<Vec<RowBalance>> {
    let (commands, queue) = mpsc::channel(COMMANDS);
    let reading = {
        let (topic, streaming) = (topic.clone(), streaming.clone());
        tokio::task::spawn_blocking(move || read(&topic, &streaming, commands, source))
    };
    // A task of its own, because compressing files occupies a thread.
    let mut landing = JoinSet::new();
    let landed_of = topic.clone();
    landing.spawn(async move { land(&landed_of, queue).await });
    let landed = landing.join_next().await.context("landing did not start")?;
    let landed = landed.context("landing was cancelled")?;
    let read = reading.await.context("the reading thread was cancelled")?;
    // If landing failed, reading failed because of it.
    let entries = landed.with_context(|| format!("landing {}", topic.name))?;
    read.with_context(|| format!("reading {}", topic.name))?;
    Ok(entries)
}

/// Lands the messages of the queue until it is closed.
async fn land(
    topic: &Topic,
    mut queue: mpsc::Receiver<Command>,
) -> anyhow::Result<Vec<RowBalance>> {
    let limits = topic.refinery.lake.limits();
    let every = Duration::from_millis(limits.stream.stream_commit_every_ms);
    let most_rows = limits.stream.stream_commit_rows;
    let mut lander = Lander::new(&topic.refinery, &topic.step, &topic.contract)?;
    let mut books = StreamReconciliation::new(&topic.contract, &topic.step, now());
    let close_every = Duration::from_secs(limits.ingest.listing_every_s);
    let mut close_at = soon(close_every);
    let mut due: Option<Instant> = None;
    loop {
        let waiting = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = queue.recv() => match command {
                None => break,
                Some(Command::Take(chunk, _room)) => {
                    books.read(&chunk);
                    lander.write(*chunk).await?;
                    if lander.pending_rows() >= most_rows {
                        commit(topic, &mut lander, &mut books).await?;
                        due = Some(close_at);
                    } else {
                        let latest = soon(every);
                        due = Some(due.map_or(latest, |due| due.min(latest)));
                    }
                }
                Some(Command::Assign(wanted, answer)) => {
                    let resumed = Box::pin(lander.resume(&wanted)).await?;
                    books.resumed(&resumed);
                    answer.send(resumed).ok();
                }
                Some(Command::Expired(partition, from, to)) => books.lost(partition, from, to),
                Some(Command::Flush(answer)) => {
                    commit(topic, &mut lander, &mut books).await?;
                    due = Some(close_at);
                    answer.send(()).ok();
                }
            },
            () = waiting => {
                commit(topic, &mut lander, &mut books).await?;
                // The last messages are reconciled even if none follow.
                due = Some(close_at);
                if soon(Duration::ZERO) >= close_at {
                    (close_at, due) = (soon(close_every), None);
                    note(&mut books, &topic.refinery).await;
                }
            }
        }
    }
    commit(topic, &mut lander, &mut books).await?;
    books.reconcile(&topic.refinery).await
}

/// Commits what was written.
async fn commit(
    topic: &Topic,
    lander: &mut Lander,
    books: &mut StreamReconciliation,
) -> anyhow::Result<()> {
    let offsets = lander.commit().await?;
    if let Some(last) = offsets.values().max() {
        topic.landed.fetch_max(*last, Ordering::Release);
    }
    books.landed(offsets);
    Ok(())
}

/// Writes the current row balances. They are written again later and at the end, so one attempt may fail.
async fn note(books: &mut StreamReconciliation, refinery: &LakeContext) {
    if let Err(error) = books.reconcile(refinery).await {
        tracing::warn!(error = format!("{error:#}"), "row balances of a stream not written");
    }
}

fn soon(after: Duration) -> Instant {
    Instant::now() + after
}

/// The limits of the Kafka client.
fn kafka_limits(limits: &config::settings::Limits) -> kafka::ClientLimits {
    let gathered_ms = limits.stream.stream_commit_every_ms / GATHERED_OF_INTERVAL;
    kafka::ClientLimits {
        lag_every_ms: limits.kafka.kafka_lag_every_ms,
        session_ms: limits.kafka.kafka_session_ms,
        queue_bytes: limits.kafka.kafka_queue_bytes,
        linger_ms: limits.kafka.kafka_linger_ms,
        answer_ms: limits.kafka.kafka_answer_ms,
        retry_min_ms: limits.kafka.kafka_retry_min_ms,
        retry_max_ms: limits.kafka.kafka_retry_max_ms,
        idle_linger_ms: limits.kafka.kafka_idle_linger_ms.min(gathered_ms),
    }
}

/// Reads a topic on the current thread.
fn read(
    topic: &Topic,
    streaming: &Streaming,
    commands: mpsc::Sender<Command>,
    source: impl FnOnce(&mut dyn Receiver) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let limits = topic.refinery.lake.limits();
    let every_ms = limits.stream.stream_commit_every_ms;
    let batch = limits.stream.stream_batch_messages;
    let table: Table = topic.refinery.lake.table(topic.step.name())?;
    let most_messages = u32::try_from(batch * BATCHES_BETWEEN)?;
    let takes_readings = streaming.observer.takes_readings();
    let mut reader = Reader {
        interpreter: Interpreter::new(&topic.refinery, &topic.step, &topic.contract, &table)?,
        log: topic.name.as_str().into(),
        topic,
        streaming,
        commands,
        room: Arc::new(Semaphore::new(batch * BATCHES_BETWEEN)),
        most_messages,
        readings: takes_readings.then(|| Readings::new(&topic.step, &streaming.registry)).flatten(),
        held: Held::default(),
        held_most: Duration::from_millis(
            limits.stream.stream_linger_ms.min(every_ms / HELD_OF_INTERVAL),
        ),
        held_messages: limits.stream.stream_linger_messages,
    };
    source(&mut reader)
}
