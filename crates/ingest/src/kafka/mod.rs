//! Kafka: the messages of one topic, in the order of their offsets.
//!
//! *In*: brokers and a topic. *Out*: [`Messages`] and [`Event`]s, passed to a [`Receiver`]. *Promise*:
//! reading starts at the offsets that the receiver returns; every message that the broker still has from there on is
//! passed on; offsets that have expired are reported.

mod assign;
mod connect;
mod describe;
mod event;
mod queue;
mod token;
mod topics;

pub use connect::ClientLimits;
pub use event::{Assignment, Difference, Event, Lag, Receiver, ResumePositions};
pub use topics::Topics;

use crate::Error;
use crate::messages_builder::MessagesBuilder;
use anyhow::bail;
use batches::batch::{Messages, TopicId, Witness};
use config::kafka::Kafka;
use connect::{Context, Rebalance};
use describe::Describe;
use queue::{Message, Queue};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest wait for a message before events and rebalances are handled.
const POLL: Duration = Duration::from_millis(50);

/// How long one request may wait before the client's errors are looked at: it reports them only when it
/// is polled.
const REQUEST_SLICE: Duration = Duration::from_millis(500);

/// Payloads passed on at once, in bytes.
const BATCH_BYTES: usize = 4 << 20;

/// A batch of fewer bytes is all that arrived since the one before it. From a partition that holds more
/// the client fetches a megabyte.
const SMALL_BYTES: usize = 1 << 19;

/// While messages linger at the broker: how many fetch intervals of the client may pass before the
/// messages that accumulated are here.
const FETCHES: u32 = 3;

/// When a source stops reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When the receiver is stopped. Partitions are shared with the other members of the group.
    Stopped,
    /// At the end of every partition as it is at the start. All partitions are read.
    End,
}

/// The consumer of one topic.
pub struct Source {
    /// Receives the messages; events and errors come through the consumer.
    queue: Queue,
    describe: Describe,
    consumer: BaseConsumer<Context>,
    topic: Arc<str>,
    until: Until,
    batch_messages: usize,
    kafka: Kafka,
    limits: ClientLimits,
    /// The id of the topic, if the brokers report one, and a broker that leads one of its partitions.
    id: Option<TopicId>,
    leader: Option<i32>,
    /// Until when partitions have to be forwarded to our queue again.
    forwarded_until: Option<Instant>,
    /// The last offset passed on, for each assigned partition.
    read: BTreeMap<i32, i64>,
    /// Whether a broker answers; `None` at first.
    is_connected: Option<bool>,
    was_connected: bool,
    is_missing: bool,
    /// Messages and bytes of the last batch: an estimate for the next one.
    last: (usize, usize),
    /// Whether messages linger at the broker because no viewer waits for each of them.
    is_lingering: bool,
    /// How long they linger, and how long the client then takes to fetch them.
    linger: Duration,
    fetch: Duration,
}

