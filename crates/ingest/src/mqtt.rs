//! MQTT: the messages of the topics that match the filters of a contract, by version 3.1.1 or 5 of the protocol.
//!
//! *In*: a broker and filters. *Out*: [`Messages`](batches::batch::Messages) and [`Event`]s, passed to the
//! [`Receiver`] that those of Kafka go to. *Promise*: a message with QoS 1 is acknowledged after it is in the lake,
//! so that none is lost. The broker sends again what was not acknowledged. Within a process such a message is
//! recognized; after a kill it is received a second time, and its silver key identifies it.
//!
//! All messages of a contract are one log with one partition; the offset is the number of the receipt. The topic of
//! a message is its key.

mod access;
mod births;
mod connection;
mod properties;
mod receipts;
mod version3;
mod version5;

pub use births::{BirthLimits, KeptBirths};

use crate::decode::sparkplug::ReceivedMessage;
use crate::kafka::{Assignment, Event, Receiver, Until};
use crate::messages_builder::{MessageParts, MessagesBuilder};
use crate::retry::Backoff;
use crate::{Error, Retry};
use batches::batch::TopicId;
use config::settings::MqttLimits;
use connection::{Arrived, MqttConnection, MqttMessage, Outgoing};
use plant::mqtt_source::MqttSource;
use plant::sparkplug::is_skipped;
use properties::headers_of;
use receipts::Receipts;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

/// Longest wait for a message before commits are looked for, which are then acknowledged.
const POLL: Duration = Duration::from_millis(50);

/// How long messages gather while no page shows each of them as it arrives.
const LINGER: Duration = Duration::from_millis(5);

/// Payloads passed on at once, in bytes.
const BATCH_BYTES: usize = 4 << 20;

/// The only partition.
const PARTITION: i32 = 0;

/// The id of the log: a session has no id of its own.
const LOG: TopicId = TopicId(2);

/// What to read, and how.
#[derive(Debug, Clone)]
pub struct SubscriberOptions {
    pub source: MqttSource,
    /// Name of the log.
    pub name: Arc<str>,
    pub limits: MqttLimits,
    /// What is known of Sparkplug; `None` if payloads are JSON.
    pub births: Option<KeptBirths>,
    /// Most messages that are passed on at once.
    pub batch_messages: usize,
    pub until: Until,
    /// The clock, in microseconds since 1970 UTC: messages have no time of their own.
    pub now_us: fn() -> i64,
    /// Jitter of pauses, in 0..1.
    pub random: fn() -> f64,
}

/// The client of one contract.
pub struct Subscriber {
    options: SubscriberOptions,
    connection: MqttConnection,
    receipts: Receipts,
    /// The last offset that was in the lake at the start; -1 if there was none.
    landed_before: i64,
    backoff: Backoff,
    /// Whether this or an earlier process has received messages in this session.
    was_read: bool,
    is_subscribed: bool,
    /// Whether the subscription was made in a session that had it before, so that retained messages were
    /// received when they were new.
    has_retained: bool,
    /// Whether a broker answers, and why not; `None` at first.
    state: Option<Result<(), String>>,
    /// Time of the last packet.
    active_at: Instant,
    unmatched: u64,
}

/// What a wait has brought.
#[derive(Default)]
struct Gathered {
    messages: Vec<MqttMessage>,
    bytes: usize,
    error: Option<Error>,
}

impl Subscriber {
    /// A client. It connects when it runs.
    ///
    /// # Errors
    /// [`Error::Config`] if the password or the certificates cannot be read.
    pub fn new(options: SubscriberOptions) -> Result<Self, Error> {
        let limits = &options.limits;
        Ok(Self {
            connection: MqttConnection::new(&options.source, limits)?,
            receipts: Receipts::default(),
            landed_before: -1,
            backoff: Backoff::new(limits.mqtt_retry_min_ms, limits.mqtt_retry_max_ms),
            was_read: false,
            is_subscribed: false,
            has_retained: false,
            state: None,
            active_at: Instant::now(),
            unmatched: 0,
            options,
        })
    }

