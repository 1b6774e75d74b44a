//! Messages of a topic: silver is rebuilt when rules change while messages arrive, and a worker that lost
//! its partitions continues without them.
//!
//! The broker is librdkafka's mock, which implements the protocol on a port; behaviour of Apache Kafka
//! itself is tested by `tests/oracle/stream_case.py`.

use crate::lease::{names, until};
use crate::world::{Outcome, World};
use rdkafka::config::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::RDKafkaApiKey;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const TOPIC: &str = "temperatures";
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

pub const CONTRACT: &str = r#"
description = "Temperatures as received."
source = "iot"
topics = ["temperatures"]
format = "message"

columns = [
    { name = "machine", header = "machine", type = "text", required = true, description = "Machine." },
    { name = "at", header = "at", type = "time", formats = ["epoch_s"], zone = "UTC", required = true, description = "When." },
    { name = "temp_c", header = "temp", type = "float", required = true, description = "Temperature." },
]
"#;

const MODEL: &str = "-- Temperatures of machines.
--
-- key: machine, at, temp_c
-- expect possible: temp_c < 100 | reject
-- column machine: The machine.
-- column at: When the temperature was taken, UTC.
-- column temp_c [degC]: The temperature.
SELECT machine, at, temp_c FROM typed.temperature
";

type Record<'a> = BaseRecord<'a, [u8], [u8]>;

/// A broker with one topic.
pub struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    topic: &'static str,
}

impl Broker {
    fn start() -> Self {
        Self::with_topic(TOPIC)
    }

    pub fn with_topic(topic: &'static str) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(topic, 2, 1).unwrap();
        Self { cluster, topic }
    }

    /// A broker without topics.
    pub fn without_topics() -> Self {
        Self { cluster: MockCluster::new(1).unwrap(), topic: "" }
    }

    /// A further topic.
    pub fn create(&self, topic: &str) {
        self.cluster.create_topic(topic, 2, 1).unwrap();
    }

    /// From now on the broker does not report the ids of topics, as those before Kafka 2.8.
    pub fn forget_ids(&self) {
        self.cluster.apiversion(RDKafkaApiKey::Metadata, Some(0), Some(9)).unwrap();
    }

    /// From now on it does.
    pub fn report_ids(&self) {
        self.cluster.apiversion(RDKafkaApiKey::Metadata, Some(0), Some(12)).unwrap();
    }

    pub fn send(&self, messages: &[&str]) {
        let bytes: Vec<&[u8]> = messages.iter().map(|message| message.as_bytes()).collect();
        self.send_bytes(&bytes);
    }

    pub fn send_all(&self, messages: &[String]) {
        self.send(&messages.iter().map(String::as_str).collect::<Vec<_>>());
    }

    pub fn send_bytes(&self, messages: &[&[u8]]) {
        let records = messages.iter().map(|message| BaseRecord::to(self.topic).payload(*message));
        self.produce(records);
    }

    pub fn send_to(&self, topic: &str, message: &str) {
        self.produce([BaseRecord::to(topic).payload(message.as_bytes())].into_iter());
    }

    /// Sends a message made by `fill`.
    pub fn send_record<'a>(&'a self, fill: impl FnOnce(Record<'a>) -> Record<'a>) {
        self.produce([fill(BaseRecord::to(self.topic))].into_iter());
    }

    fn produce<'a>(&self, records: impl Iterator<Item = Record<'a>>) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .create()
            .unwrap();
        records.for_each(|record| producer.send(record).map_err(|(error, _)| error).unwrap());
        producer.flush(ANSWER_LIMIT).unwrap();
    }

    /// A worker that reads until it is stopped, with a short linger and a short session timeout: as
    /// short as the mock allows, which delays a new group for three seconds.
    pub fn worker(&self, world: &World) -> Worker {
        self.worker_with(world, &[])
    }

    pub fn worker_with(&self, world: &World, env: &[(&str, &str)]) -> Worker {
        let brokers = self.cluster.bootstrap_servers();
        let mut command = world.command(&["ingest", "--wait", "--kafka", &brokers]);
        command.env_remove("COCKPIT_BUCKET").env("COCKPIT_STREAM_COMMIT_EVERY_MS", "100");
        command.env("COCKPIT_KAFKA_SESSION_MS", "4000").envs(env.iter().copied());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Worker(command.spawn().unwrap())
    }

    pub fn ingest_from(&self, world: &World) -> Outcome {
        world.ingest_from(&self.cluster.bootstrap_servers(), &[])
    }

    pub fn ingest_into(&self, world: &World) {
        self.ingest_with(world, &[]);
    }

    /// Sends a message with a key to the first partition; without a payload it is a tombstone.
    pub fn send_keyed(&self, key: &[u8], payload: Option<&[u8]>) {
        let record = BaseRecord::to(self.topic).partition(0).key(key);
        self.produce([payload.into_iter().fold(record, BaseRecord::payload)].into_iter());
    }

    pub fn try_ingest(&self, world: &World, env: &[(&str, &str)]) -> Outcome {
        world.ingest_from(&self.cluster.bootstrap_servers(), env)
    }

    pub fn ingest_with(&self, world: &World, env: &[(&str, &str)]) {
        let brokers = self.cluster.bootstrap_servers();
        world.ingest_from(&brokers, env).success();
    }
}

