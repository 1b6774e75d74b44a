//! The connection: configuration of librdkafka, and what it reports besides messages.

use super::event::Lag;
use super::token::TokenSource;
use crate::Error;
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
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the group requests of this consumer.
#[derive(Debug, Clone)]
pub enum Rebalance {
    /// From now on these partitions are assigned, and no others.
    Assign(Vec<i32>),
    /// All partitions are revoked.
    Revoke,
}

/// Limits of the Kafka client.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// How often the consumer lag is measured.
    pub lag_every_ms: u64,
    /// How long a consumer that died keeps its partitions.
    pub session_ms: u64,
    /// How much the client fetches ahead.
    pub queue_bytes: u64,
    /// How long messages linger at the brokers while earlier ones are processed.
    pub linger_ms: u64,
    /// The same while no viewer waits for each message.
    pub idle_linger_ms: u64,
    /// Longest wait for the answer of a broker to one request.
    pub answer_ms: u64,
    /// First and longest pause before the client reconnects to a broker.
    pub retry_min_ms: u64,
    pub retry_max_ms: u64,
}

/// Collects what happens besides messages until the reading thread handles it.
#[derive(Default)]
pub struct Context {
    /// Where the OAUTHBEARER token is, if the brokers require one.
    token: Option<TokenSource>,
    /// Whether the client has requested a token, whether or not there was one.
    is_token_requested: AtomicBool,
    /// Why the last request for a token failed.
    token_error: Mutex<Option<String>>,
    /// Whether the reading thread has ended and carries out no more rebalances.
    is_closing: AtomicBool,
    rebalances: Mutex<VecDeque<Rebalance>>,
    lags: Mutex<Option<Vec<Lag>>>,
    /// The client's last error, in its own words.
    last_error: Mutex<Option<(RDKafkaErrorCode, String)>>,
}

/// Whether the brokers answer and refuse the connection, or are not those that are trusted.
pub fn is_auth_error(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::SSL
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
    )
}

/// The message of an error that [`is_auth_error`].
pub fn refusal(reason: &str) -> String {
    format!(
        "Kafka refused the connection (authentication, authorization or TLS): {reason}; check [kafka] in \
         plant.toml"
    )
}

impl Context {
    /// Whether the client has not requested its first token yet. Without it no broker answers.
    pub fn waits_for_token(&self) -> bool {
        self.token.is_some() && !self.is_token_requested.load(Ordering::Relaxed)
    }

    /// Why there is no token, if the last request for one failed and that was not reported yet.
    pub fn take_token_error(&self) -> Option<String> {
        self.token_error.lock().ok()?.take()
    }

    /// The error for a connection that a broker refused for `reason`. Another program may renew a token at
    /// any time, so a token that is missing or has expired, or that a broker `accepted` before, is
    /// [`Error::Token`]. Anything else is [`Error::Auth`].
    pub fn refused(&self, reason: &str, accepted: bool) -> Error {
        if let Some(missing) = self.take_token_error() {
            return Error::Token(anyhow::anyhow!(missing));
        }
        match self.token.as_ref().map(TokenSource::read) {
            Some(Err(expired)) => Error::Token(expired),
            Some(Ok(_)) if accepted => Error::Token(anyhow::anyhow!(refusal(reason))),
            Some(Ok(_)) | None => Error::Auth(refusal(reason)),
        }
    }

    /// From now on partitions are released as soon as the group requests it.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// The client's last error, in its own words.
    pub fn last_error(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.last_error.lock().ok()?.clone()
    }

    /// The next rebalance to carry out.
    pub fn next_rebalance(&self) -> Option<Rebalance> {
        self.rebalances.lock().ok()?.pop_front()
    }

