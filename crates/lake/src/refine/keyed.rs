//! Cleaning records with keys: the record of the newest dump counts for each key, and within a dump the
//! last one.

use crate::bronze::dump_order::{DumpOrder, DumpOrders};
use crate::bronze::landed::{DataFileRuns, Run, Version};
use crate::columns::{long, text};
use crate::delta::table::{Change, State};
use crate::delta::write::DataWriter;
use crate::refine::Repairs;
use crate::refine::bits::Bits;
use crate::refine::cleaning::Cleaning;
use crate::refine::dump_reader::{Bronze, CleanedDumps, Cursor, ids, runs_within, wanted_runs};
use crate::refine::keys::latest::{
    Compared, Comparison, Latest, LatestByKey, OldRow, Rank, Seen, Written,
};
use crate::refine::keys::{Hasher, Key};
use crate::refine::passes::KnownPasses;
use crate::refine::versions::{VersionId, Voids, newest_first};
use crate::rejected::Rejects;
use crate::timing;
use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use batches::Cleaned;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tracing::Instrument as _;

/// The dumps that are read, and which of them count.
struct Dumps {
    /// Newest first.
    versions: Vec<Arc<Version>>,
    /// The position of each in `versions`.
    ranks: HashMap<VersionId, u32>,
    voids: Voids,
}

impl Dumps {
    fn new(
        bronze: &Bronze<'_>,
        parts: &[DataFileRuns],
        idle: &HashSet<VersionId>,
    ) -> anyhow::Result<Self> {
        let versions = newest_first(parts);
        let mut ranks = HashMap::with_capacity(versions.len());
        for (at, version) in versions.iter().enumerate() {
            ranks.insert((version.file.clone(), version.number), u32::try_from(at)?);
        }
        let removes = |version: &Version| bronze.removes(version);
        let voids = Voids::new(versions.iter().map(AsRef::as_ref), removes, idle);
        Ok(Self { versions, ranks, voids })
    }

    /// The rank of a dump whose records count.
    fn rank(&self, version: &Version) -> Option<u32> {
        let id = (version.file.clone(), version.number);
        self.ranks.get(&id).copied().filter(|_| !self.voids.is_void(&id.0, id.1))
    }

    /// How many of the dumps are not older than one of this order; these have the lowest ranks.
    fn newer_than(&self, order: DumpOrder) -> anyhow::Result<u32> {
        Ok(u32::try_from(self.versions.partition_point(|version| version.order >= order))?)
    }
}

/// The result of reading some dumps.
struct Read<'a> {
    rejects: Rejects<'a>,
    repairs: Repairs,
    latest: LatestByKey,
    writer: DataWriter,
    /// Of records whose key may be that of an earlier one on disk; copied at the end.
    uncertain: DataWriter,
    /// Good records by the rank of their dump.
    good: Vec<usize>,
    passes: KnownPasses,
}

