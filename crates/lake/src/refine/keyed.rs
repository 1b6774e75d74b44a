//! Cleaning records with keys: the record of the newest dump counts for each key, and within a dump the
//! last one.

use crate::bronze::dump_order::{DumpOrder, DumpOrders};
use crate::bronze::landed::{DataFileRuns, Run, Version};
use crate::columns::{long, text};
use crate::delta::table::{Change, State};
use crate::delta::write::DataWriter;
use crate::refine::Repairs;
use crate::refine::cleaning::Cleaning;
use crate::refine::dump_reader::{Bronze, CleanedDumps, Cursor, ids, rows_of, wanted_runs};
use crate::refine::keys::{Hasher, LatestByKey, Rank, Written};
use crate::refine::passes::KnownPasses;
use crate::refine::versions::{VersionId, Voids, newest_first};
use crate::rejected::Rejects;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use batches::Cleaned;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

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

    fn order(&self, rank: u32) -> Option<DumpOrder> {
        self.versions.get(rank as usize).map(|version| version.order)
    }
}

/// The result of reading some dumps.
struct Read<'a> {
    rejects: Rejects<'a>,
    repairs: Repairs,
    latest: LatestByKey,
    writer: DataWriter,
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
        // Newest first, so that few rows are written and withdrawn later.
        parts.sort_by_cached_key(|part| {
            let newest = part.runs.iter().map(|run| run.version.order).max();
            (std::cmp::Reverse(newest), part.add.path.clone())
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
        };
        let Read { rejects, repairs, mut latest, writer, .. } = read;
        let written = writer.finish().await?;
        let Some(touched) = self.touched(&mut latest, &dumps, base).await? else {
            self.table.discard(&written).await?;
            return Ok(None);
        };
        let change = self.merge(latest, written, touched).await?;
        Ok(Some(CleanedDumps { change, rejects, repairs, is_everything: base.is_none() }))
    }

    async fn read_dumps(
        &self,
        bronze: &Bronze<'_>,
        parts: &[DataFileRuns],
        dumps: &Dumps,
    ) -> anyhow::Result<Read<'a>> {
        let mut read = Read {
            rejects: Rejects::new(self.lake, &self.model.table),
            repairs: Repairs::default(),
            latest: LatestByKey::default(),
            writer: self.writer(),
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
                let mut stream = self.read_bronze(bronze.source, &part.add, rows_of(&runs)).await?;
                let mut cursor = Cursor::new(runs);
                while let Some(batch) = stream.try_next().await? {
                    let runs = cursor.next(batch.num_rows());
                    let source = (bronze.source, parts);
                    let cleaned =
                        self.clean_of_dumps(&batch, &runs, source, &mut read.passes).await?;
                    self.add(&batch, cleaned, &runs, dumps, &mut read).await?;
                }
            }
        }
        Ok(read)
    }

    /// Adds a batch of cleaned bronze records.
    async fn add(
        &self,
        batch: &RecordBatch,
        cleaned: Cleaned,
        runs: &[(&Run, usize)],
        dumps: &Dumps,
        read: &mut Read<'a>,
    ) -> anyhow::Result<()> {
        read.rejects.push(batch, &cleaned.rejections)?;
        let mut ranks: Vec<Option<u32>> = Vec::with_capacity(batch.num_rows());
        for (run, rows) in runs {
            let rank = dumps.rank(&run.version);
            ranks.extend(std::iter::repeat_n(rank, *rows));
        }
        let rows = self.newest_rows(&cleaned, &ranks, read)?;
        read.repairs.add_ambiguous(&cleaned.ambiguous);
        read.repairs.add(batch.num_rows(), cleaned.repaired);
        read.writer.write(&rows).await
    }

    /// The rows that are the newest of their keys so far.
    fn newest_rows(
        &self,
        cleaned: &Cleaned,
        ranks: &[Option<u32>],
        read: &mut Read<'a>,
    ) -> anyhow::Result<RecordBatch> {
        let Some(hasher) = &self.hasher else { return Ok(cleaned.rows.slice(0, 0)) };
        let keys = hasher.keys(&cleaned.rows)?;
        let records = long(&cleaned.rows, "_record")?;
        let (file, row) = read.writer.position();
        let (file, mut row) = (u32::try_from(file)?, u32::try_from(row)?);
        let mut keep = Vec::with_capacity(ranks.len());
        for (at, key) in keys.into_iter().enumerate() {
            let (Some(key), Some(dump), false) = (key, ranks[at], cleaned.is_rejected[at]) else {
                keep.push(false);
                continue;
            };
            read.good[dump as usize] += 1;
            let rank = Rank { dump, record: u32::try_from(records.value(at))? };
            let is_newest = read.latest.insert(key, rank, Written { file, row });
            row += u32::from(is_newest);
            keep.push(is_newest);
        }
        Ok(filter_record_batch(&cleaned.rows, &BooleanArray::from(keep))?)
    }

    /// The files of the table that lose rows, with these rows; `None` if a row that is removed may have
    /// superseded one that now counts.
    async fn touched(
        &self,
        latest: &mut LatestByKey,
        dumps: &Dumps,
        base: Option<&State>,
    ) -> anyhow::Result<Option<Vec<(Add, Vec<u32>)>>> {
        let mut touched = Vec::new();
        for file in base.map(State::files).unwrap_or_default() {
            let Some(superseded) = self.superseded_rows(latest, &file, dumps).await? else {
                return Ok(None);
            };
            if !superseded.is_empty() {
                touched.push((file, superseded));
            }
        }
        Ok(Some(touched))
    }

    /// Rows of a file of the table that newer records supersede; where the row of the table is newer, the
    /// new record is withdrawn.
    async fn superseded_rows(
        &self,
        latest: &mut LatestByKey,
        file: &Add,
        dumps: &Dumps,
    ) -> anyhow::Result<Option<Vec<u32>>> {
        let mut superseded = Vec::new();
        if latest.is_empty() && dumps.voids.is_empty() {
            return Ok(Some(superseded));
        }
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(DumpOrders::COLUMNS);
        columns.extend(["_file", "_dump"]);
        let mut first = 0;
        let mut stream = self.table.read(file, Some(&columns), self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let orders = DumpOrders::new(&batch)?;
            let keys = Hasher::new(batch.schema_ref(), &self.model.key)?.keys(&batch)?;
            let is_void = void_rows(&batch, &dumps.voids)?;
            for (at, key) in keys.into_iter().enumerate() {
                let Some(key) = key else { continue };
                let new = latest.rank(key).and_then(|rank| dumps.order(rank));
                let is_older = new.is_some_and(|new| orders.order(at) <= new);
                match (is_void(at), new.is_some()) {
                    (true, _) if !is_older => return Ok(None),
                    (false, false) => {}
                    (false, true) if !is_older => latest.withdraw(key),
                    _ => superseded.push(u32::try_from(first + at)?),
                }
            }
            first += batch.num_rows();
        }
        Ok(Some(superseded))
    }

    /// Combines the written files with the remaining rows of the touched files.
    async fn merge(
        &self,
        latest: LatestByKey,
        written: Vec<Add>,
        touched: Vec<(Add, Vec<u32>)>,
    ) -> anyhow::Result<Change> {
        let mut withdrawn = latest.into_withdrawn();
        let mut change = Change::default();
        let mut discarded = Vec::new();
        let mut writer = self.writer();
        for (number, file) in (0_u32..).zip(written) {
            match withdrawn.remove(&number) {
                None => change.adds.push(file),
                Some(rows) => {
                    self.rewrite(&file, &rows, &mut writer).await?;
                    discarded.push(file);
                }
            }
        }
        for (file, rows) in touched {
            self.rewrite(&file, &rows, &mut writer).await?;
            change.removes.push(file);
        }
        change.adds.extend(writer.finish().await?);
        self.table.discard(&discarded).await?;
        Ok(change)
    }

    /// Copies a file without some of its rows.
    async fn rewrite(
        &self,
        file: &Add,
        without: &[u32],
        writer: &mut DataWriter,
    ) -> anyhow::Result<()> {
        let without: HashSet<u32> = without.iter().copied().collect();
        let mut row = 0_u32;
        let mut stream = self.table.read(file, None, self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let until = row + u32::try_from(batch.num_rows())?;
            let keep: BooleanArray =
                (row..until).map(|row| Some(!without.contains(&row))).collect();
            writer.write(&filter_record_batch(&batch, &keep)?).await?;
            row = until;
        }
        Ok(())
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
