//! The messages of a contract with a broker of MQTT.

use super::restart::random;
use super::{Streaming, Topic, run};
use crate::flow::{Flow, now};
use anyhow::Context as _;
use ingest::mqtt::{Subscriber, SubscriberOptions};
use lake::reconciliation::RowBalance;
use plant::mqtt_source::stream_name;

impl Flow {
    /// Reads the topics of the contract of a table until `stop` or, if the end is requested, until the broker has no
    /// further messages.
    pub(super) async fn stream_mqtt(
        &self,
        table: &str,
        streaming: &Streaming,
    ) -> anyhow::Result<Vec<RowBalance>> {
        let streams = self.streams()?;
        let stream = streams.iter().find(|it| it.contract.table == table);
        let stream = stream.with_context(|| format!("no contract {table}"))?;
        let source = stream.contract.mqtt.clone();
        let source = source.with_context(|| format!("no [mqtt] in the contract {table}"))?;
        let name = stream_name(table);
        let limits = self.lake().limits();
        let options = SubscriberOptions {
            source,
            name: name.as_str().into(),
            limits: limits.mqtt.clone(),
            batch_messages: limits.stream.stream_batch_messages,
            until: streaming.until,
            now_us: || now().timestamp_micros(),
            random,
        };
        let topic = Topic::new(self, stream, name);
        run(topic, streaming.clone(), move |receiver| Subscriber::new(options)?.run(receiver)).await
    }
}
