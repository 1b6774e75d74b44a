//! Counts superseded records for the reconciliation, independently of refinement.

mod placed;

use self::placed::PlacedRecords;
use crate::bronze;
use crate::bronze::dump_order::{DumpOrder, DumpOrders};
use crate::bronze::landed::{DataFileRuns, Run, Version};
use crate::columns::long;
use crate::context::LakeContext;
use crate::delta::table::{State, Table};
use crate::refine::cleaning::Cleaning;
use crate::refine::dump_reader::{Cursor, removes, rows_of};
use crate::refine::keys::{Hasher, Key};
use crate::refine::passes::KnownPasses;
use crate::refine::versions::{VersionId, Voids, newest_first};
use crate::refine::whole::DumpHistory;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use config::model::TableName;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Candidates that are compared with the table at a time: some 100 MB. Each time the keys of the table are
/// read once.
const COMPARED_KEYS: usize = 1 << 20;

/// Counts, for each of the dumps `of`, the records that a newer record in the table supersedes or whose
/// file was replaced. Candidates are the records that are neither in the table nor rejected; they are read
/// again from bronze, and none of the counts of refinement is used, so a lost record shows as missing.
/// `idle`: dumps without a good record.
pub async fn count_superseded(
    context: &LakeContext,
    (silver, contract): (&TableName, &Contract),
    of: &HashSet<VersionId>,
    idle: &HashSet<VersionId>,
) -> anyhow::Result<BTreeMap<VersionId, i64>> {
    let lake = context.lake.as_ref();
    let (table, source_name) = (lake.table(silver)?, bronze::name(contract));
    let (Some(state), Some(source_state)) =
        (lake.state(silver).await?, lake.state(&source_name).await?)
    else {
        return Ok(BTreeMap::new());
    };
    let cleaning = Cleaning::new(context, context.step(silver)?, contract, &table)?;
    let source = lake.table(&source_name)?;
    let parts = lake.all_landed(&source, source_state.files()).await?;
    let versions = newest_first(&parts);
    let is_removing = |version: &Version| removes(contract, version);
    let voids = Voids::new(versions.iter().map(AsRef::as_ref), is_removing, idle);
    let counts = continued(&parts, &voids, of);
    let others: HashSet<VersionId> =
        of.iter().filter(|it| !voids.is_continued(&it.0, it.1)).cloned().collect();
    let placed = PlacedRecords::read(lake, silver, &others).await?;
    let rule = match cleaning.hasher {
        None => {
            let history = DumpHistory::new(contract, &versions);
            Rule::NewestDump { history, counting: cleaning.versions_in(&state).await? }
        }
        Some(_) => Rule::NewestKey { voids: &voids, state: &state, waiting: Waiting::default() },
    };
    let mut count = Count { cleaning: &cleaning, rule, counts, passes: KnownPasses::default() };
    for part in &parts {
        count.add_part(&source, part, &parts, &placed).await?;
    }
    count.compare().await?;
    Ok(count.counts)
}

/// All records of dumps that others continue.
fn continued(
    parts: &[DataFileRuns],
    voids: &Voids,
    of: &HashSet<VersionId>,
) -> BTreeMap<VersionId, i64> {
    let mut counts: BTreeMap<VersionId, i64> = BTreeMap::new();
    for run in parts.iter().flat_map(|part| part.runs.iter()) {
        let id = (run.version.file.clone(), run.version.number);
        if voids.is_continued(&id.0, id.1) && of.contains(&id) {
            *counts.entry(id).or_default() += i64::try_from(run.rows.len()).unwrap_or(i64::MAX);
        }
    }
    counts
}

/// Which records supersede others.
enum Rule<'c> {
    /// Those of the newest dump supersede those of all others.
    NewestDump { history: DumpHistory, counting: HashSet<VersionId> },
    /// The newest of each key supersedes the others.
    NewestKey { voids: &'c Voids, state: &'c State, waiting: Waiting },
}

/// Candidates that wait to be compared with the table.
#[derive(Default)]
struct Waiting {
    by_dump: BTreeMap<VersionId, Vec<(Key, Position)>>,
    keys: usize,
}

/// Counts superseded records by dump.
struct Count<'c, 'a> {
    cleaning: &'c Cleaning<'a>,
    rule: Rule<'c>,
    counts: BTreeMap<VersionId, i64>,
    passes: KnownPasses,
}

impl Count<'_, '_> {
    /// Adds the candidates in one data file of bronze.
    async fn add_part(
        &mut self,
        source: &Table,
        part: &DataFileRuns,
        parts: &[DataFileRuns],
        placed: &PlacedRecords,
    ) -> anyhow::Result<()> {
        let batch_rows = self.cleaning.lake.batch_rows();
        let found = placed.missing_runs(source, part, batch_rows).await?;
        if found.is_empty() {
            return Ok(());
        }
        let runs: Vec<&Run> = found.iter().collect();
        let mut stream = self.cleaning.read_bronze(source, &part.add, rows_of(&runs)).await?;
        let mut cursor = Cursor::new(runs);
        while let Some(batch) = stream.try_next().await? {
            let runs = by_version(cursor.next(batch.num_rows()));
            let dumps = (source, parts);
            let passes = &mut self.passes;
            let cleaned = self.cleaning.clean_of_dumps(&batch, &runs, dumps, passes).await?;
            let mut first = 0;
            for (run, rows) in runs {
                let is_bad = &cleaned.is_rejected[first..first + rows];
                let is_good: BooleanArray = is_bad.iter().map(|it| Some(!it)).collect();
                let own = filter_record_batch(&cleaned.rows.slice(first, rows), &is_good)?;
                self.add(&run.version, &own).await?;
                first += rows;
            }
        }
        Ok(())
    }

