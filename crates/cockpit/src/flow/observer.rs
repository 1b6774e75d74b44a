//! Those who look at a stream while it is read: the pages, by way of what is live, and those who
//! only count what went wrong.

use super::stream::Streaming;
use super::stream::restart::Restart;
use super::{Flow, now};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use config::kafka::Kafka;
use deltalake::kernel::Add;
use ingest::kafka::{self, Event};
use lake::plan::Step;
use live::{self, Link, LinkState, Live, PartitionLag};
use plant::reading::{Reading, Registry, SensorId, SensorNumber};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Those who are shown readings and told events as they come.
pub trait StreamObserver: Send + Sync {
    /// Partitions are ours from now on, and silver holds everything that was read of them before,
    /// by whomever. Called on the thread that reads; no reading comes before it returns.
    fn partitions_assigned(&self);
    /// Whether anybody looks at readings at all.
    fn takes_readings(&self) -> bool;
    /// Whether somebody looks at each reading as it comes.
    fn needs_low_latency(&self) -> bool;
    fn readings(&self, readings: &[Reading]);
    /// So many messages were rejected.
    fn rejected(&self, count: usize);
    fn event(&self, topic: &str, event: &Event);
    /// The stream failed; it starts again after a pause.
    fn failed(&self, restart: &Restart);
}

/// Remembers only what went wrong.
#[derive(Default)]
pub struct ProblemLog(Mutex<Vec<String>>);

impl ProblemLog {
    /// What went wrong so far, in words.
    pub fn problems(&self) -> Vec<String> {
        self.0.lock().map(|problems| problems.clone()).unwrap_or_default()
    }
}

impl StreamObserver for ProblemLog {
    fn partitions_assigned(&self) {}

    fn takes_readings(&self) -> bool {
        false
    }

    fn needs_low_latency(&self) -> bool {
        false
    }

    fn readings(&self, _readings: &[Reading]) {}

    fn rejected(&self, _count: usize) {}

    fn failed(&self, _restart: &Restart) {}

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
        Event::Replaced { log, difference } => Some(format!(
            "{topic}: deleted and created again ({difference}); the topic there is now is another one, \
             and is read from its start as {log}. Messages of the deleted topic that were not read \
             before are lost"
        )),
        Event::TooManyTopics { unread, most } => Some(format!(
            "{topic}: not read, as {unread} topics more than {most} match the patterns of its \
             contract; write a narrower pattern, or set pattern_topics in [limits] of plant.toml"
        )),
        Event::Connected | Event::Disconnected { .. } | Event::MissingTopic | Event::Lags(_) => {
            None
        }
    }
}

/// Shows readings and the state of the link to those who look at the pages.
struct LiveObserver {
    flow: Flow,
    live: Live,
    registry: Registry,
    link: Mutex<LinkState>,
    /// Versions of silver the windows were last filled from.
    restored: Mutex<Vec<u64>>,
}

impl LiveObserver {
    /// Fills the windows from silver, unless it is as it was when they were last filled.
    async fn restore(&self) {
        let versions = self.flow.stream_table_versions().await.unwrap_or_default();
        if versions == *self.restored.lock().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        self.flow.restore(&self.live, &self.registry).await;
        *self.restored.lock().unwrap_or_else(PoisonError::into_inner) = versions;
    }
}

impl StreamObserver for LiveObserver {
    fn partitions_assigned(&self) {
        // The reading thread is none of the runtime's own, so it may wait.
        Handle::current().block_on(self.restore());
    }

    fn takes_readings(&self) -> bool {
        true
    }

    fn needs_low_latency(&self) -> bool {
        self.live.has_unthrottled_viewers()
    }

    fn readings(&self, readings: &[Reading]) {
        self.live.take(readings, now().timestamp_micros());
    }

    fn rejected(&self, count: usize) {
        if count > 0 {
            self.live.count_rejected(now().timestamp_micros(), count as u64);
        }
    }

    fn failed(&self, restart: &Restart) {
        let Ok(mut state) = self.link.lock() else { return };
        state.link = if restart.needs_operator { Link::Failed } else { Link::Lost };
        state.reason = Some(restart.reason.clone());
        self.live.set_link(state.clone());
    }

