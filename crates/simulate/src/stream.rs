//! Sends the simulated temperature stream to a Kafka topic.
//!
//! The message key is the sensor id, so the messages of a sensor stay in one partition and in
//! order. The producer is idempotent: each message is written once, even if the broker was
//! unavailable.

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

/// Timeout of the first request to a broker.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Attempts to find the topic, and the pause between them: five seconds in total.
const TOPIC_ATTEMPTS: usize = 50;
const TOPIC_PAUSE: Duration = Duration::from_millis(100);

/// Timeout of one flush, and the number of flushes at the end: long enough for a broker restart,
/// or, after a stop, well below two seconds.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);
const FLUSHES_MAX: usize = 120;
const FLUSHES_MAX_STOPPED: usize = 3;

/// Maximum and minimum pause between two checks of the clock and of the stop token.
const PAUSE_MAX_US: i64 = 50_000;
const PAUSE_MIN_US: i64 = 1_000;

/// Pause while the queue of the producer is full.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Settings of the producer besides its brokers: messages are sent within a millisecond, and
/// undelivered ones take at most 64 MB.
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

/// Messages to skip because they were sent before.
#[derive(Debug, Clone, Default)]
pub struct SentMessages {
    /// Last second (since 1970-01-01T00:00:00Z) of each sensor that was received.
    pub last_s: HashMap<String, i64>,
}

/// Delays the producer while consumers are behind.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Messages received, of all that were sent since the throttle was created.
    pub received: Arc<AtomicU64>,
    /// Maximum number of messages that were sent and not yet received.
    pub in_flight_max: u64,
}

/// Options of sending a stream.
#[derive(Debug, Clone, Default)]
pub struct ProduceOptions {
    pub end: End,
    pub already_sent: SentMessages,
    pub throttle: Option<Throttle>,
    /// Whether message timestamps are simulated time instead of the time of sending.
    pub simulated_timestamps: bool,
}

/// End of the stream: a simulated time, a number of messages, or never.
#[derive(Debug, Clone, Copy, Default)]
pub struct End {
    /// Microseconds since 1970-01-01T00:00:00Z, exclusive.
    pub before_us: Option<i64>,
    pub messages: Option<u64>,
}

/// Counts of what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamSummary {
    pub messages: u64,
    pub bytes: u64,
    pub landed: u64,
    pub rejected: u64,
    /// Messages not acknowledged by a broker.
    pub undelivered: u64,
    /// The reason, if a broker reported one.
    pub delivery_error: Option<String>,
    /// Simulated time up to which everything was sent, in microseconds since 1970-01-01T00:00:00Z.
    pub until_us: i64,
}

/// Called for every message that is sent.
pub type OnSent<'a> = &'a mut dyn FnMut(&Message, &[u8]) -> anyhow::Result<()>;

/// Sends a stream to a topic.
pub struct Producer {
    producer: BaseProducer<Deliveries>,
    topic: String,
    stream: Stream,
    /// Message key of each sensor.
    keys: Vec<String>,
    from_us: i64,
    runtime: Handle,
}

/// Counts messages that were not delivered.
#[derive(Debug, Default)]
struct Deliveries {
    failed: AtomicU64,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "kafka client error");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, message)) = result else { return };
        if self.failed.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(%error, partition = message.partition(), "messages not delivered");
        }
    }
}

