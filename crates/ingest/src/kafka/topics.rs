//! Topics that match regular expressions.

use super::connect::{self, ClientLimits, Context};
use super::{POLL, now, remaining};
use crate::Error;
use anyhow::Context as _;
use config::kafka::Kafka;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use regex::Regex;
use std::collections::BTreeSet;
use std::time::Duration;

/// Prefix of Kafka's internal topics.
const INTERNAL: &str = "__";

/// Finds topics by their names.
pub struct Topics {
    consumer: BaseConsumer<Context>,
    patterns: Vec<Regex>,
    answer_within: Duration,
}

impl Topics {
    /// Connects to the brokers. A pattern starts with `^`, and is not anchored at its end.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Token`].
    pub fn connect<'a>(
        kafka: &Kafka,
        limits: &ClientLimits,
        patterns: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let patterns: Result<Vec<Regex>, _> = patterns.map(Regex::new).collect();
        let patterns = patterns.context("invalid regular expression in topics");
        Ok(Self {
            patterns: patterns.map_err(Error::Config)?,
            consumer: connect::consumer(kafka, limits, false)?,
            answer_within: Duration::from_millis(limits.answer_ms),
        })
    }

    /// The names that match now. Blocks until a broker answers, at most for the configured time.
    ///
    /// # Errors
    /// [`Error::Auth`], [`Error::Token`] or [`Error::Unreachable`].
    pub fn matching(&self) -> Result<BTreeSet<String>, Error> {
        let until = now() + self.answer_within;
        // Without its token the client cannot list topics, and it requests one only when it is polled.
        while self.consumer.context().waits_for_token() && !remaining(until).is_zero() {
            self.consumer.poll(POLL);
        }
        let listed = self.consumer.fetch_metadata(None, self.answer_within);
        let listed = listed.map_err(|error| self.listing_error(&error))?;
        let names = listed.topics().iter().map(rdkafka::metadata::MetadataTopic::name);
        let is_match = |name: &&str| {
            !name.starts_with(INTERNAL) && self.patterns.iter().any(|it| it.is_match(name))
        };
        Ok(names.filter(is_match).map(str::to_owned).collect())
    }

    fn listing_error(&self, error: &KafkaError) -> Error {
        let context = self.consumer.context();
        if let Some(reason) = context.take_token_error() {
            return Error::Token(anyhow::anyhow!(reason));
        }
        match context.last_error() {
            Some((code, reason)) if connect::is_auth_error(code) => context.refused(&reason, false),
            Some((_, reason)) => {
                Error::Unreachable(format!("no Kafka broker lists its topics: {error}: {reason}"))
            }
            None => Error::Unreachable(format!("no Kafka broker lists its topics: {error}")),
        }
    }
}
