//! Taking rows out: which files of a table may go, and the commit without them.
//!
//! Old alone is not enough. Rows lie for a while, so that they are in the books and in what is made of
//! them; a message leaves bronze once silver knows it; a day leaves silver once each table made of it
//! contains it, and no period of any of them would be left with a part of its rows.

use super::period::period_of;
use super::{DAY_US, Horizon, date_of, day_of, is_period, numbers, periods};
use crate::Lake;
use crate::bronze::utc;
use crate::models::Step;
use crate::refine::Refinery;
use crate::rows::MetaTable;
use crate::stream::Partition;
use crate::table::{Change, State, Table};
use anyhow::Context as _;
use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use chrono::{DateTime, NaiveDate, Utc};
use config::model::TableName;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Days rows may be late in going before it is said that they do not go.
const LATE_DAYS: i64 = 1;

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
    /// Days the rows of the table are kept.
    pub kept_days: i64,
    pub expired_at: DateTime<Utc>,
    pub run: String,
}

/// The table's definition.
pub fn table() -> MetaTable {
    use DataType::{Date32, Int64, Utf8};
    let fields = [
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
    let fields = fields.map(|(name, kind)| Field::new(name, kind, true));
    MetaTable {
        name: TableName::new("meta", "expired"),
        description: "Days of tables whose rows are gone: they were older than rows are kept.",
        schema: Arc::new(Schema::new(fields.to_vec())),
    }
}

/// Takes the rows out of every table that are older than the plant keeps them.
pub async fn expire(refinery: &Refinery) -> anyhow::Result<()> {
    for (name, retention) in &refinery.plant.retention {
        let done = Box::pin(expire_table(refinery, name, retention.days)).await;
        done.with_context(|| format!("taking old rows out of {name}"))?;
    }
    Ok(())
}

/// The files of a table by day, the oldest first.
type Days = BTreeMap<i64, Vec<Add>>;

async fn expire_table(refinery: &Refinery, name: &TableName, kept: u32) -> anyhow::Result<()> {
    let lake = refinery.lake.as_ref();
    let Some(state) = lake.state(name).await? else { return Ok(()) };
    let table = lake.table(name)?;
    let first_kept = lake.now().timestamp_micros().div_euclid(DAY_US) - i64::from(kept);
    let (mut old, mut rest) = (Days::new(), Vec::new());
    for file in state.files() {
        match day_of(&file).filter(|day| *day < first_kept) {
            Some(day) => old.entry(day).or_default().push(file),
            None => rest.push(file),
        }
    }
    if old.is_empty() {
        return Ok(());
    }
    let is_settled = |files: &[Add]| files.iter().all(|file| is_settled(lake, file));
    let days: Vec<(i64, bool)> = old.iter().map(|(day, files)| (*day, is_settled(files))).collect();
    let contract = refinery.plant.contracts.get(&name.name).filter(|_| name.schema == "bronze");
    let (gone, columns) = match contract {
        Some(contract) => {
            (passed_on(refinery, contract, &table, &state, old).await?, BTreeMap::new())
        }
        None => contained(refinery, &table, &state, old, (rest, first_kept)).await?,
    };
    if let Some(day) = overdue(&days, &gone.keys().copied().collect(), first_kept) {
        tracing::warn!(
            table = %name, day = %date_of(day)?, kept_days = kept,
            "old rows stay: a table made of them does not contain them yet, or shares a period with them"
        );
    }
    let Some(last) = gone.last_key_value().map(|(day, _)| *day) else { return Ok(()) };
    let horizon = Horizon { day: Some(last + 1), columns };
    commit(lake, &table, &state, gone, &horizon, kept).await
}

/// The first of the old days that should have gone by now and does not. A day that has not lain there
/// for long enough may wait, and those behind it with it.
fn overdue(days: &[(i64, bool)], gone: &BTreeSet<i64>, first_kept: i64) -> Option<i64> {
    let settled = days.iter().take_while(|(_, is_settled)| *is_settled).map(|(day, _)| *day);
    settled.take_while(|day| *day < first_kept - LATE_DAYS).find(|day| !gone.contains(day))
}

/// Says which rows go, then takes them out.
async fn commit(
    lake: &Lake,
    table: &Table,
    state: &State,
    gone: Days,
    horizon: &Horizon,
    kept: u32,
) -> anyhow::Result<()> {
    let name = table.name.to_string();
    let mut told = Vec::with_capacity(gone.len());
    for (day, files) in &gone {
        let rows = files.iter().filter_map(|file| stats(file)["numRecords"].as_i64()).sum();
        told.push(Expired {
            table_name: name.clone(),
            day: date_of(*day)?,
            rows,
            files: i64::try_from(files.len())?,
            size_bytes: files.iter().map(|file| file.size).sum(),
            file: files.iter().map(|file| file.path.clone()).min().unwrap_or_default(),
            kept_days: i64::from(kept),
            expired_at: lake.now(),
            run: lake.run().to_owned(),
        });
    }
    let (rows, days) = (told.iter().map(|it| it.rows).sum::<i64>(), told.len());
    // What was told by a run that died before its commit is told again: its files are still there.
    let active: BTreeSet<String> = state.files().into_iter().map(|file| file.path).collect();
    let is_untrue = |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
        let text = |column: &str| -> anyhow::Result<_> {
            Ok(batch.column(batch.schema().index_of(column)?).as_string::<i32>().clone())
        };
        let (tables, files) = (text("table_name")?, text("file")?);
        let is_untrue = |row| tables.value(row) == name && active.contains(files.value(row));
        Ok((0..batch.num_rows()).map(|row| Some(is_untrue(row))).collect())
    };
    lake.meta_replace(&super::table(), &told, &is_untrue).await?;
    let removes = gone.into_values().flatten().collect();
    let change = Change { removes, checkpoints: horizon.checkpoints(), ..Change::default() };
    let after = table.commit(Some(state), change, lake.now_ms()).await?;
    lake.remember(&table.name, after).await;
    tracing::info!(table = %table.name, days, rows, kept_days = kept, "rows expired");
    Ok(())
}

