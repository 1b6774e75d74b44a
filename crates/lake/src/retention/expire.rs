//! Expiry: which files of a table may be removed, and the commit that removes them.
//!
//! Age alone is not enough. Rows must be old enough to be in the reconciliation and in the tables that read
//! them; a message leaves bronze once silver contains it; a day leaves silver once every table that reads it
//! contains it, and no period of such a table would keep a part of its rows.

use crate::bronze::utc;
use crate::columns::{RowKeys, int, text};
use crate::context::LakeContext;
use crate::delta::stats::{FileStats, parse_bound};
use crate::delta::table::{Change, State, Table};
use crate::lake::Lake;
use crate::meta::{self, MetaTable};
use crate::offsets::Partition;
use crate::plan::Step;
use crate::retention::period::period_of;
use crate::retention::{Horizon, date, is_period, numbers, partition_day, period_columns};
use anyhow::Context as _;
use arrow::array::Array as _;
use arrow::compute::{max, min};
use arrow::datatypes::DataType;
use chrono::{DateTime, NaiveDate, Utc};
use config::model::TableName;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use plant::time::{DAY_US, day_of_us};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Days by which expiry may be overdue before it is logged.
const OVERDUE_DAYS: i64 = 1;

/// Rows of one day of a table that expired together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// The table with its schema.
    pub table_name: String,
    /// Their day in UTC.
    pub day: NaiveDate,
    pub rows: i64,
    pub files: i64,
    pub size_bytes: i64,
    /// The first of their files by name.
    pub file: String,
    /// Retention of the table in days.
    pub kept_days: i64,
    pub expired_at: DateTime<Utc>,
    pub run: String,
}

/// The table's definition.
pub fn table() -> MetaTable {
    use DataType::{Date32, Int64, Utf8};
    let columns = [
        ("table_name", Utf8),
        ("day", Date32),
        ("rows", Int64),
        ("files", Int64),
        ("size_bytes", Int64),
        ("file", Utf8),
        ("kept_days", Int64),
        ("expired_at", utc()),
        ("run", Utf8),
    ];
    MetaTable::new("expired", "Days of tables whose rows have expired.", columns)
}

/// Removes the rows of every table that are older than its retention.
pub async fn expire(context: &LakeContext) -> anyhow::Result<()> {
    for (name, retention) in &context.plant.retention {
        let done = Box::pin(expire_table(context, name, retention.days)).await;
        done.with_context(|| format!("removing expired rows of {name}"))?;
    }
    Ok(())
}

/// The files of a table by day, the oldest first.
type Days = BTreeMap<i64, Vec<Add>>;

async fn expire_table(context: &LakeContext, name: &TableName, kept: u32) -> anyhow::Result<()> {
    let lake = context.lake.as_ref();
    let Some(state) = lake.state(name).await? else { return Ok(()) };
    let table = lake.table(name)?;
    let first_kept = day_of_us(lake.now().timestamp_micros()) - i64::from(kept);
    let (mut old, mut rest) = (Days::new(), Vec::new());
    for file in state.files() {
        match partition_day(&file).filter(|day| *day < first_kept) {
            Some(day) => old.entry(day).or_default().push(file),
            None => rest.push(file),
        }
    }
    if old.is_empty() {
        return Ok(());
    }
    let is_settled = |files: &[Add]| files.iter().all(|file| is_settled(lake, file));
    let days: Vec<(i64, bool)> = old.iter().map(|(day, files)| (*day, is_settled(files))).collect();
    let contract = context.plant.contracts.get(&name.name).filter(|_| name.schema == "bronze");
    let (expiring, columns) = match contract {
        Some(contract) => {
            (contained_in_silver(context, contract, &table, &state, old).await?, BTreeMap::new())
        }
        None => contained_in_readers(context, &table, &state, old, (rest, first_kept)).await?,
    };
    if let Some(day) = overdue(&days, &expiring.keys().copied().collect(), first_kept) {
        tracing::warn!(
            table = %name, day = %date(day)?, kept_days = kept,
            "expired rows kept: a table that reads them lacks them or shares a period with them"
        );
    }
    let Some(last) = expiring.last_key_value().map(|(day, _)| *day) else { return Ok(()) };
    let horizon = Horizon { day: Some(last + 1), columns };
    commit(lake, &table, &state, expiring, &horizon, kept).await
}