    /// Adds good records of one dump.
    async fn add(&mut self, version: &Version, rows: &RecordBatch) -> anyhow::Result<()> {
        let id = (version.file.clone(), version.number);
        let waiting = match &mut self.rule {
            Rule::NewestDump { history, counting } => {
                let superseded =
                    if history.is_replaced(&id, counting) { rows.num_rows() } else { 0 };
                *self.counts.entry(id).or_default() += i64::try_from(superseded)?;
                return Ok(());
            }
            Rule::NewestKey { voids, .. } if voids.is_void(&id.0, id.1) => {
                *self.counts.entry(id).or_default() += i64::try_from(rows.num_rows())?;
                return Ok(());
            }
            Rule::NewestKey { waiting, .. } => waiting,
        };
        let positions = self.cleaning.positions(rows)?;
        waiting.keys += positions.len();
        waiting.by_dump.entry(id).or_default().extend(positions);
        if waiting.keys >= COMPARED_KEYS { self.compare().await } else { Ok(()) }
    }

    /// Compares the waiting candidates with the table.
    async fn compare(&mut self) -> anyhow::Result<()> {
        let Rule::NewestKey { state, waiting, .. } = &mut self.rule else { return Ok(()) };
        let waiting = std::mem::take(waiting);
        let keys = waiting.by_dump.values().flatten().map(|(key, _)| *key).collect();
        let positions = self.cleaning.positions_in(state, &keys).await?;
        for (id, found) in waiting.by_dump {
            let newer = found.iter().filter(|(key, at)| positions.is_newer(*key, *at)).count();
            *self.counts.entry(id).or_default() += i64::try_from(newer)?;
        }
        Ok(())
    }
}

/// The runs with adjacent ones of the same version as one.
fn by_version<'p>(runs: Vec<(&'p Run, usize)>) -> Vec<(&'p Run, usize)> {
    let mut merged: Vec<(&'p Run, usize)> = Vec::new();
    for (run, rows) in runs {
        match merged.last_mut() {
            Some((last, sum)) if Arc::ptr_eq(&last.version, &run.version) => *sum += rows,
            _ => merged.push((run, rows)),
        }
    }
    merged
}

/// The position of a row among those of its key: the order of its dump, then its number.
type Position = (DumpOrder, i64);

/// The positions of the rows of some keys. The orders of the few dumps are stored once and referenced by
/// number.
#[derive(Default)]
struct Positions {
    orders: Vec<DumpOrder>,
    known: HashMap<DumpOrder, u32>,
    by_key: HashMap<Key, (u32, u32), foldhash::fast::FixedState>,
}

impl Positions {
    fn insert(&mut self, key: Key, (order, number): Position) -> anyhow::Result<()> {
        // Rows of a dump are adjacent, so its order is mostly the last one.
        let last = u32::try_from(self.orders.len())?;
        let at = match self.orders.last() {
            Some(newest) if *newest == order => last - 1,
            _ => *self.known.entry(order).or_insert(last),
        };
        if at == last {
            self.orders.push(order);
        }
        self.by_key.insert(key, (at, u32::try_from(number)?));
        Ok(())
    }

    fn is_newer(&self, key: Key, than: Position) -> bool {
        let position = |(at, number): &(u32, u32)| Some((*self.orders.get(*at as usize)?, *number));
        let newest = self.by_key.get(&key).and_then(position);
        newest.is_some_and(|(order, number)| than < (order, i64::from(number)))
    }
}

impl Cleaning<'_> {
    /// The positions of the rows of the table with a wanted key.
    async fn positions_in(
        &self,
        state: &State,
        wanted: &HashSet<Key, foldhash::fast::FixedState>,
    ) -> anyhow::Result<Positions> {
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(DumpOrders::COLUMNS);
        columns.push("_record");
        let mut positions = Positions::default();
        if wanted.is_empty() {
            return Ok(positions);
        }
        for file in state.files() {
            let mut stream = self.table.read(&file, Some(&columns), self.lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                let mut rows = self.positions(&batch)?;
                rows.retain(|(key, _)| wanted.contains(key));
                for (key, position) in rows {
                    positions.insert(key, position)?;
                }
            }
        }
        Ok(positions)
    }

    fn positions(&self, rows: &RecordBatch) -> anyhow::Result<Vec<(Key, Position)>> {
        let keys = Hasher::new(rows.schema_ref(), &self.model.key)?.keys(rows)?;
        let orders = DumpOrders::new(rows)?;
        let numbers = long(rows, "_record")?;
        let position = |at: usize| (orders.order(at), numbers.value(at));
        Ok(keys
            .into_iter()
            .enumerate()
            .filter_map(|(at, key)| Some((key?, position(at))))
            .collect())
    }
}
