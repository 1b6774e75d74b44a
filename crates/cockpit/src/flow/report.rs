//! Progress and result of a run.

use config::model::TableName;
use lake::dumps::{DumpRow, Status};
use lake::reconciliation;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Progress of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The bucket is listed: number and size of the dumps to read.
    Listed { dumps: usize, bytes: u64 },
    /// A dump was read, or failed.
    Dump { file: String, bytes: u64, status: Status },
    /// All dumps were read; refinement begins.
    Refining,
}

/// Receives the events of a run.
pub type Watcher = Arc<dyn Fn(Event) + Send + Sync>;

/// The result of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Dumps that were read in this run.
    pub read: Vec<DumpRow>,
    /// Dumps that cannot be read, whether found in this run or before.
    pub broken: Vec<DumpRow>,
    /// Dumps in the bucket with too many rejected records, whenever they landed.
    pub faulty: Vec<DumpRow>,
    /// Dumps whose columns changed, reported by the first run that reads them.
    pub changed_columns: Vec<DumpRow>,
    /// Files that match no contract and are new.
    pub unmatched: Vec<DumpRow>,
    /// Dumps that have not changed.
    pub unchanged: usize,
    /// Number of dumps that other processes have claimed; they land them.
    pub elsewhere: usize,
    /// Keys of files that are still being written; the next round checks them again.
    pub unfinished: Vec<String>,
    /// The table and key of every dump in the bucket; `None` if it was not listed.
    pub listed: Option<BTreeSet<(String, String)>>,
    /// Row balances computed in this run.
    pub entries: Vec<reconciliation::RowBalance>,
    /// Tables with changed rows.
    pub changed: Vec<TableName>,
    /// Problems of streams, databases and HTTP interfaces.
    pub problems: Vec<String>,
    /// Observations on the records of this run that are not problems.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether the run succeeded: every dump and source was read, none has too many rejected records, and all
    /// rows balance. Some rejected rows and files that match no contract do not fail a run.
    pub fn is_success(&self) -> bool {
        self.broken.is_empty()
            && self.faulty.is_empty()
            && self.problems.is_empty()
            && self.entries.iter().all(|entry| entry.is_balanced)
    }
}
