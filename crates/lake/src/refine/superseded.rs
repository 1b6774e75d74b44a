//! Counts superseded records for the reconciliation, independently of refinement.

use crate::bronze;
use crate::bronze::dump_order::{DumpOrder, DumpOrders};
use crate::bronze::landed::{DataFileRuns, Version};
use crate::columns::long;
use crate::context::LakeContext;
use crate::delta::table::{State, Table};
use crate::refine::cleaning::Cleaning;
use crate::refine::dump_reader::{Cursor, removes, rows_of, wanted_runs};
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

/// Receives good records of one dump.
type Visit<'t> = dyn FnMut(&Version, &RecordBatch) -> anyhow::Result<()> + Send + 't;

/// Counts, for each of the dumps `of`, the records that a newer record in the table supersedes or whose
/// file was replaced. It reads bronze and silver again and uses none of the counts of refinement, so a lost
/// record shows as missing. `idle`: dumps without a good record.
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
    let mut counts = continued(&parts, &voids, of);
    let others: HashSet<VersionId> =
        of.iter().filter(|it| !voids.is_continued(&it.0, it.1)).cloned().collect();
    let reader = Reader { cleaning: &cleaning, source: &source, parts: &parts, of: &others };
    if cleaning.hasher.is_none() {
        let history = DumpHistory::new(contract, &versions);
        reader.count_without_keys(&mut counts, &history, &state).await?;
    } else {
        reader.count_with_keys(&mut counts, &voids, &state).await?;
    }
    Ok(counts)
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

/// Reads the good records of some dumps from bronze.
struct Reader<'r, 'a> {
    cleaning: &'r Cleaning<'a>,
    source: &'r Table,
    parts: &'r [DataFileRuns],
    of: &'r HashSet<VersionId>,
}

impl Reader<'_, '_> {
    async fn count_without_keys(
        &self,
        counts: &mut BTreeMap<VersionId, i64>,
        history: &DumpHistory,
        state: &State,
    ) -> anyhow::Result<()> {
        let counting = self.cleaning.versions_in(state).await?;
        let superseded = |version: &Version, rows: &RecordBatch| {
            let id = (version.file.clone(), version.number);
            let is_replaced = history.is_replaced(&id, &counting);
            Ok(if is_replaced { rows.num_rows() } else { 0 })
        };
        self.count(counts, superseded).await
    }

    async fn count_with_keys(
        &self,
        counts: &mut BTreeMap<VersionId, i64>,
        voids: &Voids,
        state: &State,
    ) -> anyhow::Result<()> {
        let wanted = self.keys(state, voids).await?;
        let positions = self.cleaning.positions_in(state, wanted.as_ref()).await?;
        let superseded = |version: &Version, rows: &RecordBatch| {
            if voids.is_void(&version.file, version.number) {
                return Ok(rows.num_rows());
            }
            let found = self.cleaning.positions(rows)?;
            Ok(found.iter().filter(|(key, at)| positions.is_newer(*key, *at)).count())
        };
        self.count(counts, superseded).await
    }

    /// Adds to `counts` the number of records that `superseded` returns for each batch of a dump.
    async fn count(
        &self,
        counts: &mut BTreeMap<VersionId, i64>,
        superseded: impl Fn(&Version, &RecordBatch) -> anyhow::Result<usize> + Send + Sync,
    ) -> anyhow::Result<()> {
        let mut visit = |version: &Version, rows: &RecordBatch| {
            let id = (version.file.clone(), version.number);
            *counts.entry(id).or_default() += i64::try_from(superseded(version, rows)?)?;
            anyhow::Ok(())
        };
        self.each(&mut visit).await
    }

    /// The keys of the records, if they are fewer than the rows of the table; otherwise the keys of all
    /// rows have to be compared anyway.
    async fn keys(&self, state: &State, voids: &Voids) -> anyhow::Result<Option<HashSet<Key>>> {
        let runs = self.parts.iter().flat_map(|part| part.runs.iter());
        let rows: usize = runs
            .filter(|run| self.of.contains(&(run.version.file.clone(), run.version.number)))
            .map(|run| run.rows.len())
            .sum();
        if rows >= state.rows() {
            return Ok(None);
        }
        let mut keys = HashSet::new();
        let mut visit = |version: &Version, rows: &RecordBatch| {
            if !voids.is_void(&version.file, version.number) {
                keys.extend(self.cleaning.positions(rows)?.into_iter().map(|(key, _)| key));
            }
            anyhow::Ok(())
        };
        self.each(&mut visit).await?;
        Ok(Some(keys))
    }

    async fn each(&self, visit: &mut Visit<'_>) -> anyhow::Result<()> {
        let is_wanted = |it: &Version| self.of.contains(&(it.file.clone(), it.number));
        let mut passes = KnownPasses::default();
        let dumps = (self.source, self.parts);
        for part in self.parts {
            let runs = wanted_runs(part, is_wanted);
            if runs.is_empty() {
                continue;
            }
            let mut stream =
                self.cleaning.read_bronze(self.source, &part.add, rows_of(&runs)).await?;
            let mut cursor = Cursor::new(runs);
            while let Some(batch) = stream.try_next().await? {
                let runs = cursor.next(batch.num_rows());
                let cleaned =
                    self.cleaning.clean_of_dumps(&batch, &runs, dumps, &mut passes).await?;
                let mut first = 0;
                for (run, rows) in runs {
                    let is_bad = &cleaned.is_rejected[first..first + rows];
                    let is_good: BooleanArray = is_bad.iter().map(|it| Some(!it)).collect();
                    let own = filter_record_batch(&cleaned.rows.slice(first, rows), &is_good)?;
                    visit(&run.version, &own)?;
                    first += rows;
                }
            }
        }
        Ok(())
    }
}

/// The position of a row among those of its key: the order of its dump, then its number.
type Position = (DumpOrder, i64);

/// The position of the row of each key. The orders of the few dumps are stored once and referenced by
/// number: a table of ten million keys takes half a gigabyte.
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
    /// The positions of the rows of the table, of all or of those with a wanted key.
    async fn positions_in(
        &self,
        state: &State,
        wanted: Option<&HashSet<Key>>,
    ) -> anyhow::Result<Positions> {
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(DumpOrders::COLUMNS);
        columns.push("_record");
        let mut positions = Positions::default();
        if wanted.is_some_and(HashSet::is_empty) {
            return Ok(positions);
        }
        for file in state.files() {
            let mut stream = self.table.read(&file, Some(&columns), self.lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                let mut rows = self.positions(&batch)?;
                rows.retain(|(key, _)| wanted.is_none_or(|wanted| wanted.contains(key)));
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
