//! Cleaning dumps: the records of one bronze table, typed, checked, and one per key.

use super::cleaning::{Cleaning, column, fingerprint, stored};
use super::keys::{DumpOrder, Hasher, Standing, Written};
use super::rejected::Rejects;
use super::{Extent, Outcome, Refinery, Repairs};
use crate::lake::bronze;
use crate::lake::models::Step;
use crate::lake::read::Batches;
use crate::lake::table::{Change, Definition, State, Table};
use crate::lake::write::DataWriter;
use anyhow::Context as _;
use arrow::array::{Array as _, AsArray as _, BooleanArray, BooleanBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::{BTreeMap, HashSet};

/// Brings one cleaned table up to its bronze table.
pub async fn run(
    refinery: &Refinery,
    step: &Step,
    contract: &Contract,
    extent: Extent,
) -> anyhow::Result<Outcome> {
    let untouched = Outcome::untouched(step.name());
    let lake = refinery.lake.as_ref();
    let source_name = bronze::name(contract);
    let Some(source_state) = lake.state(&source_name).await? else { return Ok(untouched) };
    let source = lake.table(&source_name)?;
    let table = lake.table(step.name())?;
    let state = lake.state(step.name()).await?;
    let fingerprint = fingerprint(step, contract, refinery);
    let upstream = source_name.to_string();
    let to = i64::try_from(source_state.version())?;
    let since = match &state {
        Some(state)
            if extent == Extent::Changes && state.fingerprint() == Some(fingerprint.as_str()) =>
        {
            table.checkpoint(state, &upstream).await?
        }
        _ => None,
    };
    if since == Some(to) {
        return Ok(untouched);
    }
    let new = match since {
        Some(since) => source.difference(since, &source_state).await?.map(|it| it.added),
        None => None,
    };
    let is_everything = new.is_none();
    let dumps = dumps(&source, new.unwrap_or_else(|| source_state.files())).await?;
    let base = state.as_ref().filter(|_| !is_everything);
    let cleaning = Cleaning::new(refinery, step, contract, &table)?;
    let (mut change, rejects, repairs) = cleaning.change(&source, dumps, base).await?;
    rejects.settle(is_everything).await?;
    let is_changed = is_everything || !change.adds.is_empty() || !change.removes.is_empty();
    if is_everything {
        change.removes = state.as_ref().map(State::files).unwrap_or_default();
        let schema = stored(&step.schema, contract);
        let description = step.model.description.clone();
        change.definition = Some(Definition { schema, description, fingerprint, partition: None });
    }
    change.checkpoints = BTreeMap::from([(upstream, to)]);
    let after = table.commit(state.as_ref(), change, lake.now_ms()).await?;
    lake.remember(step.name(), after).await;
    Ok(Outcome { is_changed, repairs, ..untouched })
}

/// One dump in bronze: its place in the order of dumps and its data files.
pub(super) struct Dump {
    pub(super) file: String,
    pub(super) number: i64,
    order: DumpOrder,
    pub(super) parts: Vec<Add>,
}

/// The dumps the given bronze files are of, newest first.
pub(super) async fn dumps(source: &Table, files: Vec<Add>) -> anyhow::Result<Vec<Dump>> {
    let columns = ["_file", "_dump", "_dumped_at", "_modified_at", "_ingested_at"];
    let mut dumps: BTreeMap<(DumpOrder, String, i64), Vec<Add>> = BTreeMap::new();
    for part in files {
        let first = source.read(&part, Some(&columns), 1).await?.try_next().await?;
        let first = first.with_context(|| format!("{} holds no rows", part.path))?;
        let (file, number) = dump_of(&first)?.context("a data file holds no rows")?;
        dumps.entry((Orders::of(&first)?.order(0), file, number)).or_default().push(part);
    }
    let dump = |((order, file, number), mut parts): ((DumpOrder, String, i64), Vec<Add>)| {
        parts.sort_by(|left, right| left.path.cmp(&right.path));
        Dump { file, number, order, parts }
    };
    Ok(dumps.into_iter().rev().map(dump).collect())
}

pub(super) fn dump_of(batch: &RecordBatch) -> anyhow::Result<Option<(String, i64)>> {
    if batch.num_rows() == 0 {
        return Ok(None);
    }
    let file = column(batch, "_file")?.as_string::<i32>().value(0).to_owned();
    Ok(Some((file, column(batch, "_dump")?.as_primitive::<Int64Type>().value(0))))
}

/// The columns by which dumps are ordered.
pub(super) struct Orders<'a> {
    dumped: &'a arrow::array::TimestampMicrosecondArray,
    modified: &'a arrow::array::TimestampMicrosecondArray,
    ingested: &'a arrow::array::TimestampMicrosecondArray,
}