impl Source {
    /// A consumer of `topic`. It connects in the background.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Token`] if the client cannot be created from the configuration.
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
            is_connected: None,
            was_connected: false,
            is_missing: false,
            last: (0, 0),
            is_lingering: false,
            linger: Duration::from_millis(limits.idle_linger_ms),
            fetch: FETCHES * Duration::from_millis(limits.linger_ms),
        })
    }

    /// Reads and passes on messages. Blocks; to be called on a thread of its own.
    ///
    /// # Errors
    /// An [`Error`] among the causes if the brokers refuse the connection or, with [`Until::End`], do not
    /// answer; else an error of the receiver or of the client.
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
            // After the last message there may be offsets without a message (transaction markers).
            for partition in self.step(receiver)? {
                ends.remove(&partition);
            }
        }
    }

    /// Handles one batch of messages, then events and rebalances. Returns the partitions whose end was
    /// reached.
    fn step(&mut self, receiver: &mut dyn Receiver) -> anyhow::Result<Vec<i32>> {
        let (batch, ended, mut errors) = self.collect();
        // Linger only after a small batch: an empty one means silence, whose next message is to be read
        // at once, and a large one means that more is there already.
        let is_small = batch.len() > 0 && batch.bytes < SMALL_BYTES;
        if batch.len() > 0 {
            self.mark_connected(receiver);
            self.last = (batch.len(), batch.bytes);
            receiver.messages(batch.finish(&self.topic))?;
        }
        receiver.polled()?;
        self.is_lingering =
            is_small && self.until == Until::Stopped && !receiver.needs_low_latency();
        self.poll_events(&mut errors)?;
        for error in &errors {
            self.handle_error(error, receiver)?;
        }
        if let Some(lags) = self.consumer.context().take_lags() {
            receiver.event(Event::Lags(lags));
            self.request_id()?;
        }
        if self.is_replaced() {
            self.assign_again(receiver)?;
        }
        self.forward()?;
        while let Some(rebalance) = self.consumer.context().next_rebalance() {
            self.rebalance(&rebalance, receiver)?;
        }
        Ok(ended)
    }

    /// Polls the consumer, which runs the client's callbacks, and collects its errors.
    fn poll_events(&self, errors: &mut Vec<KafkaError>) -> anyhow::Result<()> {
        let mut wait = if self.is_lingering { self.linger } else { Duration::ZERO };
        while let Some(event) = self.consumer.poll(std::mem::take(&mut wait)) {
            match event {
                // A message outside our queue has no order relative to those in it. Passing on later
                // ones would skip it, so reading starts again from the last offset.
                Ok(_) => bail!("a message of {} arrived outside its queue", self.topic),
                Err(error) => errors.push(error),
            }
        }
        Ok(())
    }

    /// Takes the messages that are here, after a wait if there are none, with the partitions whose end was
    /// reached and the errors of partitions.
    fn collect(&mut self) -> (MessagesBuilder, Vec<i32>, Vec<KafkaError>) {
        let mut batch = MessagesBuilder::with_capacity(self.last);
        let (mut ended, mut errors) = (Vec::new(), Vec::new());
        let read = &mut self.read;
        // The client waits until it has as many messages as requested, so the wait is for one only.
        let (mut wait, mut most) = (POLL, 1);
        // While messages lingered, the client has fetched only the first of them.
        let mut fetch = std::mem::take(&mut self.is_lingering).then_some(self.fetch);
        while batch.len() < self.batch_messages && batch.bytes < BATCH_BYTES {
            let taken = self.queue.take(wait, most, |message| match message {
                Ok(message) => push_unread(&mut batch, &message, read),
                Err(KafkaError::PartitionEOF(number)) => ended.push(number),
                Err(error) => errors.push(error),
            });
            (wait, most) = if taken > 0 {
                (Duration::ZERO, self.batch_messages)
            } else if let Some(fetch) = fetch.take() {
                (fetch, 1)
            } else {
                break;
            };
        }
        (batch, ended, errors)
    }

    fn rebalance(
        &mut self,
        rebalance: &Rebalance,
        receiver: &mut dyn Receiver,
    ) -> anyhow::Result<()> {
        match rebalance {
            Rebalance::Assign(partitions) => {
                self.mark_connected(receiver);
                self.assign(partitions, receiver)?;
            }
            Rebalance::Revoke => {
                // The receiver finishes first: once the partitions are given up, another member reads
                // from what is committed then.
                receiver.revoked()?;
                self.read.clear();
                self.consumer.unassign()?;
            }
        }
        Ok(())
    }

    fn mark_connected(&mut self, receiver: &mut dyn Receiver) {
        self.is_missing = false;
        self.was_connected = true;
        if self.is_connected.replace(true) != Some(true) {
            receiver.event(Event::Connected);
        }
    }

    fn mark_disconnected(&mut self, reason: String, receiver: &mut dyn Receiver) {
        if self.is_connected.replace(false) != Some(false) {
            receiver.event(Event::Disconnected { reason });
        }
    }

    fn handle_error(
        &mut self,
        error: &KafkaError,
        receiver: &mut dyn Receiver,
    ) -> anyhow::Result<()> {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                // A new assignment compares the offsets and reports those that expired.
                self.assign_again(receiver)?;
            }
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                if !std::mem::replace(&mut self.is_missing, true) {
                    receiver.event(Event::MissingTopic);
                }
            }
            Some(Code::Fatal) | None => bail!("Kafka: {error}"),
            Some(Code::SSL) if self.is_passing_tls_error(error) => {
                self.mark_disconnected(self.reason(error), receiver);
            }
            Some(code) if connect::is_auth_error(code) => {
                return Err(self.auth_error(error).into());
            }
            Some(Code::AllBrokersDown | Code::BrokerTransportFailure | Code::Resolve) => {
                self.mark_disconnected(error.to_string(), receiver);
            }
            Some(_) => tracing::warn!(%error, topic = &*self.topic, "Kafka client error"),
        }
        Ok(())
    }

    /// Whether a failed TLS handshake may succeed later without a change: brokers accepted the
    /// connection before, or the handshake was interrupted, as it is while a broker behind a load
    /// balancer restarts.
    fn is_passing_tls_error(&self, error: &KafkaError) -> bool {
        self.was_connected || self.reason(error).contains("Disconnected")
    }

    /// The error for a refused connection.
    fn auth_error(&self, error: &KafkaError) -> Error {
        self.consumer.context().refused(&self.reason(error), self.was_connected)
    }

    /// The client's own words for an error, if its last words were about this kind of error.
    fn reason(&self, error: &KafkaError) -> String {
        let last = self.consumer.context().last_error();
        let last = last.filter(|(code, _)| Some(*code) == error.rdkafka_error_code());
        last.map_or_else(|| error.to_string(), |(_, reason)| reason)
    }
}

/// Adds a message, unless it was read before, or its partition is no longer assigned and the message was
/// still in the client's queue.
fn push_unread(batch: &mut MessagesBuilder, message: &Message<'_>, read: &mut BTreeMap<i32, i64>) {
    let last = read.get_mut(&message.partition);
    if let Some(last) = last.filter(|last| **last < message.offset) {
        *last = message.offset;
        batch.push(&message.parts());
    }
}

#[expect(clippy::disallowed_methods, reason = "measures waits of this thread; no row contains it")]
fn now() -> Instant {
    Instant::now()
}

/// Time left until a deadline.
fn remaining(until: Instant) -> Duration {
    until.saturating_duration_since(now())
}

impl Drop for Source {
    /// When the client is closed, it waits until every rebalance that the group requested is carried out.
    /// After an error nothing carries them out any more, so they are answered right away.
    fn drop(&mut self) {
        self.consumer.context().close();
        if let Err(error) = self.consumer.unassign() {
            tracing::debug!(%error, "partitions not released");
        }
    }
}

#[cfg(test)]
mod tests;
