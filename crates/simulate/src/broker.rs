//! A Kafka broker within the process, for the demo.
//!
//! It is the mock cluster of librdkafka: the real protocol on a TCP port, for any client. It keeps
//! at most 5 MiB or 100,000 messages per partition, does not support lookup by time, and loses
//! everything when it stops, so every run uses a new topic name.

use anyhow::Context as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// Partitions of the topic. Each has a limit of stored messages, so more partitions tolerate a
/// slower consumer.
pub const PARTITIONS: i32 = 8;

/// A broker that runs until it is dropped.
pub struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    /// Starts a broker with one topic on a free port of the loopback interface.
    pub fn start(topic: &str) -> anyhow::Result<Self> {
        let cluster = MockCluster::new(1).context("cannot start the broker of the demo")?;
        cluster
            .create_topic(topic, PARTITIONS, 1)
            .with_context(|| format!("cannot create the topic {topic}"))?;
        Ok(Self { cluster })
    }

    /// Its address, host:port.
    pub fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
