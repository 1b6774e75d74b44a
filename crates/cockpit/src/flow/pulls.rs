//! Sources that are read on a schedule -> bronze.
//!
//! A pull lands as a dump: its rows have its place in `_file`, so that the commit of its rows is the commit of
//! the checkpoint. A process that is killed before the commit repeats the pull; one that is killed after it
//! completes `meta.files` in the next round.

mod sample;
mod source;
mod state;

pub use sample::sample;
pub(super) use state::Schedule;

use super::{Flow, Report, now};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use ingest::Error;
use lake::dumps::column_changes::LastColumns;
use lake::dumps::{self, DumpRow, KnownDumps};
use lake::sources::{SourceKind, SourceRead};
use plant::contract::Contract;
use source::PulledSource;
use state::Due;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Sources that are read at the same time.
const SOURCES: usize = 2;

/// The shortest pause between two rounds.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// The result of reading one source.
struct Reading {
    contract: Arc<Contract>,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    rows: Vec<DumpRow>,
    /// Where the next increment starts.
    checkpoint: Option<String>,
    done: Result<(), Error>,
}

impl Flow {
    /// Whether there is anything to read beside a bucket.
    pub(super) fn has_source(&self) -> bool {
        !self.feeds().is_empty()
            || self.has_interfaces()
            || self.pulled_contracts().next().is_some()
    }

    fn pulled_contracts(&self) -> impl Iterator<Item = &Contract> {
        self.refinery.plant.contracts.values().filter(|it| it.pull.is_some())
    }

    /// The time to the next round: to the next listing of the bucket, or to the next source that is due.
    pub(super) fn until_next_round(&self) -> Duration {
        let listing = Duration::from_secs(self.lake().limits().ingest.listing_every_s);
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.pulled_contracts().filter_map(|it| sources.next_at(&it.table)).min();
        let pause = next.map(|at| (at - now()).to_std().unwrap_or_default());
        pause.unwrap_or(listing).min(listing).max(LEAST_PAUSE.min(listing))
    }

    /// Reads the sources that are due and lands their new records. `known` are the dumps so far; new ones are
    /// added. A source that cannot be read is a problem in the report and does not stop the others.
    pub(super) async fn pulls_to_bronze(
        &self,
        report: &mut Report,
        known: &mut KnownDumps,
    ) -> anyhow::Result<()> {
        let due = self.due_contracts();
        if due.is_empty() {
            return Ok(());
        }
        let (newest, columns) = (known.newest(), LastColumns::new(known.rows()));
        let readings = due.into_iter().map(|contract| {
            let columns = columns.table(&contract);
            let source = PulledSource::new(self, contract, newest, columns);
            source.read()
        });
        let readings: Vec<Reading> =
            futures::stream::iter(readings).buffer_unordered(SOURCES).collect().await;
        let read: Vec<DumpRow> = readings.iter().flat_map(|it| it.rows.clone()).collect();
        known.save(self.lake(), &read).await?;
        self.record_states(&readings, report).await?;
        let listed = report.listed.get_or_insert_default();
        listed.extend(read.iter().map(DumpRow::table_and_file));
        report.read.extend(read);
        Ok(())
    }

    fn due_contracts(&self) -> Vec<Arc<Contract>> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |it: &&Contract| sources.is_due(it, now());
        self.pulled_contracts().filter(is_due).cloned().map(Arc::new).collect()
    }

    /// Records the state of the sources that were read, in the schedule, in `meta.sources` and in the report.
    async fn record_states(&self, readings: &[Reading], report: &mut Report) -> anyhow::Result<()> {
        let mut reads = Vec::with_capacity(readings.len());
        for reading in readings {
            let mut schedule = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
            let due = schedule.record(reading, self.lake().limits());
            drop(schedule);
            let read = source_read(reading, &due);
            if let Some((_, error)) = &read.failure {
                report.problems.push(format!("{}: {error}", read.table_name));
                if due.is_news {
                    let (table, next_at) = (&read.table_name, &read.next_read_at);
                    tracing::warn!(table, error, ?next_at, "source not read");
                }
            }
            let failed = reading.rows.iter().filter(|row| row.status != dumps::Status::Landed);
            report.broken.extend(failed.cloned());
            reads.push(read);
        }
        self.record_sources(reads).await
    }
}

fn source_read(reading: &Reading, due: &Due) -> SourceRead {
    let contract = &reading.contract;
    SourceRead {
        table_name: contract.table.clone(),
        kind: SourceKind::Sql,
        source: contract.source.clone(),
        address: contract.pull.as_ref().map(plant::source::Pull::address).unwrap_or_default(),
        read_at: reading.started_at,
        took_ms: (reading.ended_at - reading.started_at).num_milliseconds(),
        next_read_at: due.next_at,
        records: reading.rows.iter().map(|row| row.records).sum(),
        checkpoint: reading.checkpoint.clone(),
        unread: None,
        failure: reading.done.as_ref().err().map(|error| (due.state, due.message(error))),
    }
}
