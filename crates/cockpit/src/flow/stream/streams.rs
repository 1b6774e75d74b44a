//! The topics of the contracts: those they list, and those that match their patterns.

use super::{Streaming, Topic, kafka_limits, run};
use crate::flow::Flow;
use anyhow::Context as _;
use config::kafka::Kafka;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use ingest::kafka::{Event, Source, Topics, Until};
use ingest::{Error, Retry};
use lake::plan::Step;
use lake::reconciliation::RowBalance;
use plant::contract::Contract;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

/// A contract of messages, and the step that cleans them.
pub struct Stream {
    pub contract: Contract,
    pub step: Step,
    patterns: Vec<Regex>,
}

impl Stream {
    /// Topics that the contract lists.
    fn names(&self) -> impl Iterator<Item = &String> {
        self.contract.topics.iter().filter(|topic| !topic.starts_with('^'))
    }

    fn is_match(&self, topic: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_match(topic))
    }

    fn reads(&self, topic: &str) -> bool {
        self.names().any(|name| name == topic) || self.is_match(topic)
    }
}

impl Topic {
    /// The topic `name` of a contract.
    pub fn new(flow: &Flow, stream: &Stream, name: String) -> Self {
        Self {
            refinery: flow.refinery.clone(),
            contract: stream.contract.clone(),
            step: stream.step.clone(),
            name,
            messages_read: flow.messages_read.clone(),
            landed: Arc::new(AtomicI64::new(i64::MIN)),
        }
    }
}

impl Flow {
    /// The plant's contracts of messages.
    pub(in crate::flow) fn streams(&self) -> anyhow::Result<Vec<Stream>> {
        let contracts = self.refinery.plant.contracts.values().filter(|it| it.is_stream());
        let stream = |contract: &Contract| {
            let cleans = |step: &&Step| step.model.cleans() == Some(contract.table.as_str());
            let step = self.refinery.steps.iter().find(cleans);
            let step = step.with_context(|| format!("no model cleans {}", contract.table))?;
            let patterns = contract.topics.iter().filter(|topic| topic.starts_with('^'));
            let patterns: Result<_, _> = patterns.map(|it| Regex::new(it)).collect();
            let patterns = patterns.with_context(|| format!("topics of {}", contract.table))?;
            Ok(Stream { contract: contract.clone(), step: step.clone(), patterns })
        };
        contracts.map(stream).collect()
    }
}

/// A task that has ended.
pub enum Done {
    /// A topic is no longer read.
    Read(anyhow::Result<Vec<RowBalance>>),
    /// The topics that match a pattern are listed; `None` if that was stopped.
    Listed(anyhow::Result<Option<BTreeSet<String>>>),
}

/// All topics that are read, in parallel.
pub struct TopicReaders<'a> {
    flow: &'a Flow,
    kafka: &'a Kafka,
    streaming: Streaming,
    streams: Vec<Stream>,
    /// Finds topics by the contracts' patterns, if there are any.
    topics: Option<Arc<Topics>>,
    /// Tables and topics that are read.
    started: BTreeSet<(String, String)>,
    running: FuturesUnordered<BoxFuture<'a, Done>>,
}

impl<'a> TopicReaders<'a> {
    /// Starts to read the topics that the contracts list, and to search for those that match their patterns.
    pub fn start(flow: &'a Flow, kafka: &'a Kafka, streaming: Streaming) -> anyhow::Result<Self> {
        let mut streams = flow.streams()?;
        streams.retain(|it| it.contract.mqtt.is_none());
        let patterns = streams.iter().flat_map(|it| it.patterns.iter().map(Regex::as_str));
        let patterns: Vec<&str> = patterns.collect();
        let topics = match patterns.is_empty() {
            true => None,
            false => {
                let limits = kafka_limits(flow.lake().limits());
                let patterns = patterns.into_iter();
                Some(Arc::new(Topics::connect(kafka, &limits, patterns)?))
            }
        };
        let (started, running) = (BTreeSet::new(), FuturesUnordered::new());
        let mut readers = Self { flow, kafka, streaming, streams, topics, started, running };
        for at in 0..readers.streams.len() {
            let names: Vec<String> = readers.streams[at].names().cloned().collect();
            names.into_iter().for_each(|name| readers.read(at, name));
        }
        readers.list(Duration::ZERO);
        Ok(readers)
    }

