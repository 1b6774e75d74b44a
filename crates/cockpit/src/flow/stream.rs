//! Kafka -> bronze, silver, and those who look at the moment.
//!
//! Two for each topic: a thread that reads, interprets and shows, and a task that lands. Between
//! them goes a queue of commands with room for so many messages. Those who look at the moment do not
//! notice a commit, and a slow disk slows the reading down and fills no memory.

use super::audience::{Audience, Minutes, Readings};
use super::{Flow, RETRY, now};
use crate::batch::Messages;
use crate::config::kafka::Kafka;
use crate::ingest::decode::message::MessageReader;
use crate::ingest::kafka::{self, Event, Receiver, Source, Until};
use crate::lake::books::Entry;
use crate::lake::models::Step;
use crate::lake::refine::Refinery;
use crate::lake::stream::books::StreamBooks;
use crate::lake::stream::interpret::{Interpreted, Interpreter};
use crate::lake::stream::land::{Chunk, Lander};
use crate::lake::stream::resume::{Resumed, last_offsets};
use crate::lake::stream::{self, Partition, Pointers, ReadMessages};
use crate::lake::table::Table;
use anyhow::Context as _;
use plant::contract::Contract;
use plant::reading::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Commands between reader and lander. What counts is their messages; this many are small ones.
const COMMANDS: usize = 1_024;

/// Batches of full size for whose messages there is room between reader and lander.
const BATCHES_BETWEEN: usize = 2;

/// Which part of a commit's interval messages are held back at most before they are sent to be landed.
const HELD_OF_INTERVAL: u64 = 8;

/// Which part of a commit's interval messages gather at most while nobody waits for them.
const GATHERED_OF_INTERVAL: u64 = 4;

/// What to read, and for whom.
#[derive(Clone)]
pub struct Streaming {
    pub kafka: Kafka,
    pub until: Until,
    pub registry: Registry,
    pub audience: Arc<dyn Audience>,
    pub stop: CancellationToken,
}

impl Streaming {
    /// Reads until `stop`, and shows nobody.
    pub fn of(kafka: &Kafka, stop: &CancellationToken) -> Self {
        Self {
            kafka: kafka.clone(),
            until: Until::Stopped,
            registry: Registry::default(),
            audience: Arc::new(Minutes::default()),
            stop: stop.clone(),
        }
    }
}

/// A topic and the step that makes silver of it.
#[derive(Clone)]
pub struct Topic {
    pub refinery: Refinery,
    contract: Contract,
    pub step: Step,
    name: String,
    /// Messages read, of all topics.
    heard: Arc<AtomicU64>,
}

enum Command {
    Assign(Vec<Partition>, oneshot::Sender<Resumed>),
    /// Messages, and the room they take until they are landed.
    Take(Box<Chunk>, OwnedSemaphorePermit),
    Flush(oneshot::Sender<()>),
    /// Offsets of a partition that are gone from the broker: from, and behind the last.
    Expired(Partition, i64, i64),
}

impl Flow {
    /// Reads every topic to its end as it stands now. Returns the books, and what went wrong.
    pub async fn stream_once(&self, kafka: &Kafka) -> anyhow::Result<(Vec<Entry>, Vec<String>)> {
        let minutes = Arc::new(Minutes::default());
        let streaming = Streaming {
            until: Until::End,
            audience: minutes.clone(),
            ..Streaming::of(kafka, &CancellationToken::new())
        };
        let entries = self.stream(&streaming).await?;
        Ok((entries, minutes.problems()))
    }

    /// Reads every topic of the plant until it is told to stop or has reached the end. If one fails
    /// the others are stopped, and nobody reads any more when this returns.
    pub async fn stream(&self, streaming: &Streaming) -> anyhow::Result<Vec<Entry>> {
        let stop = streaming.stop.child_token();
        let streaming = &Streaming { stop: stop.clone(), ..streaming.clone() };
        let runs = self.topics()?.into_iter().map(async |topic| {
            let done = run(topic, streaming.clone()).await;
            if done.is_err() {
                stop.cancel();
            }
            done
        });
        let done = futures::future::join_all(runs).await;
        let entries = done.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        Ok(entries.into_iter().flatten().collect())
    }

