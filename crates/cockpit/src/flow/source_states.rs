//! The states of the sources: kept in this process, and saved in `meta.sources`.

use super::{Flow, Report, now};
use chrono::{DateTime, TimeDelta, Utc};
use config::sentence::sentence;
use ingest::Error;
use lake::Lake;
use lake::dumps::{KnownDumps, Status};
use lake::sources::{self, SourceKind, SourceRead, SourceRow, SourceState};
use plant::contract::Contract;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Sources by bronze table.
type States = BTreeMap<String, SourceRow>;

/// The states of the sources. Shared by the parts of a process.
#[derive(Debug, Clone, Default)]
pub struct SourceStates {
    /// As of the last reads; empty before this process has read a source.
    current: Arc<Mutex<States>>,
    /// As they were last saved; `None` before they are loaded. The lock is held while they are saved.
    saved: Arc<tokio::sync::Mutex<Option<States>>>,
}

impl SourceStates {
    /// The states as this process has read the sources, or as another process last saved them.
    pub async fn read(&self, lake: &Lake) -> anyhow::Result<Vec<SourceRow>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !current.is_empty() {
            return Ok(current.into_values().collect());
        }
        sources::load(lake).await
    }

    /// Updates the states by reads. Returns the new states.
    fn update(&self, reads: Vec<SourceRead>, run: &str) -> Vec<SourceRow> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::with_capacity(reads.len());
        for read in reads {
            let before = current.get(&read.table_name).cloned();
            let row = read.row(before.as_ref(), run);
            current.insert(row.table_name.clone(), row.clone());
            rows.push(row);
        }
        rows
    }
}

impl Flow {
    /// Records reads of sources. Their states are saved if there are news, or after `sources_saved_every_s`.
    pub(super) async fn record_sources(&self, reads: Vec<SourceRead>) -> anyhow::Result<()> {
        let lake = self.lake();
        let mut saved = self.states.saved.lock().await;
        let mut gone = Vec::new();
        if saved.is_none() {
            let (known, unknown) = self.loaded().await?;
            gone = unknown;
            let mut current = self.states.current.lock().unwrap_or_else(PoisonError::into_inner);
            current.clone_from(&known);
            drop(current);
            *saved = Some(known);
        }
        let saved = saved.get_or_insert_default();
        let mut rows = self.states.update(reads, lake.run());
        let every_s = lake.limits().ingest.sources_saved_every_s;
        let every = TimeDelta::try_seconds(every_s.cast_signed()).unwrap_or(TimeDelta::MAX);
        rows.retain(|row| saved.get(&row.table_name).is_none_or(|old| row.is_news(old, every)));
        sources::save(lake, &rows, &gone).await?;
        saved.extend(rows.into_iter().map(|row| (row.table_name.clone(), row)));
        Ok(())
    }

    /// The saved states of the sources of the plant, and the tables of those that it has no longer.
    async fn loaded(&self) -> anyhow::Result<(States, Vec<String>)> {
        let (mut known, mut gone) = (States::new(), Vec::new());
        for row in sources::load(self.lake()).await? {
            if self.refinery.plant.contracts.contains_key(&row.table_name) {
                known.insert(row.table_name.clone(), row);
            } else {
                gone.push(row.table_name);
            }
        }
        Ok((known, gone))
    }

    /// The contracts of dumps in the bucket.
    pub(super) fn dump_contracts(&self) -> impl Iterator<Item = &Contract> {
        let contracts = self.refinery.plant.contracts.values();
        contracts.filter(|it| !it.is_stream() && it.http.is_none() && it.pull.is_none())
    }

    /// Records the reading of the bucket.
    pub(super) async fn record_files(
        &self,
        started_at: DateTime<Utc>,
        read: &anyhow::Result<(Report, KnownDumps)>,
    ) -> anyhow::Result<()> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        let ended_at = now();
        let every_s = self.lake().limits().ingest.listing_every_s;
        let every = TimeDelta::try_seconds(every_s.cast_signed()).unwrap_or(TimeDelta::MAX);
        let of_table = |contract: &Contract| SourceRead {
            table_name: contract.table.clone(),
            kind: SourceKind::Files,
            source: contract.source.clone(),
            address: bucket.name.clone(),
            read_at: started_at,
            took_ms: (ended_at - started_at).num_milliseconds(),
            next_read_at: ended_at.checked_add_signed(every),
            records: read.as_ref().map_or(0, |(report, _)| records(report, &contract.table)),
            checkpoint: None,
            unread: None,
            failure: failure(read, &contract.table).map(|error| (SourceState::Failing, error)),
        };
        let reads = self.dump_contracts().map(of_table).collect();
        self.record_sources(reads).await
    }
}

/// Why a source was not read, in one sentence.
pub fn reason(error: &Error) -> String {
    match error {
        Error::Config(cause) | Error::Storage(cause) | Error::Token(cause) => sentence(cause),
        other => other.to_string(),
    }
}

/// Records of the dumps of a table that landed.
fn records(report: &Report, table: &str) -> i64 {
    let landed = report.read.iter().filter(|row| row.status == Status::Landed);
    landed.filter(|row| row.table_name == table).map(|row| row.records).sum()
}

/// Why the bucket or a dump of the table cannot be read.
fn failure(read: &anyhow::Result<(Report, KnownDumps)>, table: &str) -> Option<String> {
    let (report, _) = match read {
        Ok(read) => read,
        Err(error) => return Some(sentence(error)),
    };
    let mut broken = report.broken.iter().filter(|row| row.table_name == table);
    let (first, more) = (broken.next()?, broken.count());
    let reason = first.reason.as_deref().unwrap_or("it cannot be read");
    let others = if more == 0 { String::new() } else { format!("; {more} more dumps failed") };
    Some(format!("{}: {reason}{others}", first.file))
}
