//! The books of streams: for every partition a run read, what became of its messages.
//!
//! What is counted are records: a message holds one, or as many as its bronze row says.
//!
//! As with dumps, each side is counted on its own from the lake: records read are counted as they
//! come, rows by the offsets they carry. Rows are counted soon after they came, and each once: those
//! whose books have closed may expire.

use super::super::Lake;
use super::super::books::{Entry, table};
use super::super::models::Step;
use super::super::refine::{Refinery, rejected_name};
use super::land::{Chunk, Offsets};
use super::resume::{Resumed, may_reach_behind};
use super::{Partition, RECORDS};
use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Int32Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use chrono::{DateTime, Utc};
use config::model::TableName;
use futures::TryStreamExt as _;
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
    /// The last offset up to which the books have closed, and what was counted up to there.
    counted_to: i64,
    counted: Counts,
}

impl Account {
    const fn behind(before: i64) -> Self {
        let counted = Counts { bronze: 0, silver: 0, rejected: 0 };
        Self { before, to: before, read: 0, counted_to: before, counted }
    }
}

/// Rows in the lake.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    bronze: i64,
    silver: i64,
    rejected: i64,
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
                accounts.push(Account::behind(*last));
            }
        }
    }

    /// Counts records as they come.
    pub fn read(&mut self, chunk: &Chunk) {
        let Some(rows) = &chunk.bronze else { return };
        let Some(numbers) = rows.column_by_name("_partition") else { return };
        let records = Records::of_rows(rows);
        for partition in chunk.offsets.keys() {
            let numbers = numbers.as_primitive::<Int32Type>().values().iter();
            let of_partition = numbers.enumerate().filter(|(_, it)| **it == partition.number);
            let count: i64 = of_partition.map(|(row, _)| records.of(row)).sum();
            let accounts = self.accounts.entry(partition.clone()).or_default();
            if accounts.is_empty() {
                accounts.push(Account::behind(-1));
            }
            if let Some(account) = accounts.last_mut() {
                account.read += count;
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
    /// the same offsets before. Everything taken must be committed.
    pub async fn close(&mut self, refinery: &Refinery) -> anyhow::Result<Vec<Entry>> {
        let lake = &refinery.lake;
        let accounts: Vec<(Partition, Account)> = self
            .accounts
            .iter()
            .flat_map(|(partition, all)| all.iter().map(move |it| (partition.clone(), *it)))
            .filter(|(_, account)| account.read > 0)
            .collect();
        let bronze = Box::pin(count(lake, &self.bronze, &accounts, None)).await?;
        let silver = Box::pin(count(lake, &self.silver, &accounts, None)).await?;
        let of = Some(self.silver.name.as_str());
        let rejected = Box::pin(count(lake, &rejected_name(), &accounts, of)).await?;
        let mut entries = Vec::new();
        for (at, (partition, account)) in accounts.iter().enumerate() {
            let counts = Counts {
                bronze: account.counted.bronze + bronze[at],
                silver: account.counted.silver + silver[at],
                rejected: account.counted.rejected + rejected[at],
            };
            let closed =
                account.read == counts.bronze && counts.bronze == counts.silver + counts.rejected;
            entries.push(Entry {
                dump: account.before + 1,
                read: account.read,
                bronze: counts.bronze,
                silver: counts.silver,
                rejected: counts.rejected,
                closed,
                ..self.entry(refinery, format!("{}/{}", partition.topic, partition.number))
            });
            if closed {
                self.counted(partition, account, counts);
            }
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
    /// Notes that the books of an account have closed.
    fn counted(&mut self, partition: &Partition, closed: &Account, counts: Counts) {
        let accounts = self.accounts.get_mut(partition).into_iter().flatten();
        for account in accounts.filter(|account| account.before == closed.before) {
            (account.counted_to, account.counted) = (closed.to, counts);
        }
    }

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

/// How many rows of a table each account has that are not counted yet, in one pass over the files that
/// may have any; of those rejected from one table, if it is named.
async fn count(
    lake: &Lake,
    name: &TableName,
    accounts: &[(Partition, Account)],
    rejected_of: Option<&str>,
) -> anyhow::Result<Vec<i64>> {
    let mut counts = vec![0; accounts.len()];
    let Some(state) = lake.state(name).await? else { return Ok(counts) };
    let table = lake.table(name)?;
    let mut columns = vec!["_topic", "_partition", "_offset", RECORDS];
    columns.extend(rejected_of.map(|_| "table_name"));
    let before = accounts.iter().map(|(_, account)| account.counted_to).min().unwrap_or(i64::MAX);
    for file in state.files().iter().filter(|file| may_reach_behind(file, before)) {
        let mut rows = table.read(file, Some(&columns), lake.batch_rows()).await?;
        while let Some(rows) = rows.try_next().await? {
            add_rows(&rows, accounts, rejected_of, &mut counts)?;
        }
    }
    Ok(counts)
}

fn add_rows(
    rows: &RecordBatch,
    accounts: &[(Partition, Account)],
    rejected_of: Option<&str>,
    counts: &mut [i64],
) -> anyhow::Result<()> {
    let column = |name| anyhow::Ok(rows.column(rows.schema().index_of(name)?).clone());
    let (topics, numbers, offsets) = (column("_topic")?, column("_partition")?, column("_offset")?);
    let topics = topics.as_string::<i32>();
    let numbers = numbers.as_primitive::<Int32Type>();
    let offsets = offsets.as_primitive::<Int64Type>();
    let records = Records::of_rows(rows);
    let tables = rejected_of.map(|of| anyhow::Ok((of, column("table_name")?))).transpose()?;
    for row in 0..rows.num_rows() {
        let is_other =
            |(of, tables): &(&str, ArrayRef)| tables.as_string::<i32>().value(row) != *of;
        if topics.is_null(row) || tables.as_ref().is_some_and(is_other) {
            continue;
        }
        let (number, offset) = (numbers.value(row), offsets.value(row));
        let has = |(partition, account): &(Partition, Account)| {
            partition.number == number
                && (account.counted_to + 1..=account.to).contains(&offset)
                && *partition.topic == *topics.value(row)
        };
        if let Some(at) = accounts.iter().position(has) {
            counts[at] += records.of(row);
        }
    }
    Ok(())
}

/// How many records the rows of a table are: those of bronze are messages.
struct Records<'a>(Option<&'a Int32Array>);

impl<'a> Records<'a> {
    fn of_rows(rows: &'a RecordBatch) -> Self {
        Self(rows.column_by_name(RECORDS).and_then(|it| it.as_primitive_opt()))
    }

    fn of(&self, row: usize) -> i64 {
        let counts = self.0.filter(|counts| counts.is_valid(row));
        counts.map_or(1, |counts| i64::from(counts.value(row)))
    }
}
