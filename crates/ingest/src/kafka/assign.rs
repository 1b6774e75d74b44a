//! Assignment of partitions: which offsets they are read from, whether the topic is the one that was read
//! before, which offsets have expired, and where the partitions end.

use super::{
    Assignment, Difference, Event, POLL, Queue, REQUEST_SLICE, Receiver, ResumePositions, Source,
    connect, now, remaining,
};
use crate::Error;
use batches::batch::{TopicId, Witness};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::metadata::{MetadataPartition, MetadataTopic};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a partition may appear shorter than what was read from it: a broker that has just become
/// its leader does not know its end immediately.
const SHORTER_FOR: Duration = Duration::from_secs(5);

/// How long after a new assignment the client may still stop reading at the old offsets.
const FORWARD_FOR: Duration = Duration::from_secs(10);

/// The first offset of each partition, and the one after its last.
type OffsetRanges = BTreeMap<i32, (i64, i64)>;

impl Source {
    /// Longest wait for the answer to one request.
    fn answer_within(&self) -> Duration {
        Duration::from_millis(self.limits.answer_ms)
    }

    /// All partitions of the topic.
    pub(super) fn partitions(&mut self) -> anyhow::Result<Vec<i32>> {
        let until = now() + self.answer_within();
        let metadata = loop {
            self.poll_for_refusal(until)?;
            match self.consumer.fetch_metadata(Some(&self.topic), REQUEST_SLICE) {
                Ok(metadata) => break metadata,
                Err(error) if remaining(until).is_zero() => {
                    return Err(self.unreachable(&error).into());
                }
                Err(_) => {}
            }
        };
        let found = metadata.topics().iter().find(|it| it.name() == &*self.topic);
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        if found.and_then(MetadataTopic::error) == Some(refused) {
            let reason = format!("no permission to read the topic {}", self.topic);
            return Err(Error::Auth(connect::refusal(&reason)).into());
        }
        let found = found.filter(|it| it.error().is_none());
        let found = found.ok_or_else(|| {
            Error::NotFound(format!("the Kafka brokers have no topic {}", self.topic))
        })?;
        self.is_connected = Some(true);
        Ok(found.partitions().iter().map(MetadataPartition::id).collect())
    }

    fn unreachable(&self, error: &KafkaError) -> Error {
        let reason = self.consumer.context().last_error();
        let reason = reason.map_or_else(|| error.to_string(), |(_, reason)| reason);
        Error::Unreachable(format!(
            "no Kafka broker answers ({reason}); check the brokers, and protocol of [kafka] in plant.toml: \
             a broker that expects another protocol closes the connection without an answer"
        ))
    }

    /// Polls between two requests: the client requests its token, without which no broker answers, and
    /// reports errors.
    fn poll_for_refusal(&self, until: Instant) -> Result<(), Error> {
        loop {
            let waits = self.consumer.context().waits_for_token() && !remaining(until).is_zero();
            match self.consumer.poll(if waits { POLL } else { Duration::ZERO }) {
                Some(Err(error))
                    if error.rdkafka_error_code().is_some_and(connect::is_auth_error) =>
                {
                    return Err(self.auth_error(&error));
                }
                None if !waits => return Ok(()),
                _ => {}
            }
        }
    }

    /// Starts to read these partitions from the receiver's positions. Returns where each ends now.
    pub(super) fn assign(
        &mut self,
        partitions: &[i32],
        receiver: &mut dyn Receiver,
    ) -> anyhow::Result<BTreeMap<i32, i64>> {
        self.read.clear();
        self.id = self.topic_id()?;
        let mut assigned = Assignment { partitions, id: self.id, difference: None };
        let mut known = receiver.assigned(&assigned)?;
        let mut ranges = self.offset_ranges(partitions)?;
        assigned.difference = self.difference(&known, &mut ranges)?;
        if assigned.difference.is_some() {
            known = receiver.assigned(&assigned)?;
        }
        let mut ends = BTreeMap::new();
        let mut assignment = TopicPartitionList::new();
        for (partition, (first, end)) in ranges {
            let next = known.read.get(&partition).map(|last| last + 1);
            if let Some(next) = next.filter(|next| *next < first) {
                receiver.event(Event::Expired { partition, from: next, to: first });
            }
            let from = next.unwrap_or(first).max(first);
            self.queue.receive(&self.consumer, &self.topic, partition)?;
            assignment.add_partition_offset(&self.topic, partition, Offset::Offset(from))?;
            self.read.insert(partition, from - 1);
            ends.insert(partition, end);
        }
        self.consumer.assign(&assignment)?;
        Ok(ends)
    }

    /// [`Source::assign`] for the partitions that are assigned already.
    pub(super) fn assign_again(&mut self, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        let partitions: Vec<i32> = self.read.keys().copied().collect();
        receiver.revoked()?;
        self.assign(&partitions, receiver)?;
        self.forwarded_until = Some(now() + FORWARD_FOR);
        Ok(())
    }

