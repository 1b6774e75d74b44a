//! Files -> bronze: which dumps are complete, and the landing of each.

mod sharing;

pub(super) use sharing::Others;

use super::clock::machine_now;
use super::watching::Arrived;
use super::{Flow, now};
use config::location::Location;
use config::sentence::sentence;
use ingest::Error;
use ingest::files::{self, Decoded, Fetched, ListedDump};
use lake::bronze::{self, Dump, Landing, Landings, Start};
use lake::dumps::column_changes;
use lake::dumps::{DumpRow, Status};
use lake::timing;
use plant::columns::FileColumns;
use plant::contract::Contract;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;

/// Batches between a decoder and the lake, so that neither waits for the other.
const BATCHES_BETWEEN: usize = 2;

/// Lands the dumps of one table, one after the other.
pub(super) struct TableLanding<'a> {
    flow: &'a Flow,
    landings: Option<Landings<'a>>,
    rows: Vec<DumpRow>,
    /// The columns of the previous dump.
    columns: Option<FileColumns>,
    /// Number of `rows` whose dumps are committed; later ones wait for their commit.
    committed: usize,
}

/// Whether two listings show the same content of a file: equal size, time of change and `ETag`.
fn is_same_file(one: &ListedDump, other: &ListedDump) -> bool {
    (one.size_bytes, one.modified_at, &one.etag)
        == (other.size_bytes, other.modified_at, &other.etag)
}

impl Flow {
    /// Splits new files into complete ones and the keys of those that are still being written. In a watched folder
    /// a file is complete once it was closed or renamed, or rested. Any other file in a folder is complete if it
    /// has not changed for `dump_settle_ms`; a younger one is checked again after that time. A file of a file server is
    /// complete if a second listing after `file_server_settle_ms` has the same size and time: its clock may differ.
    /// An object of an object store is always complete, and so is a file with a marker.
    pub(super) async fn at_rest(
        &self,
        bucket: &Location,
        contracts: &[Arc<Contract>],
        new: Vec<ListedDump>,
    ) -> anyhow::Result<(Vec<ListedDump>, Vec<String>)> {
        let limits = self.lake().limits();
        let settle = Duration::from_millis(match bucket.is_file_server {
            true => limits.file_server.file_server_settle_ms,
            false => limits.ingest.dump_settle_ms,
        });
        let since = machine_now() - settle;
        let Arrived { new, complete, growing } = self.arrived(new).await;
        let is_young = |it: &ListedDump| {
            let is_marked = it.contract.done_marker.is_some();
            let is_recent = bucket.is_file_server || it.modified_at > since;
            is_recent && !is_marked && !complete.contains(&it.key)
        };
        let is_visible_early = bucket.folder.is_some() || bucket.is_file_server;
        if !is_visible_early || !new.iter().any(is_young) {
            return Ok((new, growing));
        }
        tokio::time::sleep(settle).await;
        let later = files::list(bucket, contracts, self.refinery.plant.zone).await?;
        let later: HashMap<(String, String), ListedDump> =
            later.into_iter().map(|it| (it.table_and_key(), it)).collect();
        let is_at_rest = |it: &ListedDump| {
            !is_young(it)
                || later.get(&it.table_and_key()).is_some_and(|later| is_same_file(it, later))
        };
        let (complete, unfinished): (Vec<ListedDump>, Vec<ListedDump>) =
            new.into_iter().partition(is_at_rest);
        let mut unfinished: Vec<String> = unfinished.into_iter().map(|it| it.key).collect();
        unfinished.dedup();
        unfinished.extend(growing);
        for file in &unfinished {
            tracing::info!(file, "file is still being written; it is read in a later round");
        }
        Ok((complete, unfinished))
    }
}

impl<'a> TableLanding<'a> {
    /// `columns` are those of the previous dump.
    pub(super) fn new(flow: &'a Flow, columns: Option<FileColumns>) -> Self {
        Self { flow, landings: None, rows: Vec::new(), columns, committed: 0 }
    }

    /// Lands a dump and records its status. It may still wait for its commit.
    async fn land_one(
        &mut self,
        bucket: &Location,
        found: &ListedDump,
        known: Option<&DumpRow>,
    ) -> Status {
        let mut row = self.row(found, known);
        let landed = self.land(bucket, found, known, &mut row).await;
        self.record(row, landed)
    }