    /// Reads and passes on messages. Blocks; to be called on a thread of its own within a runtime.
    ///
    /// # Errors
    /// An [`Error`] among the causes if the broker refuses the connection or a subscription or, with
    /// [`Until::End`], does not answer; else an error of the receiver.
    pub fn run(mut self, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        let assigned = Assignment { partitions: &[PARTITION], id: Some(LOG), difference: None };
        let last = receiver.assigned(&assigned)?.read.get(&PARTITION).copied();
        self.receipts = Receipts::after(last);
        self.landed_before = last.unwrap_or(-1);
        if let Some(births) = &mut self.options.births {
            births.resume(self.landed_before);
        }
        self.was_read = last.is_some();
        while !receiver.is_stopped() && !self.is_at_end() {
            match self.connection.is_open() {
                true => self.step(receiver)?,
                false => self.connect(receiver)?,
            }
        }
        receiver.flush()?;
        self.keep_births(receiver.landed(), true);
        let acknowledged = self.acknowledge(receiver.landed());
        if let Err(error) = acknowledged.and_then(|()| self.send(Outgoing::Disconnect)) {
            tracing::debug!(%error, "MQTT connection not closed");
        }
        Ok(())
    }

    /// Whether everything is read that the broker had: it sends queued messages without pauses.
    fn is_at_end(&self) -> bool {
        let idle = Duration::from_millis(self.options.limits.mqtt_once_idle_ms);
        self.options.until == Until::End && self.is_subscribed && self.active_at.elapsed() >= idle
    }

    /// Passes on what arrives within a short wait, and acknowledges what is in the lake.
    fn step(&mut self, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        let limits = &self.options.limits;
        let is_full = self.receipts.waiting() >= self.connection.window();
        let wait = if is_full { Duration::from_millis(limits.mqtt_stall_ms) } else { POLL };
        let linger = if receiver.needs_low_latency() { Duration::ZERO } else { LINGER };
        let gathered = Handle::current().block_on(self.gather(wait, linger));
        let is_stalled = is_full && gathered.messages.is_empty();
        self.pass_on(gathered.messages, gathered.bytes, receiver)?;
        receiver.polled()?;
        if is_stalled {
            receiver.flush()?;
        }
        self.keep_births(receiver.landed(), false);
        let failed = match gathered.error {
            Some(error) => Some(error),
            None => self.acknowledge(receiver.landed()).err(),
        };
        failed.map_or(Ok(()), |error| self.fail(error, receiver))
    }

    /// Waits for messages, and takes those that follow within `linger`.
    async fn gather(&mut self, mut wait: Duration, linger: Duration) -> Gathered {
        let mut gathered = Gathered::default();
        while gathered.messages.len() < self.options.batch_messages && gathered.bytes < BATCH_BYTES
        {
            match timeout(wait, self.connection.next()).await {
                Err(_elapsed) => break,
                Ok(first) => self.take(first, &mut gathered),
            }
            while gathered.error.is_none()
                && let Some(next) = self.connection.received()
            {
                self.take(next, &mut gathered);
            }
            if gathered.error.is_some() {
                break;
            }
            if !gathered.messages.is_empty() {
                wait = linger;
            }
        }
        gathered
    }

    fn take(&mut self, arrived: Result<Arrived, Error>, gathered: &mut Gathered) {
        match arrived {
            Ok(Arrived::Message(message)) => {
                self.active_at = Instant::now();
                gathered.bytes += message.payload.len();
                gathered.messages.push(message);
            }
            Ok(Arrived::Subscribed) => {
                self.active_at = Instant::now();
                self.is_subscribed = true;
                self.backoff.reset();
            }
            Ok(Arrived::Other) => {}
            Err(error) => gathered.error = Some(error),
        }
    }

    /// Passes on the messages that are records of the table.
    fn pass_on(
        &mut self,
        messages: Vec<MqttMessage>,
        bytes: usize,
        receiver: &mut dyn Receiver,
    ) -> anyhow::Result<()> {
        let mut batch = MessagesBuilder::with_capacity((messages.len(), bytes));
        let timestamp_us = (self.options.now_us)();
        for message in messages {
            if !self.is_wanted(&message) {
                self.receipts.skip(&message);
                continue;
            }
            let Some(offset) = self.receipts.receive(&message) else { continue };
            let MqttMessage { topic, payload, is_again, .. } = &message;
            let births = self.options.births.as_mut().and_then(|births| {
                births.take(&ReceivedMessage { offset, topic, payload, is_again: *is_again })
            });
            batch.push(&MessageParts {
                partition: PARTITION,
                offset,
                timestamp_us,
                payload: Some(payload),
                key: Some(topic.as_bytes()),
                headers: headers_of(&message, births.as_deref()),
            });
        }
        if batch.len() == 0 {
            return Ok(());
        }
        self.backoff.reset();
        self.was_read = true;
        receiver.messages(batch.finish(&self.options.name))
    }

