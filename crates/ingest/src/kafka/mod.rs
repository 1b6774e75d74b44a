//! Kafka: the messages of a topic, handed on in the order of their offsets.
//!
//! *In*: brokers and a topic. *Out*: [`Messages`] and [`Event`]s, given to a [`Receiver`]. *Promise*:
//! where reading begins is what the receiver says, and nothing the broker still has behind that is
//! left out; what it no longer has is told, with its offsets.

mod assign;
mod collected;
mod connect;
mod describe;
mod queue;
mod token;
mod topics;

pub use connect::{ClientLimits, Lag};
pub use topics::Topics;

use anyhow::bail;
use batches::batch::{Messages, TopicId, Witness};
use collected::Collected;
use config::kafka::Kafka;
use connect::{Context, Rebalance};
use describe::Describe;
use queue::Queue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest wait for a message before other things are polled at.
const POLL: Duration = Duration::from_millis(50);

/// Longest wait for a broker's answer to a question.
const ASK: Duration = Duration::from_secs(10);

/// A part of it: what goes wrong meanwhile the client only says between two questions.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Payloads handed on at most at once, in bytes.
const BATCH_BYTES: usize = 4 << 20;

/// A batch of fewer bytes is what came since the one before it. Of a partition that holds more the
/// client fetches a megabyte.
const SMALL_BYTES: usize = 1 << 19;

/// How often the client may look whether it shall fetch, and the broker answer, before what has
/// gathered is there.
const FETCHES: u32 = 3;

/// What happens besides messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The brokers answer.
    Connected,
    /// No broker answers; reading goes on by itself once one does.
    Disconnected { reason: String },
    /// The brokers do not have the topic; it is waited for.
    MissingTopic,
    /// Offsets `from..to` are gone from the broker before they were read.
    Expired { partition: i32, from: i64, to: i64 },
    /// The topic is not the one that was read before; it is read from its start, as this log.
    Replaced { log: Arc<str>, difference: Difference },
    /// More topics match the patterns of a contract than are read at once; this one and others are not.
    TooManyTopics { unread: usize, most: usize },
    /// How far reading is behind.
    Lags(Vec<Lag>),
}

/// How a topic differs from the one that was read under its name before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Its id is another one.
    Id,
    /// A partition ends before the last offset that was read.
    Shorter { partition: i32, read: i64, end: i64 },
    /// The message at the last offset that was read is another one.
    Message { partition: i32, offset: i64 },
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => write!(out, "its id is another one"),
            Self::Shorter { partition, read, end } => write!(
                out,
                "partition {partition} ends at offset {end}, but {read} was read before"
            ),
            Self::Message { partition, offset } => {
                write!(out, "partition {partition} has another message at offset {offset}")
            }
        }
    }
}

/// Partitions that are ours from now on.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'a> {
    pub partitions: &'a [i32],
    /// The topic's id, if the brokers report one; those before Kafka 2.8 do not.
    pub id: Option<TopicId>,
    /// How the topic differs from the one the receiver answered with: another one is to be begun.
    pub difference: Option<Difference>,
}

/// What a receiver has of the partitions that are assigned.
#[derive(Debug, Clone, Default)]
pub struct ResumePositions {
    /// The last offset of each, if any was read.
    pub read: BTreeMap<i32, i64>,
    /// The messages at these offsets, where the topic's id does not show that it is the same topic.
    pub witnesses: BTreeMap<i32, Witness>,
}

/// The brokers refuse the connection: wrong credentials, or no permission. To try again at once would
/// be refused too, and may lock the account.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Takes what a source gives. All calls come from the thread that reads.
pub trait Receiver {
    /// These partitions are ours from now on.
    fn assigned(&mut self, assigned: &Assignment<'_>) -> anyhow::Result<ResumePositions>;
    /// None are ours any more; what was taken is to be finished now.
    fn revoked(&mut self) -> anyhow::Result<()>;
    fn messages(&mut self, messages: Messages) -> anyhow::Result<()>;
    /// Called after each look for messages, whether there were any or not, some twenty times a second
    /// at least.
    fn polled(&mut self) -> anyhow::Result<()>;
    fn event(&mut self, event: Event);
    /// Whether somebody waits for each message; if not, more are handed on at once, and later.
    fn needs_low_latency(&self) -> bool;
    /// Whether reading shall end.
    fn is_stopped(&self) -> bool;
}

/// How long a source reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until the receiver is stopped, sharing partitions with the others of the group.
    Stopped,
    /// To the end of every partition as it stands at the start, all alone.
    End,
}

