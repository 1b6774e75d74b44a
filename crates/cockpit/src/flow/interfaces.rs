//! HTTP interfaces -> kept answers -> bronze.
//!
//! Interfaces are read beside the rounds, so that a slow one delays nothing. A pull keeps its answers in the lake and
//! completes them by its record; the next round lands them as it lands the dumps of the bucket.

use super::landing::Others;
use super::source_states::reason;
use super::{Flow, Report, Watcher, now};
use chrono::{DateTime, TimeDelta, Utc};
use config::sentence::sentence;
use futures::StreamExt as _;
use ingest::files::ListedDump;
use ingest::http::kept::{KeptAnswer, KeptAnswers, PullRecord};
use ingest::http::{Answer, HttpReader};
use ingest::retry::Backoff;
use ingest::{Error, Retry};
use lake::dumps::{DumpRow, KnownDumps, Status};
use lake::sources::{SourceKind, SourceRead, SourceState};
use plant::contract::Contract;
use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Notify, Semaphore};

/// Notified when a pull is complete, so that the next round begins.
#[derive(Debug, Clone, Default)]
pub struct Interfaces(Arc<Notify>);

/// The shortest pause after a failed pull, in milliseconds.
const RETRY_FIRST_MS: u64 = 1_000;

impl Flow {
    /// The contracts of HTTP interfaces.
    fn interfaces(&self) -> impl Iterator<Item = Arc<Contract>> {
        let contracts = self.refinery.plant.contracts.values();
        contracts.filter(|it| it.http.is_some()).cloned().map(Arc::new)
    }

    /// Whether the plant has HTTP interfaces.
    pub(super) fn has_interfaces(&self) -> bool {
        self.interfaces().next().is_some()
    }

    /// Waits until a pull is complete.
    pub(super) async fn answers_arrived(&self) {
        self.pulled.0.notified().await;
    }

    /// Does `work`, and reads HTTP interfaces on their schedules meanwhile.
    pub(super) async fn beside_interfaces<T>(&self, work: impl Future<Output = T>) -> T {
        let permits = Semaphore::new(self.lake().limits().ingest.http_sources_at_once);
        let reading = async {
            let reading = self.interfaces().map(|contract| self.read_on(contract, &permits));
            futures::future::join_all(reading).await;
            pending::<()>().await
        };
        tokio::select! {
            done = work => done,
            () = reading => pending().await,
        }
    }

