//! The books of streams: for every partition a run read, what became of its messages.
//!
//! As with dumps, each side is counted on its own from the lake: messages read are counted as they
//! come, rows by the offsets they carry.

use super::super::books::{Entry, table};
use super::super::models::Step;
use super::super::refine::{Refinery, rejected_name};
use super::super::session;
use super::Partition;
use super::land::{Chunk, Offsets};
use super::resume::Resumed;
use crate::config::model::TableName;
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use chrono::{DateTime, Utc};
use plant::contract::Contract;
use std::collections::BTreeMap;

/// What is known of one partition.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    /// The last offset before this run's.
    before: i64,
    /// The last offset committed.
    to: i64,
    read: i64,
}

/// The books of one topic in this run.
pub struct StreamBooks {
    bronze: TableName,
    silver: TableName,
    started_at: DateTime<Utc>,
    /// One for each time a partition was taken over; the last is the open one.
    accounts: BTreeMap<Partition, Vec<Account>>,
    /// Offsets that were gone from the broker before they were read: from, and behind the last.
    expired: Vec<(Partition, i64, i64)>,
}

impl StreamBooks {
    pub fn new(contract: &Contract, step: &Step, started_at: DateTime<Utc>) -> Self {
        Self {
            bronze: super::super::bronze::name(contract),
            silver: step.name().clone(),
            started_at,
            accounts: BTreeMap::new(),
            expired: Vec::new(),
        }
    }

    /// Notes where partitions were when they were taken over. One that was given away and came back
    /// goes on where it was, unless others landed messages of it meanwhile: those are in their books.
    pub fn resumed(&mut self, resumed: &Resumed) {
        for (partition, last) in &resumed.landed {
            let accounts = self.accounts.entry(partition.clone()).or_default();
            if accounts.last().is_none_or(|account| account.to != *last) {
                accounts.push(Account { before: *last, to: *last, read: 0 });
            }
        }
    }

    /// Counts messages as they come.
    pub fn read(&mut self, chunk: &Chunk) {
        let Some(rows) = &chunk.bronze else { return };
        let Some(numbers) = rows.column_by_name("_partition") else { return };
        for partition in chunk.offsets.keys() {
            let numbers = numbers.as_primitive::<Int32Type>().values();
            let count = numbers.iter().filter(|number| **number == partition.number).count();
            let accounts = self.accounts.entry(partition.clone()).or_default();
            if accounts.is_empty() {
                accounts.push(Account { before: -1, to: -1, read: 0 });
            }
            if let Some(account) = accounts.last_mut() {
                account.read += i64::try_from(count).unwrap_or(i64::MAX);
            }
        }
    }

    /// Notes offsets `from..to` that can no longer be read. They are a book that does not close.
    pub fn expired(&mut self, partition: Partition, from: i64, to: i64) {
        self.expired.push((partition, from, to));
    }

    /// Notes what was committed.
    pub fn landed(&mut self, offsets: Offsets) {
        for (partition, last) in offsets {
            if let Some(account) = self.accounts.get_mut(&partition).and_then(|it| it.last_mut()) {
                account.to = account.to.max(last);
            }
        }
    }

    /// Counts in the lake what this run landed, and writes it down in place of what was written of
    /// the same offsets before.
    pub async fn close(&self, refinery: &Refinery) -> anyhow::Result<Vec<Entry>> {
        let lake = &refinery.lake;
        let mut entries = Vec::new();
        let accounts = self.accounts.iter().flat_map(|(partition, accounts)| {
            accounts.iter().map(move |account| (partition, account))
        });
        for (partition, account) in accounts.filter(|(_, account)| account.read > 0) {
            let count = |name: TableName, of: Option<String>| {
                count(refinery, name, partition, *account, of)
            };
            let bronze = count(self.bronze.clone(), None).await?;
            let silver = count(self.silver.clone(), None).await?;
            let rejected = count(rejected_name(), Some(self.silver.name.clone())).await?;
            entries.push(Entry {
                dump: account.before + 1,
                read: account.read,
                bronze,
                silver,
                rejected,
                closed: account.read == bronze && bronze == silver + rejected,
                ..self.entry(refinery, format!("{}/{}", partition.topic, partition.number))
            });
        }
        for (partition, from, to) in &self.expired {
            let (topic, number) = (&partition.topic, partition.number);
            let file = format!("{topic}/{number} expired {from}..{to}");
            entries.push(Entry { dump: *from, ..self.entry(refinery, file) });
        }
        for entry in entries.iter().filter(|entry| !entry.closed) {
            tracing::error!(?entry, "the books of a stream do not close");
        }
        let run = lake.run().to_owned();
        let ours: Vec<(String, i64)> =
            entries.iter().map(|entry| (entry.file.clone(), entry.dump)).collect();
        let gone = move |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
            let text = |name: &str| -> anyhow::Result<_> {
                Ok(batch.column(batch.schema().index_of(name)?).as_string::<i32>().clone())
            };
            let (runs, files) = (text("run")?, text("file")?);
            let dumps = batch.column(batch.schema().index_of("dump")?).clone();
            let dumps = dumps.as_primitive::<Int64Type>();
            let is_ours = |row: usize| {
                let (file, dump) = (files.value(row), dumps.value(row));
                runs.value(row) == run && ours.iter().any(|it| it.0 == file && it.1 == dump)
            };
            Ok((0..batch.num_rows()).map(|row| Some(is_ours(row))).collect())
        };
        if !entries.is_empty() {
            lake.meta_replace(&table(), &entries, &gone).await?;
        }
        Ok(entries)
    }
}

impl StreamBooks {
    /// An entry in which nothing is counted yet.
    fn entry(&self, refinery: &Refinery, file: String) -> Entry {
        Entry {
            run: refinery.lake.run().to_owned(),
            started_at: self.started_at,
            ended_at: refinery.lake.now(),
            table_name: self.silver.name.clone(),
            file,
            file_sha256: String::new(),
            dump: 0,
            read: 0,
            bronze: 0,
            silver: 0,
            rejected: 0,
            superseded: 0,
            closed: false,
        }
    }
}

/// Rows of a partition between two offsets.
async fn count(
    refinery: &Refinery,
    name: TableName,
    partition: &Partition,
    account: Account,
    rejected_of: Option<String>,
) -> anyhow::Result<i64> {
    let lake = &refinery.lake;
    let Some(state) = lake.state(&name).await? else { return Ok(0) };
    let context = session::empty(lake.limits(), refinery.runtime.clone(), 1);
    lake.attach(&context);
    session::register(&context, &name, lake.table(&name)?.provider(&state).await?)?;
    let quoted = |text: &str| text.replace('\'', "''");
    let of = rejected_of.map(|table| format!(" AND table_name = '{}'", quoted(&table)));
    let sql = format!(
        "SELECT count(*) FROM {name} WHERE _topic = '{}' AND _partition = {} AND _offset > {} \
         AND _offset <= {}{}",
        quoted(&partition.topic),
        partition.number,
        account.before,
        account.to,
        of.unwrap_or_default(),
    );
    let answer = context.sql(&sql).await?.collect().await?;
    let first = answer.first().filter(|batch| batch.num_rows() == 1);
    Ok(first.map_or(0, |batch| batch.column(0).as_primitive::<Int64Type>().value(0)))
}