impl<'a> Orders<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> anyhow::Result<Self> {
        Ok(Self {
            dumped: column(batch, "_dumped_at")?.as_primitive::<TimestampMicrosecondType>(),
            modified: column(batch, "_modified_at")?.as_primitive::<TimestampMicrosecondType>(),
            ingested: column(batch, "_ingested_at")?.as_primitive::<TimestampMicrosecondType>(),
        })
    }

    pub(super) fn order(&self, row: usize) -> DumpOrder {
        let dumped = (!self.dumped.is_null(row)).then(|| self.dumped.value(row));
        (dumped, self.modified.value(row), self.ingested.value(row))
    }
}

impl<'a> Cleaning<'a> {
    pub(super) async fn read_bronze(&self, source: &Table, part: &Add) -> anyhow::Result<Batches> {
        let columns: Vec<&str> = self.read.iter().map(String::as_str).collect();
        source.read(part, Some(&columns), self.lake.batch_rows()).await
    }

    fn writer(&self) -> DataWriter {
        let lake = self.lake;
        self.table.writer(self.stored.clone(), lake.sizes(), lake.names(), lake.now_ms())
    }

    /// What the dumps (newest first) change in the table as it stands at `base`.
    async fn change(
        &self,
        source: &Table,
        dumps: Vec<Dump>,
        base: Option<&State>,
    ) -> anyhow::Result<(Change, Rejects<'a>, Repairs)> {
        let mut rejects = Rejects::new(self.lake, &self.model.table);
        let mut repairs = Repairs::default();
        let mut standing = Standing::default();
        let mut whole: Option<u32> = None;
        let mut writer = self.writer();
        let newest = match (&self.hasher, base) {
            (None, Some(base)) => self.newest(base).await?,
            _ => None,
        };
        for (rank, dump) in (0_u32..).zip(&dumps) {
            rejects.dump(&dump.file, dump.number);
            // Without keys only the newest dump with a good record stands, as if they had come one
            // by one; the others are read for their rejects.
            let is_newest = newest < Some(dump.order) && whole.is_none_or(|it| it == rank);
            let stands = self.hasher.is_some() || is_newest;
            let mut passes = None;
            for part in &dump.parts {
                let mut stream = self.read_bronze(source, part).await?;
                while let Some(batch) = stream.try_next().await? {
                    let cleaned =
                        self.clean_of_dump(&batch, source, &dump.parts, &mut passes).await?;
                    let good = cleaned.good()?;
                    repairs.add_ambiguous(&cleaned.ambiguous);
                    rejects.push(&batch, &cleaned.reasons)?;
                    repairs.add(batch.num_rows(), cleaned.repaired);
                    let rows = self.standing(good, rank, &mut standing, &writer, stands)?;
                    whole = Some(rank).filter(|_| rows.num_rows() > 0).or(whole);
                    writer.write(&rows).await?;
                }
            }
        }
        let written = writer.finish().await?;
        let change = match &self.hasher {
            Some(_) => self.merge(standing, written, &dumps, base).await?,
            None => {
                let gone = base.filter(|_| !written.is_empty()).map(State::files);
                Change { adds: written, removes: gone.unwrap_or_default(), ..Change::default() }
            }
        };
        Ok((change, rejects, repairs))
    }