    /// Reads until it is told to stop, beginning again after whatever goes wrong.
    pub async fn stream_on(&self, streaming: &Streaming) {
        while !streaming.stop.is_cancelled() {
            let Err(error) = self.stream(streaming).await else { continue };
            tracing::error!(error = format!("{error:#}"), "streaming stopped, and begins again");
            tokio::select! {
                () = streaming.stop.cancelled() => {}
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// The topics the plant's contracts name.
    pub fn topics(&self) -> anyhow::Result<Vec<Topic>> {
        let mut topics = Vec::new();
        for contract in self.refinery.plant.contracts.values().filter(|it| it.is_stream()) {
            let cleans = |step: &&Step| step.model.cleans() == Some(contract.table.as_str());
            let step = self.refinery.steps.iter().find(cleans);
            let step = step.with_context(|| format!("no model cleans {}", contract.table))?;
            topics.extend(contract.topics.iter().map(|name| Topic {
                refinery: self.refinery.clone(),
                contract: contract.clone(),
                step: step.clone(),
                name: name.clone(),
                heard: self.heard.clone(),
            }));
        }
        Ok(topics)
    }
}

/// How the messages of a contract are read.
pub fn reader(limits: &crate::config::settings::Limits) -> ReadMessages {
    let limits = crate::ingest::decode::Limits {
        max_record_bytes: limits.size("max_message_bytes"),
        kept_faulty_bytes: limits.size("kept_faulty_bytes"),
        ..Default::default()
    };
    Arc::new(move |contract: &Contract, messages: &Messages| {
        MessageReader::new(contract, limits).read(messages)
    })
}

async fn run(topic: Topic, streaming: Streaming) -> anyhow::Result<Vec<Entry>> {
    let (commands, queue) = mpsc::channel(COMMANDS);
    let reading = {
        let (topic, streaming) = (topic.clone(), streaming.clone());
        tokio::task::spawn_blocking(move || read(&topic, &streaming, commands))
    };
    // On a thread of the runtime's own, for packing files keeps one busy.
    let mut landing = JoinSet::new();
    let landed_of = topic.clone();
    landing.spawn(async move { land(&landed_of, queue).await });
    let landed = landing.join_next().await.context("nothing lands")?;
    let landed = landed.context("landing was cut off")?;
    let read = reading.await.context("the reading thread was cut off")?;
    // If landing failed, reading failed for want of it; the former is the cause.
    let entries = landed.with_context(|| format!("landing {}", topic.name))?;
    read.with_context(|| format!("reading {}", topic.name))?;
    Ok(entries)
}

/// Lands what comes through the queue until it is closed.
async fn land(topic: &Topic, mut queue: mpsc::Receiver<Command>) -> anyhow::Result<Vec<Entry>> {
    let limits = topic.refinery.lake.limits();
    let every = Duration::from_millis(limits.get("stream_commit_every_ms"));
    let most_rows = limits.size("stream_commit_rows");
    let mut lander = Lander::new(&topic.refinery, &topic.step, &topic.contract)?;
    let mut books = StreamBooks::new(&topic.contract, &topic.step, now());
    let close_every = Duration::from_secs(limits.get("listing_every_s"));
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
                    lander.take(*chunk).await?;
                    if lander.pending() >= most_rows {
                        books.landed(lander.commit().await?);
                        due = Some(close_at);
                    } else {
                        let latest = soon(every);
                        due = Some(due.map_or(latest, |due| due.min(latest)));
                    }
                }
                Some(Command::Assign(partitions, answer)) => {
                    let resumed = Box::pin(lander.resume(&partitions)).await?;
                    books.resumed(&resumed);
                    answer.send(resumed).ok();
                }
                Some(Command::Expired(partition, from, to)) => books.expired(partition, from, to),
                Some(Command::Flush(answer)) => {
                    books.landed(lander.commit().await?);
                    due = Some(close_at);
                    answer.send(()).ok();
                }
            },
            () = waiting => {
                books.landed(lander.commit().await?);
                // What came last is counted too, though nothing comes after it.
                due = Some(close_at);
                if soon(Duration::ZERO) >= close_at {
                    (close_at, due) = (soon(close_every), None);
                    note(&mut books, &topic.refinery).await;
                }
            }
        }
    }
    books.landed(lander.commit().await?);
    books.close(&topic.refinery).await
}

