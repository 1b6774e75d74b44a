//! The columns of dumps: those of the last dump of each table, and what another one changed.

use super::dumps::DumpRow;
use plant::columns::{Change, Expected, FileColumns, changes};
use plant::contract::{Contract, Format};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Columns as `meta.files` stores them: the names, or how many fields there are without names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Names(Vec<String>),
    Fields(usize),
}

/// The columns each table's dumps had last, as far as `meta.files` has them. Dumps are in the order
/// in which they were read.
#[derive(Debug, Default)]
pub struct LastColumns(BTreeMap<String, String>);

impl LastColumns {
    pub fn of(rows: &[DumpRow]) -> Self {
        let mut rows: Vec<&DumpRow> = rows.iter().filter(|row| row.columns.is_some()).collect();
        rows.sort_by_key(|row| (row.seen_at, row.dumped_at, row.dump));
        let last = |row: &DumpRow| Some((row.table_name.clone(), row.columns.clone()?));
        Self(rows.into_iter().filter_map(last).collect())
    }

    /// The columns the last dump of a table had.
    pub fn table(&self, contract: &Contract) -> Option<FileColumns> {
        read(contract, self.0.get(&contract.table)?)
    }
}

fn read(contract: &Contract, text: &str) -> Option<FileColumns> {
    Some(match serde_json::from_str(text).ok()? {
        Stored::Names(names) if is_json(contract) => FileColumns::Keys(names),
        Stored::Names(names) => FileColumns::Names(names),
        Stored::Fields(fields) => FileColumns::Fields(fields),
    })
}

fn is_json(contract: &Contract) -> bool {
    matches!(contract.format, Format::JsonLines | Format::JsonArray)
}

fn written(columns: &FileColumns) -> Option<String> {
    let stored = match columns {
        FileColumns::Names(names) | FileColumns::Keys(names) => Stored::Names(names.clone()),
        FileColumns::Fields(fields) => Stored::Fields(*fields),
    };
    serde_json::to_string(&stored).ok()
}

/// Notes the columns of a dump in its row, and in words what they change against the contract and
/// against the dump `before`; nothing if they are the same. `before` becomes what is known after it.
///
/// Records of JSON may leave out keys, so of fewer than `judged_records` records none having a key
/// proves nothing.
pub fn note(
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
        row.columns = written(&after);
    }
    let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
    row.column_change = (!words.is_empty()).then(|| words.join("; "));
    *before = Some(after);
}

/// The dumps whose columns changed and that were not known with this change: a dump that was only
/// touched is the dump it was.
pub fn newly_changed(
    read: &[DumpRow],
    newest: &BTreeMap<(String, String), DumpRow>,
) -> Vec<DumpRow> {
    let change = |row: &DumpRow| (row.dump, row.column_change.clone());
    let is_known = |row: &DumpRow| newest.get(&row.place()).map(change) == Some(change(row));
    read.iter().filter(|row| row.column_change.is_some() && !is_known(row)).cloned().collect()
}
