//! Reading the rows of chosen dumps from a bronze table.

use crate::bronze::landed::{DataFileRuns, Run, Version};
use crate::delta::read::Batches;
use crate::delta::table::{Change, State, Table};
use crate::delta::write::DataWriter;
use crate::refine::Repairs;
use crate::refine::cleaning::Cleaning;
use crate::refine::versions::VersionId;
use crate::rejected::Rejects;
use deltalake::kernel::Add;
use plant::contract::{Contract, Supersede};
use std::collections::HashSet;
use std::ops::Range;

/// The bronze table that a cleaned table is made from.
pub struct Bronze<'a> {
    pub source: &'a Table,
    pub state: &'a State,
    pub contract: &'a Contract,
}

impl Bronze<'_> {
    /// Whether a version of a file voids every record of its older versions.
    pub fn removes(&self, version: &Version) -> bool {
        removes(self.contract, version)
    }
}

/// Whether a version of a file voids every record of its older versions.
pub fn removes(contract: &Contract, version: &Version) -> bool {
    contract.supersede == Supersede::Key && contract.rewriting_removes(version.order.0.is_some())
}

/// What cleaning some dumps changes.
pub struct CleanedDumps<'a> {
    pub change: Change,
    pub rejects: Rejects<'a>,
    pub repairs: Repairs,
    /// Whether all dumps were read, so that the table consists of the added rows alone.
    pub is_everything: bool,
}

impl Cleaning<'_> {
    /// Reads some rows of a bronze file.
    pub async fn read_bronze(
        &self,
        source: &Table,
        file: &Add,
        rows: Vec<Range<usize>>,
    ) -> anyhow::Result<Batches> {
        let columns: Vec<&str> = self.read.iter().map(String::as_str).collect();
        source.read_rows(file, Some(&columns), Some(rows), self.lake.batch_rows()).await
    }

    /// A writer of rows of the cleaned table.
    pub fn writer(&self) -> DataWriter {
        let lake = self.lake;
        self.table.writer(self.stored.clone(), lake.sizes(), lake.names(), lake.now_ms())
    }
}

/// The runs of a data file whose versions are wanted.
pub fn wanted_runs(part: &DataFileRuns, wanted: impl Fn(&Version) -> bool) -> Vec<&Run> {
    part.runs.iter().filter(|run| wanted(&run.version)).collect()
}

/// The rows of some runs.
pub fn rows_of(runs: &[&Run]) -> Vec<Range<usize>> {
    runs.iter().map(|run| run.rows.clone()).collect()
}

/// The parts of some runs that are in a range of rows.
pub fn runs_within(runs: &[&Run], range: &Range<usize>) -> Vec<Run> {
    let within = runs.iter().map(|run| Run {
        version: run.version.clone(),
        rows: run.rows.start.max(range.start)..run.rows.end.min(range.end),
    });
    within.filter(|run| !run.rows.is_empty()).collect()
}

/// Assigns rows to runs, as the rows of these runs are read batch by batch.
pub struct Cursor<'p> {
    runs: Vec<&'p Run>,
    run: usize,
    /// Rows of the current run that are in earlier batches.
    passed: usize,
}

impl<'p> Cursor<'p> {
    pub fn new(runs: Vec<&'p Run>) -> Self {
        Self { runs, run: 0, passed: 0 }
    }

    /// The runs of the next rows, each with its number of rows among them.
    pub fn next(&mut self, mut rows: usize) -> Vec<(&'p Run, usize)> {
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
pub fn ids<'v>(versions: impl Iterator<Item = &'v Version>) -> HashSet<VersionId> {
    versions.map(|it| (it.file.clone(), it.number)).collect()
}