/// The first old day whose expiry is overdue. A day that is not settled yet may wait, and so may those after
/// it.
fn overdue(days: &[(i64, bool)], expiring: &BTreeSet<i64>, first_kept: i64) -> Option<i64> {
    let settled = days.iter().take_while(|(_, is_settled)| *is_settled).map(|(day, _)| *day);
    settled.take_while(|day| *day < first_kept - OVERDUE_DAYS).find(|day| !expiring.contains(day))
}

/// Records which rows expire, then removes them.
async fn commit(
    lake: &Lake,
    table: &Table,
    state: &State,
    days: Days,
    horizon: &Horizon,
    kept: u32,
) -> anyhow::Result<()> {
    let name = table.name.to_string();
    let mut expired = Vec::with_capacity(days.len());
    for (day, files) in &days {
        let rows = files.iter().filter_map(|file| FileStats::from_add(file).rows()).sum::<usize>();
        expired.push(Expired {
            table_name: name.clone(),
            day: date(*day)?,
            rows: i64::try_from(rows)?,
            files: i64::try_from(files.len())?,
            size_bytes: files.iter().map(|file| file.size).sum(),
            file: files.iter().map(|file| file.path.clone()).min().unwrap_or_default(),
            kept_days: i64::from(kept),
            expired_at: lake.now(),
            run: lake.run().to_owned(),
        });
    }
    let rows = expired.iter().map(|it| it.rows).sum::<i64>();
    // Rows of a run that died before its commit are replaced: the files they name are still active.
    let active = state.files();
    let active = active.iter().map(|file| [name.as_str().into(), file.path.as_str().into()]);
    let stale = RowKeys::new(["table_name", "file"], active);
    meta::replace(lake, &self::table(), &expired, &stale).await?;
    let removes = days.into_values().flatten().collect();
    let change = Change { removes, checkpoints: horizon.checkpoints(), ..Change::default() };
    let after = table.commit(Some(state), change, lake.now_ms()).await?;
    lake.remember(&table.name, after).await;
    tracing::info!(table = name, days = expired.len(), rows, kept_days = kept, "rows expired");
    Ok(())
}

/// Of the old messages, the files that silver contains completely. Each may expire alone.
async fn contained_in_silver(
    context: &LakeContext,
    contract: &Contract,
    bronze: &Table,
    state: &State,
    mut old: Days,
) -> anyhow::Result<Days> {
    let lake = context.lake.as_ref();
    let is_source = |step: &&Step| step.model.cleans() == Some(contract.table.as_str());
    let step = context.steps.iter().find(is_source).context("no model cleans its messages")?;
    let silver = lake.table(step.name())?;
    // Silver is loaded after bronze, so that it is not behind merely because it is older.
    let Some(silver_state) = lake.state(step.name()).await? else { return Ok(Days::new()) };
    let mut known: BTreeMap<Partition, bool> = BTreeMap::new();
    for files in old.values_mut() {
        let mut contained = Vec::with_capacity(files.len());
        for file in files.drain(..).filter(|file| is_settled(lake, file)) {
            let held = partitions(lake, bronze, &file).await?;
            for partition in held.iter().filter(|it| !known.contains_key(it)).collect::<Vec<_>>() {
                let checkpoint = partition.checkpoint();
                let landed = bronze.checkpoint(state, &checkpoint).await?;
                let is_known = silver.checkpoint(&silver_state, &checkpoint).await? >= landed;
                known.insert(partition.clone(), is_known);
            }
            contained.extend(held.iter().all(|it| known[it]).then_some(file));
        }
        *files = contained;
    }
    old.retain(|_, files| !files.is_empty());
    Ok(old)
}

/// The partitions that a file has messages of. The topics may be those of a pattern, and may no longer exist.
async fn partitions(
    lake: &Lake,
    bronze: &Table,
    file: &Add,
) -> anyhow::Result<BTreeSet<Partition>> {
    let mut found = BTreeSet::new();
    let columns = ["_topic", "_partition"];
    let mut rows = bronze.read(file, Some(&columns), lake.batch_rows()).await?;
    while let Some(rows) = rows.try_next().await? {
        let (topics, numbers) = (text(&rows, "_topic")?, int(&rows, "_partition")?);
        let numbers = numbers.values().iter().copied();
        let distinct: BTreeSet<(&str, i32)> = topics.iter().flatten().zip(numbers).collect();
        let partition = |(topic, number): (&str, i32)| Partition { topic: topic.into(), number };
        found.extend(distinct.into_iter().map(partition));
    }
    Ok(found)
}

