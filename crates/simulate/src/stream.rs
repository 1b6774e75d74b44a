//! The simulated temperature stream on a Kafka topic.
//!
//! A sensor's messages carry its identity as their key, so they stay in one partition and in order.
//! The producer is idempotent: a message is in the topic once, even if the broker was away.

use anyhow::{Context as _, bail};
use plant::sim::stream::{Message, MessageOutcome, Stream, StreamPlan};
use plant::time::second_of_us;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientContext, Message as _};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// How long a broker may take to answer at first.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How often a topic is looked for, and the pause between: five seconds together.
const TOPIC_LOOKS: usize = 50;
const TOPIC_PAUSE: Duration = Duration::from_millis(100);

/// How long one look for messages under way takes, and how many are taken at the end: as long as a
/// broker is away for a restart, or, after a stop, well within two seconds.
const FLUSH_LOOK: Duration = Duration::from_millis(500);
const FLUSH_LOOKS: usize = 120;
const FLUSH_LOOKS_STOPPED: usize = 3;

/// The longest pause between two looks at the clock and at whether to stop, and the shortest.
const PAUSE_MAX_US: i64 = 50_000;
const PAUSE_MIN_US: i64 = 1_000;

/// The pause while the queue to the broker is full.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Settings of the producer besides its brokers: what is said leaves within a millisecond, and what
/// waits for a broker takes at most 64 MB.
const SETTINGS: [(&str, &str); 8] = [
    ("client.id", "cockpit-simulate"),
    ("delivery.report.only.error", "true"),
    ("enable.idempotence", "true"),
    ("linger.ms", "1"),
    ("message.max.bytes", "2000000"),
    ("queue.buffering.max.messages", "200000"),
    ("queue.buffering.max.kbytes", "65536"),
    ("topic.metadata.refresh.interval.ms", "30000"),
];

/// Which messages of a stream are left out, because they were said before.
#[derive(Debug, Clone, Default)]
pub struct SentMessages {
    /// For each sensor the last second (since 1970 UTC) in which it was heard.
    pub last_s: HashMap<String, i64>,
}

/// Holds a speaker back while those who listen are behind.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Messages heard so far, of all that were said since the brake was made.
    pub received: Arc<AtomicU64>,
    /// So many messages may be on their way.
    pub in_flight_max: u64,
}

/// How a stream is said.
#[derive(Debug, Clone, Default)]
pub struct ProduceOptions {
    pub end: End,
    pub already_sent: SentMessages,
    pub throttle: Option<Throttle>,
    /// Whether messages carry simulated time as that of their sending, instead of the clock's.
    pub simulated_timestamps: bool,
}

/// Where it ends: at a moment of simulated time, after so many messages, or never.
#[derive(Debug, Clone, Copy, Default)]
pub struct End {
    /// Microseconds since 1970 UTC; what is said then is not said any more.
    pub before_us: Option<i64>,
    pub messages: Option<u64>,
}

/// What was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamSummary {
    pub messages: u64,
    pub bytes: u64,
    pub landed: u64,
    pub rejected: u64,
    /// Messages no broker confirmed.
    pub undelivered: u64,
    /// Why, if a broker said so.
    pub delivery_error: Option<String>,
    /// Simulated moment up to which everything was said, in microseconds since 1970 UTC.
    pub until_us: i64,
}

/// Told of every message that is said.
pub type Listener<'a> = &'a mut dyn FnMut(&Message, &[u8]) -> anyhow::Result<()>;

/// Says a stream to a topic.
pub struct Producer {
    producer: BaseProducer<Deliveries>,
    topic: String,
    stream: Stream,
    /// The key of each sensor's messages.
    keys: Vec<String>,
    from_us: i64,
    runtime: Handle,
}

/// Counts what never arrives.
#[derive(Debug, Default)]
struct Deliveries {
    failed: AtomicU64,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "broker_trouble");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, message)) = result else { return };
        if self.failed.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(%error, partition = message.partition(), "messages_not_delivered");
        }
    }
}

