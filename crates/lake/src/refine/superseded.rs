//! Which records a newer one stands in for, counted apart from refinement, for the books.

use super::Refinery;
use super::clean::{Cursor, removes, rows_of, wanted_runs};
use super::cleaning::Cleaning;
use super::keys::{DumpOrder, Hasher, Key, Orders};
use super::passes::KnownPasses;
use super::versions::{VersionId, Voids, newest_first};
use super::whole::Pictures;
use crate::bronze;
use crate::landed::{Part, Version};
use crate::table::{State, Table};
use anyhow::Context as _;
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use batches::columns::column;
use config::model::TableName;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Good records of one dump, handed to whoever counts them.
type Take<'t> = dyn FnMut(&Version, &RecordBatch) -> anyhow::Result<()> + Send + 't;

impl Refinery {
    /// Counts, for each of the dumps `of`, the records for which a newer one stands in the table or
    /// whose file was replaced. It reads bronze and silver again and takes nothing from refinement's
    /// own counts, so that a lost record shows as missing. `idle`: dumps without a good record.
    pub async fn superseded(
        &self,
        silver: &TableName,
        contract: &Contract,
        of: &HashSet<VersionId>,
        idle: &HashSet<VersionId>,
    ) -> anyhow::Result<BTreeMap<VersionId, i64>> {
        let step = self.steps.iter().find(|step| step.name() == silver);
        let step = step.with_context(|| format!("no model makes {silver}"))?;
        let table = self.lake.table(silver)?;
        let Some(state) = self.lake.state(silver).await? else { return Ok(BTreeMap::new()) };
        let cleaning = Cleaning::new(self, step, contract, &table)?;
        let source_name = bronze::name(contract);
        let source = self.lake.table(&source_name)?;
        let Some(source_state) = self.lake.state(&source_name).await? else {
            return Ok(BTreeMap::new());
        };
        let parts = self.lake.all_landed(&source, source_state.files()).await?;
        let versions = newest_first(&parts);
        let removes = |version: &Version| removes(contract, version);
        let voids = Voids::of(versions.iter().map(AsRef::as_ref), removes, idle);
        let mut counts = continued(&parts, &voids, of);
        let others: HashSet<VersionId> =
            of.iter().filter(|it| !voids.is_continued(&it.0, it.1)).cloned().collect();
        let reader = Reader { cleaning: &cleaning, source: &source, parts: &parts, of: &others };
        if cleaning.hasher.is_none() {
            let held = cleaning.held(&state).await?;
            let pictures = Pictures::of(contract, &versions);
            reader
                .count(&mut counts, |version, rows| {
                    let id = (version.file.clone(), version.number);
                    let is_replaced = pictures.is_replaced(&id, &held);
                    Ok(if is_replaced { rows.num_rows() } else { 0 })
                })
                .await?;
            return Ok(counts);
        }
        let wanted = reader.keys(&state, &voids).await?;
        let places = cleaning.places_of(&state, wanted.as_ref()).await?;
        reader
            .count(&mut counts, |version, rows| {
                if voids.is_void(&version.file, version.number) {
                    return Ok(rows.num_rows());
                }
                let found = cleaning.places(rows)?;
                Ok(found.iter().filter(|(key, place)| places.is_newer(*key, *place)).count())
            })
            .await?;
        Ok(counts)
    }
}

/// All records of dumps that others continue.
fn continued(parts: &[Part], voids: &Voids, of: &HashSet<VersionId>) -> BTreeMap<VersionId, i64> {
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
    parts: &'r [Part],
    of: &'r HashSet<VersionId>,
}

impl Reader<'_, '_> {
    /// Adds to `counts` how many of the records `superseded` names in each batch of a dump.
    async fn count(
        &self,
        counts: &mut BTreeMap<VersionId, i64>,
        superseded: impl Fn(&Version, &RecordBatch) -> anyhow::Result<usize> + Send + Sync,
    ) -> anyhow::Result<()> {
        let mut take = |version: &Version, rows: &RecordBatch| {
            let id = (version.file.clone(), version.number);
            *counts.entry(id).or_default() += i64::try_from(superseded(version, rows)?)?;
            anyhow::Ok(())
        };
        self.each(&mut take).await
    }

    /// The keys of the records, if they are fewer than the rows of the table; else all of the table's
    /// keys are to be compared anyway.
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
        let mut take = |version: &Version, rows: &RecordBatch| {
            if !voids.is_void(&version.file, version.number) {
                keys.extend(self.cleaning.places(rows)?.into_iter().map(|(key, _)| key));
            }
            anyhow::Ok(())
        };
        self.each(&mut take).await?;
        Ok(Some(keys))
    }

    async fn each(&self, take: &mut Take<'_>) -> anyhow::Result<()> {
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
                    take(&run.version, &own)?;
                    first += rows;
                }
            }
        }
        Ok(())
    }
}

/// The place of a row among those of its key: its dump's order, then its number.
type Place = (DumpOrder, i64);

/// The place of each key's row. Of the few dumps each is held once, and of each row what must be: a
/// table of ten million keys takes half a gigabyte.
#[derive(Default)]
struct Places {
    orders: Vec<DumpOrder>,
    known: HashMap<DumpOrder, u32>,
    by_key: HashMap<Key, (u32, u32), foldhash::fast::FixedState>,
}

impl Places {
    fn insert(&mut self, key: Key, (order, number): Place) -> anyhow::Result<()> {
        // Rows of a dump lie side by side, so that its order is mostly the last one.
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

    fn is_newer(&self, key: Key, than: Place) -> bool {
        let place = |(at, number): &(u32, u32)| Some((*self.orders.get(*at as usize)?, *number));
        let standing = self.by_key.get(&key).and_then(place);
        standing.is_some_and(|(order, number)| than < (order, i64::from(number)))
    }
}

impl Cleaning<'_> {
    /// The places of the table's rows, of all or of those with a wanted key.
    async fn places_of(
        &self,
        state: &State,
        wanted: Option<&HashSet<Key>>,
    ) -> anyhow::Result<Places> {
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(Orders::COLUMNS);
        columns.push("_record");
        let mut places = Places::default();
        if wanted.is_some_and(HashSet::is_empty) {
            return Ok(places);
        }
        for file in state.files() {
            let mut stream = self.table.read(&file, Some(&columns), self.lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                let mut rows = self.places(&batch)?;
                rows.retain(|(key, _)| wanted.is_none_or(|wanted| wanted.contains(key)));
                for (key, place) in rows {
                    places.insert(key, place)?;
                }
            }
        }
        Ok(places)
    }

    fn places(&self, rows: &RecordBatch) -> anyhow::Result<Vec<(Key, Place)>> {
        let keys = Hasher::new(rows.schema_ref(), &self.model.key)?.keys(rows)?;
        let orders = Orders::of(rows)?;
        let numbers = column(rows, "_record")?.as_primitive::<Int64Type>();
        let place = |at: usize| (orders.order(at), numbers.value(at));
        Ok(keys.into_iter().enumerate().filter_map(|(at, key)| Some((key?, place(at)))).collect())
    }
}
