//! The reconciliation of streams: for every partition that a run read, the fate of its messages.
//!
//! Records are counted: a message has one, or as many as its bronze row records.
//!
//! As for dumps, each side is counted independently from the lake: records read as they arrive, rows by
//! their offsets. Rows are counted soon after they land, and only once: rows that are balanced may expire.

use crate::bronze;
use crate::columns::{RowKeys, int, long, text};
use crate::context::LakeContext;
use crate::lake::Lake;
use crate::meta;
use crate::offsets::{Offsets, Partition};
use crate::plan::Step;
use crate::reconciliation::{RowBalance, table};
use crate::rejected;
use crate::stream::RECORDS;
use crate::stream::bronze_messages::may_have_after;
use crate::stream::land::Chunk;
use crate::stream::resume::Resumed;
use arrow::array::{Array as _, AsArray as _, Int32Array, RecordBatch};
use arrow::datatypes::Int32Type;
use chrono::{DateTime, Utc};
use config::model::TableName;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::BTreeMap;

/// The counts of one partition since it was taken over.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    /// The last offset before those of this account.
    before: i64,
    /// The last committed offset.
    to: i64,
    /// Records read.
    read: i64,
    /// The last offset up to which the rows are balanced, and their counts.
    counted_to: i64,
    counted: Counts,
}

impl Account {
    const fn after(before: i64) -> Self {
        let counted = Counts { bronze: 0, silver: 0, rejected: 0 };
        Self { before, to: before, read: 0, counted_to: before, counted }
    }
}

/// Records in the lake.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    bronze: i64,
    silver: i64,
    rejected: i64,
}

/// Offsets that were lost: the broker deleted them before they were read.
struct Lost {
    partition: Partition,
    from: i64,
    /// The first offset after them.
    to: i64,
}

/// The reconciliation of one stream in this run.
pub struct StreamReconciliation {
    bronze: TableName,
    silver: TableName,
    started_at: DateTime<Utc>,
    /// An account for each time a partition was taken over; the last one is open.
    accounts: BTreeMap<Partition, Vec<Account>>,
    lost: Vec<Lost>,
}

impl StreamReconciliation {
    pub fn new(contract: &Contract, step: &Step, started_at: DateTime<Utc>) -> Self {
        Self {
            bronze: bronze::name(contract),
            silver: step.name().clone(),
            started_at,
            accounts: BTreeMap::new(),
            lost: Vec::new(),
        }
    }

    /// Records the offsets of partitions that were taken over. The account of a partition that was revoked
    /// and assigned again continues, unless another process has landed messages of it meanwhile: those are
    /// in its reconciliation.
    pub fn resumed(&mut self, resumed: &Resumed) {
        for (partition, last) in &resumed.landed {
            let accounts = self.accounts.entry(partition.clone()).or_default();
            if accounts.last().is_none_or(|account| account.to != *last) {
                accounts.push(Account::after(*last));
            }
        }
    }

    /// Counts records as they arrive.
    pub fn read(&mut self, chunk: &Chunk) {
        let Some(rows) = &chunk.bronze else { return };
        let Some(numbers) = rows.column_by_name("_partition") else { return };
        let records = Records::new(rows);
        for partition in chunk.offsets.keys() {
            let numbers = numbers.as_primitive::<Int32Type>().values().iter();
            let of_partition = numbers.enumerate().filter(|(_, it)| **it == partition.number);
            let count: i64 = of_partition.map(|(row, _)| records.in_row(row)).sum();
            let accounts = self.accounts.entry(partition.clone()).or_default();
            if accounts.is_empty() {
                accounts.push(Account::after(-1));
            }
            if let Some(account) = accounts.last_mut() {
                account.read += count;
            }
        }
    }

    /// Records that the broker deleted the offsets `from..to` before they were read. They are reported as
    /// an unbalanced row.
    pub fn lost(&mut self, partition: Partition, from: i64, to: i64) {
        self.lost.push(Lost { partition, from, to });
    }

    /// Records what was committed.
    pub fn landed(&mut self, offsets: Offsets) {
        for (partition, last) in offsets {
            if let Some(account) = self.accounts.get_mut(&partition).and_then(|it| it.last_mut()) {
                account.to = account.to.max(last);
            }
        }
    }

