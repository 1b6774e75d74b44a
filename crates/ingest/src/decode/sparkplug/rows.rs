//! The rows of a payload.

use super::context::BirthContext;
use super::payload::{SparkplugMetric, SparkplugPayload};
use super::types::{type_name, value_text};
use crate::decode::json_text::{push_key, push_string};
use batches::batch::Fault;
use plant::sparkplug::{FIELDS, SparkplugTopic, SparkplugType};
use std::borrow::Cow;

type Text<'a> = Option<Cow<'a, str>>;

/// The row of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow<'a> {
    /// The texts of [`FIELDS`].
    pub fields: [Text<'a>; FIELDS.len()],
    /// Why the metric cannot be read, and what it is as text.
    pub fault: Option<(Fault, String)>,
}

/// Qualities with a name, by the numbers of the property `Quality`.
const QUALITIES: [(i32, &str); 3] = [(0, "bad"), (GOOD, "good"), (500, STALE)];
const GOOD: i32 = 192;
/// The value is as old as the last message about it.
const STALE: &str = "stale";

/// The rows of a message: one for each of its metrics, one for each metric that a death ends, and one for a gap in the
/// sequence numbers. `received_us` is the time of the receipt in microseconds since 1970 UTC, which is the time of what
/// has no other.
///
/// # Errors
/// Why there is no row for each metric: the topic or the bytes are not those of Sparkplug, or the birth is not known.
pub fn rows<'a>(
    topic: &'a str,
    payload: &'a [u8],
    context: &'a BirthContext,
    received_us: i64,
) -> Result<Vec<MetricRow<'a>>, Fault> {
    let address = topic;
    let topic = SparkplugTopic::parse(address).ok_or(Fault::UnknownTopic)?;
    let payload = SparkplugPayload::parse(payload)?;
    let received_ms = received_us / 1_000;
    let message = Message { address, topic, payload: &payload, context, received_ms };
    let mut rows = match topic.kind {
        SparkplugType::NodeDeath | SparkplugType::DeviceDeath => message.death()?,
        _ => payload.metrics.iter().enumerate().map(|(at, it)| message.metric(at, it)).collect(),
    };
    let is_before = matches!(topic.kind, SparkplugType::NodeData | SparkplugType::DeviceData)
        && context.metrics.is_none();
    if is_before && rows.is_empty() {
        return Err(Fault::BeforeBirth);
    }
    rows.extend(message.notes());
    if rows.is_empty() { Err(Fault::NoRecords) } else { Ok(rows) }
}

struct Message<'a, 'p> {
    /// The topic as text.
    address: &'a str,
    topic: SparkplugTopic<'a>,
    payload: &'p SparkplugPayload<'a>,
    context: &'a BirthContext,
    received_ms: i64,
}

/// A metric with its name and data type as far as they are known.
struct Named<'a, 'p> {
    metric: &'p SparkplugMetric<'a>,
    name: Option<&'a str>,
    data_type: Option<u32>,
    fault: Option<Fault>,
}

