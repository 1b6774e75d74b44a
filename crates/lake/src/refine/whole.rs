//! Cleaning records without keys: only the newest dump counts.
//!
//! A dump may have several part files (`Contract::dump_id`); the newest version of each part counts. A
//! version without a good record is ignored, and if all versions of a dump are, the dump before it counts.
//! The result depends only on the dumps in bronze, not on the order in which they arrived.

use crate::bronze::dump_order::DumpOrder;
use crate::bronze::landed::{DataFileRuns, Version};
use crate::columns::{long, text};
use crate::delta::table::{Change, State};
use crate::delta::write::DataWriter;
use crate::refine::Repairs;
use crate::refine::cleaning::Cleaning;
use crate::refine::dump_reader::{Bronze, CleanedDumps, Cursor, ids, rows_of, wanted_runs};
use crate::refine::passes::KnownPasses;
use crate::refine::versions::{VersionId, Voids, newest_first};
use crate::rejected::Rejects;
use crate::timing;
use arrow::array::Array as _;
use futures::TryStreamExt as _;
use plant::contract::{Contract, DumpId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tracing::Instrument as _;

/// A dump with its part files: the versions of each, newest first.
#[derive(Debug)]
struct DumpParts {
    parts: BTreeMap<String, Vec<i64>>,
}

/// All dumps of a table, newest first.
#[derive(Debug)]
pub struct DumpHistory {
    dumps: Vec<DumpParts>,
    /// The position of the dump of each version in `dumps`.
    ranks: HashMap<VersionId, usize>,
}

impl DumpHistory {
    /// The dumps whose part files are these versions.
    pub fn new(contract: &Contract, versions: &[Arc<Version>]) -> Self {
        let mut dumps: BTreeMap<DumpId, BTreeMap<String, Vec<&Version>>> = BTreeMap::new();
        for version in versions {
            let dump = dumps.entry(contract.dump_id(&version.file, version.order.0)).or_default();
            dump.entry(version.file.clone()).or_default().push(version);
        }
        let mut ordered: Vec<((Option<DumpOrder>, DumpId), DumpParts)> = Vec::new();
        for (id, mut files) in dumps {
            for versions in files.values_mut() {
                versions.sort_by_key(|it| std::cmp::Reverse(it.number));
            }
            let newest = files.values().filter_map(|it| it.first()).map(|it| it.order).max();
            let numbers = |versions: Vec<&Version>| versions.iter().map(|it| it.number).collect();
            let parts = files.into_iter().map(|(file, versions)| (file, numbers(versions)));
            ordered.push(((newest, id), DumpParts { parts: parts.collect() }));
        }
        ordered.sort_by(|left, right| right.0.cmp(&left.0));
        let dumps: Vec<DumpParts> = ordered.into_iter().map(|(_, dump)| dump).collect();
        let mut ranks = HashMap::with_capacity(versions.len());
        for (rank, dump) in dumps.iter().enumerate() {
            for (file, numbers) in &dump.parts {
                ranks.extend(numbers.iter().map(|number| ((file.clone(), *number), rank)));
            }
        }
        Self { dumps, ranks }
    }

    /// Whether a newer dump, or a newer version of the same part, is among those that count.
    pub fn is_replaced(&self, version: &VersionId, counting: &HashSet<VersionId>) -> bool {
        let rank = self.ranks.get(version);
        counting.iter().any(|other| {
            self.ranks.get(other) < rank || (other.0 == version.0 && other.1 > version.1)
        })
    }

    /// Whether all of these versions belong to older dumps than those that count.
    fn are_older(&self, versions: &HashSet<VersionId>, counting: &HashSet<VersionId>) -> bool {
        let rank = |it: &VersionId| self.ranks.get(it).copied();
        let Some(newest) = counting.iter().filter_map(rank).min() else { return false };
        versions.iter().filter_map(rank).all(|it| it > newest)
    }
}

/// What reading dumps has produced so far.
struct Reading<'a> {
    rejects: Rejects<'a>,
    repairs: Repairs,
    writer: DataWriter,
    /// Versions whose rejects have not been added yet.
    unread: HashSet<VersionId>,
    passes: KnownPasses,
}