    /// Lands a dump that is on this machine already and records its status. It may still wait for its commit.
    pub(super) async fn land_pulled(
        &mut self,
        found: &ListedDump,
        known: Option<&DumpRow>,
        fetched: Fetched,
    ) -> Status {
        let mut row = self.row(found, known);
        let landed = self.land_fetched(found, known, &mut row, fetched).await;
        self.record(row, landed)
    }

    /// The row of a dump before it is read.
    pub(super) fn row(&self, found: &ListedDump, known: Option<&DumpRow>) -> DumpRow {
        DumpRow {
            file: found.key.clone(),
            dump: known.map_or(0, |known| known.dump) + 1,
            source: found.contract.source.clone(),
            table_name: found.contract.table.clone(),
            size_bytes: found.size_bytes,
            etag: found.etag.clone(),
            sha256: None,
            modified_at: found.modified_at,
            dumped_at: found.dumped_at,
            status: Status::Landed,
            reason: None,
            records: 0,
            rejected: None,
            columns: None,
            column_change: None,
            run: self.flow.lake().run().to_owned(),
            seen_at: now(),
        }
    }

    /// Records the result of landing a dump.
    fn record(&mut self, mut row: DumpRow, landed: Result<bool, Error>) -> Status {
        match landed {
            Ok(_) => {}
            Err(Error::Data(ref reason)) => fail(&mut row, Status::Unreadable, reason),
            Err(Error::Storage(ref error)) => fail(&mut row, Status::Failed, &sentence(error)),
            Err(ref error) => fail(&mut row, Status::Failed, &error.to_string()),
        }
        let status = row.status;
        self.rows.push(row);
        if landed.is_ok_and(|is_committed| is_committed) {
            self.committed = self.rows.len();
        }
        status
    }

