//! Topics of an MQTT broker whose messages are the records of a table.

use crate::topic_filter::TopicFilter;
use std::fmt;

/// A broker and what is subscribed there. Secrets are references, `env:NAME`, `file:PATH` or `credential:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttSource {
    pub host: String,
    pub port: u16,
    /// Whether the connection is encrypted and the certificate of the broker checked.
    pub is_encrypted: bool,
    pub version: MqttVersion,
    pub filters: Vec<TopicFilter>,
    pub payload: MqttPayload,
    /// The session at the broker has this name; two programs must not share it.
    pub client_id: String,
    pub user: Option<String>,
    /// Reference to the password.
    pub password: Option<String>,
    /// Certificates of trusted authorities beside those of the system, in PEM.
    pub ca_file: Option<String>,
}

/// The version of the protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MqttVersion {
    /// 3.1.1: a message is a topic and a payload.
    #[default]
    Three,
    /// 5: a message may have properties, and a refusal has a reason.
    Five,
}

/// What the bytes of a message are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MqttPayload {
    /// JSON text.
    #[default]
    Json,
    /// A payload of Sparkplug B, each of whose metrics is a record.
    SparkplugB,
}

impl MqttSource {
    /// Whether messages of a topic are records of the table.
    pub fn reads(&self, topic: &str) -> bool {
        self.filters.iter().any(|filter| filter.matches(topic))
    }

    /// Whether a level of a filter has this name.
    pub fn has_level(&self, name: &str) -> bool {
        self.filters.iter().any(|filter| filter.names().any(|it| it == name))
    }
}

/// The address of the broker, without secrets.
impl fmt::Display for MqttSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "mqtts" } else { "mqtt" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// The name in the column `_topic` of the messages of a contract: they share one order, whatever their topics at the
/// broker. Topics of Kafka have no `/` in their names.
pub fn stream_name(table: &str) -> String {
    format!("mqtt/{table}")
}