    /// Whether a message is a new record of the table. The session may have a subscription of an earlier
    /// contract.
    fn is_wanted(&mut self, message: &MqttMessage) -> bool {
        if message.is_retained && self.has_retained {
            return false;
        }
        if self.options.births.is_some() && is_skipped(&message.topic) {
            return false;
        }
        let is_match = self.options.source.reads(&message.topic);
        if !is_match {
            self.unmatched += 1;
            if self.unmatched == 1 {
                let (source, topic) = (&self.options.source, &message.topic);
                tracing::warn!(%source, topic, "messages that no filter matches are not read");
            }
        }
        is_match
    }

    /// Acknowledges the messages up to the offset `landed`.
    fn acknowledge(&mut self, landed: Option<i64>) -> Result<(), Error> {
        let landed = self.landed(landed);
        let ids = self.receipts.take_landed(landed);
        if ids.is_empty() { Ok(()) } else { self.send(Outgoing::Acknowledge(&ids)) }
    }

    /// The last offset in the lake. Messages that are not read need no commit, so the first of them are acknowledged
    /// before there is one.
    fn landed(&self, landed: Option<i64>) -> i64 {
        landed.map_or(self.landed_before, |landed| landed.max(self.landed_before))
    }

    /// Keeps the births of Sparkplug up to the offset `landed`, if that is due.
    fn keep_births(&mut self, landed: Option<i64>, is_end: bool) {
        let landed = self.landed(landed);
        if let Some(births) = &mut self.options.births {
            Handle::current().block_on(births.keep(landed, is_end));
        }
    }

    fn send(&mut self, outgoing: Outgoing<'_>) -> Result<(), Error> {
        Handle::current().block_on(self.connection.send(outgoing))
    }

    fn connect(&mut self, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        let connecting = async {
            let mut connecting = Box::pin(self.connection.open());
            loop {
                match timeout(POLL, &mut connecting).await {
                    Ok(connected) => return Some(connected),
                    Err(_elapsed) if receiver.is_stopped() => return None,
                    Err(_elapsed) => {}
                }
            }
        };
        match Handle::current().block_on(connecting) {
            None => Ok(()),
            Some(Ok(has_session)) => self.resume(has_session, receiver),
            Some(Err(error)) => self.fail(error, receiver),
        }
    }

    /// Continues the session at the broker, or starts one.
    fn resume(&mut self, has_session: bool, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        if self.state.replace(Ok(())) != Some(Ok(())) {
            receiver.event(Event::Connected);
        }
        if !has_session {
            self.receipts.forget();
            if std::mem::take(&mut self.was_read) {
                receiver.event(Event::SessionLost);
            }
        }
        // The filters may differ from those of the process before.
        if !has_session || !std::mem::take(&mut self.is_subscribed) {
            self.has_retained = has_session && self.connection.repeats_retained();
            if let Err(error) = self.send(Outgoing::Subscribe) {
                return self.fail(error, receiver);
            }
        } else {
            self.is_subscribed = true;
        }
        Ok(())
    }

    /// Pauses after a failure that may pass by itself; others are returned.
    fn fail(&mut self, error: Error, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        self.connection.abandon();
        self.receipts.disconnect();
        if self.options.until == Until::End || error.retry() != Retry::Backoff {
            return Err(error.into());
        }
        let reason = error.to_string();
        if self.state.as_ref() != Some(&Err(reason.clone())) {
            receiver.event(Event::Disconnected { reason: reason.clone() });
            self.state = Some(Err(reason));
        }
        receiver.polled()?;
        let pause = self.backoff.next_pause((self.options.random)());
        let until = Instant::now() + pause;
        while Instant::now() < until && !receiver.is_stopped() {
            let left = until.saturating_duration_since(Instant::now());
            Handle::current().block_on(sleep(left.min(POLL)));
        }
        Ok(())
    }
}
