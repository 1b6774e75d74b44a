//! Resolves times that a clock shows twice, by the order of the records in their dump.

use crate::bronze::landed::{DataFileRuns, Run, Version};
use crate::columns::column;
use crate::delta::table::Table;
use crate::refine::cleaning::Cleaning;
use crate::refine::dump_reader::{rows_of, wanted_runs};
use crate::refine::versions::{VersionId, newest_first};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use batches::Cleaned;
use batches::typed::{Passes, RepeatedHourTimes};
use futures::TryStreamExt as _;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _};

/// The passes of the dumps that have times a clock shows twice.
pub type KnownPasses = HashMap<VersionId, Passes>;

/// How many earlier dumps are read for the first pass of an hour. The two passes of an hour are exported
/// one after the other, by a few hundred machines at most.
const OLDER_DUMPS: usize = 256;

impl Cleaning<'_> {
    /// Cleans one bronze batch, whose rows belong to `runs`. A dump with times that the clock shows twice
    /// is read once in full, to resolve them by the order of its records.
    pub async fn clean_of_dumps(
        &self,
        batch: &RecordBatch,
        runs: &[(&Run, usize)],
        (source, parts): (&Table, &[DataFileRuns]),
        known: &mut KnownPasses,
    ) -> anyhow::Result<Cleaned> {
        let cleaned = self.clean(batch)?;
        if !cleaned.needs_passes {
            return Ok(cleaned);
        }
        let mut pieces = Vec::with_capacity(runs.len());
        let mut first = 0;
        for (run, rows) in runs {
            let own = batch.slice(first, *rows);
            let id = (run.version.file.clone(), run.version.number);
            if !known.contains_key(&id) && self.clean(&own)?.needs_passes {
                known.insert(id.clone(), self.passes(source, parts, &run.version).await?);
            }
            pieces.push(self.clean_in_order(&own, known.get(&id))?);
            first += rows;
        }
        Cleaned::concat(pieces)
    }

    /// What the order of the records of a dump shows. Where it shows nothing, earlier dumps may have the
    /// first pass of the same times.
    async fn passes(
        &self,
        source: &Table,
        parts: &[DataFileRuns],
        version: &Version,
    ) -> anyhow::Result<Passes> {
        let mut passes = self.passes_alone(source, parts, version).await?;
        let state = self.lake.state(&source.name).await?;
        let Some(state) = state.filter(|_| passes.has_undecided()) else { return Ok(passes) };
        let all = self.lake.all_landed(source, state.files()).await?;
        let versions = newest_first(&all);
        let is_own = |it: &Version| (&it.file, it.number) == (&version.file, version.number);
        let Some(own) = versions.iter().position(|it| is_own(it)) else { return Ok(passes) };
        let older = versions[own + 1..].iter().filter(|it| it.file != version.file);
        for version in older.take(OLDER_DUMPS) {
            if !passes.has_undecided() {
                break;
            }
            passes.decide_by_older(&self.passes_alone(source, &all, version).await?);
        }
        Ok(passes)
    }

    async fn passes_alone(
        &self,
        source: &Table,
        parts: &[DataFileRuns],
        version: &Version,
    ) -> anyhow::Result<Passes> {
        let is_own = |it: &Version| (&it.file, it.number) == (&version.file, version.number);
        let mut own: Vec<&DataFileRuns> = parts.iter().collect();
        // The names of the data files of a dump sort like its records.
        own.sort_by(|left, right| left.add.path.cmp(&right.add.path));
        let mut nearby = RepeatedHourTimes::default();
        for part in own {
            let runs = wanted_runs(part, is_own);
            if runs.is_empty() {
                continue;
            }
            let mut stream = self.read_bronze(source, &part.add, rows_of(&runs)).await?;
            while let Some(batch) = stream.try_next().await? {
                self.stage().scan_repeated_hours(&batch, &self.groups(&batch)?, &mut nearby)?;
            }
        }
        Ok(nearby.passes(|column| self.key_columns.iter().any(|it| it == column)))
    }

    /// The subject of each row: a hash of the texts of its key without times.
    fn groups(&self, bronze: &RecordBatch) -> anyhow::Result<Vec<u64>> {
        let mut groups = vec![0; bronze.num_rows()];
        let hashing = foldhash::quality::FixedState::with_seed(3);
        for name in self.key_columns.iter().filter(|name| !self.stage().is_time(name)) {
            let texts = cast(column(bronze, name)?, &DataType::Utf8)?;
            for (group, text) in groups.iter_mut().zip(texts.as_string::<i32>()) {
                let mut hasher = hashing.build_hasher();
                hasher.write_u64(*group);
                hasher.write(text.unwrap_or_default().as_bytes());
                *group = hasher.finish();
            }
        }
        Ok(groups)
    }
}
