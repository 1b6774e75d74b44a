//! Kafka -> bronze, silver, and those who look at the moment.
//!
//! Two for each topic: a thread that reads, interprets and shows, and a task that lands. Between
//! them goes a short queue of commands, so that a slow disk slows the reading down and fills no
//! memory.

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
use crate::lake::stream::{self, Partition, ReadMessages};
use crate::lake::table::Table;
use crate::live::{self, Link, LinkState, Live, PartitionLag};
use anyhow::Context as _;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use deltalake::kernel::Add;
use plant::contract::Contract;
use plant::reading::{Reading, Registry, SensorId, SensorNumber};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Commands between reader and lander: one being landed, one waiting, one being made.
const COMMANDS: usize = 2;

/// Those who are shown readings and told events as they come.
pub trait Audience: Send + Sync {
    fn readings(&self, readings: &[Reading]);
    /// So many messages were rejected.
    fn rejected(&self, count: usize);
    fn event(&self, topic: &str, event: &Event);
}

/// Remembers only what went wrong.
#[derive(Default)]
pub struct Minutes(Mutex<Vec<String>>);

impl Minutes {
    /// What went wrong so far, in words.
    pub fn problems(&self) -> Vec<String> {
        self.0.lock().map(|problems| problems.clone()).unwrap_or_default()
    }
}

impl Audience for Minutes {
    fn readings(&self, _readings: &[Reading]) {}

    fn rejected(&self, _count: usize) {}

    fn event(&self, topic: &str, event: &Event) {
        if let (Some(problem), Ok(mut problems)) = (problem(topic, event), self.0.lock()) {
            problems.push(problem);
        }
    }
}

/// What an event says in words, if messages are lost by it.
fn problem(topic: &str, event: &Event) -> Option<String> {
    match event {
        Event::Expired { partition, from, to } => Some(format!(
            "{topic}/{partition}: messages {from} to {} expired before they were read",
            to - 1
        )),
        Event::Replaced { partition, read, end } => Some(format!(
            "{topic}/{partition}: ends at {end}, but {read} was read already: the topic was made \
             anew; give it another name, or read it into another lake"
        )),
        Event::Connected | Event::Lost { .. } | Event::MissingTopic | Event::Lags(_) => None,
    }
}

/// What to read, and for whom.
#[derive(Clone)]
pub struct Streaming {
    pub kafka: Kafka,
    pub until: Until,
    pub registry: Registry,
    pub audience: Arc<dyn Audience>,
    pub stop: CancellationToken,
}

/// Shows readings and the state of the link to those who look at the pages.
struct Shown {
    live: Live,
    link: Mutex<LinkState>,
}

impl Audience for Shown {
    fn readings(&self, readings: &[Reading]) {
        self.live.take(readings, now().timestamp_micros());
    }

    fn rejected(&self, count: usize) {
        if count > 0 {
            self.live.rejected(now().timestamp_micros(), count as u64);
        }
    }

    fn event(&self, topic: &str, event: &Event) {
        let Ok(mut state) = self.link.lock() else { return };
        match event {
            Event::Connected => (state.link, state.reason) = (Link::Connected, None),
            Event::Lost { reason } => {
                (state.link, state.reason) = (Link::Lost, Some(reason.clone()));
            }
            Event::MissingTopic => {
                let reason = format!("the brokers do not have the topic {topic}");
                (state.link, state.reason) = (Link::Lost, Some(reason));
            }
            Event::Lags(lags) => {
                let lag = |lag: &kafka::Lag| PartitionLag {
                    topic: topic.to_owned(),
                    partition: lag.partition,
                    lag_messages: lag.messages,
                };
                state.lags.retain(|it| it.topic != topic);
                state.lags.extend(lags.iter().map(lag));
            }
            Event::Expired { .. } | Event::Replaced { .. } => state.reason = problem(topic, event),
        }
        self.live.link(state.clone());
    }
}

impl Streaming {
    /// Reads until `stop`, and shows what comes on the pages.
    pub fn shown(
        kafka: &Kafka,
        stop: &CancellationToken,
        registry: &Registry,
        live: &Live,
    ) -> Self {
        let shown = Shown { live: live.clone(), link: Mutex::default() };
        Self { registry: registry.clone(), audience: Arc::new(shown), ..Self::of(kafka, stop) }
    }

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
struct Topic {
    refinery: Refinery,
    contract: Contract,
    step: Step,
    name: String,
    /// Messages read, of all topics.
    heard: Arc<AtomicU64>,
}

enum Command {
    Assign(Vec<Partition>, oneshot::Sender<Resumed>),
    Take(Box<Chunk>),
    Flush(oneshot::Sender<()>),
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