    /// The consumer lags, if they were measured since the last call.
    pub fn take_lags(&self) -> Option<Vec<Lag>> {
        self.lags.lock().ok()?.take()
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(
        &self,
        _config: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let source = self.token.as_ref().ok_or("Kafka requires a token and none is configured")?;
        let token = source.read();
        if let Ok(mut failed) = self.token_error.lock() {
            *failed = token.as_ref().err().map(|error| format!("{error:#}"));
        }
        self.is_token_requested.store(true, Ordering::Relaxed);
        Ok(token?)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Errors also come as events, which the reading thread reports; these lines add the details.
        tracing::debug!(?level, facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "Kafka client error");
        // "All brokers are down" follows the error of a single broker, which names the cause.
        let code = error.rdkafka_error_code();
        if let Some(code) = code.filter(|it| *it != RDKafkaErrorCode::AllBrokersDown)
            && let Ok(mut last) = self.last_error.lock()
        {
            *last = Some((code, reason.to_owned()));
        }
    }

    fn stats(&self, statistics: Statistics) {
        let topics = statistics.topics.into_values();
        let partitions = topics.flat_map(|topic| topic.partitions.into_values());
        let lags = partitions.filter(|it| it.partition >= 0 && it.consumer_lag >= 0);
        let lags = lags.map(|it| Lag { partition: it.partition, messages: it.consumer_lag });
        if let Ok(mut last) = self.lags.lock() {
            *last = Some(lags.collect());
        }
    }
}

impl ConsumerContext for Context {
    /// Records the request. The reading thread carries it out between two polls, because it has to finish
    /// the messages it holds first; librdkafka waits for that.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.is_closing.load(Ordering::Relaxed) {
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "partitions not released");
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

/// A consumer of the brokers. It never commits offsets to them: the lake stores how far each partition
/// is read. `reports_ends` makes it report when the end of a partition is reached; for a consumer that
/// follows a topic these would be a thousand events a second.
///
/// # Errors
/// [`Error::Config`] or [`Error::Token`].
pub fn consumer(
    kafka: &Kafka,
    limits: &ClientLimits,
    reports_ends: bool,
) -> Result<BaseConsumer<Context>, Error> {
    let mut config = client_config(kafka, limits, reports_ends);
    secure(kafka, &mut config).map_err(Error::Config)?;
    let uses_token = kafka.mechanism == OAUTHBEARER && kafka.is_sasl();
    let token = uses_token.then(|| TokenSource::from_config(kafka));
    // Reports an invalid token now, not after the brokers have waited for it in vain.
    token.as_ref().map(TokenSource::read).transpose().map_err(Error::Token)?;
    let consumer = config.create_with_context(Context { token, ..Context::default() });
    let consumer = consumer.with_context(|| {
        let Kafka { brokers, key_password_env: variable, .. } = kafka;
        let key = match kafka.key_file {
            Some(_) => format!("; if the key has a password, set it in {variable}"),
            None => String::new(),
        };
        format!(
            "the Kafka client for {brokers} cannot be created; check [kafka] in plant.toml{key}"
        )
    });
    consumer.map_err(Error::Config)
}

fn client_config(kafka: &Kafka, limits: &ClientLimits, reports_ends: bool) -> ClientConfig {
    let retry_max_ms = limits.retry_max_ms.max(limits.retry_min_ms);
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", &kafka.group)
        .set("client.id", "cockpit")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Expired offsets have to be reported, not skipped.
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", reports_ends.to_string())
        .set("statistics.interval.ms", limits.lag_every_ms.to_string())
        .set("session.timeout.ms", limits.session_ms.to_string())
        .set("heartbeat.interval.ms", (limits.session_ms / 3).to_string())
        .set("queued.max.messages.kbytes", (limits.queue_bytes >> 10).to_string())
        .set("fetch.error.backoff.ms", limits.retry_min_ms.to_string())
        // The client doubles the pause with each attempt and adds jitter.
        .set("reconnect.backoff.ms", limits.retry_min_ms.to_string())
        .set("reconnect.backoff.max.ms", retry_max_ms.to_string())
        .set("topic.metadata.refresh.interval.ms", "30000")
        .set("security.protocol", kafka.protocol.as_str());
    if reports_ends {
        // A full queue is empty again after milliseconds; the client's default of a second would be idle
        // time.
        config.set("fetch.queue.backoff.ms", "20");
    } else {
        // The client fetches again only when its queue is empty, and checks that at this interval: a
        // topic with a message every moment is read in small batches instead of single messages.
        config
            .set("queued.min.messages", "1")
            .set("fetch.queue.backoff.ms", limits.linger_ms.to_string());
    }
    config
}

fn secure(kafka: &Kafka, config: &mut ClientConfig) -> anyhow::Result<()> {
    for (name, file, property) in [
        ("ca_file", &kafka.ca_file, "ssl.ca.location"),
        ("cert_file", &kafka.cert_file, "ssl.certificate.location"),
        ("key_file", &kafka.key_file, "ssl.key.location"),
    ] {
        let Some(file) = file else { continue };
        // The client does not say which of the files it cannot read.
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
