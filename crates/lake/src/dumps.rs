//! `meta.files`: every dump that was listed, its status, and the reason for it.

pub mod column_changes;
pub mod faulty;
mod known;

pub use known::KnownDumps;

use crate::bronze::utc;
use crate::columns::{KeyValue, RowKeys};
use crate::lake::Lake;
use crate::meta::{self, MetaTable};
use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The status of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its records are in bronze.
    Landed,
    /// It has no records.
    Empty,
    /// Its bytes do not match the contract; it is read again when it changes, and by the next run of the
    /// program, whose contract may differ.
    Unreadable,
    /// It could not be fetched or landed; the next listing tries it again.
    Failed,
    /// No contract matches its path, so it is not read.
    Unmatched,
}

/// A dump as it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpRow {
    /// Key in the bucket.
    pub file: String,
    /// How many dumps of this key have landed, this one included.
    pub dump: i64,
    /// Empty for a file of no contract, as is `table_name`.
    #[serde(default, serialize_with = "null_if_empty")]
    pub source: String,
    #[serde(default, serialize_with = "null_if_empty")]
    pub table_name: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub sha256: Option<String>,
    pub modified_at: DateTime<Utc>,
    pub dumped_at: Option<DateTime<Utc>>,
    pub status: Status,
    /// Why it did not land, or why it is faulty although it did.
    pub reason: Option<String>,
    /// Records the decoder read.
    pub records: i64,
    /// Records that were rejected; null before they are counted.
    pub rejected: Option<i64>,
    /// Its columns as a JSON array of names, or their number; null if they are those of the previous dump.
    pub columns: Option<String>,
    /// How its columns differ from those of the contract and of the previous dump.
    pub column_change: Option<String>,
    pub run: String,
    pub seen_at: DateTime<Utc>,
}

impl DumpRow {
    /// Whether its records landed and too many of them were rejected.
    pub fn is_faulty(&self) -> bool {
        self.status == Status::Landed && self.reason.is_some()
    }

    /// Copies what is known about the contents of a dump with the same bytes.
    pub fn take_contents(&mut self, known: &Self) {
        self.dump = known.dump;
        self.records = known.records;
        self.rejected = known.rejected;
        self.reason.clone_from(&known.reason);
        self.columns.clone_from(&known.columns);
        self.column_change.clone_from(&known.column_change);
    }

    /// Its table and its key.
    pub fn table_and_file(&self) -> (String, String) {
        (self.table_name.clone(), self.file.clone())
    }
}

fn null_if_empty<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if text.is_empty() { serializer.serialize_none() } else { serializer.serialize_str(text) }
}

/// The table's definition.
pub fn table() -> MetaTable {
    use DataType::{Int64, Utf8};
    let columns = [
        ("file", Utf8),
        ("dump", Int64),
        ("source", Utf8),
        ("table_name", Utf8),
        ("size_bytes", Int64),
        ("etag", Utf8),
        ("sha256", Utf8),
        ("modified_at", utc()),
        ("dumped_at", utc()),
        ("status", Utf8),
        ("reason", Utf8),
        ("records", Int64),
        ("rejected", Int64),
        ("columns", Utf8),
        ("column_change", Utf8),
        ("run", Utf8),
        ("seen_at", utc()),
    ];
    let description = "Every dump that was listed, its status, and the reason for it.";
    MetaTable::new("files", description, columns)
}

/// All dumps ever listed.
pub async fn load(lake: &Lake) -> anyhow::Result<Vec<DumpRow>> {
    meta::rows(lake, &table()).await
}

/// The newest row of each table and key.
pub fn newest(rows: &[DumpRow]) -> BTreeMap<(String, String), DumpRow> {
    let mut newest: BTreeMap<(String, String), DumpRow> = BTreeMap::new();
    for row in rows {
        let key = row.table_and_file();
        let known = newest.get(&key);
        if known.is_none_or(|known| (known.seen_at, known.dump) <= (row.seen_at, row.dump)) {
            newest.insert(key, row.clone());
        }
    }
    newest
}

/// The rows `known`, with `rows` in place of those of the same table, key and number.
pub fn merged(mut known: Vec<DumpRow>, rows: &[DumpRow]) -> Vec<DumpRow> {
    let replaced = ids(rows);
    known.retain(|it| !replaced.contains(&(it.table_name.as_str(), it.file.as_str(), it.dump)));
    known.extend_from_slice(rows);
    known
}

fn ids(rows: &[DumpRow]) -> BTreeSet<(&str, &str, i64)> {
    rows.iter().map(|row| (row.table_name.as_str(), row.file.as_str(), row.dump)).collect()
}

/// Saves rows; a row of the same table, key and number among those `known` is replaced.
pub async fn save(lake: &Lake, rows: &[DumpRow], known: &[DumpRow]) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let saved = ids(rows);
    let mut known = known.iter();
    if !known.any(|it| saved.contains(&(it.table_name.as_str(), it.file.as_str(), it.dump))) {
        return meta::append(lake, &table(), rows).await;
    }
    let keys = saved.into_iter().map(|(table, file, dump)| {
        [KeyValue::Text(table), KeyValue::Text(file), KeyValue::Long(dump)]
    });
    let keys = RowKeys::new(["table_name", "file", "dump"], keys);
    meta::replace(lake, &table(), rows, &keys).await
}

/// Saves which files no contract matches, in place of those saved before.
pub async fn save_unmatched(lake: &Lake, rows: &[DumpRow]) -> anyhow::Result<()> {
    let keys = RowKeys::new(["status"], [[KeyValue::Text(UNMATCHED)]]);
    meta::replace(lake, &table(), rows, &keys).await
}

/// [`Status::Unmatched`] as the table stores it.
const UNMATCHED: &str = "unmatched";