/// The old days that every reader contains, up to the first that has to wait, and the greatest value of each
/// column of timestamps or dates in them. `rest` stays in any case, and rows may still arrive for the first
/// kept day and later ones.
async fn contained_in_readers(
    context: &LakeContext,
    table: &Table,
    state: &State,
    mut old: Days,
    (mut rest, first_kept): (Vec<Add>, i64),
) -> anyhow::Result<(Days, BTreeMap<String, i64>)> {
    let lake = context.lake.as_ref();
    let Some(unread) = unread(context, table, state).await? else { return Ok(Default::default()) };
    let waits = |(day, files): &(&i64, &Vec<Add>)| {
        unread.contains(day) || !files.iter().all(|file| is_settled(lake, file))
    };
    if let Some(day) = old.iter().find(waits).map(|(day, _)| *day) {
        rest.extend(old.split_off(&day).into_values().flatten());
    }
    let step = context.steps.iter().find(|step| step.name() == &table.name);
    let step = step.context("no model makes it")?;
    let columns = period_columns(&context.steps, &table.name);
    let mut days = None;
    // A day that stays because of one column may divide a period of another.
    while days.replace(old.len()) != Some(old.len()) {
        for column in &columns {
            let kept = period_of(context, step, column, first_kept * DAY_US)?;
            let whole = whole(lake, table, column, (&old, &rest, kept)).await?;
            if let Some(day) = old.keys().nth(whole).copied() {
                rest.extend(old.split_off(&day).into_values().flatten());
            }
        }
    }
    let names: Vec<&str> = step
        .schema
        .fields()
        .iter()
        .filter(|field| is_period(field.data_type()))
        .map(|field| field.name().as_str())
        .collect();
    let mut greatest = Horizon::load(table, Some(state), names.iter().copied()).await?.columns;
    for column in names {
        for file in old.values().flatten() {
            let Some(value) = bounds(lake, table, file, column).await?.greatest else { continue };
            let known = greatest.entry(column.to_owned()).or_insert(value);
            *known = value.max(*known);
        }
    }
    Ok((old, greatest))
}

/// The days with rows that a reader does not contain yet; `None` if that is unknown.
async fn unread(
    context: &LakeContext,
    table: &Table,
    state: &State,
) -> anyhow::Result<Option<BTreeSet<i64>>> {
    let lake = context.lake.as_ref();
    let mut days = BTreeSet::new();
    for step in context.steps.iter().filter(|it| it.model.upstreams.contains(&table.name)) {
        let Some(reader) = lake.state(step.name()).await? else { return Ok(None) };
        let upstream = table.name.to_string();
        let since = lake.table(step.name())?.checkpoint(&reader, &upstream).await?;
        let Some(since) = since else { return Ok(None) };
        let Some(difference) = table.difference(since, state).await? else { return Ok(None) };
        days.extend(difference.added.iter().chain(&difference.removed).filter_map(partition_day));
    }
    Ok(Some(days))
}

/// How many of the old days share no value of a column with a later day and have only values less than
/// `least`.
async fn whole(
    lake: &Lake,
    table: &Table,
    column: &str,
    (old, rest, mut least): (&Days, &[Add], Option<i64>),
) -> anyhow::Result<usize> {
    for file in rest {
        least = earlier(least, bounds(lake, table, file, column).await?.least);
    }
    let mut days = Vec::with_capacity(old.len());
    for files in old.values() {
        let mut day = Bounds::default();
        for file in files {
            let file = bounds(lake, table, file, column).await?;
            day.least = earlier(day.least, file.least);
            day.greatest = day.greatest.max(file.greatest);
            day.has_nulls |= file.has_nulls;
        }
        days.push(day);
    }
    Ok(undivided(&days, least))
}

/// How many of the first days have only values less than those of later days and than `least`, the least
/// value of the files that stay anyway. A row without a value may belong to any period.
fn undivided(days: &[Bounds], mut least: Option<i64>) -> usize {
    let known = days.iter().take_while(|day| !day.has_nulls).count();
    let mut greatest = Vec::with_capacity(days.len());
    for day in days {
        let before: Option<i64> = greatest.last().copied().flatten();
        greatest.push(before.max(day.greatest));
    }
    for count in (1..=days.len()).rev() {
        let divides = least.is_some_and(|least| greatest[count - 1] >= Some(least));
        if count <= known && !divides {
            return count;
        }
        least = earlier(least, days[count - 1].least);
    }
    0
}

fn earlier(left: Option<i64>, right: Option<i64>) -> Option<i64> {
    left.into_iter().chain(right).min()
}

