mod refusing_broker;

use super::*;
use crate::Retry;
use config::kafka::Protocol;
use rdkafka::config::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use refusing_broker::RefusingBroker;

const TOPIC: &str = "temperatures";
const LIMIT: Duration = Duration::from_secs(20);

/// Records what it receives, and stops after [`LIMIT`] or an event it waits for.
struct Recorder<'a> {
    started: Instant,
    payloads: Vec<Vec<u8>>,
    events: Vec<Event>,
    is_done: fn(&Recorder<'_>) -> bool,
    /// A cluster whose broker comes back once it is reported as away.
    comes_back: Option<&'a Cluster>,
}

type Cluster = MockCluster<'static, DefaultProducerContext>;

impl Recorder<'_> {
    fn until(is_done: fn(&Recorder<'_>) -> bool) -> Self {
        let (payloads, events) = (Vec::new(), Vec::new());
        Self { started: now(), payloads, events, is_done, comes_back: None }
    }

    fn never_done() -> Self {
        Self::until(|_| false)
    }
}

impl Receiver for Recorder<'_> {
    fn assigned(&mut self, _assigned: &Assignment<'_>) -> anyhow::Result<ResumePositions> {
        Ok(ResumePositions::default())
    }

    fn revoked(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn messages(&mut self, messages: Messages) -> anyhow::Result<()> {
        self.payloads.extend(messages.payload.iter().flatten().map(<[u8]>::to_vec));
        Ok(())
    }

    fn polled(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn event(&mut self, event: Event) {
        if let (Event::Disconnected { .. }, Some(cluster)) = (&event, self.comes_back) {
            cluster.broker_up(1).unwrap();
        }
        if !matches!(event, Event::Lags(_)) {
            self.events.push(event);
        }
    }

    fn needs_low_latency(&self) -> bool {
        true
    }

    fn is_stopped(&self) -> bool {
        (self.is_done)(self) || self.started.elapsed() > LIMIT
    }
}

fn limits() -> ClientLimits {
    ClientLimits {
        lag_every_ms: 1_000,
        session_ms: 6_000,
        queue_bytes: 1 << 20,
        linger_ms: 2,
        idle_linger_ms: 2,
        answer_ms: 10_000,
        retry_min_ms: 100,
        retry_max_ms: 10_000,
    }
}

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, 2, 1).unwrap();
    cluster
}

fn kafka(brokers: &str) -> Kafka {
    let mut kafka = Kafka::default();
    kafka.brokers = brokers.to_owned();
    kafka.group = "cockpit".to_owned();
    kafka
}

/// Brokers that expect a password, which is in the environment variable `password_env`.
fn with_password(brokers: &str, password_env: &str) -> Kafka {
    let mut kafka = kafka(brokers);
    kafka.protocol = Protocol::SaslPlaintext;
    kafka.mechanism = "PLAIN".to_owned();
    kafka.user = Some("cockpit".to_owned());
    kafka.password_env = password_env.to_owned();
    kafka
}

fn run(kafka: &Kafka, until: Until, receiver: &mut Recorder<'_>) -> anyhow::Result<()> {
    Source::connect(kafka, TOPIC, &limits(), 100, until)?.run(receiver)
}

#[test]
fn every_message_is_read_to_the_end() {
    let cluster = cluster();
    let brokers = cluster.bootstrap_servers();
    let mut config = ClientConfig::new();
    let producer: BaseProducer = config.set("bootstrap.servers", &brokers).create().unwrap();
    let payloads: Vec<Vec<u8>> = (0..50).map(|at| format!("{at}").into_bytes()).collect();
    for payload in &payloads {
        producer.send(BaseRecord::<[u8], [u8]>::to(TOPIC).payload(payload)).unwrap();
    }
    producer.flush(LIMIT).unwrap();
    let mut receiver = Recorder::never_done();
    run(&kafka(&brokers), Until::End, &mut receiver).unwrap();
    receiver
        .payloads
        .sort_by_key(|payload| String::from_utf8_lossy(payload).parse::<u8>().unwrap());
    assert_eq!(receiver.payloads, payloads);
}

