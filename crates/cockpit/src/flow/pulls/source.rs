//! Reading one source, and landing what it returns.

use super::Reading;
use crate::flow::landing::TableLanding;
use crate::flow::{Flow, now};
use chrono::{DateTime, Utc};
use ingest::Error;
use ingest::files::ListedDump;
use ingest::pull::{self, Pulled, Request};
use lake::bronze::Landings;
use lake::bronze::landed::Version;
use lake::dumps::{DumpRow, Status};
use plant::columns::FileColumns;
use plant::contract::Contract;
use plant::source::{Increment, Pull, PullPlace};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The newest dumps by table and key.
type Newest = BTreeMap<(String, String), DumpRow>;

/// One source and the bronze table that it is landed in.
pub struct PulledSource<'a> {
    flow: &'a Flow,
    contract: Arc<Contract>,
    newest: &'a Newest,
    landing: TableLanding<'a>,
    /// Rows of dumps that an earlier process landed and did not record.
    recovered: Vec<DumpRow>,
    /// Where the next increment starts.
    checkpoint: Option<String>,
}

impl<'a> PulledSource<'a> {
    pub fn new(
        flow: &'a Flow,
        contract: Arc<Contract>,
        newest: &'a Newest,
        columns: Option<FileColumns>,
    ) -> Self {
        let landing = TableLanding::new(flow, columns);
        Self { flow, contract, newest, landing, recovered: Vec::new(), checkpoint: None }
    }

    /// Reads all new records of the source and lands them.
    pub async fn read(mut self) -> Reading {
        let started_at = now();
        let done = self.read_all().await;
        let mut rows = self.recovered;
        rows.extend(self.landing.close().await);
        let (contract, checkpoint, ended_at) = (self.contract, self.checkpoint, now());
        Reading { contract, started_at, ended_at, rows, checkpoint, done }
    }

    async fn read_all(&mut self) -> Result<(), Error> {
        self.recover().await.map_err(Error::Storage)?;
        while self.read_once().await? {}
        Ok(())
    }

    /// Adds the rows of dumps that landed without being recorded.
    async fn recover(&mut self) -> anyhow::Result<()> {
        let (table, newest) = (self.contract.table.clone(), self.newest);
        let is_known = |version: &Version| {
            let row = newest.get(&(table.clone(), version.file.clone()));
            row.is_some_and(|row| row.dump >= version.number)
        };
        let landings = self.landing.landings(&self.contract).await?;
        for (version, rows) in landings.unrecorded(is_known).await? {
            let (_, modified_us, _) = version.order;
            let modified_at = DateTime::from_timestamp_micros(modified_us).unwrap_or_default();
            let row = DumpRow {
                dump: version.number,
                size_bytes: version.size_bytes.unwrap_or_default(),
                sha256: Some(version.sha256.clone()),
                records: rows,
                ..self.landing.row(&self.listed(&version.file, 0, modified_at), None)
            };
            self.recovered.push(row);
        }
        Ok(())
    }

    /// Reads one pull and lands it. Returns whether there are more new records.
    async fn read_once(&mut self) -> Result<bool, Error> {
        let started_at = now();
        let (reading, is_whole) =
            self.contract.pull.as_ref().map_or((1, true), |it| (it.reading, Pull::is_whole(it)));
        let limits = self.flow.lake().limits();
        let landings = self.landing.landings(&self.contract).await?;
        let last = match is_whole {
            true => None,
            false => PullPlace::last_increment(landings.keys(), reading),
        };
        let known = self.known(last.as_ref()).await.map_err(Error::Storage)?;
        self.checkpoint = last.as_ref().map(|last| last.to.clone());
        let (contract, last, known) = (&self.contract, last.as_ref(), &known);
        let request = Request { contract, limits, last, known, sample: None };
        match pull::read(request).await? {
            Some(pulled) => self.land(pulled, started_at).await,
            None => Ok(false),
        }
    }

    /// Digests of the records that the increment after `last` may read again.
    async fn known(&mut self, last: Option<&Increment>) -> anyhow::Result<HashSet<u128>> {
        let Some(last) = last else { return Ok(HashSet::new()) };
        let limits = self.flow.lake().limits();
        let contract = self.contract.clone();
        let landings: &Landings<'_> = self.landing.landings(&contract).await?;
        let is_wanted = |key: &str| {
            let increment = PullPlace::parse(key).and_then(|place| place.increment);
            increment.is_some_and(|it| pull::reads_again(&contract, limits, last, &it))
        };
        landings.digests(is_wanted).await
    }

    /// Lands a pull. Returns whether there are more new records.
    async fn land(&mut self, pulled: Pulled, started_at: DateTime<Utc>) -> Result<bool, Error> {
        let Pulled { place, bytes, has_more, notes, .. } = pulled;
        let key = place.to_string();
        for note in notes {
            tracing::warn!(table = self.contract.table, note, "note on a source");
        }
        let landings = self.landing.landings(&self.contract).await?;
        if landings.newest(&key).is_some_and(|newest| newest.sha256 == bytes.sha256) {
            return Ok(false);
        }
        if let Some(increment) = &place.increment {
            landings.set_pull(increment.number);
        }
        let size_bytes = i64::try_from(bytes.size_bytes).unwrap_or(i64::MAX);
        let found = self.listed(&key, size_bytes, started_at);
        let known = self.newest.get(&found.table_and_key());
        let status = self.landing.land_pulled(&found, known, bytes).await;
        self.landing.commit().await?;
        self.checkpoint = place.increment.map(|increment| increment.to);
        Ok(has_more && status == Status::Landed)
    }

    /// A pull as a dump.
    fn listed(&self, key: &str, size_bytes: i64, modified_at: DateTime<Utc>) -> ListedDump {
        ListedDump {
            contract: self.contract.clone(),
            key: key.to_owned(),
            size_bytes,
            etag: None,
            modified_at,
            dumped_at: None,
        }
    }
}
