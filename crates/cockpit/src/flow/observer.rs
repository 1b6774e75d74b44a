//! Observers of a stream that is read: the live values of the pages, and a log of problems.

use super::alarms::ExpiredOffsets;
use super::stream::restart::Restart;
use super::stream::{Feed, Streaming};
use super::{Flow, now};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use deltalake::kernel::Add;
use ingest::kafka::{self, Event};
use lake::plan::Step;
use live::{self, Link, LinkState, Live, PartitionLag};
use plant::mqtt_source::stream_name;
use plant::reading::{Reading, Registry, SensorId, SensorNumber};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use watch::Alarms;

/// Receives readings and events of a stream as they arrive.
pub trait StreamObserver: Send + Sync {
    /// Partitions were assigned, and silver contains everything that any process read of them before. Called
    /// on the reading thread; no reading follows before it returns.
    fn partitions_assigned(&self);
    /// Whether the observer uses readings.
    fn takes_readings(&self) -> bool;
    /// Whether a page shows each reading as it arrives.
    fn needs_low_latency(&self) -> bool;
    fn readings(&self, readings: &[Reading]);
    /// `count` messages were rejected.
    fn rejected(&self, count: usize);
    fn event(&self, topic: &str, event: &Event);
    /// A feed failed; it starts again after a pause.
    fn failed(&self, feed: &Feed, restart: &Restart);
}

/// Records the problems of a stream.
#[derive(Default)]
pub struct ProblemLog(Mutex<Vec<String>>);

impl ProblemLog {
    /// The problems so far.
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

    fn failed(&self, _feed: &Feed, _restart: &Restart) {}

    fn event(&self, topic: &str, event: &Event) {
        if let (Some(problem), Ok(mut problems)) = (problem(topic, event), self.0.lock()) {
            problems.push(problem);
        }
    }
}

/// The problem in an event, if it means that messages are lost.
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
        Event::SessionLost => Some(format!(
            "{topic}: the broker does not have the session any more; messages that were published while this \
             program was not connected may be missing"
        )),
        Event::Connected
        | Event::Disconnected { .. }
        | Event::Waiting { .. }
        | Event::MissingTopic
        | Event::Lags(_) => None,
    }
}

/// The alarms that a stream feeds, and the offsets it lost.
#[derive(Clone)]
pub struct StreamAlarms {
    pub alarms: Alarms,
    pub expired: ExpiredOffsets,
}

/// Passes readings and the state of the connection to the live values and the alarms.
struct LiveObserver {
    flow: Flow,
    live: Live,
    alarms: Option<StreamAlarms>,
    registry: Registry,
    link: Mutex<Links>,
    /// Versions of silver from which the windows were last filled.
    restored: Mutex<Vec<u64>>,
}

/// The links to the topics that are read.
#[derive(Default)]
struct Links {
    /// Topics without a link, and why; feeds that failed have an entry of their own.
    lost: BTreeMap<String, (Link, String)>,
    /// What happened to messages.
    problem: Option<String>,
    lags: Vec<PartitionLag>,
}

/// The entry of Kafka as a whole, until one of its topics is connected.
const KAFKA: &str = "";

impl Links {
    fn lose(&mut self, topic: &str, link: Link, reason: String) {
        self.lost.insert(topic.to_owned(), (link, reason));
    }

    fn connect(&mut self, topic: &str) {
        self.lost.remove(topic);
        if !is_mqtt(topic) {
            self.lost.remove(KAFKA);
        }
        self.problem = None;
    }

    /// The worst of them: one that an operator has to fix comes before one that is lost.
    fn state(&self) -> LinkState {
        let failed = self.lost.values().find(|(link, _)| *link == Link::Failed);
        let worst = failed.or(self.lost.values().next());
        let lags = self.lags.clone();
        match worst {
            Some((link, reason)) => LinkState { link: *link, reason: Some(reason.clone()), lags },
            None => LinkState { link: Link::Connected, reason: self.problem.clone(), lags },
        }
    }
}