    /// Reads one interface again and again.
    async fn read_on(&self, contract: Arc<Contract>, permits: &Semaphore) {
        let limits = &self.lake().limits().ingest;
        let every_s =
            contract.http.as_ref().and_then(|it| it.every_s).unwrap_or(limits.http_source_every_s);
        let longest_ms = limits.http_source_pause_longest_s.saturating_mul(1_000);
        let mut backoff = Backoff::new(RETRY_FIRST_MS, longest_ms);
        let mut reader = None;
        loop {
            let permit = permits.acquire().await;
            let started_at = now();
            let pulled = self.pull(&contract, &mut reader).await;
            drop(permit);
            let (read, pulled) = interface_read(&contract, started_at, now(), pulled);
            let pause = match pulled {
                Ok(new) => {
                    backoff.reset();
                    if new.is_some() {
                        self.pulled.0.notify_one();
                    }
                    Duration::from_secs(every_s)
                }
                Err(error) => {
                    let pause = match error.retry() {
                        // Each attempt may count towards locking the account.
                        Retry::Slow => Duration::from_millis(longest_ms),
                        Retry::Backoff | Retry::Never => backoff.next_pause(1.0),
                    };
                    let (error, retry_in_s) = (sentence(&error.into()), pause.as_secs());
                    tracing::warn!(table = contract.table, error, retry_in_s, "interface not read");
                    pause
                }
            };
            self.record_interface(read, Some(pause)).await;
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads every interface once. Returns the problems.
    pub(super) async fn pull_all(&self) -> Vec<String> {
        let at_once = self.lake().limits().ingest.http_sources_at_once;
        let pulls = self.interfaces().map(|contract| async move {
            let started_at = now();
            let pulled = self.pull(&contract, &mut None).await;
            let (read, pulled) = interface_read(&contract, started_at, now(), pulled);
            self.record_interface(read, None).await;
            let table = &contract.table;
            pulled.err().map(|error| format!("{table}: {}", sentence(&error.into())))
        });
        let done = futures::stream::iter(pulls).buffer_unordered(at_once);
        let mut problems: Vec<String> = done.filter_map(async |problem| problem).collect().await;
        problems.sort();
        problems
    }

    /// Records a read of an interface, and when the next one is due.
    async fn record_interface(&self, read: SourceRead, pause: Option<Duration>) {
        let pause = pause.and_then(|pause| TimeDelta::from_std(pause).ok());
        let next_read_at = pause.and_then(|pause| now().checked_add_signed(pause));
        if let Err(error) = self.record_sources(vec![SourceRead { next_read_at, ..read }]).await {
            tracing::warn!(error = sentence(&error), "state of an interface not saved");
        }
    }

    /// Reads an interface from the checkpoint of its last pull. Returns the number of records; `None` if nothing is
    /// new.
    async fn pull(
        &self,
        contract: &Arc<Contract>,
        reader: &mut Option<HttpReader>,
    ) -> Result<Option<u64>, Error> {
        let kept = KeptAnswers::new(self.lake().location());
        let table = contract.table.as_str();
        let pulls = kept.pulls(table).await?;
        let last = pulls.last().map(|pull| (pull.number, pull.next.clone()));
        let (before, from) = last.unwrap_or_default();
        let number = before + 1;
        // A pull that was killed may have kept answers.
        kept.discard(table, number).await?;
        let started_at = now();
        let reader = match reader {
            Some(reader) => reader,
            None => reader.insert(self.open_reader(contract)?),
        };
        let (out, answers) = tokio::sync::mpsc::channel(1);
        let reading = async {
            let pulled = reader.pull(&from, &out).await;
            drop(out);
            pulled
        };
        let (pulled, answers) = tokio::join!(reading, keep(&kept, table, number, answers));
        let (answers, pulled) = (answers?, pulled?);
        if pulled.ahead > 0 {
            let records = pulled.ahead;
            tracing::warn!(table, records, "records are later than the clock permits");
        }
        if pulled.is_unchanged {
            kept.discard(table, number).await?;
            return Ok(None);
        }
        let (pages, records, size_bytes) = (pulled.pages, pulled.records, pulled.size_bytes);
        tracing::info!(table, pull = number, pages, records, size_bytes, "interface read");
        let record = PullRecord { number, started_at, answers, next: pulled.next };
        kept.complete(table, &record).await?;
        Ok(Some(records))
    }

    fn open_reader(&self, contract: &Arc<Contract>) -> Result<HttpReader, Error> {
        let Some(http) = &contract.http else {
            let table = &contract.table;
            return Err(Error::Config(anyhow::anyhow!("the contract of {table} has no interface")));
        };
        let policy = self.refinery.plant.notifications.outgoing.clone();
        let limits = Arc::new(self.lake().limits().clone());
        HttpReader::new(contract.clone(), http.source.clone(), policy, limits, now)
    }

    /// Lands the answers of complete pulls. `known` are all known dumps; those that were read are added.
    pub(super) async fn answers_to_bronze(
        &self,
        report: &mut Report,
        known: &mut KnownDumps,
        watcher: &Watcher,
    ) -> anyhow::Result<()> {
        if !self.has_interfaces() {
            return Ok(());
        }
        let kept = KeptAnswers::new(self.lake().location());
        let mut pulls = Vec::new();
        for contract in self.interfaces() {
            let found = kept.pulls(&contract.table).await?;
            pulls.push((contract, found));
        }
        let found: Vec<ListedDump> = pulls.iter().flat_map(listed).collect();
        let mut landed = Report::default();
        let keys: Vec<(String, String)> = found.iter().map(ListedDump::table_and_key).collect();
        let watched = (watcher, Others::Leave);
        self.land_changed(kept.location(), &[], found, known, &mut landed, watched).await?;
        forget_landed(&kept, &pulls, known.rows()).await?;
        report.listed.get_or_insert_default().extend(keys);
        report.read.extend(landed.read);
        report.broken.extend(landed.broken);
        report.changed_columns.extend(landed.changed_columns);
        report.unchanged += landed.unchanged;
        Ok(())
    }
}

/// What a read of an interface returned, for its state.
fn interface_read(
    contract: &Contract,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    pulled: Result<Option<u64>, Error>,
) -> (SourceRead, Result<Option<u64>, Error>) {
    let records = pulled.as_ref().ok().copied().flatten().unwrap_or_default();
    let failure = pulled.as_ref().err().map(|error| match error {
        Error::Auth(_) => (SourceState::Refused, reason(error)),
        _ => (SourceState::Failing, reason(error)),
    });
    let read = SourceRead {
        table_name: contract.table.clone(),
        kind: SourceKind::Http,
        source: contract.source.clone(),
        address: contract.http.as_ref().map(|it| it.source.url.clone()).unwrap_or_default(),
        read_at: started_at,
        took_ms: (ended_at - started_at).num_milliseconds(),
        next_read_at: None,
        records: i64::try_from(records).unwrap_or(i64::MAX),
        checkpoint: None,
        unread: None,
        failure,
    };
    (read, pulled)
}

/// Keeps the answers of a pull as they arrive.
async fn keep(
    kept: &KeptAnswers,
    table: &str,
    number: u64,
    mut answers: Receiver<Answer>,
) -> Result<Vec<KeptAnswer>, Error> {
    let mut list = Vec::new();
    while let Some(answer) = answers.recv().await {
        list.push(kept.keep(table, number, &answer, now()).await?);
    }
    Ok(list)
}

/// The answers of pulls as dumps.
fn listed((contract, pulls): &(Arc<Contract>, Vec<PullRecord>)) -> Vec<ListedDump> {
    let answers = pulls.iter().flat_map(|pull| &pull.answers);
    let dump = |answer: &KeptAnswer| ListedDump {
        contract: contract.clone(),
        key: answer.key.clone(),
        size_bytes: i64::try_from(answer.size_bytes).unwrap_or(i64::MAX),
        etag: Some(answer.sha256.clone()),
        modified_at: in_milliseconds(answer.received_at),
        dumped_at: None,
    };
    answers.map(dump).collect()
}

/// The precision of times in `meta.files`.
fn in_milliseconds(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

/// Deletes the records of pulls that have landed, except for the last one, which has the checkpoint. So the list of
/// answers does not grow.
async fn forget_landed(
    kept: &KeptAnswers,
    pulls: &[(Arc<Contract>, Vec<PullRecord>)],
    all: &[DumpRow],
) -> anyhow::Result<()> {
    let landed: HashSet<(&str, &str)> = all
        .iter()
        .filter(|row| row.status == Status::Landed)
        .map(|row| (row.table_name.as_str(), row.file.as_str()))
        .collect();
    for (contract, pulls) in pulls {
        let table = contract.table.as_str();
        let older = pulls.split_last().map(|(_last, older)| older).unwrap_or_default();
        let is_landed = |it: &&PullRecord| {
            it.answers.iter().all(|answer| landed.contains(&(table, answer.key.as_str())))
        };
        for pull in older.iter().filter(is_landed) {
            kept.forget(table, pull.number).await?;
        }
    }
    Ok(())
}
