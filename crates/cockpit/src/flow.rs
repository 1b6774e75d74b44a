//! The wiring: which layer feeds which. Only this module knows all layers, and only it and `main` read a clock.
//!
//! files, databases and HTTP interfaces -> bronze; Kafka and MQTT -> bronze and live; bronze -> silver -> gold; live and lake -> alarms; lake, live and alarms -> HTTP and SQL.

pub mod access;
mod alarms;
mod binding;
mod boards;
mod clock;
pub mod demo;
mod doors;
mod faulty_dumps;
mod interfaces;
mod lake_service;
mod landing;
mod lease;
mod new_dumps;
mod observer;
mod open;
mod pulls;
mod refinement;
mod report;
mod reporting;
pub mod reports;
mod schedule;
pub mod serving;
mod signals;
mod source_states;
pub mod stream;
pub mod timings;
mod watching;

pub use clock::now;
pub use pulls::sample as sample_source;
pub use report::{Event, Report, Watcher};
pub use signals::cancel_on_signal;

use chrono::{DateTime, Utc};
use config::kafka::Kafka;
use config::location::Location;
use lake::context::LakeContext;
use lake::dumps::KnownDumps;
use lake::refine::RefreshMode;
use landing::Others;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use url::Url;

/// The sources, the lake and the plant that connects them.
#[derive(Clone)]
pub struct Flow {
    pub refinery: LakeContext,
    pub bucket: Option<Arc<Location>>,
    /// Folder of the plant, whose alarm rules can be edited; `None` for the plant that is compiled in.
    pub plant_folder: Option<PathBuf>,
    /// Where people open the pages, for links in messages.
    pub public_url: Option<Url>,
    /// Brokers to read messages from.
    pub kafka: Option<Kafka>,
    /// Messages that this process has read from topics.
    pub messages_read: Arc<AtomicU64>,
    /// Whether the data is simulated.
    pub is_simulated: bool,
    /// When this process began.
    began_at: DateTime<Utc>,
    /// The folder of the bucket while it is watched.
    watching: watching::Watching,
    /// Whether HTTP interfaces have new answers.
    pulled: interfaces::Interfaces,
    /// When files that match no contract were last searched for.
    unmatched_at: Arc<Mutex<Option<DateTime<Utc>>>>,
    /// When the sources that are read on a schedule are due.
    sources: pulls::Schedule,
    /// The states of all sources.
    states: source_states::SourceStates,
    /// What this process reads from topics.
    topics: stream::TopicStates,
}

impl Flow {
    /// One round: files -> bronze -> silver -> gold.
    pub async fn round(&self, watcher: &Watcher) -> anyhow::Result<Report> {
        self.round_beside(watcher, Others::Leave).await
    }

    async fn round_beside(&self, watcher: &Watcher, others: Others) -> anyhow::Result<Report> {
        let started_at = now();
        let (mut report, mut dumps) = self.land(watcher, others).await?;
        self.pulls_to_bronze(&mut report, &mut dumps).await?;
        self.answers_to_bronze(&mut report, &mut dumps, watcher).await?;
        watcher(Event::Refining);
        self.bronze_to_gold(&mut report, RefreshMode::Incremental, started_at, &mut dumps).await?;
        Ok(report)
    }

    /// Files -> bronze. Returns the report and all known dumps.
    async fn land(
        &self,
        watcher: &Watcher,
        others: Others,
    ) -> anyhow::Result<(Report, KnownDumps)> {
        let started_at = now();
        let files = self.files_to_bronze(watcher, others).await;
        self.record_files(started_at, &files).await?;
        self.record_topics().await?;
        files
    }

    /// Kafka and MQTT -> bronze up to the current end of every topic, then files -> bronze. Needs no lease:
    /// other processes land at the same time, and another one refines.
    pub async fn land_once(&self, watcher: &Watcher) -> anyhow::Result<Report> {
        let (balances, problems) = self.streams_to_bronze().await?;
        let (mut report, _) = self.land(watcher, Others::Wait).await?;
        report.entries.extend(balances);
        report.problems.extend(problems);
        Ok(report)
    }

    /// Kafka and MQTT -> bronze up to the current end of every topic, HTTP interfaces once, then one round.
    pub async fn once(&self, watcher: &Watcher) -> anyhow::Result<Report> {
        let (balances, mut problems) = self.streams_to_bronze().await?;
        problems.extend(self.pull_all().await);
        let mut report = self.round_beside(watcher, Others::Wait).await?;
        report.entries.extend(balances);
        report.problems.extend(problems);
        Ok(report)
    }

    /// Rebuilds silver and gold from bronze.
    pub async fn rebuild(&self) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let mut dumps = KnownDumps::load(self.lake()).await?;
        self.bronze_to_gold(&mut report, RefreshMode::Full, now(), &mut dumps).await?;
        Ok(report)
    }
}
