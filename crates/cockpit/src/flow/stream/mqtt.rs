//! The messages of a contract with a broker of MQTT.

use super::restart::random;
use super::{Streaming, Topic, run};
use crate::flow::{Flow, now};
use anyhow::Context as _;
use ingest::mqtt::{BirthLimits, KeptBirths, Subscriber, SubscriberOptions};
use lake::reconciliation::RowBalance;
use lake::stream::replay::replay;
use plant::contract::Contract;
use plant::mqtt_source::{MqttPayload, stream_name};
use std::time::Duration;

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
        let births = match source.payload {
            MqttPayload::SparkplugB => Some(Box::pin(self.births(&stream.contract)).await?),
            MqttPayload::Json => None,
        };
        let limits = self.lake().limits();
        let options = SubscriberOptions {
            source,
            births,
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

    /// The births of Sparkplug that the messages in bronze have: those that were kept, and those since.
    async fn births(&self, contract: &Contract) -> anyhow::Result<KeptBirths> {
        let limits = self.lake().limits();
        let of_births = BirthLimits {
            metrics: limits.mqtt.sparkplug_metrics,
            message_bytes: limits.stream.max_message_bytes,
            keep_every: Duration::from_secs(limits.mqtt.sparkplug_births_every_s),
        };
        let (lake, table) = (self.lake().location(), &contract.table);
        let mut births = KeptBirths::load(lake, table, of_births).await?;
        let (log, after) = (stream_name(table), births.offset());
        replay(&self.refinery, contract, (&log, after), |messages| births.replay(messages))
            .await
            .with_context(|| format!("births in bronze.{table}"))?;
        Ok(births)
    }
}