/// Writes the books down as they stand. They are written again, and at the end; so once may fail.
async fn note(books: &mut StreamBooks, refinery: &Refinery) {
    if let Err(error) = books.close(refinery).await {
        tracing::warn!(error = format!("{error:#}"), "the books of a stream are not written yet");
    }
}

fn soon(after: Duration) -> Instant {
    Instant::now() + after
}

/// Reads a topic on this thread.
fn read(
    topic: &Topic,
    streaming: &Streaming,
    commands: mpsc::Sender<Command>,
) -> anyhow::Result<()> {
    let limits = topic.refinery.lake.limits();
    let every_ms = limits.get("stream_commit_every_ms");
    let of_kafka = kafka::Limits {
        lag_every_ms: limits.get("kafka_lag_every_ms"),
        session_ms: limits.get("kafka_session_ms"),
        queue_bytes: limits.get("kafka_queue_bytes"),
        gather_ms: limits.get("kafka_gather_ms"),
        unhurried_ms: limits.get("kafka_unhurried_ms").min(every_ms / GATHERED_OF_INTERVAL),
    };
    let batch = limits.size("stream_batch_messages");
    let until = streaming.until;
    let source = Source::connect(&streaming.kafka, &topic.name, &of_kafka, batch, until)?;
    let table: Table = topic.refinery.lake.table(topic.step.name())?;
    let most_messages = u32::try_from(batch * BATCHES_BETWEEN)?;
    let looks = streaming.audience.looks();
    let mut reader = Reader {
        interpreter: Interpreter::new(&topic.refinery, &topic.step, &topic.contract, &table)?,
        topic,
        streaming,
        commands,
        room: Arc::new(Semaphore::new(batch * BATCHES_BETWEEN)),
        most_messages,
        readings: looks.then(|| Readings::new(&topic.step, &streaming.registry)).flatten(),
        held: Held::default(),
        held_most: Duration::from_millis(
            limits.get("stream_hold_ms").min(every_ms / HELD_OF_INTERVAL),
        ),
        held_messages: limits.size("stream_hold_messages"),
    };
    source.run(&mut reader)
}

/// The reading side of one topic.
struct Reader<'a> {
    topic: &'a Topic,
    streaming: &'a Streaming,
    interpreter: Interpreter<'a>,
    commands: mpsc::Sender<Command>,
    /// For messages on their way to the lander.
    room: Arc<Semaphore>,
    most_messages: u32,
    readings: Option<Readings>,
    held: Held,
    held_most: Duration,
    held_messages: usize,
}

/// Messages on their way that are not sent yet.
#[derive(Default)]
struct Held {
    chunks: Vec<Chunk>,
    messages: usize,
    /// When they have to go.
    due: Option<Instant>,
}

impl Reader<'_> {
    /// Sends what is held back, as one.
    fn release(&mut self) -> anyhow::Result<()> {
        let Held { chunks, messages, .. } = std::mem::take(&mut self.held);
        match Chunk::joined(chunks)? {
            Some(chunk) => self.hand_over(chunk, messages),
            None => Ok(()),
        }
    }

    fn send(&self, command: Command) -> anyhow::Result<()> {
        self.commands.blocking_send(command).ok().context("landing has ended")
    }

    /// Sends messages, as soon as there is room for them.
    fn hand_over(&self, chunk: Chunk, messages: usize) -> anyhow::Result<()> {
        // What is larger than all room there is, such as a batch of the lake's, takes all of it.
        let messages = u32::try_from(messages)?.min(self.most_messages);
        let room = self.room.clone().acquire_many_owned(messages);
        let room = Handle::current().block_on(room).context("landing has ended")?;
        self.send(Command::Take(Box::new(chunk), room))
    }

    /// Sends a command that is answered, and waits for the answer.
    fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> anyhow::Result<T> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer))?;
        answered.blocking_recv().context("landing has ended")
    }

    fn interpret(
        &mut self,
        messages: &Messages,
        pointers: &Pointers,
    ) -> anyhow::Result<Interpreted> {
        let fields = (self.topic.refinery.read)(&self.topic.contract, messages);
        self.interpreter.interpret(pointers, fields)
    }
}