/// The files of old messages that silver knows all of. Each may go by itself.
async fn passed_on(
    refinery: &Refinery,
    contract: &Contract,
    bronze: &Table,
    state: &State,
    mut old: Days,
) -> anyhow::Result<Days> {
    let lake = refinery.lake.as_ref();
    let is_source = |step: &&Step| step.model.cleans() == Some(contract.table.as_str());
    let step = refinery.steps.iter().find(is_source).context("no model cleans its messages")?;
    let silver = lake.table(step.name())?;
    // Silver is looked at after bronze, so that it is not behind for being older.
    let Some(silver_state) = lake.state(step.name()).await? else { return Ok(Days::new()) };
    let mut known: BTreeMap<Partition, bool> = BTreeMap::new();
    for files in old.values_mut() {
        let mut going = Vec::with_capacity(files.len());
        for file in files.drain(..).filter(|file| is_settled(lake, file)) {
            let held = partitions(lake, bronze, &file).await?;
            for partition in held.iter().filter(|it| !known.contains_key(it)).collect::<Vec<_>>() {
                let checkpoint = partition.checkpoint();
                let landed = bronze.checkpoint(state, &checkpoint).await?;
                let is_known = silver.checkpoint(&silver_state, &checkpoint).await? >= landed;
                known.insert(partition.clone(), is_known);
            }
            going.extend(held.iter().all(|it| known[it]).then_some(file));
        }
        *files = going;
    }
    old.retain(|_, files| !files.is_empty());
    Ok(old)
}

/// The partitions a file holds messages of, each of its log: the topics may be those of a pattern, and
/// some of them may be gone.
async fn partitions(
    lake: &Lake,
    bronze: &Table,
    file: &Add,
) -> anyhow::Result<BTreeSet<Partition>> {
    let mut found = BTreeSet::new();
    let columns = ["_topic", "_partition"];
    let mut rows = bronze.read(file, Some(&columns), lake.batch_rows()).await?;
    while let Some(rows) = rows.try_next().await? {
        let column = |name| anyhow::Ok(rows.column(rows.schema().index_of(name)?).clone());
        let (topics, numbers) = (column("_topic")?, column("_partition")?);
        let numbers = numbers.as_primitive::<Int32Type>().values();
        let all: BTreeSet<(&str, i32)> =
            topics.as_string::<i32>().iter().flatten().zip(numbers.iter().copied()).collect();
        let partition = |(topic, number): (&str, i32)| Partition { topic: topic.into(), number };
        found.extend(all.into_iter().map(partition));
    }
    Ok(found)
}

