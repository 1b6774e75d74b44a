//! Which records a newer one stands in for, counted apart from refinement, for the books.

use super::Refinery;
use super::clean::{Orders, dump_of};
use super::cleaning::{Cleaning, column};
use super::keys::{DumpOrder, Hasher, Key};
use crate::config::model::TableName;
use crate::lake::bronze;
use crate::lake::table::State;
use anyhow::Context as _;
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
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
        for file in source_state.files() {
            let mut stream = cleaning.read_bronze(&source, &file).await?;
            while let Some(batch) = stream.try_next().await? {
                let Some(dump) = dump_of(&batch)?.filter(|dump| of.contains(dump)) else { break };
                let rows = cleaning.clean(&batch)?.rows;
                *counts.entry(dump).or_default() += cleaning.superseded(&rows, &stands)?;
            }
        }
        Ok(counts)
    }
}

/// The place of a row among those of its key: its dump's order, then its number.
type Place = (DumpOrder, i64);

/// What a table holds: the place of each key's row, or the one dump all rows are of.
enum Stands {
    Keys(HashMap<Key, Place>),
    Dump(Option<DumpOrder>),
}

impl Cleaning<'_> {
    async fn stands(&self, state: &State) -> anyhow::Result<Stands> {
        if self.hasher.is_none() {
            return Ok(Stands::Dump(self.newest(state).await?));
        }
        let mut places = HashMap::new();
        for file in state.files() {
            let mut stream = self.table.read(&file, None, self.lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                for (key, place) in self.places(&batch)? {
                    places.insert(key, place);
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
                let is_older = |(key, place): &(Key, Place)| {
                    places.get(key).is_some_and(|standing| place < standing)
                };
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