impl LiveObserver {
    /// Fills the windows from silver, unless silver has not changed since.
    async fn restore(&self) {
        let versions = self.flow.stream_table_versions().await.unwrap_or_default();
        if versions == *self.restored.lock().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        let alarms = self.alarms.as_ref().map(|it| &it.alarms);
        self.flow.restore(&self.live, alarms, &self.registry).await;
        *self.restored.lock().unwrap_or_else(PoisonError::into_inner) = versions;
    }

    fn set_link(&self, state: &LinkState) {
        self.live.set_link(state.clone());
        if let Some(it) = &self.alarms {
            it.alarms.set_observing(state.link == Link::Connected);
        }
    }

    fn count_expired(&self, partition: &str, count: i64) {
        let Some(it) = &self.alarms else { return };
        let mut expired = it.expired.lock().unwrap_or_else(PoisonError::into_inner);
        let found = (now().timestamp_micros(), count);
        expired.entry(partition.to_owned()).or_default().push(found);
    }
}

impl StreamObserver for LiveObserver {
    fn partitions_assigned(&self) {
        // The reading thread does not belong to the runtime, so it may block.
        Handle::current().block_on(self.restore());
    }

    fn takes_readings(&self) -> bool {
        true
    }

    fn needs_low_latency(&self) -> bool {
        self.live.has_unthrottled_viewers()
    }

    fn readings(&self, readings: &[Reading]) {
        let now_us = now().timestamp_micros();
        self.live.take(readings, now_us);
        if let Some(it) = &self.alarms {
            it.alarms.take(readings, now_us);
        }
    }

    fn rejected(&self, count: usize) {
        if count > 0 {
            self.live.count_rejected(now().timestamp_micros(), count as u64);
        }
    }

    fn failed(&self, feed: &Feed, restart: &Restart) {
        let Ok(mut links) = self.link.lock() else { return };
        let link = if restart.needs_operator { Link::Failed } else { Link::Lost };
        match feed {
            Feed::Kafka(_) => {
                links.lost.retain(|topic, _| is_mqtt(topic));
                links.lose(KAFKA, link, restart.reason.clone());
            }
            Feed::Mqtt(table) => links.lose(&stream_name(table), link, restart.reason.clone()),
        }
        self.set_link(&links.state());
    }

    fn event(&self, topic: &str, event: &Event) {
        let Ok(mut links) = self.link.lock() else { return };
        match event {
            Event::Connected => links.connect(topic),
            Event::Disconnected { reason } | Event::Waiting { reason } => {
                links.lose(topic, Link::Lost, reason.clone());
            }
            Event::MissingTopic => {
                let reason = format!("the brokers do not have the topic {topic}");
                links.lose(topic, Link::Lost, reason);
            }
            Event::Lags(lags) => {
                let lag = |lag: &kafka::Lag| PartitionLag {
                    topic: topic.to_owned(),
                    partition: lag.partition,
                    lag_messages: lag.messages,
                };
                links.lags.retain(|it| it.topic != topic);
                links.lags.extend(lags.iter().map(lag));
            }
            Event::Expired { partition, from, to } => {
                links.problem = problem(topic, event);
                self.count_expired(&format!("{topic}/{partition}"), to - from);
            }
            Event::Replaced { .. } | Event::TooManyTopics { .. } | Event::SessionLost => {
                links.problem = problem(topic, event);
            }
        }
        self.set_link(&links.state());
    }
}

/// Whether a topic is the log of a contract of MQTT.
fn is_mqtt(topic: &str) -> bool {
    topic.starts_with(&stream_name(""))
}

