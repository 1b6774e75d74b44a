//! Cleaning where records have no key: the newest dump stands, and nothing of the dumps before it.
//!
//! A dump may have several part files (`Contract::dump_of`); of each part the newest version counts. A
//! version without a good record counts no more than if it had not come, and a dump of such versions
//! leaves the dump before it in place. All of it is determined from the dumps in bronze, whatever the
//! order in which they came.

use super::Repairs;
use super::clean::{Bronze, Cleaned, Cursor, ids, rows_of, wanted_runs};
use super::cleaning::Cleaning;
use super::keys::DumpOrder;
use super::passes::KnownPasses;
use super::rejected::Rejects;
use super::versions::{VersionId, Voids, newest_first};
use crate::landed::{Part, Version};
use crate::table::{Change, State};
use crate::write::DataWriter;
use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Int64Type;
use batches::columns::column;
use futures::TryStreamExt as _;
use plant::contract::{Contract, DumpId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// One dump with its part files: the versions of each, newest first.
#[derive(Debug)]
struct Picture {
    parts: BTreeMap<String, Vec<i64>>,
}

/// All dumps of a table, newest first.
#[derive(Debug)]
pub struct Pictures {
    pictures: Vec<Picture>,
    /// The place of each version's dump in `pictures`.
    ranks: HashMap<VersionId, usize>,
}

impl Pictures {
    /// The dumps whose part files are these versions.
    pub fn of(contract: &Contract, versions: &[Arc<Version>]) -> Self {
        let mut dumps: BTreeMap<DumpId, BTreeMap<String, Vec<&Version>>> = BTreeMap::new();
        for version in versions {
            let dump = dumps.entry(contract.dump_of(&version.file, version.order.0)).or_default();
            dump.entry(version.file.clone()).or_default().push(version);
        }
        let mut ordered: Vec<((Option<DumpOrder>, DumpId), Picture)> = Vec::new();
        for (id, mut files) in dumps {
            for versions in files.values_mut() {
                versions.sort_by_key(|it| std::cmp::Reverse(it.number));
            }
            let newest = files.values().filter_map(|it| it.first()).map(|it| it.order).max();
            let numbers = |versions: Vec<&Version>| versions.iter().map(|it| it.number).collect();
            let parts = files.into_iter().map(|(file, versions)| (file, numbers(versions)));
            ordered.push(((newest, id), Picture { parts: parts.collect() }));
        }
        ordered.sort_by(|left, right| right.0.cmp(&left.0));
        let pictures: Vec<Picture> = ordered.into_iter().map(|(_, picture)| picture).collect();
        let mut ranks = HashMap::with_capacity(versions.len());
        for (rank, picture) in pictures.iter().enumerate() {
            for (file, numbers) in &picture.parts {
                ranks.extend(numbers.iter().map(|number| ((file.clone(), *number), rank)));
            }
        }
        Self { pictures, ranks }
    }

    /// Whether something newer than this version stands: a newer dump, or a newer version of the same
    /// part.
    pub fn is_replaced(&self, version: &VersionId, standing: &HashSet<VersionId>) -> bool {
        let rank = self.ranks.get(version);
        standing.iter().any(|other| {
            self.ranks.get(other) < rank || (other.0 == version.0 && other.1 > version.1)
        })
    }

    /// Whether all of these versions are of older dumps than those that stand.
    fn are_older(&self, versions: &HashSet<VersionId>, standing: &HashSet<VersionId>) -> bool {
        let rank = |it: &VersionId| self.ranks.get(it).copied();
        let Some(stands) = standing.iter().filter_map(rank).min() else { return false };
        versions.iter().filter_map(rank).all(|it| it > stands)
    }
}

/// What is made while dumps are read.
struct Reading<'a> {
    rejects: Rejects<'a>,
    repairs: Repairs,
    writer: DataWriter,
    /// Versions whose rejects are not taken yet.
    unread: HashSet<VersionId>,
    passes: KnownPasses,
}