impl<'a> Cleaning<'a> {
    /// What the dumps of `parts` change in the table at `base`. `None` if these dumps do not determine it:
    /// a record was removed, and one of the same key in an older dump, which it had superseded, may count
    /// again.
    pub async fn newest_records(
        &self,
        bronze: &Bronze<'_>,
        mut parts: Vec<DataFileRuns>,
        base: Option<&State>,
    ) -> anyhow::Result<Option<CleanedDumps<'a>>> {
        // Newest first, and the last records of a dump first, so that few rows are written and withdrawn
        // later. The names of the data files of a dump sort like its records.
        parts.sort_by_cached_key(|part| {
            let newest = part.runs.iter().map(|run| run.version.order).max();
            std::cmp::Reverse((newest, part.add.path.clone()))
        });
        let mut idle = HashSet::new();
        let (dumps, read) = loop {
            let dumps = Dumps::new(bronze, &parts, &idle)?;
            let read = self.read_dumps(bronze, &parts, &dumps).await?;
            let found = without_good_record(&dumps, &read, bronze, &idle);
            if found.is_empty() {
                break (dumps, read);
            }
            // A version without a good record removes nothing, so more of the older ones count.
            idle.extend(found);
            self.table.discard(&read.writer.finish().await?).await?;
            self.table.discard(&read.uncertain.finish().await?).await?;
            read.rejects.discard().await?;
        };
        let Read { rejects, repairs, latest, writer, uncertain, .. } = read;
        let writing = timing::part("silver write");
        let written = [
            writer.finish().instrument(writing.clone()).await?,
            uncertain.finish().instrument(writing).await?,
        ];
        let old_files = base.map(State::files).unwrap_or_default();
        let comparing = self.compare(latest.finish()?, &dumps, &old_files);
        let compared = comparing.instrument(timing::part("keys")).await?;
        let Some(compared) = compared else {
            self.table.discard(&written.concat()).await?;
            rejects.discard().await?;
            return Ok(None);
        };
        let merging = self.merge(compared, written, old_files);
        let change = merging.instrument(timing::part("silver rewrite")).await?;
        Ok(Some(CleanedDumps { change, rejects, repairs, is_everything: base.is_none() }))
    }

    async fn read_dumps(
        &self,
        bronze: &Bronze<'_>,
        parts: &[DataFileRuns],
        dumps: &Dumps,
    ) -> anyhow::Result<Read<'a>> {
        let mut read = Read {
            rejects: Rejects::new(self.lake, &self.model.table)?,
            repairs: Repairs::default(),
            latest: LatestByKey::new(self.lake.limits().refine.held_keys),
            writer: self.writer(),
            uncertain: self.writer(),
            good: vec![0; dumps.versions.len()],
            passes: KnownPasses::default(),
        };
        for version in &dumps.versions {
            read.rejects.add_dump(&version.file, version.number);
        }
        for (file, number) in dumps.voids.continued() {
            read.rejects.add_dump(file, number);
        }
        for part in parts {
            let is_whole = |it: &Version| !dumps.voids.is_continued(&it.file, it.number);
            let runs = wanted_runs(part, is_whole);
            if !runs.is_empty() {
                self.read_part(bronze, (part, parts), &runs, dumps, &mut read).await?;
            }
        }
        Ok(read)
    }

    /// Reads some runs of a data file, the last row group first: the newest record of a key then comes before
    /// those that it supersedes, so these are not written at all, and no file is rewritten without them.
    async fn read_part(
        &self,
        bronze: &Bronze<'_>,
        (part, parts): (&DataFileRuns, &[DataFileRuns]),
        runs: &[&Run],
        dumps: &Dumps,
        read: &mut Read<'a>,
    ) -> anyhow::Result<()> {
        let columns: Vec<&str> = self.read.iter().map(String::as_str).collect();
        let file = bronze.source.open_groups(&part.add).await?;
        for (group, range) in file.groups()?.into_iter().enumerate().rev() {
            let own = runs_within(runs, &range);
            if own.is_empty() {
                continue;
            }
            let rows =
                own.iter().map(|run| run.rows.start - range.start..run.rows.end - range.start);
            let mut stream =
                file.read_group(group, &columns, rows.collect(), self.lake.batch_rows())?;
            let mut cursor = Cursor::new(own.iter().collect());
            let mut waiting = Vec::new();
            while let Some(batch) =
                stream.try_next().instrument(timing::part("bronze read")).await?
            {
                let runs = cursor.next(batch.num_rows());
                let source = (bronze.source, parts);
                let cleaned = self.clean_of_dumps(&batch, &runs, source, &mut read.passes);
                let cleaned = cleaned.instrument(timing::part("typing")).await?;
                read.rejects.push(&batch, &cleaned.rejections).await?;
                waiting.push((cleaned, ranks(&runs, dumps)));
            }
            while let Some((cleaned, ranks)) = waiting.pop() {
                self.add(cleaned, &ranks, read).await?;
            }
        }
        Ok(())
    }

    /// Adds a batch of cleaned records, whose dumps have these ranks.
    async fn add(
        &self,
        cleaned: Cleaned,
        ranks: &[Option<u32>],
        read: &mut Read<'a>,
    ) -> anyhow::Result<()> {
        let [certain, uncertain] =
            timing::part("keys").in_scope(|| self.newest_rows(&cleaned, ranks, read))?;
        read.repairs.add_ambiguous(&cleaned.ambiguous);
        read.repairs.add(cleaned.is_rejected.len(), cleaned.repaired);
        let writing = timing::part("silver write");
        read.writer.write(&certain).instrument(writing.clone()).await?;
        read.uncertain.write(&uncertain).instrument(writing).await?;
        read.latest.spill_if_full()
    }

    /// The rows that are the newest of their keys so far: those that certainly are, and those that may be.
    fn newest_rows(
        &self,
        cleaned: &Cleaned,
        ranks: &[Option<u32>],
        read: &mut Read<'a>,
    ) -> anyhow::Result<[RecordBatch; 2]> {
        let nothing = cleaned.rows.slice(0, 0);
        let Some(hasher) = &self.hasher else { return Ok([nothing.clone(), nothing]) };
        let keys = hasher.keys(&cleaned.rows)?;
        let records = long(&cleaned.rows, "_record")?;
        let mut ranked: Vec<Option<(Key, Rank)>> = Vec::with_capacity(keys.len());
        for (at, key) in keys.into_iter().enumerate() {
            let (Some(key), Some(dump), false) = (key, ranks[at], cleaned.is_rejected[at]) else {
                ranked.push(None);
                continue;
            };
            read.good[dump as usize] += 1;
            ranked.push(Some((key, Rank { dump, record: u32::try_from(records.value(at))? })));
        }
        keep_newest(&mut ranked);
        let mut certain = Selected::after(&read.writer, 0)?;
        let mut uncertain = Selected::after(&read.uncertain, UNCERTAIN)?;
        for (at, ranked) in ranked.into_iter().enumerate() {
            let Some((key, rank)) = ranked else { continue };
            let selected = match read.latest.look_up(key, rank) {
                Seen::Older => continue,
                Seen::Newest => &mut certain,
                Seen::Uncertain => &mut uncertain,
            };
            read.latest.insert(key, rank, selected.add(u32::try_from(at)?));
        }
        Ok([certain.of(&cleaned.rows)?, uncertain.of(&cleaned.rows)?])
    }

    /// Compares the newest records with the rows of the table. `None` if a row that is removed may have
    /// superseded one that now counts.
    async fn compare(
        &self,
        latest: Latest,
        dumps: &Dumps,
        old_files: &[Add],
    ) -> anyhow::Result<Option<Compared>> {
        let is_needed = !latest.is_empty() || !dumps.voids.is_empty();
        let mut comparison = latest.compare()?;
        for (number, file) in (0_u32..).zip(old_files).take_while(|_| is_needed) {
            self.compare_file(&mut comparison, dumps, (number, file)).await?;
            if !comparison.is_determined() {
                return Ok(None);
            }
        }
        comparison.finish()
    }

    async fn compare_file(
        &self,
        comparison: &mut Comparison,
        dumps: &Dumps,
        (number, file): (u32, &Add),
    ) -> anyhow::Result<()> {
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(DumpOrders::COLUMNS);
        columns.extend(["_file", "_dump"]);
        let mut row = 0_u32;
        let mut stream = self.table.read(file, Some(&columns), self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let orders = DumpOrders::new(&batch)?;
            let keys = Hasher::new(batch.schema_ref(), &self.model.key)?.keys(&batch)?;
            let is_void = void_rows(&batch, &dumps.voids)?;
            for (at, key) in keys.into_iter().enumerate() {
                if let Some(key) = key {
                    let newer_dumps = dumps.newer_than(orders.order(at))?;
                    let at = (Written { file: number, row }, is_void(at));
                    comparison.add(key, OldRow { at: at.0, newer_dumps, is_void: at.1 })?;
                }
                row += 1;
            }
        }
        Ok(())
    }

    /// Combines the written files with the remaining rows of the files that lose rows.
    async fn merge(
        &self,
        compared: Compared,
        [certain, uncertain]: [Vec<Add>; 2],
        old_files: Vec<Add>,
    ) -> anyhow::Result<Change> {
        let Compared { withdrawn, superseded } = compared;
        let mut change = Change::default();
        let mut discarded = Vec::new();
        let mut writer = self.writer();
        for (number, file) in (0_u32..).zip(certain) {
            match withdrawn.get(&number) {
                None => change.adds.push(file),
                Some(rows) => {
                    self.rewrite(&file, rows, &mut writer).await?;
                    discarded.push(file);
                }
            }
        }
        for (number, file) in (UNCERTAIN..).zip(uncertain) {
            let rows = withdrawn.get(&number).cloned().unwrap_or_default();
            self.rewrite(&file, &rows, &mut writer).await?;
            discarded.push(file);
        }
        for (number, file) in (0_u32..).zip(old_files) {
            if let Some(rows) = superseded.get(&number) {
                self.rewrite(&file, rows, &mut writer).await?;
                change.removes.push(file);
            }
        }
        change.adds.extend(writer.finish().await?);
        self.table.discard(&discarded).await?;
        Ok(change)
    }

    /// Copies a file without some of its rows.
    async fn rewrite(
        &self,
        file: &Add,
        without: &Bits,
        writer: &mut DataWriter,
    ) -> anyhow::Result<()> {
        let mut row = 0_u32;
        let mut stream = self.table.read(file, None, self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let until = row + u32::try_from(batch.num_rows())?;
            let keep: BooleanArray = (row..until).map(|row| Some(!without.contains(row))).collect();
            writer.write(&filter_record_batch(&batch, &keep)?).await?;
            row = until;
        }
        Ok(())
    }
}