    fn event(&self, topic: &str, event: &Event) {
        let Ok(mut state) = self.link.lock() else { return };
        match event {
            Event::Connected => (state.link, state.reason) = (Link::Connected, None),
            Event::Disconnected { reason } => {
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
            Event::Expired { .. } | Event::Replaced { .. } | Event::TooManyTopics { .. } => {
                state.reason = problem(topic, event);
            }
        }
        self.live.set_link(state.clone());
    }
}

impl Streaming {
    /// Shows what silver has of the last minutes, then, once it is read, what comes.
    pub async fn with_live_pages(
        flow: &Flow,
        kafka: &Kafka,
        live: &Live,
        registry: &Registry,
    ) -> Self {
        let reason = Some("no broker has answered yet".to_owned());
        let link = LinkState { link: Link::Lost, reason, lags: Vec::new() };
        live.set_link(link.clone());
        let shown = LiveObserver {
            flow: flow.clone(),
            live: live.clone(),
            registry: registry.clone(),
            link: Mutex::new(link),
            restored: Mutex::default(),
        };
        shown.restore().await;
        let (registry, observer) = (registry.clone(), Arc::new(shown));
        Self { registry, observer, ..Self::until_stopped(kafka, &CancellationToken::new()) }
    }
}

/// Silver rows of temperatures as readings.
pub struct Readings {
    registry: Registry,
    numbers: HashMap<String, SensorNumber, foldhash::fast::RandomState>,
    readings: Vec<Reading>,
}

impl Readings {
    /// For a step whose table has what a reading needs.
    pub fn new(step: &Step, registry: &Registry) -> Option<Self> {
        let has = |name: &&str| step.schema.field_with_name(name).is_ok();
        let is_temperature = READING.iter().all(has);
        let (registry, numbers, readings) = (registry.clone(), HashMap::default(), Vec::new());
        is_temperature.then_some(Self { registry, numbers, readings })
    }

    /// The rows of a batch of silver; they hold until the next one.
    pub fn convert(&mut self, rows: &RecordBatch) -> anyhow::Result<&[Reading]> {
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
                    let number = known.register(id);
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
    /// Shows what silver has of the last half hour: at the start, before any broker answers, and
    /// whenever partitions become ours. If it cannot be read, the windows begin empty.
    pub async fn restore(&self, live: &Live, registry: &Registry) {
        let now_us = now().timestamp_micros();
        match self.recent_readings(registry, now_us).await {
            Ok(readings) => {
                live.restore(&readings, now_us);
                tracing::info!(readings = readings.len(), "restored what is live");
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "what is live could not be restored");
            }
        }
    }

    /// Versions of the tables the streams end in.
    async fn stream_table_versions(&self) -> anyhow::Result<Vec<u64>> {
        let mut versions = Vec::new();
        for stream in self.streams()? {
            let state = self.lake().state(stream.step.name()).await?;
            versions.extend(state.map(|state| state.version()));
        }
        Ok(versions)
    }

    /// The readings of the last half hour in silver.
    async fn recent_readings(
        &self,
        registry: &Registry,
        now_us: i64,
    ) -> anyhow::Result<Vec<Reading>> {
        let mut found = Vec::new();
        for stream in self.streams()? {
            let Some(mut readings) = Readings::new(&stream.step, registry) else { continue };
            let table = self.lake().table(stream.step.name())?;
            let Some(state) = self.lake().state(stream.step.name()).await? else { continue };
            let files = state.files();
            let Some(newest) = files.iter().filter_map(|file| file_end_us(file, "at")).max() else {
                continue;
            };
            // A clock ahead of ours does not hide what the others say.
            let from = newest.min(now_us) - live::HOTTEST_WINDOW_US;
            let is_recent =
                |file: &&Add| file_end_us(file, "at").is_none_or(|end_us| end_us >= from);
            let batch_rows = self.lake().batch_rows();
            for file in files.iter().filter(is_recent) {
                let files = std::slice::from_ref(file);
                for rows in table.read_all(files, Some(&READING), batch_rows).await? {
                    let young = readings.convert(&rows)?.iter().filter(|it| it.at_us >= from);
                    found.extend(young.copied());
                }
            }
        }
        Ok(found)
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
