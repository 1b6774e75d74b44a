//! Which partitions are read, and from where: whether the topic is the one that was read before, what of
//! it is gone, and where it ends.

use super::{
    ASK, ASK_AGAIN, Assignment, Difference, Event, POLL, Queue, Receiver, Refused, ResumePositions,
    Source, connect, now, rest,
};
use anyhow::{Context as _, bail};
use batches::batch::{TopicId, Witness};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a partition may appear shorter than what was read from it: a broker that has just become
/// its leader does not know its end at once.
const SHORTER_FOR: Duration = Duration::from_secs(5);

/// How long after partitions were assigned again the client may still be stopping to read them.
const FORWARD_FOR: Duration = Duration::from_secs(10);

/// Where partitions begin and end.
type Borders = BTreeMap<i32, (i64, i64)>;

impl Source {
    /// All partitions of the topic.
    pub(super) fn partitions(&mut self) -> anyhow::Result<Vec<i32>> {
        let until = now() + ASK;
        let metadata = loop {
            self.listen(until)?;
            match self.consumer.fetch_metadata(Some(&self.topic), ASK_AGAIN) {
                Ok(metadata) => break metadata,
                Err(error) if rest(until).is_zero() => bail!(
                    "no Kafka broker answers ({}); look at the brokers, and at protocol of [kafka] in \
                     plant.toml: one that wants another does not say so",
                    self.consumer.context().trouble().map_or_else(|| error.to_string(), |it| it.1)
                ),
                Err(_) => {}
            }
        };
        let found = metadata.topics().iter().find(|it| it.name() == &*self.topic);
        let found = found.filter(|it| it.error().is_none());
        let found = found.with_context(|| format!("Kafka has no topic {}", self.topic))?;
        self.answers = Some(true);
        Ok(found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
    }

    /// Between two questions: the client asks for its token, without which no broker answers, and says
    /// what went wrong.
    fn listen(&self, until: Instant) -> anyhow::Result<()> {
        loop {
            let waits = self.consumer.context().waits_for_token() && !rest(until).is_zero();
            match self.consumer.poll(if waits { POLL } else { Duration::ZERO }) {
                Some(Err(error)) if error.rdkafka_error_code().is_some_and(connect::is_refusal) => {
                    return Err(Refused(self.refusal(&error)).into());
                }
                None if !waits => return Ok(()),
                _ => {}
            }
        }
    }

    /// Reads these partitions from where the receiver is. Returns where each ends now.
    pub(super) fn assign(
        &mut self,
        partitions: &[i32],
        receiver: &mut dyn Receiver,
    ) -> anyhow::Result<BTreeMap<i32, i64>> {
        self.read.clear();
        self.id = self.topic_id()?;
        let mut assigned = Assignment { partitions, id: self.id, difference: None };
        let mut known = receiver.assigned(&assigned)?;
        let mut borders = self.borders(partitions)?;
        assigned.difference = self.difference(&known, &mut borders)?;
        if assigned.difference.is_some() {
            known = receiver.assigned(&assigned)?;
        }
        let mut ends = BTreeMap::new();
        let mut assignment = TopicPartitionList::new();
        for (partition, (first, end)) in borders {
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

    /// [`Source::assign`] for the partitions that are ours already.
    pub(super) fn assign_again(&mut self, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
        let partitions: Vec<i32> = self.read.keys().copied().collect();
        receiver.revoked()?;
        self.assign(&partitions, receiver)?;
        self.forwarded_until = Some(now() + FORWARD_FOR);
        Ok(())
    }

    /// Has what comes from our partitions forwarded to our queue, if they were assigned again: the client
    /// ends the forwarding when it stops to read at the old offsets, which may be later than it begins at
    /// the new ones. What has come until then is not lost.
    pub(super) fn forward(&mut self) -> anyhow::Result<()> {
        let Some(until) = self.forwarded_until else { return Ok(()) };
        for partition in self.read.keys() {
            self.queue.receive(&self.consumer, &self.topic, *partition)?;
        }
        if rest(until).is_zero() {
            self.forwarded_until = None;
        }
        Ok(())
    }

    /// Whether an answer has come that the topic's id is another one by now. The client goes on at the
    /// offset it was at.
    pub(super) fn is_replaced(&mut self) -> bool {
        let Some(Some(id)) = self.describe.answer(Duration::ZERO) else { return false };
        !self.read.is_empty() && self.id.is_some_and(|known| known != id)
    }

    fn topic_id(&mut self) -> anyhow::Result<Option<TopicId>> {
        self.leader = self.leader()?;
        // An answer that is on its way may be older than the topic.
        if self.describe.is_waiting() {
            self.describe.answer(ASK);
        }
        self.request_id()?;
        Ok(self.describe.answer(ASK).flatten())
    }

    /// Requests the topic's id, if it is known which broker to request it from. The answer comes later.
    pub(super) fn request_id(&mut self) -> anyhow::Result<()> {
        match self.leader {
            Some(broker) => self.describe.request(&self.consumer, &self.topic, broker, ASK),
            None => Ok(()),
        }
    }

    /// A broker that leads a partition of the topic.
    fn leader(&self) -> anyhow::Result<Option<i32>> {
        let metadata = self.consumer.fetch_metadata(Some(&self.topic), ASK);
        let metadata =
            metadata.with_context(|| format!("no Kafka broker describes {}", self.topic))?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let leaders = partitions.map(rdkafka::metadata::MetadataPartition::leader);
        Ok(leaders.into_iter().find(|leader| *leader >= 0))
    }

    fn borders(&self, partitions: &[i32]) -> anyhow::Result<Borders> {
        partitions.iter().map(|partition| Ok((*partition, self.border(*partition)?))).collect()
    }

    fn border(&self, partition: i32) -> anyhow::Result<(i64, i64)> {
        let border = self.consumer.fetch_watermarks(&self.topic, partition, ASK);
        border.with_context(|| {
            let topic = &self.topic;
            format!("Kafka does not say where partition {partition} of {topic} begins and ends")
        })
    }

    /// How the topic differs from the one the receiver knows, if it does.
    fn difference(
        &mut self,
        known: &ResumePositions,
        borders: &mut Borders,
    ) -> anyhow::Result<Option<Difference>> {
        let until = now() + SHORTER_FOR;
        for (partition, border) in borders.iter_mut() {
            let Some(read) = known.read.get(partition).copied() else { continue };
            while border.1 <= read {
                if rest(until).is_zero() {
                    let (partition, end) = (*partition, border.1);
                    return Ok(Some(Difference::Shorter { partition, read, end }));
                }
                self.queue.take(ASK_AGAIN, 1, |found| drop(found));
                *border = self.border(*partition)?;
            }
        }
        let witnesses: BTreeMap<i32, &Witness> = known
            .witnesses
            .iter()
            .filter(|(partition, witness)| {
                let border = borders.get(partition);
                border.is_some_and(|(first, end)| (*first..*end).contains(&witness.offset))
            })
            .map(|(partition, witness)| (*partition, witness))
            .collect();
        if witnesses.is_empty() { Ok(None) } else { self.compared(witnesses) }
    }

    /// Reads the messages at the offsets of the witnesses. Returns the first that is another one; one
    /// the broker no longer has tells nothing.
    fn compared(
        &self,
        mut witnesses: BTreeMap<i32, &Witness>,
    ) -> anyhow::Result<Option<Difference>> {
        // With our own consumer these messages, and those after them, would be taken for new ones.
        let consumer = connect::consumer(&self.kafka, &self.limits, true)?;
        let mut queue = Queue::new(&consumer)?;
        let mut assignment = TopicPartitionList::new();
        for (partition, witness) in &witnesses {
            queue.receive(&consumer, &self.topic, *partition)?;
            let offset = Offset::Offset(witness.offset);
            assignment.add_partition_offset(&self.topic, *partition, offset)?;
        }
        consumer.assign(&assignment)?;
        let (until, mut difference) = (now() + ASK, None);
        while !witnesses.is_empty() && !rest(until).is_zero() {
            // Without this the client requests no token.
            consumer.poll(Duration::ZERO);
            queue.take(POLL, 1, |found| match found {
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
                Err(error) => tracing::debug!(%error, "a message is not compared"),
            });
        }
        Ok(difference)
    }
}
