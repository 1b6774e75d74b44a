//! Cleaning where records have keys: of each key the record of the newest dump stands, and within a
//! dump the last.

use super::Repairs;
use super::clean::{Bronze, Cleaned, Cursor, ids, rows_of, wanted_runs};
use super::cleaning::Cleaning;
use super::keys::{DumpOrder, Hasher, Orders, Rank, Standing, Written};
use super::passes::KnownPasses;
use super::rejected::Rejects;
use super::versions::{VersionId, Voids, newest_first};
use crate::landed::{Part, Run, Version};
use crate::table::{Change, State};
use crate::write::DataWriter;
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use batches::columns::column;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The dumps that are being read, and which of them count.
struct Dumps {
    /// Newest first.
    versions: Vec<Arc<Version>>,
    /// The place of each in `versions`.
    ranks: HashMap<VersionId, u32>,
    voids: Voids,
}

impl Dumps {
    fn of(bronze: &Bronze<'_>, parts: &[Part], idle: &HashSet<VersionId>) -> anyhow::Result<Self> {
        let versions = newest_first(parts);
        let mut ranks = HashMap::with_capacity(versions.len());
        for (at, version) in versions.iter().enumerate() {
            ranks.insert((version.file.clone(), version.number), u32::try_from(at)?);
        }
        let removes = |version: &Version| bronze.removes(version);
        let voids = Voids::of(versions.iter().map(AsRef::as_ref), removes, idle);
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

/// What reading some dumps gives.
struct Read<'a> {
    rejects: Rejects<'a>,
    repairs: Repairs,
    standing: Standing,
    writer: DataWriter,
    /// Good records by the rank of their dump.
    good: Vec<usize>,
    passes: KnownPasses,
}

impl<'a> Cleaning<'a> {
    /// What the dumps of `parts` change in the table as it is at `base`. `None` if that cannot be
    /// determined from these dumps: a record was removed, and a record of its key in an older dump,
    /// which it had superseded, may stand again.
    pub(super) async fn keyed(
        &self,
        bronze: &Bronze<'_>,
        mut parts: Vec<Part>,
        base: Option<&State>,
    ) -> anyhow::Result<Option<Cleaned<'a>>> {
        // Newest first, so that few rows are written that do not stand in the end.
        parts.sort_by_cached_key(|part| {
            let newest = part.runs.iter().map(|run| run.version.order).max();
            (std::cmp::Reverse(newest), part.add.path.clone())
        });
        let mut idle = HashSet::new();
        let (dumps, read) = loop {
            let dumps = Dumps::of(bronze, &parts, &idle)?;
            let read = self.read_dumps(bronze, &parts, &dumps).await?;
            let found = without_good_record(&dumps, &read, bronze, &idle);
            if found.is_empty() {
                break (dumps, read);
            }
            // They remove nothing; whether older versions count was decided too early.
            idle.extend(found);
            self.table.discard(&read.writer.finish().await?).await?;
        };
        let Read { rejects, repairs, mut standing, writer, .. } = read;
        let written = writer.finish().await?;
        let Some(touched) = self.touched(&mut standing, &dumps, base).await? else {
            self.table.discard(&written).await?;
            return Ok(None);
        };
        let change = self.merge(standing, written, touched).await?;
        Ok(Some(Cleaned { change, rejects, repairs, is_everything: base.is_none() }))
    }

