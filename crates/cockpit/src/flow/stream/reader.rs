//! The reading side of one topic: decodes messages, passes them to the observer, and sends them to be landed.

use super::{Command, Streaming, Topic, soon};
use crate::flow::observer::Readings;
use anyhow::Context as _;
use batches::batch::{Fields, Messages};
use ingest::kafka::{Assignment, Difference, Event, Receiver, ResumePositions, Until};
use ingest::{Error, Retry};
use lake::offsets::{Partition, last_offsets};
use lake::stream::interpret::{Interpreted, Interpreter};
use lake::stream::land::Chunk;
use lake::stream::resume::Wanted;
use lake::stream::{self, Pointers};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// The reading side of one topic.
pub struct Reader<'a> {
    pub topic: &'a Topic,
    /// The log of the topic that is read.
    pub log: Arc<str>,
    pub streaming: &'a Streaming,
    pub interpreter: Interpreter<'a>,
    pub commands: mpsc::Sender<Command>,
    /// Permits for messages that have not landed yet.
    pub room: Arc<Semaphore>,
    pub most_messages: u32,
    pub readings: Option<Readings>,
    pub held: Held,
    pub held_most: Duration,
    pub held_messages: usize,
}

/// Decoded messages that have not been sent yet.
#[derive(Default)]
pub struct Held {
    chunks: Vec<Chunk>,
    messages: usize,
    /// Time at which they have to be sent.
    due: Option<Instant>,
}

impl Reader<'_> {
    /// Sends the collected messages as one chunk.
    fn release(&mut self) -> anyhow::Result<()> {
        let Held { chunks, messages, .. } = std::mem::take(&mut self.held);
        match Chunk::concat(chunks)? {
            Some(chunk) => self.hand_over(chunk, messages),
            None => Ok(()),
        }
    }

    fn send(&self, command: Command) -> anyhow::Result<()> {
        self.commands.blocking_send(command).ok().context("landing has ended")
    }

    /// Sends messages as soon as there are permits for them.
    fn hand_over(&self, chunk: Chunk, messages: usize) -> anyhow::Result<()> {
        // A chunk that needs more than all permits, such as a batch of the lake, takes all of them.
        let messages = u32::try_from(messages)?.min(self.most_messages);
        let room = self.room.clone().acquire_many_owned(messages);
        let room = Handle::current().block_on(room).context("landing has ended")?;
        self.send(Command::Take(Box::new(chunk), room))
    }

    /// Sends a command and waits for its response.
    fn request<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> anyhow::Result<T> {
        let (answer, answered) = oneshot::channel();
        self.send(command(answer))?;
        answered.blocking_recv().context("landing has ended")
    }

    fn interpret(
        &mut self,
        messages: &Messages,
        pointers: &Pointers,
    ) -> anyhow::Result<Interpreted> {
        let fields = self.fields(messages)?.ok_or(Error::Stopped)?;
        self.interpreter.interpret(messages, pointers, fields)
    }

    /// Decodes messages. While a schema registry does not answer, this topic waits and others are read; `None` if
    /// reading is stopped meanwhile.
    fn fields(&mut self, messages: &Messages) -> anyhow::Result<Option<Fields>> {
        let mut is_waiting = false;
        loop {
            let topic = self.topic;
            let reading = (topic.refinery.read)(&topic.contract, messages);
            let stop = &self.streaming.stop;
            let read = Handle::current().block_on(async {
                tokio::select! {
                    read = reading => Some(read),
                    () = stop.cancelled() => None,
                }
            });
            let error = match read {
                None => return Ok(None),
                Some(Ok(fields)) => {
                    if is_waiting {
                        self.event(Event::Connected);
                    }
                    return Ok(Some(fields));
                }
                Some(Err(error)) => error,
            };
            let retry = Error::find(&error).map_or(Retry::Never, Error::retry);
            if self.streaming.until == Until::End || retry == Retry::Never {
                return Err(error);
            }
            if !std::mem::replace(&mut is_waiting, true) {
                // What was read before is not held up.
                self.release()?;
                self.event(Event::Waiting { reason: format!("{error:#}") });
            }
            self.pause(retry);
        }
    }

    /// Waits before the registry is tried again, or until reading is stopped.
    fn pause(&self, retry: Retry) {
        let limits = self.topic.refinery.lake.limits();
        let pause = match retry {
            Retry::Slow => Duration::from_secs(limits.kafka.kafka_auth_retry_s),
            _ => Duration::from_millis(limits.registry.schema_registry_retry_max_ms),
        };
        let stopped = self.streaming.stop.cancelled();
        Handle::current().block_on(async { tokio::time::timeout(pause, stopped).await.ok() });
    }
}