/// The number of the first file of uncertain records; the numbers of the others are below.
const UNCERTAIN: u32 = 1 << 31;

/// The rows of a batch that are written to one writer.
struct Selected {
    rows: Vec<u32>,
    next: Written,
}

impl Selected {
    /// Nothing, to be written after what `writer` has written. `first`: the number of its first file.
    fn after(writer: &DataWriter, first: u32) -> anyhow::Result<Self> {
        let (file, row) = writer.position();
        let next = Written { file: first + u32::try_from(file)?, row: u32::try_from(row)? };
        Ok(Self { rows: Vec::new(), next })
    }

    /// Adds a row of the batch; returns where it is written.
    fn add(&mut self, row: u32) -> Written {
        let at = self.next;
        self.next.row += 1;
        self.rows.push(row);
        at
    }

    /// The selected rows.
    fn of(self, batch: &RecordBatch) -> anyhow::Result<RecordBatch> {
        if self.rows.len() == batch.num_rows() {
            return Ok(batch.clone());
        }
        if self.rows.is_empty() {
            return Ok(batch.slice(0, 0));
        }
        Ok(take_record_batch(batch, &UInt32Array::from(self.rows))?)
    }
}

/// The ranks of the dumps of consecutive rows.
fn ranks(runs: &[(&Run, usize)], dumps: &Dumps) -> Vec<Option<u32>> {
    let mut ranks = Vec::with_capacity(runs.iter().map(|(_, rows)| rows).sum());
    for (run, rows) in runs {
        ranks.extend(std::iter::repeat_n(dumps.rank(&run.version), *rows));
    }
    ranks
}

