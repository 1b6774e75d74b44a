//! The connection: what librdkafka is told, and what it tells us outside of messages.

use super::token::Place;
use anyhow::Context as _;
use config::kafka::{Kafka, OAUTHBEARER};
use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;
use std::collections::VecDeque;
use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the group asks of this consumer.
#[derive(Debug, Clone)]
pub enum Rebalance {
    /// From now on these partitions are ours, and no others.
    Assign(Vec<i32>),
    /// None are ours any more.
    Revoke,
}

/// How far a partition's messages are ahead of what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    pub partition: i32,
    pub messages: i64,
}

/// Collects what happens outside of messages until the reading thread looks.
#[derive(Default)]
pub struct Context {
    /// Where the token is that lets us in, if a token does.
    token: Option<Place>,
    /// Whether the client has asked for one, whatever came of it.
    has_asked: AtomicBool,
    /// Whether nobody carries out rebalances any more.
    is_closing: AtomicBool,
    rebalances: Mutex<VecDeque<Rebalance>>,
    lags: Mutex<Option<Vec<Lag>>>,
    /// What went wrong last, and the client's words for it.
    trouble: Mutex<Option<(RDKafkaErrorCode, String)>>,
}

/// Whether the brokers are there and do not let us in, or are not those we trust.
pub fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::SSL
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
    )
}

impl Context {
    /// Whether the client is still to ask for its first token.
    pub fn waits_for_token(&self) -> bool {
        self.token.is_some() && !self.has_asked.load(Ordering::Relaxed)
    }

    /// From now on partitions are given up as soon as the group asks for them.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// What went wrong last, if anything did, and the client's words for it.
    pub fn trouble(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.trouble.lock().ok()?.clone()
    }

    /// The next rebalance to be carried out.
    pub fn rebalance_due(&self) -> Option<Rebalance> {
        self.rebalances.lock().ok()?.pop_front()
    }

    /// The lags, if they were told since the last look.
    pub fn lags_told(&self) -> Option<Vec<Lag>> {
        self.lags.lock().ok()?.take()
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let place = self.token.as_ref().ok_or("Kafka asks for a token, and none is configured")?;
        let token = place.read();
        if let Err(error) = &token {
            tracing::error!(error = format!("{error:#}"), "no token for Kafka");
        }
        self.has_asked.store(true, Ordering::Relaxed);
        Ok(token?)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Errors also come as events, which the reader reports; these lines are for those who dig.
        tracing::debug!(?level, facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client error");
        // That all brokers are down says less than what was said of one of them.
        let code = error.rdkafka_error_code();
        if let Some(code) = code.filter(|it| *it != RDKafkaErrorCode::AllBrokersDown)
            && let Ok(mut trouble) = self.trouble.lock()
        {
            *trouble = Some((code, reason.to_owned()));
        }
    }

    fn stats(&self, statistics: Statistics) {
        let mut lags = Vec::new();
        for topic in statistics.topics.into_values() {
            for partition in topic.partitions.into_values() {
                if partition.partition >= 0 && partition.consumer_lag >= 0 {
                    let (partition, messages) = (partition.partition, partition.consumer_lag);
                    lags.push(Lag { partition, messages });
                }
            }
        }
        if let Ok(mut told) = self.lags.lock() {
            *told = Some(lags);
        }
    }
}

impl ConsumerContext for Context {
    /// Only notes what is asked. The reading thread carries it out between two polls, for it has to
    /// finish what it holds first; librdkafka waits for that.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.is_closing.load(Ordering::Relaxed) {
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "partitions not given up");
            }
            return;
        }
        let rebalance = match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let elements = partitions.elements();
                Rebalance::Assign(elements.iter().map(|it| it.partition()).collect())
            }
            _ => Rebalance::Revoke,
        };
        if let Ok(mut rebalances) = self.rebalances.lock() {
            rebalances.push_back(rebalance);
        }
    }
}

/// A consumer of the brokers. It never commits offsets to them: the lake knows how far it is.
/// `tells_ends` makes it say when the end of a partition is reached; who reads on and on would be told
/// a thousand times a second.
pub fn consumer(
    kafka: &Kafka,
    limits: &Limits,
    tells_ends: bool,
) -> anyhow::Result<BaseConsumer<Context>> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", &kafka.group)
        .set("client.id", "cockpit")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // What is gone from the broker is to be told, not skipped.
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", tells_ends.to_string())
        .set("statistics.interval.ms", limits.lag_every_ms.to_string())
        .set("session.timeout.ms", limits.session_ms.to_string())
        .set("heartbeat.interval.ms", (limits.session_ms / 3).to_string())
        .set("queued.max.messages.kbytes", (limits.queue_bytes >> 10).to_string())
        .set("fetch.error.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "2000")
        .set("topic.metadata.refresh.interval.ms", "30000")
        .set("security.protocol", kafka.protocol.as_str());
    if tells_ends {
        // A full queue is empty again after milliseconds; the client's second would be time lost.
        config.set("fetch.queue.backoff.ms", "20");
    } else {
        // The client asks for more only when what it fetched was taken, and looks for that only so
        // often: a topic in which a message comes every moment is read by handfuls.
        config
            .set("queued.min.messages", "1")
            .set("fetch.queue.backoff.ms", limits.gather_ms.to_string());
    }
    secure(kafka, &mut config)?;
    let token = (kafka.mechanism == OAUTHBEARER && kafka.is_sasl()).then(|| Place::of(kafka));
    // What is wrong with it is to be said at once, not after the brokers have waited for it.
    token.as_ref().map(Place::read).transpose()?;
    config.create_with_context(Context { token, ..Context::default() }).with_context(|| {
        let Kafka { brokers, key_password_env: variable, .. } = kafka;
        let key = match kafka.key_file {
            Some(_) => format!("; if the key has a password, it belongs into {variable}"),
            None => String::new(),
        };
        format!("the Kafka client cannot be made for {brokers}; mend [kafka] in plant.toml{key}")
    })
}

/// What librdkafka is limited by.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub lag_every_ms: u64,
    pub session_ms: u64,
    pub queue_bytes: u64,
    /// How long messages gather at the brokers while the ones before are read.
    pub gather_ms: u64,
    /// The same while nobody waits for each of them.
    pub unhurried_ms: u64,
}

fn secure(kafka: &Kafka, config: &mut ClientConfig) -> anyhow::Result<()> {
    for (name, file, property) in [
        ("ca_file", &kafka.ca_file, "ssl.ca.location"),
        ("cert_file", &kafka.cert_file, "ssl.certificate.location"),
        ("key_file", &kafka.key_file, "ssl.key.location"),
    ] {
        let Some(file) = file else { continue };
        // The client would only say that something about certificates failed.
        std::fs::File::open(file)
            .with_context(|| format!("{name} of [kafka] in plant.toml: {file}"))?;
        config.set(property, file);
    }
    let key_password = kafka.key_file.as_ref().map(|_| kafka.read_key_password()).transpose()?;
    if let Some(password) = key_password.flatten() {
        config.set("ssl.key.password", password.expose());
    }
    if !kafka.is_sasl() {
        return Ok(());
    }
    config.set("sasl.mechanism", &kafka.mechanism);
    if kafka.mechanism == OAUTHBEARER {
        return Ok(());
    }
    config.set("sasl.username", kafka.user.as_deref().unwrap_or_default());
    config.set("sasl.password", kafka.read_password()?.expose());
    Ok(())
}
