//! The reconciliation of dumps.

use crate::bronze;
use crate::columns::{long, text};
use crate::context::LakeContext;
use crate::dumps::{DumpRow, Status};
use crate::meta;
use crate::reconciliation::{RowBalance, table};
use crate::refine::superseded::count_superseded;
use crate::rejected;
use arrow::array::{Array as _, RecordBatch};
use chrono::{DateTime, Utc};
use config::model::TableName;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A dump: its key and its number.
type DumpKey = (String, i64);

/// The dumps that have landed.
#[derive(Debug, Clone, Copy)]
pub struct LandedDumps<'a> {
    /// All known dumps.
    pub rows: &'a [DumpRow],
    /// Whether other processes land dumps now: those in bronze without a row are not yet recorded.
    pub is_shared: bool,
}

/// Counts every dump of the given cleaned tables, and saves the row balances that differ from the last ones
/// in `saved`. Returns them.
pub async fn reconcile(
    context: &LakeContext,
    tables: &[TableName],
    dumps: LandedDumps<'_>,
    saved: &[RowBalance],
    started_at: DateTime<Utc>,
) -> anyhow::Result<Vec<RowBalance>> {
    let mut balances = Vec::new();
    for step in context.steps.iter().filter(|step| tables.contains(step.name())) {
        // Streams are reconciled by offset.
        let contract = context.contract(step).filter(|it| !it.is_stream());
        let Some(contract) = contract else { continue };
        if !is_refined(context, step.name(), contract).await? {
            continue;
        }
        let last = last_balances(saved, step.name());
        let table = (step.name(), contract);
        balances.extend(changed_balances(context, table, dumps, &last, started_at).await?);
    }
    if !balances.is_empty() {
        meta::append(&context.lake, &table(), &balances).await?;
    }
    Ok(balances)
}

/// Whether a table contains all dumps that have landed. Another process may have landed some since the table
/// was refined; the next round refines and counts them.
async fn is_refined(
    context: &LakeContext,
    silver: &TableName,
    contract: &Contract,
) -> anyhow::Result<bool> {
    let (lake, source) = (&context.lake, bronze::name(contract));
    let (Some(landed), Some(refined)) = (lake.state(&source).await?, lake.state(silver).await?)
    else {
        return Ok(true);
    };
    let landed = lake.table(&source)?.checkpoint(&landed, bronze::LANDED).await?;
    let refined = lake.table(silver)?.checkpoint(&refined, &source.to_string()).await?;
    Ok(landed.is_none() || refined.is_none() || refined >= landed)
}

/// The last row balance of each dump of a table.
fn last_balances<'b>(
    saved: &'b [RowBalance],
    name: &TableName,
) -> BTreeMap<DumpKey, &'b RowBalance> {
    let mut last: BTreeMap<DumpKey, &RowBalance> = BTreeMap::new();
    for balance in saved.iter().filter(|balance| balance.table_name == name.name) {
        let key = (balance.file.clone(), balance.dump);
        if last.get(&key).is_none_or(|known| known.ended_at <= balance.ended_at) {
            last.insert(key, balance);
        }
    }
    last
}

impl RowBalance {
    fn has_same_counts(&self, other: &Self) -> bool {
        self.row_counts() == other.row_counts() && self.superseded == other.superseded
    }

    /// What is counted without reading the records themselves.
    fn row_counts(&self) -> [i64; 4] {
        [self.read, self.bronze, self.silver, self.rejected]
    }
}

/// The row balances of a table that differ from the last ones. Superseded records are counted only for
/// these: for balanced dumps their number follows from the other counts.
async fn changed_balances(
    context: &LakeContext,
    (silver, contract): (&TableName, &Contract),
    dumps: LandedDumps<'_>,
    last: &BTreeMap<DumpKey, &RowBalance>,
    started_at: DateTime<Utc>,
) -> anyhow::Result<Vec<RowBalance>> {
    let is_landed =
        |row: &&DumpRow| row.table_name == contract.table && row.status == Status::Landed;
    let read: BTreeMap<DumpKey, &DumpRow> = dumps
        .rows
        .iter()
        .filter(is_landed)
        .map(|row| ((row.file.clone(), row.dump), row))
        .collect();
    let in_bronze = bronze_rows(context, &bronze::name(contract)).await?;
    let in_silver = rows_by_dump(context, silver, None).await?;
    let rejected = rows_by_dump(context, &rejected::name(), Some(&silver.name)).await?;
    let all: BTreeSet<&DumpKey> = in_bronze.keys().chain(read.keys()).collect();
    // Dumps with superseded records, and dumps without a good record.
    let (mut balances, mut open, mut idle) = (Vec::new(), HashSet::new(), HashSet::new());
    for key in all {
        let row = read.get(key).copied();
        if row.is_none() && dumps.is_shared {
            continue;
        }
        let counts =
            [&in_bronze, &in_silver, &rejected].map(|it| it.get(key).copied().unwrap_or(0));
        let mut balance = uncounted(context, silver, key, row);
        [balance.bronze, balance.silver, balance.rejected] = counts;
        balance.started_at = started_at;
        if balance.bronze <= balance.rejected {
            idle.insert(key.clone());
        }
        let counts = balance.row_counts();
        if last.get(key).is_some_and(|last| last.is_balanced && last.row_counts() == counts) {
            continue;
        }
        if balance.bronze > balance.silver + balance.rejected {
            open.insert(key.clone());
        }
        balances.push(balance);
    }
    if !open.is_empty() {
        let superseded = count_superseded(context, (silver, contract), &open, &idle).await?;
        for balance in &mut balances {
            let key = (balance.file.clone(), balance.dump);
            balance.superseded = superseded.get(&key).copied().unwrap_or(0);
        }
    }
    Ok(without_unchanged(balances, last))
}