/// One topic.
pub struct Source {
    /// The messages; all else comes by way of the consumer.
    queue: Queue,
    describe: Describe,
    consumer: BaseConsumer<Context>,
    topic: Arc<str>,
    until: Until,
    batch_messages: usize,
    kafka: Kafka,
    limits: ClientLimits,
    /// The id of the topic that is read, if the brokers report one, and a broker that leads a partition
    /// of it.
    id: Option<TopicId>,
    leader: Option<i32>,
    /// Until when partitions are to be forwarded to our queue once more.
    forwarded_until: Option<Instant>,
    /// The last offset handed on, of the partitions that are ours.
    read: BTreeMap<i32, i64>,
    /// Whether the brokers answer; unknown at first.
    answers: Option<bool>,
    /// Whether it was told that they refuse us, since they last answered.
    is_refused: bool,
    is_missing: bool,
    /// Messages and bytes of the last batch: what the next one will have, more or less.
    last: (usize, usize),
    /// Whether messages are gathering at the broker, as nobody waits for them.
    gathers: bool,
    /// For how long they do so, and how long the client then takes to fetch what has gathered.
    gather: Duration,
    fetch: Duration,
}

impl Source {
    pub fn connect(
        kafka: &Kafka,
        topic: &str,
        limits: &ClientLimits,
        batch_messages: usize,
        until: Until,
    ) -> anyhow::Result<Self> {
        let consumer = connect::consumer(kafka, limits, until == Until::End)?;
        Ok(Self {
            queue: Queue::new(&consumer)?,
            describe: Describe::new(&consumer)?,
            consumer,
            topic: topic.into(),
            until,
            batch_messages,
            kafka: kafka.clone(),
            limits: *limits,
            id: None,
            leader: None,
            forwarded_until: None,
            read: BTreeMap::new(),
            answers: None,
            is_refused: false,
            is_missing: false,
            last: (0, 0),
            gathers: false,
            gather: Duration::from_millis(limits.idle_linger_ms),
            fetch: FETCHES * Duration::from_millis(limits.linger_ms),
        })
    }

    /// Reads and hands on. Blocks; to be run on a thread of its own.
    pub fn run(mut self, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        match self.until {
            Until::Stopped => {
                self.consumer.subscribe(&[&self.topic])?;
                while !receiver.is_stopped() {
                    self.step(receiver)?;
                }
            }
            Until::End => self.run_to_end(receiver)?,
        }
        receiver.revoked()
    }

    fn run_to_end(&mut self, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        let partitions = self.partitions()?;
        let mut ends = self.assign(&partitions, receiver)?;
        loop {
            let read = &self.read;
            ends.retain(|partition, end| read.get(partition).is_some_and(|last| last + 1 < *end));
            if ends.is_empty() || receiver.is_stopped() {
                return Ok(());
            }
            // Behind the last message there may be offsets that are none.
            for partition in self.step(receiver)? {
                ends.remove(&partition);
            }
        }
    }

    /// One batch of messages, and whatever else there is. Returns the partitions whose end was
    /// reached.
    fn step(&mut self, receiver: &mut dyn Receiver) -> anyhow::Result<Vec<i32>> {
        let (batch, ended, mut troubles) = self.collect();
        // After a silence the next message is awaited, and behind much there is more.
        let is_small = batch.len() > 0 && batch.bytes < SMALL_BYTES;
        if batch.len() > 0 {
            self.found(receiver);
            self.last = (batch.len(), batch.bytes);
            receiver.messages(batch.finish(&self.topic))?;
        }
        receiver.polled()?;
        self.gathers = is_small && self.until == Until::Stopped && !receiver.needs_low_latency();
        let mut wait = if self.gathers { self.gather } else { Duration::ZERO };
        while let Some(event) = self.consumer.poll(std::mem::take(&mut wait)) {
            match event {
                // Those behind it would be read as if it had been; who begins again reads it.
                Ok(_) => bail!("a message of {} came past the queue", self.topic),
                Err(error) => troubles.push(error),
            }
        }
        for trouble in &troubles {
            self.trouble(trouble, receiver)?;
        }
        if let Some(lags) = self.consumer.context().take_lags() {
            receiver.event(Event::Lags(lags));
            self.request_id()?;
        }
        if self.is_replaced() {
            self.assign_again(receiver)?;
        }
        self.forward()?;
        while let Some(rebalance) = self.consumer.context().rebalance_due() {
            self.rebalance(&rebalance, receiver)?;
        }
        Ok(ended)
    }

