//! What follows from the messages so far: which metrics edge nodes and devices have, and the next sequence numbers.

use super::context::{BirthContext, EndedMetric, SequenceGap};
use super::payload::{SparkplugMetric, SparkplugPayload};
use plant::sparkplug::{SparkplugTopic, SparkplugType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The metric of a birth and a death whose value is the number of the session.
const SESSION: &str = "bdSeq";

/// A message as received.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedMessage<'a> {
    pub offset: i64,
    pub topic: &'a str,
    pub payload: &'a [u8],
    /// Whether the broker has sent it before.
    pub is_again: bool,
}

/// The births so far. The same messages in the same order give the same births.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Births {
    /// The offset of the last message; -1 before the first one.
    pub offset: i64,
    /// Edge nodes by the group and the name, which a `/` separates.
    nodes: BTreeMap<String, EdgeNode>,
}

/// An edge node with its devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct EdgeNode {
    /// Its own metrics; `None` unless it is born.
    own: Option<Born>,
    devices: BTreeMap<String, Born>,
    /// The number of the session, if the birth has it.
    session: Option<u64>,
    /// Time of the birth, which identifies it.
    born_ms: Option<u64>,
    /// The last sequence number.
    seq: Option<u8>,
}

/// The metrics of a birth: by its name the alias, if there is one, and the data type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Born {
    metrics: BTreeMap<String, (Option<u64>, u32)>,
    names: BTreeMap<u64, String>,
}

impl Default for Births {
    fn default() -> Self {
        Self { offset: -1, nodes: BTreeMap::new() }
    }
}

impl Births {
    /// Takes a message. Returns what the reader of its payload needs. A birth with which there would be more than `most`
    /// metrics is not remembered; messages that are longer than `max_bytes` are not read.
    pub fn take(
        &mut self,
        message: &ReceivedMessage<'_>,
        most: usize,
        max_bytes: usize,
    ) -> BirthContext {
        self.offset = message.offset;
        let mut context = BirthContext { is_again: message.is_again, ..BirthContext::default() };
        let Some(topic) = SparkplugTopic::parse(message.topic) else { return context };
        if message.payload.len() > max_bytes {
            return context;
        }
        let Ok(payload) = SparkplugPayload::parse(message.payload) else { return context };
        let key = format!("{}/{}", topic.group, topic.edge_node);
        match topic.kind {
            SparkplugType::NodeBirth => self.node_birth(key, &payload, most, &mut context),
            SparkplugType::DeviceBirth => {
                let device = topic.device.unwrap_or_default();
                self.device_birth(key, device, &payload, most, &mut context);
            }
            kind => {
                if let Some(node) = self.nodes.get_mut(&key) {
                    node.take(kind, topic.device, &payload, &mut context);
                }
            }
        }
        context
    }

    fn node_birth(
        &mut self,
        key: String,
        payload: &SparkplugPayload<'_>,
        most: usize,
        context: &mut BirthContext,
    ) {
        let known = self.nodes.get(&key).filter(|node| node.own.is_some());
        let is_known = known.is_some_and(|node| node.born_ms == payload.timestamp_ms);
        if context.is_again && is_known {
            return;
        }
        self.nodes.remove(&key);
        if !self.has_room(payload, most) {
            context.has_too_many = true;
            return;
        }
        let mut own = Born::of(payload);
        // The number of the session is not a value that a death makes stale.
        own.metrics.remove(SESSION);
        let mut node = EdgeNode {
            own: Some(own),
            session: session(payload),
            born_ms: payload.timestamp_ms,
            ..EdgeNode::default()
        };
        context.gap = node.gap(payload.seq, context.is_again);
        self.nodes.insert(key, node);
    }

    fn device_birth(
        &mut self,
        key: String,
        device: &str,
        payload: &SparkplugPayload<'_>,
        most: usize,
        context: &mut BirthContext,
    ) {
        if let Some(node) = self.nodes.get_mut(&key) {
            context.gap = node.gap(payload.seq, context.is_again);
            node.devices.remove(device);
        }
        if !self.has_room(payload, most) {
            context.has_too_many = true;
            return;
        }
        // The birth of a device is complete, also if that of its edge node was not received.
        let is_new = !self.nodes.contains_key(&key);
        let node = self.nodes.entry(key).or_default();
        if is_new {
            context.gap = node.gap(payload.seq, context.is_again);
        }
        node.devices.insert(device.to_owned(), Born::of(payload));
    }