impl Receiver for Reader<'_> {
    fn assigned(&mut self, partitions: &[i32]) -> anyhow::Result<BTreeMap<i32, i64>> {
        self.release()?;
        let topic: Arc<str> = self.topic.name.as_str().into();
        let ours =
            partitions.iter().map(|number| Partition { topic: topic.clone(), number: *number });
        let ours: Vec<Partition> = ours.collect();
        let mut resumed = self.ask(|answer| Command::Assign(ours, answer))?;
        self.interpreter.reject_late(std::mem::take(&mut resumed.lateness));
        for rows in std::mem::take(&mut resumed.recent) {
            self.interpreter.remember(&rows)?;
        }
        for messages in std::mem::take(&mut resumed.backlog) {
            let pointers = self.interpreter.pointers(&messages);
            let interpreted = resumed.lacking(self.interpret(&messages, &pointers)?)?;
            let offsets = last_offsets(&messages);
            self.hand_over(Chunk { bronze: None, interpreted, offsets }, messages.len())?;
        }
        self.ask(Command::Flush)?;
        self.streaming.audience.begins();
        Ok(resumed.landed.into_iter().map(|(partition, last)| (partition.number, last)).collect())
    }

    fn revoked(&mut self) -> anyhow::Result<()> {
        self.release()?;
        self.ask(Command::Flush)
    }

    fn messages(&mut self, messages: Messages) -> anyhow::Result<()> {
        let pointers = self.interpreter.pointers(&messages);
        let interpreted = self.interpret(&messages, &pointers)?;
        if let Some(readings) = &mut self.readings {
            self.streaming.audience.readings(readings.of(&interpreted.rows)?);
        }
        self.streaming.audience.rejected(interpreted.rejected.num_rows());
        let bronze = stream::rows(&messages, &pointers)?;
        let offsets = last_offsets(&messages);
        self.topic.heard.fetch_add(messages.len() as u64, Ordering::Relaxed);
        self.held.chunks.push(Chunk { bronze: Some(bronze), interpreted, offsets });
        self.held.messages += messages.len();
        self.held.due = self.held.due.or_else(|| Some(soon(self.held_most)));
        Ok(())
    }

    fn looked(&mut self) -> anyhow::Result<()> {
        let is_due = self.held.due.is_some_and(|due| due <= soon(Duration::ZERO));
        // What has gathered before it was read is not held back once more.
        let has_gathered = self.streaming.until == Until::Stopped && !self.is_hurried();
        if is_due || has_gathered || self.held.messages >= self.held_messages {
            self.release()
        } else {
            Ok(())
        }
    }

    fn event(&mut self, event: Event) {
        let topic = self.topic.name.as_str();
        match &event {
            Event::Connected | Event::Lags(_) => {}
            Event::Lost { reason } => tracing::warn!(topic, reason, "no broker answers"),
            Event::MissingTopic => tracing::warn!(topic, "the brokers do not have the topic"),
            Event::Expired { partition, from, to } => {
                tracing::error!(
                    topic,
                    partition,
                    from,
                    to,
                    "messages expired before they were read"
                );
                let place = Partition { topic: topic.into(), number: *partition };
                self.send(Command::Expired(place, *from, *to)).ok();
            }
            Event::Replaced { partition, read, end } => {
                tracing::error!(
                    topic,
                    partition,
                    read,
                    end,
                    "the topic ends before what was read from it: it was made anew, and is not read"
                );
            }
        }
        self.streaming.audience.event(topic, &event);
    }

    fn is_hurried(&self) -> bool {
        self.streaming.audience.is_hurried()
    }

    fn is_stopped(&self) -> bool {
        self.streaming.stop.is_cancelled() || self.commands.is_closed()
    }
}
