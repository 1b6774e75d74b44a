//! Refinement: bronze -> silver -> gold, one table at a time.
//!
//! In: a step of the plant, and the tables it reads as they are.
//! Out: the table of the step, and its records in `silver.rejected`, as the upstreams define them.
//! Promise: a step reads its checkpoints from the last commit of its table and commits them with the rows,
//! so a run can be killed at any point; the result is that of a rebuild from bronze.

mod bits;
mod change;
pub mod clean;
pub(crate) mod cleaning;
mod concat;
pub mod damage;
pub mod derive;
mod dump_reader;
mod keyed;
pub(crate) mod keys;
mod passes;
pub(crate) mod superseded;
mod versions;
pub mod watch;
mod whole;

use config::model::TableName;
use std::collections::BTreeMap;

/// How much of the tables is computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshMode {
    /// What may have changed since the last checkpoint.
    Incremental,
    /// Everything, from bronze.
    Full,
}

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub table: TableName,
    /// Whether any row of the table changed.
    pub is_changed: bool,
    pub repairs: Repairs,
}

impl Outcome {
    pub(crate) fn untouched(table: &TableName) -> Self {
        Self { table: table.clone(), is_changed: false, repairs: Repairs::default() }
    }

    /// Remarks about the records that were read, as sentences.
    pub fn notes(&self) -> Vec<String> {
        let ambiguous = self.repairs.ambiguous.iter();
        ambiguous.map(|(column, found)| self.ambiguity_note(column, *found)).collect()
    }

    fn ambiguity_note(&self, column: &str, found: Ambiguous) -> String {
        let (table, times, certain) = (&self.table, found.times, found.times - found.uncertain);
        let note = format!(
            "{table}: {times} ambiguous times of {column}, in an hour that the clock shows twice; the \
             order of the records resolves {certain}"
        );
        match found.uncertain {
            0 => note,
            uncertain => {
                format!("{note}; {uncertain} are uncertain: export times with their UTC offset")
            }
        }
    }
}

/// Texts that could not be read and became null, as the contract of their column allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Records read.
    pub records: usize,
    /// Repaired texts by bronze column.
    pub columns: BTreeMap<String, usize>,
    /// Times that the clock shows twice, by bronze column.
    pub ambiguous: BTreeMap<String, Ambiguous>,
}

/// Times of one column that the clock of their zone shows twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ambiguous {
    pub times: usize,
    /// Of how many the order of the records does not show which of the two instants they are.
    pub uncertain: usize,
}

impl Repairs {
    pub(crate) fn add_ambiguous(&mut self, found: &[batches::typed::AmbiguousTimes]) {
        for found in found {
            let sum = self.ambiguous.entry(found.column.clone()).or_default();
            sum.times += found.times;
            sum.uncertain += found.uncertain;
        }
    }

    pub(crate) fn add(&mut self, records: usize, repaired: Vec<(String, usize)>) {
        self.records += records;
        for (column, count) in repaired {
            *self.columns.entry(column).or_default() += count;
        }
    }
}