    /// Messages as they have come, after a wait if there are none; partitions whose end was reached;
    /// and what went wrong.
    fn collect(&mut self) -> (Collected, Vec<i32>, Vec<KafkaError>) {
        let mut batch = Collected::with_room(self.last);
        let (mut ended, mut troubles) = (Vec::new(), Vec::new());
        let read = &mut self.read;
        // To wait for more than one would be to wait for all of them.
        let (mut wait, mut most) = (POLL, 1);
        // The client has fetched what came first while the others gathered.
        let mut rest = std::mem::take(&mut self.gathers).then_some(self.fetch);
        while batch.len() < self.batch_messages && batch.bytes < BATCH_BYTES {
            let taken = self.queue.take(wait, most, |found| match found {
                Ok(message) => batch.push(&message, read),
                Err(KafkaError::PartitionEOF(number)) => ended.push(number),
                Err(error) => troubles.push(error),
            });
            (wait, most) = if taken > 0 {
                (Duration::ZERO, self.batch_messages)
            } else if let Some(fetch) = rest.take() {
                (fetch, 1)
            } else {
                break;
            };
        }
        (batch, ended, troubles)
    }

    fn rebalance(
        &mut self,
        rebalance: &Rebalance,
        receiver: &mut dyn Receiver,
    ) -> anyhow::Result<()> {
        match rebalance {
            Rebalance::Assign(partitions) => {
                self.found(receiver);
                self.assign(partitions, receiver)?;
            }
            Rebalance::Revoke => {
                receiver.revoked()?;
                self.read.clear();
                self.consumer.unassign()?;
            }
        }
        Ok(())
    }

    /// The brokers answer.
    fn found(&mut self, receiver: &mut dyn Receiver) {
        (self.is_missing, self.is_refused) = (false, false);
        if self.answers.replace(true) != Some(true) {
            receiver.event(Event::Connected);
        }
    }

    fn trouble(&mut self, error: &KafkaError, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                // Looking at the partitions anew tells what is gone.
                self.assign_again(receiver)?;
            }
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                if !std::mem::replace(&mut self.is_missing, true) {
                    receiver.event(Event::MissingTopic);
                }
            }
            Some(Code::Fatal) | None => bail!("Kafka: {error}"),
            Some(Code::SSL) => {
                // The client tries again and again; a certificate may be mended meanwhile.
                let is_told = std::mem::replace(&mut self.is_refused, true);
                self.answers = Some(false);
                if !is_told {
                    receiver.event(Event::Disconnected { reason: self.refusal(error) });
                }
            }
            Some(code) if connect::is_refusal(code) => {
                return Err(Refused(self.refusal(error)).into());
            }
            Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::Resolve) => {
                if self.answers.replace(false) != Some(false) {
                    receiver.event(Event::Disconnected { reason: error.to_string() });
                }
            }
            Some(_) => tracing::warn!(%error, topic = &*self.topic, "kafka"),
        }
        Ok(())
    }

    /// That we are not let in, and why.
    fn refusal(&self, error: &KafkaError) -> String {
        // What was said of something else is no reason.
        let said = self.consumer.context().trouble();
        let said = said.filter(|(code, _)| Some(*code) == error.rdkafka_error_code());
        let reason = said.map_or_else(|| error.to_string(), |(_, reason)| reason);
        format!("Kafka does not let us in: {reason}; look at [kafka] in plant.toml")
    }
}

#[expect(clippy::disallowed_methods, reason = "a span of this thread's own, which no row sees")]
fn now() -> Instant {
    Instant::now()
}

fn rest(until: Instant) -> Duration {
    until.saturating_duration_since(now())
}

impl Drop for Source {
    /// The client, when it is closed, waits until whatever it asked of the group's partitions is
    /// carried out, and would wait for ever for what an error kept us from.
    fn drop(&mut self) {
        self.consumer.context().close();
        if let Err(error) = self.consumer.unassign() {
            tracing::debug!(%error, "partitions not given up");
        }
    }
}
