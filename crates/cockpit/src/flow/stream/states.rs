//! The states of topics, by bronze table.

use super::Feed;
use super::restart::Restart;
use crate::flow::{Flow, now};
use chrono::{DateTime, Utc};
use ingest::kafka::Event;
use lake::sources::{SourceKind, SourceRead, SourceState};
use plant::contract::Contract;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The states of topics, by bronze table. Shared by the readers of a process.
#[derive(Debug, Clone, Default)]
pub struct TopicStates(Arc<Mutex<BTreeMap<String, TopicState>>>);

#[derive(Debug, Default)]
struct TopicState {
    /// Messages that were read since `since`.
    messages: u64,
    since: Option<DateTime<Utc>>,
    /// Messages that are not read yet, by topic and partition.
    unread: BTreeMap<(String, i32), i64>,
    /// Why a topic is not read, by topic.
    problems: BTreeMap<String, String>,
    failure: Option<(SourceState, String)>,
}

impl TopicStates {
    fn change(&self, table: &str, change: impl FnOnce(&mut TopicState)) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match states.get_mut(table) {
            Some(state) => change(state),
            None => change(states.entry(table.to_owned()).or_default()),
        }
    }

    /// The brokers answered: the partitions of a topic were assigned.
    pub fn assigned(&self, table: &str, topic: &str) {
        self.change(table, |state| {
            state.failure = None;
            state.problems.remove(topic);
        });
    }

    /// Messages were read.
    pub fn messages(&self, table: &str, topic: &str, count: usize) {
        self.change(table, |state| {
            state.messages += count as u64;
            state.failure = None;
            state.problems.remove(topic);
        });
    }

    /// An event of a topic.
    pub fn event(&self, table: &str, topic: &str, event: &Event) {
        let problem = match event {
            Event::Connected => None,
            Event::Disconnected { reason } => {
                Some(format!("no broker responds: {reason}; check the broker and the network"))
            }
            Event::Waiting { reason } => Some(reason.clone()),
            Event::MissingTopic => Some(format!(
                "the brokers have no topic {topic}; create it, or correct `topics` of the contract"
            )),
            Event::Lags(lags) => {
                return self.change(table, |state| {
                    let lag =
                        |it: &ingest::kafka::Lag| ((topic.to_owned(), it.partition), it.messages);
                    state.unread.extend(lags.iter().map(lag));
                    state.failure = None;
                    state.problems.remove(topic);
                });
            }
            Event::Expired { .. }
            | Event::Replaced { .. }
            | Event::TooManyTopics { .. }
            | Event::SessionLost => return,
        };
        self.change(table, |state| {
            state.failure = None;
            match problem {
                None => state.problems.remove(topic),
                Some(problem) => state.problems.insert(topic.to_owned(), problem),
            };
        });
    }

    fn fail(&self, table: &str, restart: &Restart) {
        let state =
            if restart.needs_operator { SourceState::Refused } else { SourceState::Failing };
        let error =
            format!("{}; tried again in {} s", restart.reason, restart.pause.as_secs().max(1));
        self.change(table, |it| it.failure = Some((state, error)));
    }

    /// What was read of a table since the last call; `None` before its topics were tried to read.
    fn take(&self, table: &str, now: DateTime<Utc>) -> Option<Taken> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.get_mut(table)?;
        let problem = state.problems.iter().next();
        let problem = problem.map(|(topic, it)| (SourceState::Failing, format!("{topic}: {it}")));
        let since = state.since.replace(now);
        Some(Taken {
            messages: i64::try_from(std::mem::take(&mut state.messages)).unwrap_or(i64::MAX),
            took_ms: since.map_or(0, |since| (now - since).num_milliseconds()),
            unread: (!state.unread.is_empty()).then(|| state.unread.values().sum()),
            failure: state.failure.clone().or(problem),
        })
    }
}

/// What was read of a table.
struct Taken {
    messages: i64,
    took_ms: i64,
    unread: Option<i64>,
    failure: Option<(SourceState, String)>,
}

impl Flow {
    /// Records that the topics of a feed failed.
    pub(super) fn fail_topics(&self, feed: &Feed, restart: &Restart) {
        let contracts = self.refinery.plant.contracts.values().filter(|it| it.is_stream());
        let is_of_feed = |contract: &&Contract| match feed {
            Feed::Kafka(_) => contract.mqtt.is_none(),
            Feed::Mqtt(table) => contract.table == *table,
        };
        contracts
            .filter(is_of_feed)
            .for_each(|contract| self.topics.fail(&contract.table, restart));
    }

    /// The kind and the address of the source of a contract of messages; `None` without brokers.
    fn broker(&self, contract: &Contract) -> Option<(SourceKind, String)> {
        if let Some(mqtt) = &contract.mqtt {
            return Some((SourceKind::Mqtt, mqtt.to_string()));
        }
        let kafka = self.kafka.as_ref()?;
        let address = format!("{} on {}", contract.topics.join(", "), kafka.brokers);
        Some((SourceKind::Topics, address))
    }

    /// Records the states of topics that this process reads.
    pub(in crate::flow) async fn record_topics(&self) -> anyhow::Result<()> {
        let now = now();
        let mut reads = Vec::new();
        for contract in self.refinery.plant.contracts.values().filter(|it| it.is_stream()) {
            let Some((kind, address)) = self.broker(contract) else { continue };
            let Some(taken) = self.topics.take(&contract.table, now) else { continue };
            reads.push(SourceRead {
                table_name: contract.table.clone(),
                kind,
                source: contract.source.clone(),
                address,
                read_at: now,
                took_ms: taken.took_ms,
                next_read_at: None,
                records: taken.messages,
                checkpoint: None,
                unread: taken.unread,
                failure: taken.failure,
            });
        }
        if reads.is_empty() {
            return Ok(());
        }
        self.record_sources(reads).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(states: &TopicStates, second: i64) -> (i64, i64, Option<i64>, Option<String>) {
        let now = DateTime::from_timestamp(1_795_441_733 + second, 0).unwrap();
        let taken = states.take("temperature", now).unwrap();
        (taken.messages, taken.took_ms, taken.unread, taken.failure.map(|it| it.1))
    }

    #[test]
    fn a_topic_has_its_messages_lag_and_problem() {
        let states = TopicStates::default();
        assert!(states.take("temperature", DateTime::UNIX_EPOCH).is_none());
        states.assigned("temperature", "plant");
        assert_eq!(taken(&states, 0), (0, 0, None, None));
        states.messages("temperature", "plant", 40);
        let lag = |partition, messages| ingest::kafka::Lag { partition, messages };
        states.event("temperature", "plant", &Event::Lags(vec![lag(0, 3), lag(1, 4)]));
        assert_eq!(taken(&states, 2), (40, 2_000, Some(7), None));
        let reason = "connection refused".to_owned();
        states.event("temperature", "plant", &Event::Disconnected { reason });
        let (messages, _, _, problem) = taken(&states, 3);
        assert_eq!(messages, 0);
        assert!(problem.unwrap().contains("connection refused"));
        states.event("temperature", "plant", &Event::Connected);
        assert_eq!(taken(&states, 4).3, None);
    }
}
