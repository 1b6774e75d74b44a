//! Pulls of a source that is read on a schedule: which have landed, and which of their records may be read
//! again.

use super::Landings;
use crate::bronze::landed::{Run, Version};
use crate::columns::text;
use crate::delta::table::State;
use arrow::array::{Array as _, RecordBatch, StringArray};
use batches::record_digest::digest;
use futures::TryStreamExt as _;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The checkpoint of the last increment of a source: its number. Where the next one starts is in the place of
/// its records, `_file`.
const PULL: &str = "pull";

impl Landings<'_> {
    /// The keys of all dumps that have landed or wait for their commit; those of pulls are their places.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.newest.keys().map(String::as_str)
    }

    /// Sets the checkpoint of the next commit: the number of an increment.
    pub fn set_pull(&mut self, number: u64) {
        self.checkpoints.insert(PULL.to_owned(), i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// The dumps that have landed and are not `known`: the process that landed them ended before it recorded
    /// them. Each with its number of rows.
    pub async fn unrecorded(
        &self,
        is_known: impl Fn(&Version) -> bool,
    ) -> anyhow::Result<Vec<(Arc<Version>, i64)>> {
        let files = self.state.as_ref().map(State::files).unwrap_or_default();
        let mut found: BTreeMap<(String, i64), (Arc<Version>, i64)> = BTreeMap::new();
        for part in self.lake.landed(&self.table, files).await? {
            for run in part.runs.iter().filter(|run| !is_known(&run.version)) {
                let key = (run.version.file.clone(), run.version.number);
                let entry = found.entry(key).or_insert_with(|| (run.version.clone(), 0));
                entry.1 += i64::try_from(run.rows.len())?;
            }
        }
        Ok(found.into_values().collect())
    }

    /// The digests of the records of dumps whose keys are wanted.
    pub async fn digests(&self, is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<HashSet<u128>> {
        let mut found = HashSet::new();
        let files = self.state.as_ref().map(State::files).unwrap_or_default();
        let names = self.contract.columns.iter().map(|column| column.name.as_str());
        let names: Vec<&str> = names.chain(["_rest"]).collect();
        for part in self.lake.landed(&self.table, files).await? {
            let wanted = part.runs.iter().filter(|run: &&Run| is_wanted(&run.version.file));
            let rows: Vec<_> = wanted.map(|run| run.rows.clone()).collect();
            if rows.is_empty() {
                continue;
            }
            let batch_rows = self.lake.batch_rows();
            let mut batches =
                self.table.read_rows(&part.add, Some(&names), Some(rows), batch_rows).await?;
            while let Some(batch) = batches.try_next().await? {
                add_digests(&batch, &names, &mut found);
            }
        }
        Ok(found)
    }
}

fn add_digests(batch: &RecordBatch, names: &[&str], found: &mut HashSet<u128>) {
    // A file of an older contract may lack a column.
    let columns: Vec<Option<&StringArray>> =
        names.iter().map(|name| text(batch, name).ok()).collect();
    let Some((rest, fields)) = columns.split_last() else { return };
    for row in 0..batch.num_rows() {
        let fields = fields.iter().map(|column| value(*column, row));
        found.insert(digest(fields, value(*rest, row)));
    }
}

fn value(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|it| it.is_valid(row)).map(|it| it.value(row))
}