    /// Reads every topic of the plant until it is told to stop or has reached the end.
    pub async fn stream(&self, streaming: &Streaming) -> anyhow::Result<Vec<Entry>> {
        let topics = self.topics()?;
        let runs = topics.into_iter().map(|topic| run(topic, streaming.clone()));
        let entries = futures::future::try_join_all(runs).await?;
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

    fn topics(&self) -> anyhow::Result<Vec<Topic>> {
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
        ..crate::ingest::decode::Limits::default()
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
    let landed = land(&topic, queue).await;
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
                Some(Command::Take(chunk)) => {
                    books.read(&chunk);
                    lander.take(*chunk).await?;
                    if lander.pending() >= most_rows {
                        books.landed(lander.commit().await?);
                        due = None;
                    } else if due.is_none() {
                        due = Some(soon(every));
                    }
                }
                Some(Command::Assign(partitions, answer)) => {
                    let resumed = Box::pin(lander.resume(&partitions)).await?;
                    books.resumed(&resumed);
                    answer.send(resumed).ok();
                }
                Some(Command::Flush(answer)) => {
                    books.landed(lander.commit().await?);
                    due = None;
                    answer.send(()).ok();
                }
            },
            () = waiting => {
                books.landed(lander.commit().await?);
                due = None;
            }
        }
    }
    books.landed(lander.commit().await?);
    books.close(&topic.refinery).await
}

#[expect(clippy::disallowed_methods, reason = "the flow owns the clock")]
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
    let of_kafka = kafka::Limits {
        lag_every_ms: limits.get("kafka_lag_every_ms"),
        session_ms: limits.get("kafka_session_ms"),
        queue_bytes: limits.get("kafka_queue_bytes"),
    };
    let batch = limits.size("stream_batch_messages");
    let source = Source::connect(&streaming.kafka, &topic.name, &of_kafka, batch)?;
    let table: Table = topic.refinery.lake.table(topic.step.name())?;
    let mut reader = Reader {
        interpreter: Interpreter::new(&topic.refinery, &topic.step, &topic.contract, &table)?,
        topic,
        streaming,
        commands,
        readings: Readings::new(&topic.step, &streaming.registry),
    };
    source.run(streaming.until, &mut reader)
}

/// The reading side of one topic.
struct Reader<'a> {
    topic: &'a Topic,
    streaming: &'a Streaming,
    interpreter: Interpreter<'a>,
    commands: mpsc::Sender<Command>,
    readings: Option<Readings>,
}

impl Reader<'_> {
    fn send(&self, command: Command) -> anyhow::Result<()> {
        self.commands.blocking_send(command).ok().context("landing has ended")
    }

    /// Sends a command that is answered, and waits for the answer.
    fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> anyhow::Result<T> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer))?;
        answered.blocking_recv().context("landing has ended")
    }

    fn interpret(&mut self, messages: &Messages) -> anyhow::Result<Interpreted> {
        let fields = (self.topic.refinery.read)(&self.topic.contract, messages);
        self.interpreter.interpret(messages, fields)
    }
}

impl Receiver for Reader<'_> {
    fn assigned(&mut self, partitions: &[i32]) -> anyhow::Result<BTreeMap<i32, i64>> {
        let topic: Arc<str> = self.topic.name.as_str().into();
        let ours =
            partitions.iter().map(|number| Partition { topic: topic.clone(), number: *number });
        let ours: Vec<Partition> = ours.collect();
        let mut resumed = self.ask(|answer| Command::Assign(ours, answer))?;
        for rows in std::mem::take(&mut resumed.recent) {
            self.interpreter.remember(&rows)?;
        }
        for messages in std::mem::take(&mut resumed.backlog) {
            let interpreted = resumed.lacking(self.interpret(&messages)?)?;
            let offsets = last_offsets(&messages);
            self.send(Command::Take(Box::new(Chunk { bronze: None, interpreted, offsets })))?;
        }
        self.ask(Command::Flush)?;
        Ok(resumed.landed.into_iter().map(|(partition, last)| (partition.number, last)).collect())
    }

    fn revoked(&mut self) -> anyhow::Result<()> {
        self.ask(Command::Flush)
    }

    fn messages(&mut self, messages: Messages) -> anyhow::Result<()> {
        let interpreted = self.interpret(&messages)?;
        if let Some(readings) = &mut self.readings {
            self.streaming.audience.readings(readings.of(&interpreted.rows)?);
        }
        self.streaming.audience.rejected(interpreted.rejected.num_rows());
        let lake = &self.topic.refinery.lake;
        let source = &self.topic.contract.source;
        let bronze = stream::rows(&messages, source, now(), lake.run())?;
        let offsets = last_offsets(&messages);
        self.topic.heard.fetch_add(messages.len() as u64, Ordering::Relaxed);
        self.send(Command::Take(Box::new(Chunk { bronze: Some(bronze), interpreted, offsets })))
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

    fn is_stopped(&self) -> bool {
        self.streaming.stop.is_cancelled() || self.commands.is_closed()
    }
}