    /// Whether there is room for the metrics of a payload, and an edge node and a device.
    fn has_room(&self, payload: &SparkplugPayload<'_>, most: usize) -> bool {
        self.size() + payload.metrics.len() + 2 <= most
    }

    /// Metrics, edge nodes and devices.
    fn size(&self) -> usize {
        let born = |born: &Born| born.metrics.len() + 1;
        let node = |node: &EdgeNode| {
            1 + node.own.iter().chain(node.devices.values()).map(born).sum::<usize>()
        };
        self.nodes.values().map(node).sum()
    }
}

impl EdgeNode {
    /// Takes data or a death.
    fn take(
        &mut self,
        kind: SparkplugType,
        device: Option<&str>,
        payload: &SparkplugPayload<'_>,
        context: &mut BirthContext,
    ) {
        if kind == SparkplugType::NodeDeath {
            return self.die(payload, context);
        }
        context.gap = self.gap(payload.seq, context.is_again);
        match (kind, device) {
            (SparkplugType::NodeData, _) => {
                context.metrics = self.own.as_ref().map(|born| born.found(payload));
            }
            (SparkplugType::DeviceData, Some(device)) => {
                context.metrics = self.devices.get(device).map(|born| born.found(payload));
            }
            (SparkplugType::DeviceDeath, Some(device)) => {
                context.ended = self.devices.remove(device).map(|born| born.ended(Some(device)));
            }
            _ => {}
        }
    }

    /// The edge node is lost with its devices, unless the death belongs to an earlier session.
    fn die(&mut self, payload: &SparkplugPayload<'_>, context: &mut BirthContext) {
        let ended = session(payload);
        let is_other = ended.is_some() && self.session.is_some() && ended != self.session;
        if is_other || self.own.is_none() && self.devices.is_empty() {
            context.is_of_other_session = true;
            return;
        }
        let own = self.own.take().map(|born| born.ended(None)).unwrap_or_default();
        let devices = std::mem::take(&mut self.devices).into_iter();
        let devices = devices.flat_map(|(device, born)| born.ended(Some(&device)));
        context.ended = Some(own.into_iter().chain(devices).collect());
        self.seq = None;
    }

    /// Checks and remembers a sequence number. A message that was sent again may have landed before: its number is an
    /// old one unless it follows the last.
    fn gap(&mut self, received: Option<u64>, is_again: bool) -> Option<SequenceGap> {
        let expected = self.seq.map(|seq| seq.wrapping_add(1));
        let received = received.and_then(|seq| u8::try_from(seq).ok());
        if is_again && expected.is_some() {
            self.seq = received.filter(|_| received == expected).or(self.seq);
            return None;
        }
        self.seq = received.or(expected);
        let follows = received.is_some() && (expected.is_none() || received == expected);
        (!follows).then_some(SequenceGap { expected })
    }
}

impl Born {
    fn of(payload: &SparkplugPayload<'_>) -> Self {
        let mut born = Self::default();
        for metric in &payload.metrics {
            let (Some(name), Some(data_type)) = (metric.name, metric.data_type) else { continue };
            born.metrics.insert(name.to_owned(), (metric.alias, data_type));
            if let Some(alias) = metric.alias {
                born.names.insert(alias, name.to_owned());
            }
        }
        born
    }

    /// For each metric of a payload its name and data type.
    fn found(&self, payload: &SparkplugPayload<'_>) -> Vec<Option<(String, u32)>> {
        let found = |metric: &SparkplugMetric<'_>| {
            let name = match (metric.name, metric.alias) {
                (Some(name), _) => name,
                (None, Some(alias)) => self.names.get(&alias)?.as_str(),
                (None, None) => return None,
            };
            let (_, data_type) = self.metrics.get(name)?;
            Some((name.to_owned(), *data_type))
        };
        payload.metrics.iter().map(found).collect()
    }

    fn ended(self, device: Option<&str>) -> Vec<EndedMetric> {
        let ended = |(name, (alias, data_type))| {
            let device = device.map(str::to_owned);
            EndedMetric { device, name, alias, data_type }
        };
        self.metrics.into_iter().map(ended).collect()
    }
}

/// The number of the session in a birth or a death.
fn session(payload: &SparkplugPayload<'_>) -> Option<u64> {
    payload.metrics.iter().find(|metric| metric.name == Some(SESSION))?.whole()
}