/// Removes the rows of a batch that another one of the batch supersedes.
fn keep_newest(ranked: &mut [Option<(Key, Rank)>]) {
    let mut newest: HashMap<Key, (Rank, usize), foldhash::fast::FixedState> =
        HashMap::with_capacity_and_hasher(ranked.len(), foldhash::fast::FixedState::default());
    for at in 0..ranked.len() {
        let Some((key, rank)) = ranked[at] else { continue };
        let older = match newest.get(&key) {
            Some((known, _)) if !rank.supersedes(*known) => Some(at),
            _ => newest.insert(key, (rank, at)).map(|(_, before)| before),
        };
        if let Some(older) = older {
            ranked[older] = None;
        }
    }
}

/// Whether a row belongs to a dump that no longer counts.
fn void_rows<'b>(
    batch: &'b RecordBatch,
    voids: &'b Voids,
) -> anyhow::Result<impl Fn(usize) -> bool + 'b> {
    let (files, numbers) = (text(batch, "_file")?, long(batch, "_dump")?);
    Ok(move |row: usize| voids.is_void(files.value(row), numbers.value(row)))
}

/// The versions that would remove older ones but have no good record, without those in `idle`.
fn without_good_record(
    dumps: &Dumps,
    read: &Read<'_>,
    bronze: &Bronze<'_>,
    idle: &HashSet<VersionId>,
) -> HashSet<VersionId> {
    let is_idle = |(version, good): &(&Arc<Version>, &usize)| {
        let removes = version.number > 1 && bronze.removes(version);
        removes && **good == 0 && dumps.voids.counts_from(&version.file) == Some(version.number)
    };
    let found = dumps.versions.iter().zip(&read.good).filter(is_idle);
    let found = ids(found.map(|(version, _)| version.as_ref()));
    found.difference(idle).cloned().collect()
}
