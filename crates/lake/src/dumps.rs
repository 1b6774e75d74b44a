//! `meta.files`: every dump that was seen, what became of it, and why.

use super::Lake;
use super::bronze::utc;
use super::rows::MetaTable;
use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use chrono::{DateTime, Utc};
use config::model::TableName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What became of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its records are in bronze.
    Landed,
    /// It holds no record.
    Empty,
    /// Its bytes are not what the contract says; it is read again when it has changed, and by the
    /// next run of the program, whose contract may be another.
    Unreadable,
    /// It could not be fetched or landed; it is tried again at the next listing.
    Failed,
    /// The path of no contract matches it, so it is not read.
    Unmatched,
}

/// One dump as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpRow {
    /// Key in the bucket.
    pub file: String,
    /// How many dumps of this key had landed, this one included.
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
    /// Why it did not land, or why it is reported as faulty although it did.
    pub reason: Option<String>,
    /// Records the decoder read.
    pub records: i64,
    /// Records that were rejected; null before they are counted.
    pub rejected: Option<i64>,
    /// Its columns as a JSON array of their names, or their number; null if they are those of the
    /// dump before.
    pub columns: Option<String>,
    /// What is different from the columns of the contract and of the dump before.
    pub column_change: Option<String>,
    pub run: String,
    pub seen_at: DateTime<Utc>,
}

impl DumpRow {
    /// Whether its records landed and too many of them were rejected.
    pub fn is_faulty(&self) -> bool {
        self.status == Status::Landed && self.reason.is_some()
    }

    /// Takes what is known of the contents of a dump of the same bytes.
    pub fn take_contents(&mut self, known: &Self) {
        self.dump = known.dump;
        self.records = known.records;
        self.rejected = known.rejected;
        self.reason.clone_from(&known.reason);
        self.columns.clone_from(&known.columns);
        self.column_change.clone_from(&known.column_change);
    }

    /// The table it is for, and its key.
    pub fn place(&self) -> (String, String) {
        (self.table_name.clone(), self.file.clone())
    }
}

fn null_if_empty<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if text.is_empty() { serializer.serialize_none() } else { serializer.serialize_str(text) }
}

/// The table's definition.
pub fn table() -> MetaTable {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let long = |name| Field::new(name, DataType::Int64, true);
    let time = |name| Field::new(name, utc(), true);
    MetaTable {
        name: TableName::new("meta", "files"),
        description: "Every dump that was seen, what became of it, and why.",
        schema: Arc::new(Schema::new(vec![
            text("file"),
            long("dump"),
            text("source"),
            text("table_name"),
            long("size_bytes"),
            text("etag"),
            text("sha256"),
            time("modified_at"),
            time("dumped_at"),
            text("status"),
            text("reason"),
            long("records"),
            long("rejected"),
            text("columns"),
            text("column_change"),
            text("run"),
            time("seen_at"),
        ])),
    }
}

/// All dumps ever seen.
pub async fn load(lake: &Lake) -> anyhow::Result<Vec<DumpRow>> {
    lake.meta_rows(&table()).await
}

/// What was seen last of each table and key.
pub fn newest(rows: &[DumpRow]) -> BTreeMap<(String, String), DumpRow> {
    let mut newest: BTreeMap<(String, String), DumpRow> = BTreeMap::new();
    for row in rows {
        let place = row.place();
        let known = newest.get(&place);
        if known.is_none_or(|known| (known.seen_at, known.dump) <= (row.seen_at, row.dump)) {
            newest.insert(place, row.clone());
        }
    }
    newest
}

/// The dumps `known`, with `rows` in place of those of the same table, key and number.
pub fn with(mut known: Vec<DumpRow>, rows: &[DumpRow]) -> Vec<DumpRow> {
    let noted = noted(rows);
    known.retain(|it| !noted.contains(&(it.table_name.as_str(), it.file.as_str(), it.dump)));
    known.extend_from_slice(rows);
    known
}

fn noted(rows: &[DumpRow]) -> BTreeSet<(&str, &str, i64)> {
    rows.iter().map(|row| (row.table_name.as_str(), row.file.as_str(), row.dump)).collect()
}

/// Notes what became of dumps; a row of the same table, key and number among those `known` is
/// replaced.
pub async fn save(lake: &Lake, rows: &[DumpRow], known: &[DumpRow]) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let noted = noted(rows);
    let mut known = known.iter();
    if !known.any(|it| noted.contains(&(it.table_name.as_str(), it.file.as_str(), it.dump))) {
        return lake.meta_append(&table(), rows).await;
    }
    let gone = |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
        let text = |name: &str| -> anyhow::Result<_> {
            Ok(batch.column(batch.schema().index_of(name)?).as_string::<i32>().clone())
        };
        let (tables, files) = (text("table_name")?, text("file")?);
        let numbers = batch.column(batch.schema().index_of("dump")?);
        let numbers = numbers.as_primitive::<Int64Type>().clone();
        let is_gone =
            |row| noted.contains(&(tables.value(row), files.value(row), numbers.value(row)));
        Ok((0..files.len()).map(|row| Some(is_gone(row))).collect())
    };
    lake.meta_replace(&table(), rows, &gone).await
}

/// Notes which files no contract matches, in place of those noted before.
pub async fn save_unmatched(lake: &Lake, rows: &[DumpRow]) -> anyhow::Result<()> {
    let gone = |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
        let statuses = batch.column(batch.schema().index_of("status")?);
        let is_gone = |status: Option<&str>| Some(status == Some(UNMATCHED));
        Ok(statuses.as_string::<i32>().iter().map(is_gone).collect())
    };
    lake.meta_replace(&table(), rows, &gone).await
}

/// [`Status::Unmatched`] as the table spells it.
const UNMATCHED: &str = "unmatched";