    /// After a repeated assignment, forwards the partitions to our queue again. The client ends the old
    /// forwarding when it stops reading at the old offsets, which may be after it has started at the new
    /// ones. Messages that arrived until then are not lost.
    pub(super) fn forward(&mut self) -> anyhow::Result<()> {
        let Some(until) = self.forwarded_until else { return Ok(()) };
        for partition in self.read.keys() {
            self.queue.receive(&self.consumer, &self.topic, *partition)?;
        }
        if remaining(until).is_zero() {
            self.forwarded_until = None;
        }
        Ok(())
    }

    /// Whether a description has arrived with another id of the topic. The client itself would continue at
    /// its offset in the new topic.
    pub(super) fn is_replaced(&mut self) -> bool {
        let Some(Some(id)) = self.describe.answer(Duration::ZERO) else { return false };
        !self.read.is_empty() && self.id.is_some_and(|known| known != id)
    }

    fn topic_id(&mut self) -> anyhow::Result<Option<TopicId>> {
        self.leader = self.leader()?;
        // An answer that is still on its way may be about the deleted topic of this name.
        if self.describe.is_waiting() {
            self.describe.answer(self.answer_within());
        }
        self.request_id()?;
        Ok(self.describe.answer(self.answer_within()).flatten())
    }

    /// Requests the topic's id from a broker that leads one of its partitions, if one is known. The answer
    /// arrives later.
    pub(super) fn request_id(&mut self) -> anyhow::Result<()> {
        let Some(broker) = self.leader else { return Ok(()) };
        self.describe.request(&self.consumer, &self.topic, broker, self.answer_within())
    }

    /// A broker that leads a partition of the topic.
    fn leader(&self) -> Result<Option<i32>, Error> {
        let metadata = self.consumer.fetch_metadata(Some(&self.topic), self.answer_within());
        let metadata = metadata.map_err(|error| {
            Error::Unreachable(format!("no Kafka broker describes {}: {error}", self.topic))
        })?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let leaders = partitions.map(MetadataPartition::leader);
        Ok(leaders.into_iter().find(|leader| *leader >= 0))
    }

    fn offset_ranges(&self, partitions: &[i32]) -> Result<OffsetRanges, Error> {
        partitions.iter().map(|number| Ok((*number, self.offset_range(*number)?))).collect()
    }

    fn offset_range(&self, partition: i32) -> Result<(i64, i64), Error> {
        let range = self.consumer.fetch_watermarks(&self.topic, partition, self.answer_within());
        range.map_err(|error| {
            let topic = &self.topic;
            Error::Unreachable(format!(
                "no Kafka broker reports the offsets of {topic}/{partition}: {error}"
            ))
        })
    }

    /// How the topic differs from the one the receiver has read, if it does.
    fn difference(
        &mut self,
        known: &ResumePositions,
        ranges: &mut OffsetRanges,
    ) -> anyhow::Result<Option<Difference>> {
        let until = now() + SHORTER_FOR;
        for (partition, range) in ranges.iter_mut() {
            let Some(read) = known.read.get(partition).copied() else { continue };
            while range.1 <= read {
                if remaining(until).is_zero() {
                    let (partition, end) = (*partition, range.1);
                    return Ok(Some(Difference::Shorter { partition, read, end }));
                }
                self.queue.take(REQUEST_SLICE, 1, |message| drop(message));
                *range = self.offset_range(*partition)?;
            }
        }
        let witnesses: BTreeMap<i32, &Witness> = known
            .witnesses
            .iter()
            .filter(|(partition, witness)| {
                let range = ranges.get(partition);
                range.is_some_and(|(first, end)| (*first..*end).contains(&witness.offset))
            })
            .map(|(partition, witness)| (*partition, witness))
            .collect();
        if witnesses.is_empty() { Ok(None) } else { self.compare(witnesses) }
    }

    /// Reads the messages at the offsets of the witnesses and returns the first that is another one. An
    /// offset that has expired shows nothing.
    fn compare(
        &self,
        mut witnesses: BTreeMap<i32, &Witness>,
    ) -> anyhow::Result<Option<Difference>> {
        // A consumer of its own: ours would pass on these messages and those after them as new ones.
        let consumer = connect::consumer(&self.kafka, &self.limits, true)?;
        let mut queue = Queue::new(&consumer)?;
        let mut assignment = TopicPartitionList::new();
        for (partition, witness) in &witnesses {
            queue.receive(&consumer, &self.topic, *partition)?;
            let offset = Offset::Offset(witness.offset);
            assignment.add_partition_offset(&self.topic, *partition, offset)?;
        }
        consumer.assign(&assignment)?;
        let (until, mut difference) = (now() + self.answer_within(), None);
        while !witnesses.is_empty() && !remaining(until).is_zero() {
            // The client requests its token only when it is polled.
            consumer.poll(Duration::ZERO);
            queue.take(POLL, 1, |message| match message {
                Ok(message) => {
                    let Some(witness) = witnesses.remove(&message.partition) else { return };
                    let is_same = message.timestamp_us() == witness.timestamp_us
                        && message.payload == witness.payload.as_deref();
                    if message.offset == witness.offset && !is_same {
                        let (partition, offset) = (message.partition, message.offset);
                        difference = Some(Difference::Message { partition, offset });
                    }
                }
                Err(KafkaError::PartitionEOF(partition)) => {
                    witnesses.remove(&partition);
                }
                Err(error) => tracing::debug!(%error, "message not compared"),
            });
        }
        Ok(difference)
    }
}