/// The old days every table made of them contains, up to the first that has to wait, and of each
/// column of moments and days the greatest value that goes with them. `rest` stays in any case, and
/// more may come for the first day that is kept and those behind it.
async fn contained(
    refinery: &Refinery,
    table: &Table,
    state: &State,
    mut old: Days,
    (mut rest, first_kept): (Vec<Add>, i64),
) -> anyhow::Result<(Days, BTreeMap<String, i64>)> {
    let lake = refinery.lake.as_ref();
    let Some(unread) = unread(refinery, table, state).await? else { return Ok(Default::default()) };
    let waits = |(day, files): &(&i64, &Vec<Add>)| {
        unread.contains(day) || !files.iter().all(|file| is_settled(lake, file))
    };
    if let Some(day) = old.iter().find(waits).map(|(day, _)| *day) {
        rest.extend(old.split_off(&day).into_values().flatten());
    }
    let step = refinery.steps.iter().find(|step| step.name() == &table.name);
    let step = step.context("no model makes it")?;
    let columns = periods(&refinery.steps, &table.name);
    let mut days = None;
    // A day that stays for one column's sake may divide a period of another.
    while days.replace(old.len()) != Some(old.len()) {
        for column in &columns {
            let kept = period_of(refinery, step, column, first_kept * DAY_US)?;
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
    let mut greatest = Horizon::of(table, Some(state), names.iter().copied()).await?.columns;
    for column in names {
        for file in old.values().flatten() {
            let Some(value) = bounds(lake, table, file, column).await?.greatest else { continue };
            let known = greatest.entry(column.to_owned()).or_insert(value);
            *known = value.max(*known);
        }
    }
    Ok((old, greatest))
}

/// The days with rows a table made of these does not contain yet; `None` if that cannot be told.
async fn unread(
    refinery: &Refinery,
    table: &Table,
    state: &State,
) -> anyhow::Result<Option<BTreeSet<i64>>> {
    let lake = refinery.lake.as_ref();
    let mut days = BTreeSet::new();
    for step in refinery.steps.iter().filter(|it| it.model.upstreams.contains(&table.name)) {
        let Some(reader) = lake.state(step.name()).await? else { return Ok(None) };
        let upstream = table.name.to_string();
        let since = lake.table(step.name())?.checkpoint(&reader, &upstream).await?;
        let Some(since) = since else { return Ok(None) };
        let Some(difference) = table.difference(since, state).await? else { return Ok(None) };
        days.extend(difference.added.iter().chain(&difference.removed).filter_map(day_of));
    }
    Ok(Some(days))
}

/// How many of the old days share no value of a column with a day behind them, nor have one that is not
/// less than `least`.
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

/// How many of the days, the first ones, have values that are all less than those behind them, of
/// which `least` is the least of those that stay anyway. A row without a value might be of any period.
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

/// The bounds of a file by its statistics or, if they do not tell, by its rows.
async fn bounds(lake: &Lake, table: &Table, file: &Add, column: &str) -> anyhow::Result<Bounds> {
    let stats = stats(file);
    let bound = |which: &str| spelled(stats[which][column].as_str()?);
    if let (Some(least), Some(greatest), Some(nulls)) =
        (bound("minValues"), bound("maxValues"), stats["nullCount"][column].as_u64())
    {
        let (least, greatest) = (Some(least.0), Some(greatest.1));
        return Ok(Bounds { least, greatest, has_nulls: nulls > 0 });
    }
    let mut bounds = Bounds::default();
    let mut rows = table.read(file, Some(&[column]), lake.batch_rows()).await?;
    while let Some(rows) = rows.try_next().await? {
        // A file older than the column says nothing of it.
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

/// The least and the greatest value that statistics may spell so: other writers cut moments down to
/// milliseconds.
fn spelled(text: &str) -> Option<(i64, i64)> {
    if let Ok(day) = text.parse() {
        return super::day_number(day).map(|day| (day, day));
    }
    let us = DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros();
    Some((us, us + 999))
}

fn stats(file: &Add) -> Value {
    let stats = file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
    stats.unwrap_or_default()
}

/// Whether the rows of a file lie in the lake for long enough.
fn is_settled(lake: &Lake, file: &Add) -> bool {
    let settle_ms = i64::try_from(lake.limits().lake.retention_grace_ms).unwrap_or(i64::MAX);
    let before_us = lake.now_ms().saturating_sub(settle_ms).saturating_mul(1000);
    let stats = stats(file);
    let landed = stats["maxValues"]["_ingested_at"].as_str().and_then(spelled);
    landed.is_some_and(|(us, _)| us <= before_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_should_have_gone_is_told_and_what_may_wait_is_not() {
        const FIRST_KEPT: i64 = 100;
        let told = |days: &[(i64, bool)], gone: &[i64]| {
            overdue(days, &gone.iter().copied().collect(), FIRST_KEPT)
        };
        let all = [(90, true), (95, true), (99, true)];
        assert_eq!(told(&all, &[90, 95, 99]), None);
        assert_eq!(told(&all, &[90]), Some(95));
        assert_eq!(told(&all, &[]), Some(90));
        assert_eq!(told(&all, &[90, 95]), None, "a day late is not late");
        assert_eq!(told(&[(90, false), (95, true)], &[]), None, "they landed just now");
        assert_eq!(told(&[(90, true), (95, false)], &[]), Some(90));
        assert_eq!(told(&[], &[]), None);
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
        // A day on the plant's clock begins within one of UTC.
        check(&[(1, 2), (2, 3), (3, 4)], Some(4), 0);
        check(&[(1, 1), (2, 2), (2, 3)], Some(3), 1);
        check(&[(1, 1), (2, 2), (3, 3)], Some(3), 2);
        // A week of seven days, and one that has begun.
        check(&[(1, 1); 7], Some(8), 7);
        check(&[(1, 1), (1, 1), (8, 8)], Some(8), 2);
        check(&[(1, 1), (1, 1)], Some(1), 0);
    }

    #[test]
    fn a_row_without_a_value_stays_and_what_is_behind_it() {
        let known = Bounds { least: Some(1), greatest: Some(1), has_nulls: false };
        let unknown = Bounds { has_nulls: true, ..known };
        assert_eq!(undivided(&[known, unknown, known], Some(2)), 0);
        let later = Bounds { least: Some(2), greatest: Some(2), has_nulls: true };
        assert_eq!(undivided(&[known, later], Some(3)), 1);
    }
}
