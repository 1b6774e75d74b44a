//! Which records a newer one stands in for, counted apart from refinement, for the books.

use super::Refinery;
use super::clean::{Dump, Orders, dump_of, dumps};
use super::cleaning::{Cleaned, Cleaning, column};
use super::keys::{DumpOrder, Hasher, Key};
use crate::config::model::TableName;
use crate::lake::bronze;
use crate::lake::table::{State, Table};
use crate::lake::typed::Passes;
use anyhow::Context as _;
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::{BTreeMap, HashMap};

impl Refinery {
    /// Counts, for each of the given dumps, the good records for which a newer record of the same
    /// key stands in the table. It reads bronze and silver anew and takes nothing from refinement's
    /// own counts, so that a lost record shows as missing.
    pub async fn superseded(
        &self,
        silver: &TableName,
        contract: &Contract,
        of: &[(String, i64)],
    ) -> anyhow::Result<BTreeMap<(String, i64), i64>> {
        let mut counts = BTreeMap::new();
        let step = self.steps.iter().find(|step| step.name() == silver);
        let step = step.with_context(|| format!("no model makes {silver}"))?;
        let table = self.lake.table(silver)?;
        let Some(state) = self.lake.state(silver).await? else { return Ok(counts) };
        let cleaning = Cleaning::new(self, step, contract, &table)?;
        let stands = cleaning.stands(&state).await?;
        let source_name = bronze::name(contract);
        let source = self.lake.table(&source_name)?;
        let Some(source_state) = self.lake.state(&source_name).await? else { return Ok(counts) };
        let mut ordered = Ordered::default();
        for file in source_state.files() {
            let mut stream = cleaning.read_bronze(&source, &file).await?;
            while let Some(batch) = stream.try_next().await? {
                let Some(dump) = dump_of(&batch)?.filter(|dump| of.contains(dump)) else { break };
                let cleaned = match cleaning.clean(&batch)? {
                    cleaned if cleaned.needs_passes => {
                        let files = source_state.files();
                        ordered.clean(&cleaning, &batch, &source, files, &dump).await?
                    }
                    cleaned => cleaned,
                };
                let rows = cleaned.good()?;
                *counts.entry(dump).or_default() += cleaning.superseded(&rows, &stands)?;
            }
        }
        Ok(counts)
    }
}

/// The passes of the dumps that have times a clock shows twice.
#[derive(Default)]
struct Ordered {
    dumps: Option<Vec<Dump>>,
    passes: BTreeMap<(String, i64), Option<Passes>>,
}

impl Ordered {
    async fn clean(
        &mut self,
        cleaning: &Cleaning<'_>,
        batch: &RecordBatch,
        source: &Table,
        files: Vec<Add>,
        dump: &(String, i64),
    ) -> anyhow::Result<Cleaned> {
        let dumps = match self.dumps.take() {
            Some(dumps) => dumps,
            None => dumps(source, files).await?,
        };
        let dumps = self.dumps.insert(dumps);
        let own = dumps.iter().find(|it| (&it.file, it.number) == (&dump.0, dump.1));
        let parts = own.map(|it| it.parts.as_slice()).unwrap_or_default();
        let passes = self.passes.entry(dump.clone()).or_default();
        cleaning.clean_of_dump(batch, source, parts, passes).await
    }
}

/// The place of a row among those of its key: its dump's order, then its number.
type Place = (DumpOrder, i64);

/// What a table holds: the place of each key's row, or the one dump all rows are of.
enum Stands {
    Keys(Places),
    Dump(Option<DumpOrder>),
}

/// The place of each key's row. Of the few dumps each is held once, and of each row what must be: a
/// table of ten million keys takes half a gigabyte.
#[derive(Default)]
struct Places {
    orders: Vec<DumpOrder>,
    by_key: HashMap<Key, (u32, u32), foldhash::fast::FixedState>,
}

impl Places {
    fn insert(&mut self, key: Key, (order, number): Place) -> anyhow::Result<()> {
        // Rows of a dump lie side by side, so that its order is mostly the last one.
        let at = self.orders.iter().rposition(|known| *known == order).unwrap_or_else(|| {
            self.orders.push(order);
            self.orders.len() - 1
        });
        self.by_key.insert(key, (u32::try_from(at)?, u32::try_from(number)?));
        Ok(())
    }

    fn is_newer(&self, key: Key, than: Place) -> bool {
        let place = |(at, number): &(u32, u32)| Some((*self.orders.get(*at as usize)?, *number));
        let standing = self.by_key.get(&key).and_then(place);
        standing.is_some_and(|(order, number)| than < (order, i64::from(number)))
    }
}

impl Cleaning<'_> {
    async fn stands(&self, state: &State) -> anyhow::Result<Stands> {
        if self.hasher.is_none() {
            return Ok(Stands::Dump(self.newest(state).await?));
        }
        let mut places = Places::default();
        for file in state.files() {
            let mut stream = self.table.read(&file, None, self.lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                for (key, place) in self.places(&batch)? {
                    places.insert(key, place)?;
                }
            }
        }
        Ok(Stands::Keys(places))
    }

    fn places(&self, rows: &RecordBatch) -> anyhow::Result<Vec<(Key, Place)>> {
        let keys = Hasher::new(rows.schema_ref(), &self.model.key)?.keys(rows)?;
        let orders = Orders::of(rows)?;
        let numbers = column(rows, "_record")?.as_primitive::<Int64Type>();
        let place = |at: usize| (orders.order(at), numbers.value(at));
        Ok(keys.into_iter().enumerate().filter_map(|(at, key)| Some((key?, place(at)))).collect())
    }

    fn superseded(&self, rows: &RecordBatch, stands: &Stands) -> anyhow::Result<i64> {
        let count = match stands {
            Stands::Keys(places) => {
                let is_older = |(key, place): &(Key, Place)| places.is_newer(*key, *place);
                self.places(rows)?.iter().filter(|it| is_older(it)).count()
            }
            Stands::Dump(newest) => {
                let orders = Orders::of(rows)?;
                (0..rows.num_rows()).filter(|row| Some(orders.order(*row)) < *newest).count()
            }
        };
        Ok(i64::try_from(count)?)
    }
}