/// Silver rows of temperatures as readings.
struct Readings {
    registry: Registry,
    numbers: HashMap<String, SensorNumber>,
    readings: Vec<Reading>,
}

impl Readings {
    /// For a step whose table has what a reading needs.
    fn new(step: &Step, registry: &Registry) -> Option<Self> {
        let has = |name: &&str| step.schema.field_with_name(name).is_ok();
        let is_temperature = READING.iter().all(|name| has(name));
        let (registry, numbers, readings) = (registry.clone(), HashMap::new(), Vec::new());
        is_temperature.then_some(Self { registry, numbers, readings })
    }

    fn of(&mut self, rows: &RecordBatch) -> anyhow::Result<&[Reading]> {
        let text = |name: &str| -> anyhow::Result<_> {
            Ok(rows.column(rows.schema().index_of(name)?).as_string::<i32>().clone())
        };
        let sensors = text("sensor")?;
        let at = rows.column(rows.schema().index_of("at")?);
        let at = at.as_primitive::<TimestampMicrosecondType>().values().clone();
        let temps = rows.column(rows.schema().index_of("temp_c")?);
        let temps = temps.as_primitive::<Float64Type>().values().clone();
        let parts = [text("plant")?, text("lane")?, text("component")?, text("manufacturer")?];
        self.readings.clear();
        for row in 0..sensors.len() {
            let sensor = match self.numbers.get(sensors.value(row)) {
                Some(number) => *number,
                None => {
                    let [plant, lane, component, manufacturer] =
                        parts.each_ref().map(|column| column.value(row).to_owned());
                    let id = SensorId { plant, lane, component, manufacturer };
                    let mut known = self.registry.write().unwrap_or_else(|it| it.into_inner());
                    let number = known.meet(id);
                    self.numbers.insert(sensors.value(row).to_owned(), number);
                    number
                }
            };
            self.readings.push(Reading { sensor, at_us: at[row], temp_c: temps[row] });
        }
        Ok(&self.readings)
    }
}

impl Flow {
    /// Fills the windows with the last minutes of silver, so that they are right from the start.
    pub async fn restore(&self, live: &Live, registry: &Registry) -> anyhow::Result<()> {
        for topic in self.topics()? {
            let Some(mut readings) = Readings::new(&topic.step, registry) else { continue };
            let table = topic.refinery.lake.table(topic.step.name())?;
            let Some(state) = topic.refinery.lake.state(topic.step.name()).await? else { continue };
            let files = state.files();
            let Some(newest) = files.iter().filter_map(|file| file_end_us(file, "at")).max() else {
                continue;
            };
            let from = newest - live::HOTTEST_WINDOW_US;
            let is_recent =
                |file: &&Add| file_end_us(file, "at").is_none_or(|end_us| end_us >= from);
            for file in files.iter().filter(is_recent) {
                let files = std::slice::from_ref(file);
                let batch_rows = topic.refinery.lake.batch_rows();
                for rows in table.read_all(files, Some(&READING), batch_rows).await? {
                    live.restore(readings.of(&rows)?);
                }
            }
        }
        Ok(())
    }
}

/// Columns of silver a reading is made of.
const READING: [&str; 7] = ["sensor", "plant", "lane", "component", "manufacturer", "at", "temp_c"];

/// The greatest time in a column of a data file, in microseconds since 1970 UTC.
fn file_end_us(file: &Add, column: &str) -> Option<i64> {
    let stats: serde_json::Value = serde_json::from_str(file.stats.as_deref()?).ok()?;
    let text = stats["maxValues"][column].as_str()?;
    let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    // The bound is kept in milliseconds, so it may be up to one too small.
    Some(at.timestamp_micros() + 999)
}