    /// Counts in the lake what this run has landed, and saves it in place of the rows with the same first
    /// offset. Everything read must be committed.
    pub async fn reconcile(&mut self, context: &LakeContext) -> anyhow::Result<Vec<RowBalance>> {
        let mut balances = self.count(context).await?;
        for Lost { partition, from, to } in &self.lost {
            let (topic, number) = (&partition.topic, partition.number);
            let file = format!("{topic}/{number} expired {from}..{to}");
            balances.push(RowBalance { dump: *from, ..self.balance(context, file) });
        }
        for balance in balances.iter().filter(|balance| !balance.is_balanced) {
            tracing::error!(?balance, "rows of a stream do not balance");
        }
        if !balances.is_empty() {
            let lake = context.lake.as_ref();
            let run = lake.run();
            let saved = balances.iter();
            let saved = saved.map(|it| [run.into(), it.file.as_str().into(), it.dump.into()]);
            let saved = RowKeys::new(["run", "file", "dump"], saved);
            meta::replace(lake, &table(), &balances, &saved).await?;
        }
        Ok(balances)
    }

    /// The row balance of every account with records.
    async fn count(&mut self, context: &LakeContext) -> anyhow::Result<Vec<RowBalance>> {
        let lake = &context.lake;
        let accounts: Vec<(Partition, Account)> = self
            .accounts
            .iter()
            .flat_map(|(partition, all)| all.iter().map(move |it| (partition.clone(), *it)))
            .filter(|(_, account)| account.read > 0)
            .collect();
        let bronze = Box::pin(count(lake, &self.bronze, &accounts, None)).await?;
        let silver = Box::pin(count(lake, &self.silver, &accounts, None)).await?;
        let rejected_of = Some(self.silver.name.as_str());
        let rejected = Box::pin(count(lake, &rejected::name(), &accounts, rejected_of)).await?;
        let mut balances = Vec::with_capacity(accounts.len());
        for (at, (partition, account)) in accounts.iter().enumerate() {
            let counts = Counts {
                bronze: account.counted.bronze + bronze[at],
                silver: account.counted.silver + silver[at],
                rejected: account.counted.rejected + rejected[at],
            };
            let is_balanced =
                account.read == counts.bronze && counts.bronze == counts.silver + counts.rejected;
            balances.push(RowBalance {
                dump: account.before + 1,
                read: account.read,
                bronze: counts.bronze,
                silver: counts.silver,
                rejected: counts.rejected,
                is_balanced,
                ..self.balance(context, format!("{}/{}", partition.topic, partition.number))
            });
            if is_balanced {
                self.keep_counts(partition, account, counts);
            }
        }
        Ok(balances)
    }

    /// Keeps the counts of a balanced account, whose rows are not counted again.
    fn keep_counts(&mut self, partition: &Partition, balanced: &Account, counts: Counts) {
        let accounts = self.accounts.get_mut(partition).into_iter().flatten();
        for account in accounts.filter(|account| account.before == balanced.before) {
            (account.counted_to, account.counted) = (balanced.to, counts);
        }
    }

    /// A row balance without counts.
    fn balance(&self, context: &LakeContext, file: String) -> RowBalance {
        RowBalance {
            run: context.lake.run().to_owned(),
            started_at: self.started_at,
            ended_at: context.lake.now(),
            table_name: self.silver.name.clone(),
            file,
            file_sha256: String::new(),
            dump: 0,
            read: 0,
            bronze: 0,
            silver: 0,
            rejected: 0,
            superseded: 0,
            is_balanced: false,
        }
    }
}

/// The number of uncounted records of each account in a table, in one pass over the files that may have
/// any; of `silver.rejected` only those rejected from one table.
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
    for file in state.files().iter().filter(|file| may_have_after(file, before)) {
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
    let topics = text(rows, "_topic")?;
    let (numbers, offsets) = (int(rows, "_partition")?, long(rows, "_offset")?);
    let records = Records::new(rows);
    let tables = rejected_of.map(|_| text(rows, "table_name")).transpose()?;
    for row in 0..rows.num_rows() {
        let is_other = tables.is_some_and(|tables| Some(tables.value(row)) != rejected_of);
        if topics.is_null(row) || is_other {
            continue;
        }
        let (number, offset) = (numbers.value(row), offsets.value(row));
        let has_row = |(partition, account): &(Partition, Account)| {
            partition.number == number
                && (account.counted_to + 1..=account.to).contains(&offset)
                && *partition.topic == *topics.value(row)
        };
        if let Some(at) = accounts.iter().position(has_row) {
            counts[at] += records.in_row(row);
        }
    }
    Ok(())
}

/// The number of records in the rows of a table: a row of bronze is a message, which may have several.
struct Records<'a>(Option<&'a Int32Array>);

impl<'a> Records<'a> {
    fn new(rows: &'a RecordBatch) -> Self {
        Self(rows.column_by_name(RECORDS).and_then(|it| it.as_primitive_opt()))
    }

    fn in_row(&self, row: usize) -> i64 {
        let counts = self.0.filter(|counts| counts.is_valid(row));
        counts.map_or(1, |counts| i64::from(counts.value(row)))
    }
}