impl<'a> Cleaning<'a> {
    /// What the dumps in `new` change in the table as it is at `base`, if `all` are in bronze.
    pub(super) async fn whole(
        &self,
        bronze: &Bronze<'_>,
        all: Vec<Part>,
        new: &[Part],
        base: Option<&State>,
    ) -> anyhow::Result<Cleaned<'a>> {
        let versions = newest_first(&all);
        let voids = Voids::of(versions.iter().map(AsRef::as_ref), |_| false, &HashSet::default());
        let pictures = Pictures::of(bronze.contract, &versions);
        let new = ids(newest_first(new).iter().map(AsRef::as_ref));
        let mut rejects = Rejects::new(self.lake, &self.model.table);
        let continued = voids.continued().map(|(file, number)| (file.to_owned(), number));
        let continued: HashSet<VersionId> = continued.collect();
        for (file, number) in new.iter().chain(&continued) {
            rejects.dump(file, *number);
        }
        let repairs = Repairs::default();
        let unread = new.difference(&continued).cloned().collect();
        let (writer, passes) = (self.writer(), KnownPasses::default());
        let mut reading = Reading { rejects, repairs, writer, unread, passes };
        let stood = match base {
            Some(base) => self.held(base).await?,
            None => HashSet::new(),
        };
        let stands = match pictures.are_older(&new, &stood) {
            true => stood.clone(),
            false => self.newest(bronze, &all, &pictures, &continued, &mut reading).await?,
        };
        let unread = reading.unread.clone();
        self.read_versions(bronze, &all, &unread, &mut reading, false).await?;
        let Reading { rejects, repairs, writer, .. } = reading;
        let written = writer.finish().await?;
        let mut change = Change::default();
        match base {
            Some(_) if stands == stood => self.table.discard(&written).await?,
            _ => {
                change.adds = written;
                change.removes = base.map(State::files).unwrap_or_default();
            }
        }
        Ok(Cleaned { change, rejects, repairs, is_everything: base.is_none() })
    }

    /// Writes the newest dump that has a good record; returns the versions it consists of.
    async fn newest(
        &self,
        bronze: &Bronze<'_>,
        all: &[Part],
        pictures: &Pictures,
        continued: &HashSet<VersionId>,
        reading: &mut Reading<'a>,
    ) -> anyhow::Result<HashSet<VersionId>> {
        let mut standing = HashSet::new();
        for picture in &pictures.pictures {
            let mut left: BTreeMap<&str, Vec<VersionId>> = BTreeMap::new();
            for (file, numbers) in &picture.parts {
                // Oldest first, so that the newest can be taken off the end.
                let versions = numbers.iter().rev().map(|number| (file.clone(), *number));
                left.insert(file, versions.filter(|it| !continued.contains(it)).collect());
            }
            while !left.is_empty() {
                let next: HashSet<VersionId> = left.values_mut().filter_map(Vec::pop).collect();
                let good = self.read_versions(bronze, all, &next, reading, true).await?;
                left.retain(|file, versions| {
                    !versions.is_empty() && !good.iter().any(|it| it.0 == *file)
                });
                standing.extend(good);
            }
            if !standing.is_empty() {
                break;
            }
        }
        Ok(standing)
    }

    /// Reads some versions, takes their rejects if they are not taken yet, and writes the good
    /// records if that is wanted. Returns the versions that have a good record.
    async fn read_versions(
        &self,
        bronze: &Bronze<'_>,
        all: &[Part],
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
            while let Some(batch) = stream.try_next().await? {
                let runs = cursor.next(batch.num_rows());
                let dumps = (bronze.source, all);
                let cleaned =
                    self.clean_of_dumps(&batch, &runs, dumps, &mut reading.passes).await?;
                let mut is_new = Vec::with_capacity(batch.num_rows());
                for (run, rows) in runs {
                    let is_bad = &cleaned.is_rejected[is_new.len()..is_new.len() + rows];
                    good.extend(is_bad.contains(&false).then(|| id(&run.version)));
                    let is_unread = reading.unread.contains(&id(&run.version));
                    is_new.extend(std::iter::repeat_n(is_unread, rows));
                }
                let reasons = cleaned.rejections.iter().filter(|it| is_new[it.row]);
                reading.rejects.push(&batch, &reasons.cloned().collect::<Vec<_>>())?;
                if writes {
                    reading.writer.write(&cleaned.accepted()?).await?;
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

    /// The versions whose rows a table holds.
    pub(super) async fn held(&self, state: &State) -> anyhow::Result<HashSet<VersionId>> {
        let mut held = HashSet::new();
        let mut last: Option<VersionId> = None;
        for file in state.files() {
            let columns = ["_file", "_dump"];
            let mut stream = self.table.read(&file, Some(&columns), self.lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                let files = column(&batch, "_file")?.as_string::<i32>();
                let numbers = column(&batch, "_dump")?.as_primitive::<Int64Type>();
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