impl Producer {
    /// Connects to a broker; an error says which did not answer.
    ///
    /// Called within a runtime, by whose timer the stream is paced.
    pub fn connect(
        brokers: &str,
        topic: &str,
        plan: StreamPlan,
        from_us: i64,
    ) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers);
        for (name, value) in SETTINGS {
            config.set(name, value);
        }
        let producer: BaseProducer<Deliveries> =
            config.create_with_context(Deliveries::default()).with_context(|| {
                format!("`{brokers}` names no brokers; write host:port, with commas between")
            })?;
        find_topic(&producer, topic)
            .with_context(|| format!("the stream cannot be sent to {brokers}"))?;
        let stream = Stream::new(plan, from_us);
        let keys = stream.sensors().iter().map(|sensor| sensor.id.to_string()).collect();
        Ok(Self {
            producer,
            topic: topic.to_owned(),
            stream,
            keys,
            from_us,
            runtime: Handle::current(),
        })
    }

    /// Says every message when its moment has come by `clock_us` (microseconds since 1970 UTC, at any
    /// pace), what is past at once, until the end or `stop`. Blocks its thread.
    pub fn produce(
        mut self,
        clock_us: impl Fn() -> i64,
        options: &ProduceOptions,
        stop: &CancellationToken,
        listener: Listener<'_>,
    ) -> anyhow::Result<StreamSummary> {
        let end = options.end;
        let last_s = self.keys.iter().map(|key| options.already_sent.last_s.get(key).copied());
        let last_s: Vec<Option<i64>> = last_s.collect();
        let mut summary = StreamSummary { until_us: self.from_us, ..StreamSummary::default() };
        let mut payload = Vec::new();
        let mut due_us = clock_us();
        while end.messages.is_none_or(|messages| summary.messages < messages) {
            let message = self.stream.next(&mut payload);
            let is_over = end.before_us.is_some_and(|end_us| message.sent_at_us >= end_us);
            if is_over {
                summary.until_us = end.before_us.unwrap_or(summary.until_us);
                break;
            }
            let said_at_s = second_of_us(message.sent_at_us);
            if last_s[message.sensor].is_some_and(|last_s| said_at_s <= last_s) {
                continue;
            }
            if message.sent_at_us > due_us {
                due_us = self.wait(message.sent_at_us, &clock_us, stop);
            }
            self.hold(options.throttle.as_ref(), summary.messages, stop);
            let stamp_ms = options.simulated_timestamps.then_some(message.sent_at_us / 1000);
            if stop.is_cancelled() || !self.send(&message, &payload, stamp_ms, stop)? {
                break;
            }
            listener(&message, &payload)?;
            summary.add(&message, payload.len());
        }
        self.finish(summary, stop)
    }

    /// Waits for a moment, or for `stop`; returns the time it is then.
    fn wait(&self, at_us: i64, clock_us: &impl Fn() -> i64, stop: &CancellationToken) -> i64 {
        loop {
            let now_us = clock_us();
            if now_us >= at_us || stop.is_cancelled() {
                return now_us;
            }
            // The producer's own wait would spin for what is less than a millisecond.
            let pause_us = (at_us - now_us).clamp(PAUSE_MIN_US, PAUSE_MAX_US);
            let pause = Duration::from_micros(pause_us.unsigned_abs());
            self.pause(pause, stop);
        }
    }

    /// Waits while too much is on its way.
    fn hold(&self, throttle: Option<&Throttle>, said: u64, stop: &CancellationToken) {
        let Some(throttle) = throttle else { return };
        while said.saturating_sub(throttle.received.load(Ordering::Relaxed))
            > throttle.in_flight_max
        {
            if stop.is_cancelled() {
                return;
            }
            self.pause(FULL_PAUSE, stop);
        }
    }

    fn pause(&self, pause: Duration, stop: &CancellationToken) {
        // Whether the stop came or the time passed, the caller looks again.
        drop(self.runtime.block_on(tokio::time::timeout(pause, stop.cancelled())));
        self.producer.poll(Duration::ZERO);
    }

    /// Hands a message to the producer, waiting while it can take none; false if `stop` came first.
    fn send(
        &self,
        message: &Message,
        payload: &[u8],
        stamp_ms: Option<i64>,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        let key = &self.keys[message.sensor];
        let mut record = BaseRecord::to(&self.topic).key(key.as_str()).payload(payload);
        record.timestamp = stamp_ms;
        loop {
            let (error, unsent) = match self.producer.send(record) {
                Ok(()) => return Ok(true),
                Err(refused) => refused,
            };
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error).context("a message cannot be sent");
            }
            if stop.is_cancelled() {
                return Ok(false);
            }
            self.producer.poll(FULL_PAUSE);
            record = unsent;
        }
    }

    /// Waits for what is under way.
    fn finish(
        self,
        mut summary: StreamSummary,
        stop: &CancellationToken,
    ) -> anyhow::Result<StreamSummary> {
        let mut flushed = self.producer.flush(FLUSH_LOOK);
        for look in 1..FLUSH_LOOKS {
            if flushed.is_ok() || (stop.is_cancelled() && look >= FLUSH_LOOKS_STOPPED) {
                break;
            }
            flushed = self.producer.flush(FLUSH_LOOK);
        }
        let failed = self.producer.context().failed.load(Ordering::Relaxed);
        let waiting = u64::try_from(self.producer.in_flight_count()).unwrap_or(0);
        summary.undelivered = failed + waiting;
        summary.delivery_error = match flushed {
            _ if failed > 0 => Some(format!("{failed} messages were refused")),
            Err(error) if waiting > 0 => Some(error.to_string()),
            _ => None,
        };
        Ok(summary)
    }
}

/// Waits until the topic can be written to; a broker that makes topics by itself makes it now.
fn find_topic(producer: &BaseProducer<Deliveries>, topic: &str) -> anyhow::Result<()> {
    let mut trouble = None;
    for _ in 0..TOPIC_LOOKS {
        let known = match producer.client().fetch_metadata(Some(topic), CONNECT_LIMIT) {
            Ok(known) => known,
            Err(error) => bail!("no broker answers; start one, or name another ({error})"),
        };
        let found = known.topics().first();
        trouble = found.and_then(|found| found.error()).map(RDKafkaErrorCode::from);
        if found.is_some_and(|found| !found.partitions().is_empty()) && trouble.is_none() {
            return Ok(());
        }
        producer.poll(TOPIC_PAUSE);
    }
    let trouble = trouble.map_or_else(|| "it has no partitions".to_owned(), |it| it.to_string());
    bail!("the topic {topic} cannot be written to; create it first ({trouble})")
}

impl StreamSummary {
    fn add(&mut self, message: &Message, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
        self.until_us = message.sent_at_us;
        match message.outcome {
            MessageOutcome::Landed { .. } => self.landed += 1,
            MessageOutcome::Rejected(_) => self.rejected += 1,
        }
    }
}