impl Streaming {
    /// Fills the live values from the last minutes in silver, then follows the streams.
    pub async fn with_live_pages(
        flow: &Flow,
        live: &Live,
        alarms: Option<StreamAlarms>,
        registry: &Registry,
    ) -> Self {
        let mut links = Links::default();
        for feed in flow.feeds() {
            let topic = match &feed {
                Feed::Kafka(_) => KAFKA.to_owned(),
                Feed::Mqtt(table) => stream_name(table),
            };
            links.lose(&topic, Link::Lost, "no broker has responded yet".to_owned());
        }
        let state = links.state();
        let shown = LiveObserver {
            flow: flow.clone(),
            live: live.clone(),
            alarms,
            registry: registry.clone(),
            link: Mutex::new(links),
            restored: Mutex::default(),
        };
        shown.set_link(&state);
        shown.restore().await;
        let (registry, observer) = (registry.clone(), Arc::new(shown));
        Self { registry, observer, ..Self::until_stopped(&CancellationToken::new()) }
    }
}

/// Silver rows of temperatures as readings.
pub struct Readings {
    registry: Registry,
    numbers: HashMap<String, SensorNumber, foldhash::fast::RandomState>,
    readings: Vec<Reading>,
}

impl Readings {
    /// For a step whose table has the columns of a reading.
    pub fn new(step: &Step, registry: &Registry) -> Option<Self> {
        let has = |name: &&str| step.schema.field_with_name(name).is_ok();
        let is_temperature = READING.iter().all(has);
        let (registry, numbers, readings) = (registry.clone(), HashMap::default(), Vec::new());
        is_temperature.then_some(Self { registry, numbers, readings })
    }

    /// The rows of a batch of silver, valid until the next call.
    pub fn convert(&mut self, rows: &RecordBatch) -> anyhow::Result<&[Reading]> {
        let text = |name: &str| -> anyhow::Result<_> {
            Ok(rows.column(rows.schema().index_of(name)?).as_string::<i32>().clone())
        };
        let sensors = text("sensor")?;
        let at = rows.column(rows.schema().index_of("at")?);
        let at = at.as_primitive::<TimestampMicrosecondType>();
        let temps = rows.column(rows.schema().index_of("temp_c")?);
        let temps = temps.as_primitive::<Float64Type>();
        let parts = [text("plant")?, text("lane")?, text("component")?, text("manufacturer")?];
        self.readings.clear();
        // A row without a value, such as that of a death, is not a reading.
        let is_reading = |row: &usize| at.is_valid(*row) && temps.is_valid(*row);
        for row in (0..sensors.len()).filter(is_reading) {
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
            self.readings.push(Reading { sensor, at_us: at.value(row), temp_c: temps.value(row) });
        }
        Ok(&self.readings)
    }
}

impl Flow {
    /// Fills the live values from the last half hour in silver: at the start, before any broker responds, and
    /// whenever partitions are assigned. If silver cannot be read, the windows start empty.
    pub async fn restore(&self, live: &Live, alarms: Option<&Alarms>, registry: &Registry) {
        let now_us = now().timestamp_micros();
        match self.recent_readings(registry, now_us).await {
            Ok(readings) => {
                live.restore(&readings, now_us);
                if let Some(alarms) = alarms {
                    alarms.restore(&readings, now_us);
                }
                tracing::info!(readings = readings.len(), "live values restored");
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "live values not restored");
            }
        }
    }

    /// Versions of the silver tables of the streams.
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
            // A sensor with a clock ahead of ours does not hide the readings of the others.
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

/// Columns of silver that make a reading.
const READING: [&str; 7] = ["sensor", "plant", "lane", "component", "manufacturer", "at", "temp_c"];

/// The greatest time in a column of a data file, in microseconds since 1970 UTC.
fn file_end_us(file: &Add, column: &str) -> Option<i64> {
    let stats: serde_json::Value = serde_json::from_str(file.stats.as_deref()?).ok()?;
    let text = stats["maxValues"][column].as_str()?;
    let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    // The bound is stored in milliseconds, so it may be up to one too small.
    Some(at.timestamp_micros() + 999)
}