/// The row balance of a dump before its rows are counted.
fn uncounted(
    context: &LakeContext,
    silver: &TableName,
    (file, dump): &DumpKey,
    row: Option<&DumpRow>,
) -> RowBalance {
    let now = context.lake.now();
    RowBalance {
        run: context.lake.run().to_owned(),
        started_at: now,
        ended_at: now,
        table_name: silver.name.clone(),
        file: file.clone(),
        file_sha256: row.and_then(|row| row.sha256.clone()).unwrap_or_default(),
        dump: *dump,
        read: row.map_or(0, |row| row.records),
        bronze: 0,
        silver: 0,
        rejected: 0,
        superseded: 0,
        is_balanced: false,
    }
}

/// Sets `is_balanced` and leaves out balances that equal the last ones.
fn without_unchanged(
    mut balances: Vec<RowBalance>,
    last: &BTreeMap<DumpKey, &RowBalance>,
) -> Vec<RowBalance> {
    for it in &mut balances {
        it.is_balanced =
            it.read == it.bronze && it.bronze == it.silver + it.rejected + it.superseded;
    }
    balances.retain(|balance| {
        let key = (balance.file.clone(), balance.dump);
        last.get(&key).is_none_or(|last| !last.has_same_counts(balance))
    });
    balances
}

/// The number of rows of a bronze table by dump.
async fn bronze_rows(
    context: &LakeContext,
    name: &TableName,
) -> anyhow::Result<BTreeMap<DumpKey, i64>> {
    let lake = &context.lake;
    let mut counts: BTreeMap<DumpKey, i64> = BTreeMap::new();
    let Some(state) = lake.state(name).await? else { return Ok(counts) };
    for part in lake.all_landed(&lake.table(name)?, state.files()).await? {
        for run in part.runs.iter() {
            let key = (run.version.file.clone(), run.version.number);
            *counts.entry(key).or_default() += i64::try_from(run.rows.len())?;
        }
    }
    Ok(counts)
}

/// The number of rows of a table by dump; of `silver.rejected` only those rejected from one table.
async fn rows_by_dump(
    context: &LakeContext,
    name: &TableName,
    rejected_of: Option<&str>,
) -> anyhow::Result<BTreeMap<DumpKey, i64>> {
    let lake = &context.lake;
    let mut counts = BTreeMap::new();
    let Some(state) = lake.state(name).await? else { return Ok(counts) };
    let table = lake.table(name)?;
    let mut columns = vec!["_file", "_dump"];
    columns.extend(rejected_of.map(|_| "table_name"));
    for file in state.files() {
        let mut stream = table.read(&file, Some(&columns), lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            count_rows(&batch, rejected_of, &mut counts)?;
        }
    }
    Ok(counts)
}

fn count_rows(
    batch: &RecordBatch,
    rejected_of: Option<&str>,
    counts: &mut BTreeMap<DumpKey, i64>,
) -> anyhow::Result<()> {
    let (files, numbers) = (text(batch, "_file")?, long(batch, "_dump")?);
    let tables = rejected_of.map(|_| text(batch, "table_name")).transpose()?;
    // Rows of a dump are adjacent, so each run is added once.
    let mut run: Option<(&str, i64, i64)> = None;
    for row in 0..files.len() {
        if tables.is_some_and(|tables| Some(tables.value(row)) != rejected_of) {
            continue;
        }
        let dump = (files.value(row), numbers.value(row));
        match &mut run {
            Some((file, number, count)) if (*file, *number) == dump => *count += 1,
            _ => add_run(counts, run.replace((dump.0, dump.1, 1))),
        }
    }
    add_run(counts, run);
    Ok(())
}

fn add_run(counts: &mut BTreeMap<DumpKey, i64>, run: Option<(&str, i64, i64)>) {
    if let Some((file, number, count)) = run {
        *counts.entry((file.to_owned(), number)).or_default() += count;
    }
}