#[test]
fn a_wrong_password_is_an_error_and_not_sent_again_and_again() {
    let broker = RefusingBroker::start();
    // A variable that is set everywhere.
    let kafka = with_password(&broker.address, "PATH");
    for until in [Until::Stopped, Until::End] {
        let before = broker.attempts();
        let error = run(&kafka, until, &mut Recorder::never_done()).unwrap_err();
        let Some(found @ Error::Auth(reason)) = Error::find(&error) else { panic!("{error:#}") };
        assert!(reason.contains("wrong password"), "{reason}");
        assert_eq!(found.retry(), Retry::Slow);
        let attempts = broker.attempts() - before;
        assert!((1..=5).contains(&attempts), "{until:?}: {attempts}");
    }
}

#[test]
fn a_group_without_permission_is_an_error() {
    let cluster = cluster();
    let refusals = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 10];
    cluster.request_errors(RDKafkaApiKey::FindCoordinator, &refusals);
    let kafka = kafka(&cluster.bootstrap_servers());
    let error = run(&kafka, Until::Stopped, &mut Recorder::never_done()).unwrap_err();
    assert!(matches!(Error::find(&error), Some(Error::Auth(_))), "{error:#}");
}

#[test]
fn a_topic_without_permission_is_an_error() {
    let cluster = cluster();
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.topic_error(TOPIC, refusal).unwrap();
    let kafka = kafka(&cluster.bootstrap_servers());
    for until in [Until::Stopped, Until::End] {
        let error = run(&kafka, until, &mut Recorder::never_done()).unwrap_err();
        assert!(matches!(Error::find(&error), Some(Error::Auth(_))), "{until:?}: {error:#}");
    }
}

#[test]
fn a_missing_topic_is_waited_for_or_an_error_at_the_end() {
    let cluster = cluster();
    let missing = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    cluster.topic_error(TOPIC, missing).unwrap();
    let kafka = kafka(&cluster.bootstrap_servers());
    let error = run(&kafka, Until::End, &mut Recorder::never_done()).unwrap_err();
    assert!(matches!(Error::find(&error), Some(Error::NotFound(_))), "{error:#}");
    let mut receiver = Recorder::until(|it| it.events.contains(&Event::MissingTopic));
    run(&kafka, Until::Stopped, &mut receiver).unwrap();
    assert_eq!(receiver.events, [Event::MissingTopic]);
}

#[test]
fn no_broker_is_an_error_at_the_end() {
    let limits = ClientLimits { answer_ms: 300, ..limits() };
    let source = Source::connect(&kafka("127.0.0.1:1"), TOPIC, &limits, 100, Until::End).unwrap();
    let error = source.run(&mut Recorder::never_done()).unwrap_err();
    let found = Error::find(&error).unwrap();
    assert!(matches!(found, Error::Unreachable(_)), "{error:#}");
    assert_eq!(found.retry(), Retry::Backoff);
}

#[test]
fn a_broker_that_is_away_is_reported_once_and_found_again() {
    let cluster = cluster();
    cluster.broker_down(1).unwrap();
    let mut receiver = Recorder::until(|it| it.events.contains(&Event::Connected));
    receiver.comes_back = Some(&cluster);
    run(&kafka(&cluster.bootstrap_servers()), Until::Stopped, &mut receiver).unwrap();
    let [Event::Disconnected { .. }, Event::Connected] = receiver.events.as_slice() else {
        panic!("{:?}", receiver.events);
    };
}

#[test]
fn a_missing_password_is_an_error_of_the_configuration() {
    let kafka = with_password("127.0.0.1:1", "COCKPIT_NO_SUCH_VARIABLE");
    let error = Source::connect(&kafka, TOPIC, &limits(), 100, Until::End).err().unwrap();
    let Some(Error::Config(reason)) = Error::find(&error) else { panic!("{error:#}") };
    assert!(reason.to_string().contains("COCKPIT_NO_SUCH_VARIABLE"));
}