    async fn read_dumps(
        &self,
        bronze: &Bronze<'_>,
        parts: &[Part],
        dumps: &Dumps,
    ) -> anyhow::Result<Read<'a>> {
        let mut read = Read {
            rejects: Rejects::new(self.lake, &self.model.table),
            repairs: Repairs::default(),
            standing: Standing::default(),
            writer: self.writer(),
            good: vec![0; dumps.versions.len()],
            passes: KnownPasses::default(),
        };
        for version in &dumps.versions {
            read.rejects.dump(&version.file, version.number);
        }
        for (file, number) in dumps.voids.continued() {
            read.rejects.dump(file, number);
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
                    self.take(&batch, cleaned, &runs, dumps, &mut read).await?;
                }
            }
        }
        Ok(read)
    }

    /// Takes a batch of bronze records, cleaned.
    async fn take(
        &self,
        batch: &RecordBatch,
        cleaned: batches::Cleaned,
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
        let rows = self.met(&cleaned, &ranks, read)?;
        read.repairs.add_ambiguous(&cleaned.ambiguous);
        read.repairs.add(batch.num_rows(), cleaned.repaired);
        read.writer.write(&rows).await
    }

    /// The rows that stand against those met so far.
    fn met(
        &self,
        cleaned: &batches::Cleaned,
        ranks: &[Option<u32>],
        read: &mut Read<'a>,
    ) -> anyhow::Result<RecordBatch> {
        let Some(hasher) = &self.hasher else { return Ok(cleaned.rows.slice(0, 0)) };
        let keys = hasher.keys(&cleaned.rows)?;
        let records = column(&cleaned.rows, "_record")?.as_primitive::<Int64Type>();
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
            let stands = read.standing.meet(key, rank, Written { file, row });
            row += u32::from(stands);
            keep.push(stands);
        }
        Ok(filter_record_batch(&cleaned.rows, &BooleanArray::from(keep))?)
    }

    /// The files of the table in which rows give way, with these rows; `None` if a row that is
    /// removed may have superseded one that now stands.
    async fn touched(
        &self,
        standing: &mut Standing,
        dumps: &Dumps,
        base: Option<&State>,
    ) -> anyhow::Result<Option<Vec<(Add, Vec<u32>)>>> {
        let mut touched = Vec::new();
        for file in base.map(State::files).unwrap_or_default() {
            let Some(gone) = self.giving_way(standing, &file, dumps).await? else {
                return Ok(None);
            };
            if !gone.is_empty() {
                touched.push((file, gone));
            }
        }
        Ok(Some(touched))
    }

    /// Rows of a file of the table that give way to a newer record; where the table's is newer, the
    /// new record is withdrawn.
    async fn giving_way(
        &self,
        standing: &mut Standing,
        file: &Add,
        dumps: &Dumps,
    ) -> anyhow::Result<Option<Vec<u32>>> {
        let mut gone = Vec::new();
        if standing.is_empty() && dumps.voids.is_empty() {
            return Ok(Some(gone));
        }
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(Orders::COLUMNS);
        columns.extend(["_file", "_dump"]);
        let mut first = 0;
        let mut stream = self.table.read(file, Some(&columns), self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let orders = Orders::of(&batch)?;
            let keys = Hasher::new(batch.schema_ref(), &self.model.key)?.keys(&batch)?;
            let is_void = void_rows(&batch, &dumps.voids)?;
            for (at, key) in keys.into_iter().enumerate() {
                let Some(key) = key else { continue };
                let new = standing.rank(key).and_then(|rank| dumps.order(rank));
                let is_older = new.is_some_and(|new| orders.order(at) <= new);
                match (is_void(at), new.is_some()) {
                    (true, _) if !is_older => return Ok(None),
                    (false, false) => {}
                    (false, true) if !is_older => standing.withdraw(key),
                    _ => gone.push(u32::try_from(first + at)?),
                }
            }
            first += batch.num_rows();
        }
        Ok(Some(gone))
    }

    /// Puts what was written together with what stays of the files that are touched.
    async fn merge(
        &self,
        standing: Standing,
        written: Vec<Add>,
        touched: Vec<(Add, Vec<u32>)>,
    ) -> anyhow::Result<Change> {
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
}

/// Whether a row is of a dump that no longer counts.
fn void_rows<'b>(
    batch: &'b RecordBatch,
    voids: &'b Voids,
) -> anyhow::Result<impl Fn(usize) -> bool + 'b> {
    let files = column(batch, "_file")?.as_string::<i32>();
    let numbers = column(batch, "_dump")?.as_primitive::<Int64Type>();
    Ok(move |row: usize| voids.is_void(files.value(row), numbers.value(row)))
}

/// The versions that would remove older ones and have no good record, as far as not known.
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