    /// The task that ends next; `None` if all have ended.
    pub async fn next(&mut self) -> Option<Done> {
        self.running.next().await
    }

    /// Starts to read a topic, unless it is read already.
    fn read(&mut self, stream: usize, name: String) {
        let table = self.streams[stream].contract.table.clone();
        if !self.started.insert((table, name.clone())) {
            return;
        }
        let mut kafka = self.kafka.clone();
        kafka.group = self.group(stream, &name);
        let limits = self.flow.lake().limits();
        let (of_kafka, batch) = (kafka_limits(limits), limits.stream.stream_batch_messages);
        let topic = Topic::new(self.flow, &self.streams[stream], name.clone());
        let (streaming, stop) = (self.streaming.clone(), self.streaming.stop.clone());
        let until = streaming.until;
        self.running.push(Box::pin(async move {
            let done = run(topic, streaming, move |receiver| {
                Source::connect(&kafka, &name, &of_kafka, batch, until)?.run(receiver)
            });
            let done = done.await;
            if done.is_err() {
                stop.cancel();
            }
            Done::Read(done)
        }));
    }

    /// The consumer group of a contract for a topic. Contracts that read the same topic each need all
    /// of its partitions, and only members of one group share them.
    fn group(&self, stream: usize, topic: &str) -> String {
        let Kafka { group, .. } = self.kafka;
        match self.streams[..stream].iter().any(|earlier| earlier.reads(topic)) {
            true => format!("{group}-{}", self.streams[stream].contract.table),
            false => group.clone(),
        }
    }

    /// Lists the topics that match a pattern, after a pause.
    fn list(&mut self, pause: Duration) {
        let Some(topics) = self.topics.clone() else { return };
        let stop = self.streaming.stop.clone();
        self.running.push(Box::pin(async move {
            tokio::select! {
                () = stop.cancelled() => return Done::Listed(Ok(None)),
                () = tokio::time::sleep(pause) => {}
            }
            let listed = tokio::task::spawn_blocking(move || topics.matching()).await;
            let listed = listed.context("the listing of topics was cancelled");
            Done::Listed(listed.and_then(|listed| Ok(Some(listed?))))
        }));
    }

    /// Starts to read the listed topics that are not read yet, and lists again later. A continuous reader
    /// continues if the brokers do not respond.
    pub fn read_listed(
        &mut self,
        listed: anyhow::Result<Option<BTreeSet<String>>>,
    ) -> anyhow::Result<()> {
        let is_lasting = self.streaming.until == Until::Stopped;
        let found = match listed {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => found,
            Err(error)
                if is_lasting
                    && Error::find(&error).is_none_or(|it| it.retry() == Retry::Backoff) =>
            {
                tracing::warn!(error = format!("{error:#}"), "listing of topics failed");
                BTreeSet::new()
            }
            Err(error) => return Err(error),
        };
        for at in 0..self.streams.len() {
            self.read_matching(at, &found);
        }
        if is_lasting {
            let limits = self.flow.lake().limits();
            self.list(Duration::from_secs(limits.stream.topic_listing_every_s));
        }
        Ok(())
    }

    fn read_matching(&mut self, at: usize, found: &BTreeSet<String>) {
        let (stream, most) = (&self.streams[at], self.flow.lake().limits().stream.pattern_topics);
        let table = stream.contract.table.clone();
        let matching: Vec<String> =
            found.iter().filter(|name| stream.is_match(name)).cloned().collect();
        if matching.is_empty() && !stream.patterns.is_empty() {
            tracing::warn!(table, "no topic matches the patterns of the contract");
        }
        let count = self.started.iter().filter(|(of, _)| *of == table).count();
        let is_read = |name: &String| self.started.contains(&(table.clone(), name.clone()));
        let (_, new): (Vec<String>, Vec<String>) = matching.into_iter().partition(is_read);
        let room = most.saturating_sub(count);
        if let Some(first) = new.get(room) {
            let unread = new.len() - room;
            tracing::error!(table, unread, most, "too many topics match");
            let event = Event::TooManyTopics { unread, most };
            self.streaming.observer.event(first, &event);
        }
        new.into_iter().take(room).for_each(|name| self.read(at, name));
    }
}