impl Receiver for Reader<'_> {
    fn assigned(&mut self, assigned: &Assignment<'_>) -> anyhow::Result<ResumePositions> {
        self.release()?;
        let wanted = Wanted {
            topic: self.topic.name.as_str().into(),
            partitions: assigned.partitions.to_vec(),
            id: assigned.id,
            is_other: assigned.difference.is_some(),
        };
        let mut resumed = self.request(|answer| Command::Assign(wanted, answer))?;
        self.log = resumed.log.clone();
        if resumed.is_new {
            let difference = assigned.difference.unwrap_or(Difference::Id);
            self.event(Event::Replaced { log: self.log.clone(), difference });
        }
        self.interpreter.reject_late(std::mem::take(&mut resumed.late_data));
        for rows in std::mem::take(&mut resumed.recent) {
            self.interpreter.remember(&rows)?;
        }
        for messages in std::mem::take(&mut resumed.backlog) {
            let pointers = self.interpreter.pointers(&messages);
            let interpreted = resumed.missing(self.interpret(&messages, &pointers)?)?;
            let offsets = last_offsets(&messages);
            self.hand_over(Chunk { bronze: None, interpreted, offsets }, messages.len())?;
        }
        self.request(Command::Flush)?;
        self.streaming.observer.partitions_assigned();
        self.topic.states.assigned(&self.topic.contract.table, &self.topic.name);
        let read = resumed.landed.into_iter().map(|(partition, last)| (partition.number, last));
        Ok(ResumePositions { read: read.collect(), witnesses: resumed.witnesses })
    }

    fn revoked(&mut self) -> anyhow::Result<()> {
        self.release()?;
        self.request(Command::Flush)
    }

    fn landed(&self) -> Option<i64> {
        Some(self.topic.landed.load(Ordering::Acquire))
    }

    fn messages(&mut self, messages: Messages) -> anyhow::Result<()> {
        let messages = Messages { topic: self.log.clone(), ..messages };
        let pointers = self.interpreter.pointers(&messages);
        // Messages that are not taken are read again after the next start.
        let Some(fields) = self.fields(&messages)? else { return Ok(()) };
        let records = fields.elements.as_ref().map(|elements| elements.count.clone());
        let interpreted = self.interpreter.interpret(&messages, &pointers, fields)?;
        if let Some(readings) = &mut self.readings {
            self.streaming.observer.readings(readings.convert(&interpreted.rows)?);
        }
        self.streaming.observer.rejected(interpreted.rejected.num_rows());
        let bronze = stream::rows(&messages, &pointers, records)?;
        let offsets = last_offsets(&messages);
        self.topic.messages_read.fetch_add(messages.len() as u64, Ordering::Relaxed);
        let table = &self.topic.contract.table;
        self.topic.states.messages(table, &self.topic.name, messages.len());
        self.held.chunks.push(Chunk { bronze: Some(bronze), interpreted, offsets });
        self.held.messages += messages.len();
        self.held.due = self.held.due.or_else(|| Some(soon(self.held_most)));
        Ok(())
    }

    fn polled(&mut self) -> anyhow::Result<()> {
        let is_due = self.held.due.is_some_and(|due| due <= soon(Duration::ZERO));
        // Messages that lingered at the client do not linger again.
        let has_gathered = self.streaming.until == Until::Stopped && !self.needs_low_latency();
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
            Event::Disconnected { reason } => tracing::warn!(topic, reason, "no broker responds"),
            Event::Waiting { reason } => {
                tracing::warn!(topic, reason, "messages wait for the schema registry");
            }
            Event::SessionLost => {
                tracing::warn!(topic, "the broker has no session; messages may be missing");
            }
            Event::MissingTopic => tracing::warn!(topic, "topic missing on the brokers"),
            Event::Expired { partition, from, to } => {
                tracing::error!(
                    topic,
                    partition,
                    from,
                    to,
                    "messages expired before they were read"
                );
                let place = Partition { topic: self.log.clone(), number: *partition };
                self.send(Command::Expired(place, *from, *to)).ok();
            }
            Event::Replaced { log, difference } => {
                let difference = difference.to_string();
                tracing::error!(
                    topic,
                    difference,
                    log = &**log,
                    "topic replaced; it is read from its start"
                );
            }
            Event::TooManyTopics { .. } => {}
        }
        self.topic.states.event(&self.topic.contract.table, topic, &event);
        self.streaming.observer.event(topic, &event);
    }

    fn needs_low_latency(&self) -> bool {
        self.streaming.observer.needs_low_latency()
    }

    fn is_stopped(&self) -> bool {
        self.streaming.stop.is_cancelled() || self.commands.is_closed()
    }
}