impl<'a> Cleaning<'a> {
    /// What the dumps in `new` change in the table at `base`, when bronze has the dumps in `all`.
    pub async fn newest_dump(
        &self,
        bronze: &Bronze<'_>,
        all: Vec<DataFileRuns>,
        new: &[DataFileRuns],
        base: Option<&State>,
    ) -> anyhow::Result<CleanedDumps<'a>> {
        let versions = newest_first(&all);
        let voids = Voids::new(versions.iter().map(AsRef::as_ref), |_| false, &HashSet::default());
        let history = DumpHistory::new(bronze.contract, &versions);
        let new = ids(newest_first(new).iter().map(AsRef::as_ref));
        let mut rejects = Rejects::new(self.lake, &self.model.table)?;
        let continued = voids.continued().map(|(file, number)| (file.to_owned(), number));
        let continued: HashSet<VersionId> = continued.collect();
        for (file, number) in new.iter().chain(&continued) {
            rejects.add_dump(file, *number);
        }
        let repairs = Repairs::default();
        let unread = new.difference(&continued).cloned().collect();
        let (writer, passes) = (self.writer(), KnownPasses::default());
        let mut reading = Reading { rejects, repairs, writer, unread, passes };
        let before = match base {
            Some(base) => self.versions_in(base).await?,
            None => HashSet::new(),
        };
        let after = match history.are_older(&new, &before) {
            true => before.clone(),
            false => self.write_newest(bronze, &all, &history, &continued, &mut reading).await?,
        };
        let unread = reading.unread.clone();
        self.read_versions(bronze, &all, &unread, &mut reading, false).await?;
        let Reading { rejects, repairs, writer, .. } = reading;
        let written = writer.finish().await?;
        let mut change = Change::default();
        match base {
            Some(_) if after == before => self.table.discard(&written).await?,
            _ => {
                change.adds = written;
                change.removes = base.map(State::files).unwrap_or_default();
            }
        }
        Ok(CleanedDumps { change, rejects, repairs, is_everything: base.is_none() })
    }

    /// Writes the newest dump that has a good record; returns its versions.
    async fn write_newest(
        &self,
        bronze: &Bronze<'_>,
        all: &[DataFileRuns],
        history: &DumpHistory,
        continued: &HashSet<VersionId>,
        reading: &mut Reading<'a>,
    ) -> anyhow::Result<HashSet<VersionId>> {
        let mut counting = HashSet::new();
        for dump in &history.dumps {
            let mut left: BTreeMap<&str, Vec<VersionId>> = BTreeMap::new();
            for (file, numbers) in &dump.parts {
                // Oldest first, so that `pop` returns the newest.
                let versions = numbers.iter().rev().map(|number| (file.clone(), *number));
                left.insert(file, versions.filter(|it| !continued.contains(it)).collect());
            }
            while !left.is_empty() {
                let next: HashSet<VersionId> = left.values_mut().filter_map(Vec::pop).collect();
                let good = self.read_versions(bronze, all, &next, reading, true).await?;
                left.retain(|file, versions| {
                    !versions.is_empty() && !good.iter().any(|it| it.0 == *file)
                });
                counting.extend(good);
            }
            if !counting.is_empty() {
                break;
            }
        }
        Ok(counting)
    }

    /// Reads some versions, adds their rejects once, and writes their good records if `writes`. Returns the
    /// versions that have a good record.
    async fn read_versions(
        &self,
        bronze: &Bronze<'_>,
        all: &[DataFileRuns],
        wanted: &HashSet<VersionId>,
        reading: &mut Reading<'a>,
        writes: bool,
    ) -> anyhow::Result<HashSet<VersionId>> {
        let mut good = HashSet::new();
        let id = |version: &Version| (version.file.clone(), version.number);
        if wanted.is_empty() {
            return Ok(good);
        }
        for part in all {
            let runs = wanted_runs(part, |version| wanted.contains(&id(version)));
            if runs.is_empty() {
                continue;
            }
            let mut stream = self.read_bronze(bronze.source, &part.add, rows_of(&runs)).await?;
            let mut cursor = Cursor::new(runs);
            while let Some(batch) =
                stream.try_next().instrument(timing::part("bronze read")).await?
            {
                let runs = cursor.next(batch.num_rows());
                let dumps = (bronze.source, all);
                let cleaned = self.clean_of_dumps(&batch, &runs, dumps, &mut reading.passes);
                let cleaned = cleaned.instrument(timing::part("typing")).await?;
                let mut is_new = Vec::with_capacity(batch.num_rows());
                for (run, rows) in runs {
                    let is_bad = &cleaned.is_rejected[is_new.len()..is_new.len() + rows];
                    good.extend(is_bad.contains(&false).then(|| id(&run.version)));
                    let is_unread = reading.unread.contains(&id(&run.version));
                    is_new.extend(std::iter::repeat_n(is_unread, rows));
                }
                let reasons = cleaned.rejections.iter().filter(|it| is_new[it.row]);
                let reasons: Vec<_> = reasons.cloned().collect();
                reading.rejects.push(&batch, &reasons).await?;
                if writes {
                    let writing = timing::part("silver write");
                    reading.writer.write(&cleaned.accepted()?).instrument(writing).await?;
                }
                if is_new.contains(&true) {
                    reading.repairs.add_ambiguous(&cleaned.ambiguous);
                }
                reading.repairs.add(is_new.iter().filter(|it| **it).count(), cleaned.repaired);
            }
        }
        reading.unread.retain(|it| !wanted.contains(it));
        Ok(good)
    }

    /// The versions whose rows a table has.
    pub async fn versions_in(&self, state: &State) -> anyhow::Result<HashSet<VersionId>> {
        let mut held = HashSet::new();
        let mut last: Option<VersionId> = None;
        for file in state.files() {
            let columns = ["_file", "_dump"];
            let mut stream = self.table.read(&file, Some(&columns), self.lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                let (files, numbers) = (text(&batch, "_file")?, long(&batch, "_dump")?);
                let rows = (0..files.len()).map(|row| (files.value(row), numbers.value(row)));
                for (file, number) in rows {
                    let is_same = |last: &VersionId| last.0 == file && last.1 == number;
                    let changed = !last.as_ref().is_some_and(is_same);
                    held.extend(changed.then(|| last.replace((file.to_owned(), number))).flatten());
                }
            }
        }
        held.extend(last);
        Ok(held)
    }
}
