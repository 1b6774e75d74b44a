//! The topics that match regular expressions.

use super::connect::{self, ClientLimits, Context};
use super::{ASK, POLL, Refused, now, rest};
use anyhow::Context as _;
use config::kafka::Kafka;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use regex::Regex;
use std::collections::BTreeSet;

/// Topics of Kafka itself begin so.
const INTERNAL: &str = "__";

/// Finds topics by their names.
pub struct Topics {
    consumer: BaseConsumer<Context>,
    patterns: Vec<Regex>,
}

impl Topics {
    /// Connects to the brokers. A pattern begins with `^`, and is not anchored at its end.
    pub fn connect<'a>(
        kafka: &Kafka,
        limits: &ClientLimits,
        patterns: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<Self> {
        let patterns: Result<Vec<Regex>, _> = patterns.map(Regex::new).collect();
        let patterns = patterns.context("invalid regular expression in topics")?;
        Ok(Self { consumer: connect::consumer(kafka, limits, false)?, patterns })
    }

    /// The names that match now. Blocks until a broker answers, or for some seconds.
    pub fn matching(&self) -> anyhow::Result<BTreeSet<String>> {
        let until = now() + ASK;
        // Without its token the client cannot list anything, and it requests one only when polled.
        while self.consumer.context().waits_for_token() && !rest(until).is_zero() {
            self.consumer.poll(POLL);
        }
        let listed = self.consumer.fetch_metadata(None, ASK);
        let listed = listed.map_err(|error| match self.consumer.context().trouble() {
            Some((code, reason)) if connect::is_refusal(code) => {
                anyhow::Error::new(Refused(reason))
            }
            Some((_, reason)) => anyhow::anyhow!("{error}: {reason}"),
            None => error.into(),
        });
        let listed = listed.context("no Kafka broker lists its topics")?;
        let names = listed.topics().iter().map(rdkafka::metadata::MetadataTopic::name);
        let is_match = |name: &&str| {
            !name.starts_with(INTERNAL) && self.patterns.iter().any(|it| it.is_match(name))
        };
        Ok(names.filter(is_match).map(str::to_owned).collect())
    }
}
