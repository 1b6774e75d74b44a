//! Cleaning dumps: the records of one bronze table, typed, checked, and those that stand.
//!
//! Where records have keys, one per key stands (`keyed.rs`); else the newest dump (`whole.rs`).

use super::cleaning::{Cleaning, fingerprint};
use super::rejected::Rejects;
use super::{Extent, Outcome, Refinery, Repairs};
use crate::bronze;
use crate::landed::{Part, Run, Version};
use crate::models::Step;
use crate::read::Batches;
use crate::table::{Change, Definition, State, Table};
use crate::write::DataWriter;
use batches::pointer::with_pointers;
use deltalake::kernel::Add;
use plant::contract::{Contract, Supersede};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

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
    let is_redefined = new.is_none();
    let cleaning = Cleaning::new(refinery, step, contract, &table)?;
    let bronze = Bronze { source: &source, state: &source_state, contract };
    let base = state.as_ref().filter(|_| !is_redefined);
    let Cleaned { mut change, rejects, repairs, is_everything } =
        cleaning.brought_up(&bronze, new, base).await?;
    rejects.settle(is_everything).await?;
    let is_changed = is_redefined || !change.adds.is_empty() || !change.removes.is_empty();
    if is_everything {
        change.removes = state.as_ref().map(State::files).unwrap_or_default();
    }
    if is_redefined {
        let schema = with_pointers(&step.schema, contract);
        let description = step.model.description.clone();
        change.definition = Some(Definition { schema, description, fingerprint, partition: None });
    }
    change.checkpoints = BTreeMap::from([(upstream, to)]);
    let after = table.commit(state.as_ref(), change, lake.now_ms()).await?;
    lake.remember(step.name(), after).await;
    Ok(Outcome { is_changed, repairs, ..untouched })
}

/// The bronze table a cleaned table is made of.
pub(super) struct Bronze<'a> {
    pub(super) source: &'a Table,
    pub(super) state: &'a State,
    pub(super) contract: &'a Contract,
}

/// What cleaning comes to.
pub(super) struct Cleaned<'a> {
    pub(super) change: Change,
    pub(super) rejects: Rejects<'a>,
    pub(super) repairs: Repairs,
    /// Whether all dumps were read, so that the rows are all there are.
    pub(super) is_everything: bool,
}

impl Bronze<'_> {
    /// Whether a version of a file voids every record of its older versions.
    pub(super) fn removes(&self, version: &Version) -> bool {
        removes(self.contract, version)
    }
}

/// Whether a version of a file voids every record of its older versions.
pub(super) fn removes(contract: &Contract, version: &Version) -> bool {
    contract.supersede == Supersede::Key && contract.rewriting_removes(version.order.0.is_some())
}

impl<'a> Cleaning<'a> {
    /// What the files `new` in bronze change in the table as it is at `base`; without them, what
    /// all of bronze makes of it.
    async fn brought_up(
        &self,
        bronze: &Bronze<'_>,
        new: Option<Vec<Add>>,
        base: Option<&State>,
    ) -> anyhow::Result<Cleaned<'a>> {
        let lake = self.lake;
        if self.hasher.is_none() {
            let all = lake.all_landed(bronze.source, bronze.state.files()).await?;
            let new = match new {
                Some(files) => lake.landed(bronze.source, files).await?,
                None => all.clone(),
            };
            return self.whole(bronze, all, &new, base).await;
        }
        if let (Some(new), Some(base)) = (new, base) {
            let parts = lake.landed(bronze.source, new).await?;
            if let Some(cleaned) = self.keyed(bronze, parts, Some(base)).await? {
                return Ok(cleaned);
            }
            tracing::info!(table = %self.model.table, "removed records: all dumps are read again");
        }
        let parts = lake.all_landed(bronze.source, bronze.state.files()).await?;
        let cleaned = self.keyed(bronze, parts, None).await?;
        cleaned.ok_or_else(|| anyhow::anyhow!("all dumps of {} are not enough", self.model.table))
    }

    /// Reads some rows of a bronze file.
    pub(super) async fn read_bronze(
        &self,
        source: &Table,
        file: &Add,
        rows: Vec<Range<usize>>,
    ) -> anyhow::Result<Batches> {
        let columns: Vec<&str> = self.read.iter().map(String::as_str).collect();
        source.read_rows(file, Some(&columns), Some(rows), self.lake.batch_rows()).await
    }

    pub(super) fn writer(&self) -> DataWriter {
        let lake = self.lake;
        self.table.writer(self.stored.clone(), lake.sizes(), lake.names(), lake.now_ms())
    }
}

/// The runs of a data file that are wanted.
pub(super) fn wanted_runs(part: &Part, wanted: impl Fn(&Version) -> bool) -> Vec<&Run> {
    part.runs.iter().filter(|run| wanted(&run.version)).collect()
}

/// The rows of some runs.
pub(super) fn rows_of(runs: &[&Run]) -> Vec<Range<usize>> {
    runs.iter().map(|run| run.rows.clone()).collect()
}

/// Which run each row belongs to, as the rows of some runs are read batch by batch.
pub(super) struct Cursor<'p> {
    runs: Vec<&'p Run>,
    run: usize,
    /// Rows of the current run that were passed.
    passed: usize,
}

impl<'p> Cursor<'p> {
    pub(super) fn new(runs: Vec<&'p Run>) -> Self {
        Self { runs, run: 0, passed: 0 }
    }

    /// The runs of the next rows, each with how many of these rows are its own.
    pub(super) fn next(&mut self, mut rows: usize) -> Vec<(&'p Run, usize)> {
        let mut found = Vec::new();
        while rows > 0 && self.run < self.runs.len() {
            let run = self.runs[self.run];
            let own = (run.rows.len() - self.passed).min(rows);
            found.push((run, own));
            rows -= own;
            self.passed += own;
            if self.passed == run.rows.len() {
                self.run += 1;
                self.passed = 0;
            }
        }
        found
    }
}

/// Files and numbers of some versions.
pub(super) fn ids<'v>(versions: impl Iterator<Item = &'v Version>) -> HashSet<(String, i64)> {
    versions.map(|it| (it.file.clone(), it.number)).collect()
}
