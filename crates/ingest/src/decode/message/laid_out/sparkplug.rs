//! Messages of Sparkplug B: each metric is a record.

use super::outside::Outside;
use super::{LaidOut, Out, Text};
use crate::decode::sparkplug::{BirthContext, HEADER, rows};
use batches::batch::Fault;
use plant::contract::{Contract, Origin};
use plant::mqtt_source::MqttPayload;
use plant::sparkplug::FIELDS;

/// Which fields of a metric the columns of records take, in the order of the columns.
#[derive(Debug)]
pub struct MetricColumns(Vec<Option<usize>>);

impl MetricColumns {
    /// `None` if the payloads are not those of Sparkplug B.
    pub fn from_contract(contract: &Contract) -> Option<Self> {
        let payload = contract.mqtt.as_ref()?.payload;
        let columns = contract.columns.iter().filter(|column| column.origin == Origin::Record);
        let fields = columns.map(|column| FIELDS.iter().position(|it| *it == column.header));
        (payload == MqttPayload::SparkplugB).then(|| Self(fields.collect()))
    }
}

impl LaidOut {
    /// The rows of a message, one for each metric.
    pub(super) fn metrics(
        &self,
        columns: &MetricColumns,
        outside: &Outside<'_>,
        out: &mut Out,
    ) -> Result<(), Fault> {
        let payload = outside.payload().ok_or(Fault::Tombstone)?;
        let topic = outside.key_text()?.ok_or(Fault::UnknownTopic)?;
        let context = outside.header(HEADER)?;
        let context = context.map(|text| BirthContext::from_text(&text)).unwrap_or_default();
        let key = self.key(outside, out.limits)?;
        let found = rows(topic, payload, &context, outside.timestamp_us())?;
        for (row, position) in found.into_iter().zip(0..) {
            if let Some((fault, text)) = row.fault {
                out.faulty(outside.row, Some(position), fault, Some(text.as_bytes()));
                continue;
            }
            let field =
                |at: &Option<usize>| -> Text<'_> { at.and_then(|at| row.fields[at].clone()) };
            let record = columns.0.iter().map(field).collect();
            match self.texts(record, Vec::new(), outside, &key) {
                Ok(texts) => out.good(outside.row, position, &texts),
                Err(fault) => out.faulty(outside.row, Some(position), fault, None),
            }
        }
        Ok(())
    }
}
