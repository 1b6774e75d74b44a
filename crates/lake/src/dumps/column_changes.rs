//! The columns of dumps: those of the last dump of each table, and how a further one differs.

use crate::dumps::DumpRow;
use plant::columns::{Change, Expected, FileColumns, changes};
use plant::contract::{Contract, Format};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Columns as `meta.files` stores them: the names, or the number of fields without names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Names(Vec<String>),
    Fields(usize),
}

/// The columns of the last dump of each table, as far as `meta.files` has them. Dumps are in the order in
/// which they were read.
#[derive(Debug, Default)]
pub struct LastColumns(BTreeMap<String, String>);

impl LastColumns {
    pub fn new(rows: &[DumpRow]) -> Self {
        let mut rows: Vec<&DumpRow> = rows.iter().filter(|row| row.columns.is_some()).collect();
        rows.sort_by_key(|row| (row.seen_at, row.dumped_at, row.dump));
        let last = |row: &DumpRow| Some((row.table_name.clone(), row.columns.clone()?));
        Self(rows.into_iter().filter_map(last).collect())
    }

    /// The columns of the last dump of a table.
    pub fn table(&self, contract: &Contract) -> Option<FileColumns> {
        parse(contract, self.0.get(&contract.table)?)
    }
}

fn parse(contract: &Contract, text: &str) -> Option<FileColumns> {
    Some(match serde_json::from_str(text).ok()? {
        Stored::Names(names) if is_json(contract) => FileColumns::Keys(names),
        Stored::Names(names) => FileColumns::Names(names),
        Stored::Fields(fields) => FileColumns::Fields(fields),
    })
}

fn is_json(contract: &Contract) -> bool {
    matches!(contract.format, Format::JsonLines | Format::JsonArray)
}

fn to_text(columns: &FileColumns) -> Option<String> {
    let stored = match columns {
        FileColumns::Names(names) | FileColumns::Keys(names) => Stored::Names(names.clone()),
        FileColumns::Fields(fields) => Stored::Fields(*fields),
    };
    serde_json::to_string(&stored).ok()
}

/// Records the columns of a dump in its row, and as text how they differ from those of the contract and of
/// the dump `before`. `before` becomes what is known after it.
///
/// JSON records may omit keys, so a key that is absent from fewer than `judged_records` records does not
/// count as missing.
pub fn record(
    row: &mut DumpRow,
    contract: &Contract,
    found: FileColumns,
    before: &mut Option<FileColumns>,
    judged_records: i64,
) {
    let headers = contract.headers();
    let is_case_sensitive = contract.case_sensitive_columns;
    let expected = Expected { headers: &headers, is_case_sensitive };
    let mut changes = changes(expected, &found, before.as_ref());
    if matches!(found, FileColumns::Keys(_)) && row.records < judged_records {
        let proves_nothing = |it: &Change| {
            matches!(it, Change::Missing { instead: None, .. } | Change::Restored { .. })
        };
        changes.retain(|change| !proves_nothing(change));
    }
    let after = found.after(before.as_ref());
    if before.as_ref() != Some(&after) {
        row.columns = to_text(&after);
    }
    let words: Vec<String> = changes.iter().map(with_proposal).collect();
    row.column_change = (!words.is_empty()).then(|| words.join("; "));
    *before = Some(after);
}

/// A change, and the change of the contract that would follow.
fn with_proposal(change: &Change) -> String {
    match change.proposal() {
        Some(proposal) => format!("{change} ({proposal})"),
        None => change.to_string(),
    }
}

/// The dumps whose columns changed and that were not known with this change. A dump that was only touched
/// is not new.
pub fn newly_changed(
    read: &[DumpRow],
    newest: &BTreeMap<(String, String), DumpRow>,
) -> Vec<DumpRow> {
    let change = |row: &DumpRow| (row.dump, row.column_change.clone());
    let is_known =
        |row: &DumpRow| newest.get(&row.table_and_file()).map(change) == Some(change(row));
    read.iter().filter(|row| row.column_change.is_some() && !is_known(row)).cloned().collect()
}