impl Producer {
    /// Connects to a broker and waits for the topic.
    ///     ///
    /// Must be called within a Tokio runtime, whose timer paces the stream.
    ///     ///
    /// # Errors
    ///     ///
    /// Fails if no broker answers or the topic is not writable.
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
                format!("invalid brokers `{brokers}`: expected host:port, separated by commas")
            })?;
        find_topic(&producer, topic)
            .with_context(|| format!("cannot send the stream to {brokers}"))?;
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

    /// Sends each message when its time is reached by `clock_us` (microseconds since
    /// 1970-01-01T00:00:00Z, at any speed), past ones immediately, until the end or `stop`. Blocks
    /// the thread.
    pub fn produce(
        mut self,
        clock_us: impl Fn() -> i64,
        options: &ProduceOptions,
        stop: &CancellationToken,
        on_sent: OnSent<'_>,
    ) -> anyhow::Result<StreamSummary> {
        let end = options.end;
        let last_s = self.keys.iter().map(|key| options.already_sent.last_s.get(key).copied());
        let last_s: Vec<Option<i64>> = last_s.collect();
        let mut summary = StreamSummary { until_us: self.from_us, ..StreamSummary::default() };
        let mut payload = Vec::new();
        let mut due_us = clock_us();
        while end.messages.is_none_or(|messages| summary.messages < messages) {
            let message = self.stream.next(&mut payload);
            let is_past_end = end.before_us.is_some_and(|end_us| message.sent_at_us >= end_us);
            if is_past_end {
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
            self.throttle(options.throttle.as_ref(), summary.messages, stop);
            let stamp_ms = options.simulated_timestamps.then_some(message.sent_at_us / 1000);
            if stop.is_cancelled() || !self.send(&message, &payload, stamp_ms, stop)? {
                break;
            }
            on_sent(&message, &payload)?;
            summary.add(&message, payload.len());
        }
        self.finish(summary, stop)
    }

    /// Waits for a time or for `stop`; returns the current time.
    fn wait(&self, at_us: i64, clock_us: &impl Fn() -> i64, stop: &CancellationToken) -> i64 {
        loop {
            let now_us = clock_us();
            if now_us >= at_us || stop.is_cancelled() {
                return now_us;
            }
            // The producer's own wait would spin for pauses below a millisecond.
            let pause_us = (at_us - now_us).clamp(PAUSE_MIN_US, PAUSE_MAX_US);
            let pause = Duration::from_micros(pause_us.unsigned_abs());
            self.sleep(pause, stop);
        }
    }

    /// Waits while too many messages are in flight.
    fn throttle(&self, throttle: Option<&Throttle>, said: u64, stop: &CancellationToken) {
        let Some(throttle) = throttle else { return };
        while said.saturating_sub(throttle.received.load(Ordering::Relaxed))
            > throttle.in_flight_max
        {
            if stop.is_cancelled() {
                return;
            }
            self.sleep(FULL_PAUSE, stop);
        }
    }

    fn sleep(&self, pause: Duration, stop: &CancellationToken) {
        // The caller checks both the clock and the token again.
        drop(self.runtime.block_on(tokio::time::timeout(pause, stop.cancelled())));
        self.producer.poll(Duration::ZERO);
    }

    /// Queues a message, waiting while the queue is full; false if `stop` came first.
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
                return Err(error).context("cannot queue a message");
            }
            if stop.is_cancelled() {
                return Ok(false);
            }
            self.producer.poll(FULL_PAUSE);
            record = unsent;
        }
    }

    /// Waits for messages in flight.
    fn finish(
        self,
        mut summary: StreamSummary,
        stop: &CancellationToken,
    ) -> anyhow::Result<StreamSummary> {
        let mut flushed = self.producer.flush(FLUSH_TIMEOUT);
        for attempt in 1..FLUSHES_MAX {
            if flushed.is_ok() || (stop.is_cancelled() && attempt >= FLUSHES_MAX_STOPPED) {
                break;
            }
            flushed = self.producer.flush(FLUSH_TIMEOUT);
        }
        let failed = self.producer.context().failed.load(Ordering::Relaxed);
        let waiting = u64::try_from(self.producer.in_flight_count()).unwrap_or(0);
        summary.undelivered = failed + waiting;
        summary.delivery_error = match flushed {
            _ if failed > 0 => Some(format!("{failed} messages were rejected by the broker")),
            Err(error) if waiting > 0 => Some(error.to_string()),
            _ => None,
        };
        Ok(summary)
    }
}

/// Waits until the topic is writable; a broker with automatic topic creation creates it now.
fn find_topic(producer: &BaseProducer<Deliveries>, topic: &str) -> anyhow::Result<()> {
    let mut reason = None;
    for _ in 0..TOPIC_ATTEMPTS {
        let known = match producer.client().fetch_metadata(Some(topic), CONNECT_TIMEOUT) {
            Ok(known) => known,
            Err(error) => bail!(
                "no broker answers; check that it is running and the address is correct ({error})"
            ),
        };
        let found = known.topics().first();
        reason = found.and_then(|found| found.error()).map(RDKafkaErrorCode::from);
        if found.is_some_and(|found| !found.partitions().is_empty()) && reason.is_none() {
            return Ok(());
        }
        producer.poll(TOPIC_PAUSE);
    }
    let reason = reason.map_or_else(|| "it has no partitions".to_owned(), |it| it.to_string());
    bail!("the topic {topic} is not writable; create it first ({reason})")
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