/// Least and greatest value of a column, and whether a row has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bounds {
    least: Option<i64>,
    greatest: Option<i64>,
    has_nulls: bool,
}

/// The bounds of a file by its statistics or, if they are unknown, by its rows.
async fn bounds(lake: &Lake, table: &Table, file: &Add, column: &str) -> anyhow::Result<Bounds> {
    let stats = FileStats::from_add(file);
    let bounds = stats.text_bounds(column);
    let bounds = bounds.and_then(|(least, most)| Some((parse_bound(least)?, parse_bound(most)?)));
    if let (Some((least, greatest)), Some(nulls)) = (bounds, stats.nulls(column)) {
        let (least, greatest) = (Some(least.0), Some(greatest.1));
        return Ok(Bounds { least, greatest, has_nulls: nulls > 0 });
    }
    let mut bounds = Bounds::default();
    let mut rows = table.read(file, Some(&[column]), lake.batch_rows()).await?;
    while let Some(rows) = rows.try_next().await? {
        // A file that is older than the column has no values of it.
        let Some(values) = rows.column_by_name(column) else {
            return Ok(Bounds { has_nulls: true, ..Bounds::default() });
        };
        let values = numbers(values)?;
        bounds.least = earlier(bounds.least, min(&values));
        bounds.greatest = bounds.greatest.max(max(&values));
        bounds.has_nulls |= values.null_count() > 0;
    }
    Ok(bounds)
}

/// Whether the rows of a file landed long enough ago.
fn is_settled(lake: &Lake, file: &Add) -> bool {
    let settle_ms = i64::try_from(lake.limits().lake.retention_grace_ms).unwrap_or(i64::MAX);
    let before_us = lake.now_ms().saturating_sub(settle_ms).saturating_mul(1000);
    let stats = FileStats::from_add(file);
    let landed = stats.max("_ingested_at").and_then(|at| parse_bound(at.as_str()?));
    landed.is_some_and(|(us, _)| us <= before_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_should_have_expired_are_overdue() {
        const FIRST_KEPT: i64 = 100;
        let overdue = |days: &[(i64, bool)], expiring: &[i64]| {
            overdue(days, &expiring.iter().copied().collect(), FIRST_KEPT)
        };
        let all = [(90, true), (95, true), (99, true)];
        assert_eq!(overdue(&all, &[90, 95, 99]), None);
        assert_eq!(overdue(&all, &[90]), Some(95));
        assert_eq!(overdue(&all, &[]), Some(90));
        assert_eq!(overdue(&all, &[90, 95]), None, "one day is tolerated");
        assert_eq!(overdue(&[(90, false), (95, true)], &[]), None, "they landed just now");
        assert_eq!(overdue(&[(90, true), (95, false)], &[]), Some(90));
        assert_eq!(overdue(&[], &[]), None);
    }

    fn check(days: &[(i64, i64)], least: Option<i64>, expected: usize) {
        let day = |(least, greatest): &(i64, i64)| Bounds {
            least: Some(*least),
            greatest: Some(*greatest),
            has_nulls: false,
        };
        let days: Vec<Bounds> = days.iter().map(day).collect();
        assert_eq!(undivided(&days, least), expected, "{days:?} {least:?}");
    }

    #[test]
    fn no_period_is_divided() {
        check(&[], None, 0);
        check(&[(1, 5)], None, 1);
        check(&[(1, 5)], Some(6), 1);
        check(&[(1, 5)], Some(5), 0);
        // A day in the zone of the plant begins within a day of UTC.
        check(&[(1, 2), (2, 3), (3, 4)], Some(4), 0);
        check(&[(1, 1), (2, 2), (2, 3)], Some(3), 1);
        check(&[(1, 1), (2, 2), (3, 3)], Some(3), 2);
        // A week of seven days, and one that has begun.
        check(&[(1, 1); 7], Some(8), 7);
        check(&[(1, 1), (1, 1), (8, 8)], Some(8), 2);
        check(&[(1, 1), (1, 1)], Some(1), 0);
    }

    #[test]
    fn a_row_without_a_value_stays_and_so_do_later_days() {
        let known = Bounds { least: Some(1), greatest: Some(1), has_nulls: false };
        let unknown = Bounds { has_nulls: true, ..known };
        assert_eq!(undivided(&[known, unknown, known], Some(2)), 0);
        let later = Bounds { least: Some(2), greatest: Some(2), has_nulls: true };
        assert_eq!(undivided(&[known, later], Some(3)), 1);
    }
}