impl<'a> Message<'a, '_> {
    /// The row of the metric at a position of the payload.
    fn metric<'p>(&self, at: usize, metric: &'p SparkplugMetric<'a>) -> MetricRow<'a> {
        let mut named: Named<'a, 'p> = match self.topic.kind {
            SparkplugType::NodeData | SparkplugType::DeviceData => self.by_birth(at, metric),
            _ => Named { metric, name: metric.name, data_type: metric.data_type, fault: None },
        };
        if named.fault.is_none() && named.name.is_none() {
            named.fault = Some(Fault::UnknownMetric);
        }
        let text = match (metric.value.filter(|_| !metric.is_null), named.data_type) {
            (Some(value), Some(data_type)) => value_text(value, data_type),
            _ => None,
        };
        // A value that is not null is one of the defined type.
        let is_typed = metric.data_type.is_none_or(|it| Some(it) == named.data_type)
            && (metric.is_null || text.is_some());
        if named.fault.is_none() && !is_typed {
            named.fault = Some(Fault::WrongDataType);
        }
        let fault = named.fault.map(|fault| (fault, described(self.address, &named)));
        let data_type = named.data_type.map(type_name);
        let fields = [
            Some(Cow::Borrowed(self.topic.group)),
            Some(Cow::Borrowed(self.topic.edge_node)),
            self.topic.device.map(Cow::Borrowed),
            Some(Cow::Borrowed(self.topic.kind.as_str())),
            named.name.map(Cow::Borrowed),
            metric.alias.map(number),
            Some(self.time(metric)),
            data_type,
            text,
            Some(flag(metric.is_null)),
            Some(flag(metric.is_historical)),
            Some(quality(metric.quality)),
            self.payload.seq.map(number),
        ];
        MetricRow { fields, fault }
    }

    /// A metric of data, by the birth. One that the birth does not have is read if it has a name and a type of its own.
    fn by_birth<'p>(&self, at: usize, metric: &'p SparkplugMetric<'a>) -> Named<'a, 'p> {
        let Some(found) = &self.context.metrics else {
            let (name, data_type) = (metric.name, metric.data_type);
            return Named { metric, name, data_type, fault: Some(Fault::BeforeBirth) };
        };
        match found.get(at).and_then(Option::as_ref) {
            Some((name, data_type)) => {
                let name = Some(name.as_str());
                Named { metric, name, data_type: Some(*data_type), fault: None }
            }
            None => {
                let (name, data_type) = (metric.name, metric.data_type);
                let is_whole = name.is_some() && data_type.is_some();
                let fault = (!is_whole).then_some(Fault::UnknownMetric);
                Named { metric, name, data_type, fault }
            }
        }
    }

    /// The rows of a death: its own metrics, and each metric that it ends, without a value and stale.
    fn death(&self) -> Result<Vec<MetricRow<'a>>, Fault> {
        if self.context.is_of_other_session {
            return Err(Fault::OtherSession);
        }
        let ended = self.context.ended.as_ref().ok_or(Fault::BeforeBirth)?;
        let metrics = self.payload.metrics.iter().enumerate();
        let mut rows: Vec<_> = metrics.map(|(at, metric)| self.metric(at, metric)).collect();
        for metric in ended {
            let device = metric.device.as_deref().or(self.topic.device);
            let fields = [
                Some(Cow::Borrowed(self.topic.group)),
                Some(Cow::Borrowed(self.topic.edge_node)),
                device.map(Cow::Borrowed),
                Some(Cow::Borrowed(self.topic.kind.as_str())),
                Some(Cow::Borrowed(metric.name.as_str())),
                metric.alias.map(number),
                Some(self.time(&SparkplugMetric::default())),
                Some(type_name(metric.data_type)),
                None,
                Some(flag(true)),
                Some(flag(false)),
                Some(Cow::Borrowed(STALE)),
                self.payload.seq.map(number),
            ];
            rows.push(MetricRow { fields, fault: None });
        }
        Ok(rows)
    }

    /// Milliseconds of a metric. The will of an edge node was written when it connected, so the time of its death is
    /// that of the receipt.
    fn time(&self, metric: &SparkplugMetric<'_>) -> Cow<'a, str> {
        let is_will = self.topic.kind == SparkplugType::NodeDeath;
        let own = metric.timestamp_ms.or(self.payload.timestamp_ms).filter(|_| !is_will);
        Cow::Owned(own.map_or_else(|| self.received_ms.to_string(), |ms| ms.to_string()))
    }

    /// Rows about the message as a whole.
    fn notes(&self) -> Vec<MetricRow<'a>> {
        let note = |fault, text| MetricRow {
            fields: std::array::from_fn(|_| None),
            fault: Some((fault, text)),
        };
        let SparkplugTopic { group, edge_node, .. } = self.topic;
        let gap = self.context.gap.map(|gap| {
            let shown = |seq: Option<u64>| seq.map_or("none".to_owned(), |seq| seq.to_string());
            let (expected, received) =
                (shown(gap.expected.map(u64::from)), shown(self.payload.seq));
            let text =
                format!("{group}/{edge_node}: expected number {expected}, received {received}");
            note(Fault::SequenceGap, text)
        });
        let many = self.context.has_too_many.then(|| {
            let count = self.payload.metrics.len();
            note(Fault::TooManyMetrics, format!("{group}/{edge_node}: {count} metrics"))
        });
        gap.into_iter().chain(many).collect()
    }
}

fn number<'a>(number: u64) -> Cow<'a, str> {
    Cow::Owned(number.to_string())
}

fn flag<'a>(flag: bool) -> Cow<'a, str> {
    Cow::Borrowed(if flag { "true" } else { "false" })
}

fn quality<'a>(number: Option<i32>) -> Cow<'a, str> {
    let number = number.unwrap_or(GOOD);
    match QUALITIES.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => Cow::Borrowed(*name),
        None => Cow::Owned(number.to_string()),
    }
}

/// A metric that cannot be read, as JSON for people.
fn described(topic: &str, named: &Named<'_, '_>) -> String {
    let Named { metric, name, data_type, .. } = named;
    let own_type = metric.data_type.or(*data_type);
    let value = metric.value.map(|value| format!("{value:?}"));
    let members = [
        ("topic", Some(topic.to_owned())),
        ("metric", name.map(str::to_owned)),
        ("alias", metric.alias.map(|alias| alias.to_string())),
        ("data_type", own_type.map(|it| type_name(it).into_owned())),
        ("value", value),
    ];
    let mut text = String::new();
    for (key, member) in members {
        if let Some(member) = member {
            push_key(&mut text, key);
            push_string(&mut text, &member);
        }
    }
    text + "}"
}