    /// The rows that stand against the newer ones met so far.
    fn standing(
        &self,
        rows: RecordBatch,
        rank: u32,
        standing: &mut Standing,
        writer: &DataWriter,
        stands: bool,
    ) -> anyhow::Result<RecordBatch> {
        let Some(hasher) = &self.hasher else {
            return Ok(if stands { rows } else { rows.slice(0, 0) });
        };
        let (file, mut row) = writer.position();
        let file = u32::try_from(file)?;
        let mut keep = BooleanBuilder::with_capacity(rows.num_rows());
        for key in hasher.keys(&rows)?.into_iter().flatten() {
            let at = Written { file, row: u32::try_from(row)? };
            let stands = standing.meet(key, rank, at);
            row += usize::from(stands);
            keep.append_value(stands);
        }
        Ok(filter_record_batch(&rows, &keep.finish())?)
    }

    /// Sets the new records against those of the table, and rewrites the files in which a row gives
    /// way.
    async fn merge(
        &self,
        mut standing: Standing,
        written: Vec<Add>,
        dumps: &[Dump],
        base: Option<&State>,
    ) -> anyhow::Result<Change> {
        let mut touched: Vec<(Add, Vec<u32>)> = Vec::new();
        for file in base.map(State::files).unwrap_or_default() {
            let gone = self.giving_way(&mut standing, &file, dumps).await?;
            if !gone.is_empty() {
                touched.push((file, gone));
            }
        }
        let mut withdrawn = standing.into_withdrawn();
        let mut change = Change::default();
        let mut discarded = Vec::new();
        let mut writer = self.writer();
        for (number, file) in (0_u32..).zip(written) {
            match withdrawn.remove(&number) {
                None => change.adds.push(file),
                Some(gone) => {
                    self.rewrite(&file, &gone, &mut writer).await?;
                    discarded.push(file);
                }
            }
        }
        for (file, gone) in touched {
            self.rewrite(&file, &gone, &mut writer).await?;
            change.removes.push(file);
        }
        change.adds.extend(writer.finish().await?);
        self.table.discard(&discarded).await?;
        Ok(change)
    }

    /// Rows of a file of the table that give way to a newer record; where the table's is newer, the
    /// new record is withdrawn.
    async fn giving_way(
        &self,
        standing: &mut Standing,
        file: &Add,
        dumps: &[Dump],
    ) -> anyhow::Result<Vec<u32>> {
        let mut gone = Vec::new();
        if standing.is_empty() {
            return Ok(gone);
        }
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(["_dumped_at", "_modified_at", "_ingested_at"]);
        let mut first = 0;
        let mut stream = self.table.read(file, Some(&columns), self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let orders = Orders::of(&batch)?;
            let keys = Hasher::new(batch.schema_ref(), &self.model.key)?.keys(&batch)?;
            for (at, key) in keys.into_iter().enumerate() {
                let Some(key) = key else { continue };
                let Some(rank) = standing.rank(key) else { continue };
                if orders.order(at) > dumps[rank as usize].order {
                    standing.withdraw(key);
                } else {
                    gone.push(u32::try_from(first + at)?);
                }
            }
            first += batch.num_rows();
        }
        Ok(gone)
    }

    /// Copies the rows of a file that do not give way.
    async fn rewrite(
        &self,
        file: &Add,
        gone: &[u32],
        writer: &mut DataWriter,
    ) -> anyhow::Result<()> {
        let gone: HashSet<u32> = gone.iter().copied().collect();
        let mut row = 0_u32;
        let mut stream = self.table.read(file, None, self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let until = row + u32::try_from(batch.num_rows())?;
            let keep: BooleanArray = (row..until).map(|row| Some(!gone.contains(&row))).collect();
            writer.write(&filter_record_batch(&batch, &keep)?).await?;
            row = until;
        }
        Ok(())
    }

    /// The order of the dump the table holds, if it holds any row.
    pub(super) async fn newest(&self, base: &State) -> anyhow::Result<Option<DumpOrder>> {
        let columns = ["_dumped_at", "_modified_at", "_ingested_at"];
        for file in base.files() {
            let first = self.table.read(&file, Some(&columns), 1).await?.try_next().await?;
            if let Some(first) = first {
                return Ok(Some(Orders::of(&first)?.order(0)));
            }
        }
        Ok(None)
    }
}