    /// The bronze table of a contract; it is opened once.
    pub(super) async fn landings(
        &mut self,
        contract: &Arc<Contract>,
    ) -> Result<&mut Landings<'a>, Error> {
        if self.landings.is_none() {
            let opened = Landings::open(self.flow.lake(), contract.clone()).await;
            self.landings = Some(opened.map_err(Error::Storage)?);
        }
        self.landings.as_mut().ok_or(Error::Stopped)
    }

    /// Fetches and lands a dump. Returns whether all dumps so far are committed.
    async fn land(
        &mut self,
        bucket: &Location,
        found: &ListedDump,
        known: Option<&DumpRow>,
        row: &mut DumpRow,
    ) -> Result<bool, Error> {
        let before = self.landings(&found.contract).await?.newest(&found.key).cloned();
        let before_bytes = before.as_ref().and_then(|before| {
            // Rows of previous versions lack the size; `meta.files` has it.
            let noted = known.filter(|known| known.sha256.as_ref() == Some(&before.sha256));
            let size_bytes = before.size_bytes.or(noted.map(|known| known.size_bytes))?;
            u64::try_from(size_bytes).ok()
        });
        let fetching = files::fetch(bucket, found, before_bytes);
        let name = bronze::name(&found.contract);
        let fetched = fetching.instrument(timing::part_of("fetching", &name)).await?;
        self.land_fetched(found, known, row, fetched).await
    }

    /// Lands a fetched dump. Returns whether all dumps so far are committed.
    async fn land_fetched(
        &mut self,
        found: &ListedDump,
        known: Option<&DumpRow>,
        row: &mut DumpRow,
        fetched: Fetched,
    ) -> Result<bool, Error> {
        row.sha256 = Some(fetched.sha256.clone());
        row.size_bytes = i64::try_from(fetched.size_bytes).unwrap_or(i64::MAX);
        let is_landed = |known: &&DumpRow| known.status == Status::Landed;
        if let Some(known) = known.filter(is_landed).filter(|it| it.sha256 == row.sha256) {
            // The file was touched, but its content is the same.
            row.take_contents(known);
            return Ok(false);
        }
        let landings = self.landings(&found.contract).await?;
        let continues = landings
            .newest(&found.key)
            .filter(|before| fetched.prefix_sha256.as_ref() == Some(&before.sha256))
            .map(|before| before.number);
        let dump = Dump {
            key: found.key.clone(),
            sha256: fetched.sha256.clone(),
            dumped_at: found.dumped_at,
            modified_at: found.modified_at,
            size_bytes: row.size_bytes,
            continues,
        };
        let mut landing = match landings.start(dump) {
            Start::New(landing) => Some(*landing),
            Start::Landed(number) => {
                row.dump = number;
                None
            }
        };
        row.dump = landing.as_ref().map_or(row.dump, Landing::number);
        let decoded = self.decode(fetched, found, landing.as_mut()).await?;
        report_notes(&found.key, &decoded);
        row.records = decoded.records;
        if let Some(columns) = decoded.columns {
            let judged = self.flow.lake().limits().ingest.judged_records.cast_signed();
            column_changes::record(row, &found.contract, columns, &mut self.columns, judged);
        }
        if let Some(change) = &row.column_change {
            tracing::warn!(file = row.file, change, "columns of dump changed");
        }
        if row.records == 0 {
            row.status = Status::Empty;
            row.reason = Some("the file contains no records".to_owned());
            return Ok(false);
        }
        self.finish(landing).await.map_err(Error::Storage)
    }

    /// Decodes a dump into its landing; the records of one that landed before are only counted.
    async fn decode(
        &self,
        fetched: Fetched,
        found: &ListedDump,
        mut landing: Option<&mut Landing>,
    ) -> Result<Decoded, Error> {
        let (out, mut batches) = tokio::sync::mpsc::channel(BATCHES_BETWEEN);
        let contract = found.contract.clone();
        let limits = self.flow.lake().limits().clone();
        let span = timing::part_of("decoding", &bronze::name(&contract));
        let decoding = tokio::task::spawn_blocking(move || {
            span.in_scope(|| files::decode(fetched, &contract, &limits, &out))
        });
        let writing = timing::part_of("bronze write", &bronze::name(&found.contract));
        let mut landed = Ok(());
        while let Some(batch) = batches.recv().await {
            if let (Some(landings), Some(landing)) = (&self.landings, landing.as_deref_mut()) {
                landed = landings.push(landing, batch).instrument(writing.clone()).await;
            }
            if landed.is_err() {
                break;
            }
        }
        drop(batches);
        let decoded = decoding.await.map_err(|error| Error::Storage(error.into()));
        landed.map_err(Error::Storage)?;
        decoded?
    }

    /// Passes a decoded dump to its table. Returns whether all dumps so far are committed. If a commit fails,
    /// all dumps that wait for it fail.
    async fn finish(&mut self, landing: Option<Landing>) -> anyhow::Result<bool> {
        let (Some(landings), Some(landing)) = (&mut self.landings, landing) else {
            return Ok(false);
        };
        let writing = timing::part_of("bronze write", landings.table());
        let done = landings.finish(landing).instrument(writing).await;
        if let Err(error) = &done {
            self.give_up(&format!("{error:#}"));
        }
        done
    }

    /// Commits the waiting dumps.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        let Some(landings) = &mut self.landings else { return Ok(()) };
        if let Err(error) = landings.commit().await {
            self.give_up(&format!("{error:#}"));
            return Err(Error::Storage(error));
        }
        self.committed = self.rows.len();
        Ok(())
    }

    /// Commits the waiting dumps, and returns the status of each dump since the last call. Dumps that another
    /// process landed meanwhile are not among them; it records them.
    pub(super) async fn close(&mut self) -> Vec<DumpRow> {
        let done = match &mut self.landings {
            Some(landings) => landings.commit().await,
            None => Ok(()),
        };
        if let Err(error) = done {
            self.give_up(&format!("{error:#}"));
        }
        let overtaken = self.landings.as_mut().map(Landings::take_overtaken).unwrap_or_default();
        let overtaken: HashSet<String> = overtaken.into_iter().collect();
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| !overtaken.contains(&row.file));
        self.committed = 0;
        rows
    }

    /// Reads which dumps other processes have landed since. No dump may wait for its commit.
    async fn refresh(&mut self) -> anyhow::Result<()> {
        match &mut self.landings {
            Some(landings) => landings.refresh().await,
            None => Ok(()),
        }
    }

    /// Marks the dumps that wait for a failed commit as failed.
    fn give_up(&mut self, reason: &str) {
        self.landings = None;
        let waiting = self.rows.iter_mut().skip(self.committed);
        for row in waiting.filter(|row| row.status == Status::Landed) {
            fail(row, Status::Failed, reason);
        }
    }
}

fn report_notes(file: &str, decoded: &Decoded) {
    for note in &decoded.notes {
        tracing::warn!(file, %note, "note on a dump");
    }
    if decoded.skipped_lines > 0 {
        let lines = decoded.skipped_lines;
        tracing::info!(file, lines, "lines skipped by the contract");
    }
}

fn fail(row: &mut DumpRow, status: Status, reason: &str) {
    row.status = status;
    row.reason = Some(reason.to_owned());
    tracing::warn!(file = row.file, status = ?row.status, reason, "dump not landed");
}

#[cfg(test)]
mod tests;
