//! What a source passes to its receiver.

use super::{Messages, TopicId, Witness};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What happens besides messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The brokers answer.
    Connected,
    /// No broker answers. The client reconnects by itself.
    Disconnected { reason: String },
    /// The brokers do not have the topic. Reading starts once they have it.
    MissingTopic,
    /// Offsets `from..to` expired at the broker before they were read.
    Expired { partition: i32, from: i64, to: i64 },
    /// The topic was deleted and created again. It is read from its start as another log.
    Replaced { log: Arc<str>, difference: Difference },
    /// More topics match the patterns of a contract than are read at once; this one and others are not
    /// read.
    TooManyTopics { unread: usize, most: usize },
    /// Reading waits for the schema registry, which does not answer.
    Waiting { reason: String },
    /// The broker does not have the session of this client, so messages of the meantime may be missing.
    SessionLost,
    /// The consumer lag of each partition.
    Lags(Vec<Lag>),
}

/// How many messages of a partition are not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    pub partition: i32,
    pub messages: i64,
}

/// How a topic differs from the one that was read under its name before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The topic has another id.
    Id,
    /// A partition ends before the last offset that was read.
    Shorter { partition: i32, read: i64, end: i64 },
    /// The message at the last offset that was read is another one.
    Message { partition: i32, offset: i64 },
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => write!(out, "its id has changed"),
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

/// Partitions that are assigned to the source.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'a> {
    pub partitions: &'a [i32],
    /// The topic's id, if the brokers report one; those before Kafka 2.8 do not.
    pub id: Option<TopicId>,
    /// How the topic differs from the one whose positions the receiver returned before: the receiver has
    /// to start another log.
    pub difference: Option<Difference>,
}

/// Where the receiver resumes the assigned partitions.
#[derive(Debug, Clone, Default)]
pub struct ResumePositions {
    /// The last offset read from each partition that was read before.
    pub read: BTreeMap<i32, i64>,
    /// The messages at these offsets, where the topic's id does not show that it is the same topic.
    pub witnesses: BTreeMap<i32, Witness>,
}

/// Takes what a source reads. All methods are called from the thread that reads.
pub trait Receiver {
    /// The partitions are assigned to the source.
    fn assigned(&mut self, assigned: &Assignment<'_>) -> anyhow::Result<ResumePositions>;
    /// All partitions are revoked. What was received has to be finished before this returns.
    fn revoked(&mut self) -> anyhow::Result<()>;
    /// Finishes what was received: it is in the lake when this returns.
    fn flush(&mut self) -> anyhow::Result<()> {
        self.revoked()
    }
    /// The last offset that is in the lake, if the source has a single partition and its messages were committed
    /// since the assignment.
    fn landed(&self) -> Option<i64> {
        None
    }
    /// Messages of one topic, in the order of the offsets of each partition.
    fn messages(&mut self, messages: Messages) -> anyhow::Result<()>;
    /// Called after each poll, with or without messages, at least some twenty times a second.
    fn polled(&mut self) -> anyhow::Result<()>;
    fn event(&mut self, event: Event);
    /// Whether each message is needed as soon as it arrives. If not, messages linger at the broker and
    /// arrive in larger batches.
    fn needs_low_latency(&self) -> bool;
    /// Whether reading has to end.
    fn is_stopped(&self) -> bool;
}
