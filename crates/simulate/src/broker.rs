//! A Kafka broker within the program, for the demo.
//!
//! It is librdkafka's mock cluster: the real protocol on a real port, which any client can produce to
//! and consume from. It keeps little (5 MiB or 100,000 messages of a partition), knows no times, and
//! forgets everything at its end, so whoever starts it names its topic anew.

use anyhow::Context as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// Partitions of the topic; each keeps so much, so more of them bear a slower reader.
pub const PARTITIONS: i32 = 8;

/// A broker that lives as long as this.
pub struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    /// Starts a broker with one topic on a free port that only this machine can reach.
    pub fn start(topic: &str) -> anyhow::Result<Self> {
        let cluster = MockCluster::new(1).context("the broker of the demo cannot be started")?;
        cluster
            .create_topic(topic, PARTITIONS, 1)
            .with_context(|| format!("the topic {topic} cannot be made"))?;
        Ok(Self { cluster })
    }

    /// Where it is reached: host:port.
    pub fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