/// A running worker; killed when dropped.
pub struct Worker(Child);

impl Worker {
    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn message(machine: &str, at_s: u32, temp_c: f64) -> String {
    format!(r#"{{"machine": "{machine}", "at": "{at_s}", "temp": "{temp_c}"}}"#)
}

fn world() -> World {
    let world = World::new();
    world.write("bronze/temperature.toml", CONTRACT);
    world.write("silver/temperature_read.sql", MODEL);
    world
}

fn fates(world: &World) -> [i64; 3] {
    ["bronze.temperature", "silver.temperature_read", "silver.rejected"]
        .map(|table| world.number(&format!("SELECT count(*) FROM {table}")))
}

#[test]
fn a_changed_rule_applies_to_existing_rows_while_messages_arrive() {
    let (world, broker) = (world(), Broker::start());
    let early: Vec<String> =
        (0u32..20).map(|number| message("oven", number, f64::from(number) * 10.0)).collect();
    broker.send(&early.iter().map(String::as_str).collect::<Vec<_>>());
    broker.ingest_into(&world);
    assert_eq!(fates(&world), [20, 10, 10]);
    world.edit("silver/temperature_read.sql", "temp_c < 100", "temp_c < 50");
    broker.send(&[&message("oven", 100, 20.0), "no message at all"]);
    broker.ingest_into(&world);
    assert_eq!(fates(&world), [22, 6, 16]);
    world.edit("silver/temperature_read.sql", "temp_c < 50", "temp_c < 500");
    broker.send(&[&message("oven", 200, 30.0)]);
    broker.ingest_into(&world);
    assert_eq!(fates(&world), [23, 22, 1]);
}

/// Commits of silver so far.
fn commits(world: &World) -> usize {
    names(&world.path("lake/silver/temperature_read/_delta_log")).len()
}

#[test]
fn a_worker_that_lost_its_partitions_does_no_harm_and_still_exits() {
    let (world, broker) = (world(), Broker::start());
    broker.send(&[&message("oven", 1, 20.0)]);
    let mut frozen = broker.worker(&world);
    // As soon as the log has an entry, so that sometimes the first commit itself is frozen.
    until("the first message", || (commits(&world) > 0).then_some(()));
    frozen.signal("-STOP");
    let early = commits(&world);
    broker.send(&[&message("oven", 2, 20.0), &message("oven", 3, 20.0), "{"]);
    let mut other = broker.worker(&world);
    until("the messages after it", || (commits(&world) > early).then_some(()));
    frozen.signal("-CONT");
    broker.send(&[&message("oven", 4, 20.0), "{"]);
    for worker in [&mut frozen, &mut other] {
        worker.signal("-TERM");
        until("the end of a worker", || worker.0.try_wait().unwrap());
    }
    broker.ingest_into(&world);
    assert_eq!(fates(&world), [6, 4, 2]);
}

#[test]
fn a_topic_read_again_or_rebuilt_from_bronze_changes_nothing() {
    let (world, broker) = (world(), Broker::start());
    broker.send(&[&message("oven", 1, 20.0), &message("oven", 1, 20.0), "{", &message("", 2, 1.0)]);
    broker.ingest_into(&world);
    let rows = || [world.rows("silver.temperature_read"), world.rows("silver.rejected")];
    let before = rows();
    assert_eq!(before.each_ref().map(Vec::len), [1, 3]);
    broker.ingest_into(&world);
    assert_eq!(rows(), before);
    world.run(&["rebuild"]).success();
    assert_eq!(rows(), before);
    broker.send(&[&message("oven", 1, 20.0)]);
    broker.ingest_into(&world);
    assert_eq!(fates(&world), [5, 1, 4]);
}
