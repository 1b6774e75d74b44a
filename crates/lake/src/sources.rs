//! `meta.sources`: the state of each source that is read on a schedule.

use crate::bronze::utc;
use crate::columns::{KeyValue, RowKeys};
use crate::lake::Lake;
use crate::meta::{self, MetaTable};
use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The state of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// The last read succeeded.
    Ok,
    /// The last read failed; the next one may succeed.
    Failing,
    /// The source refuses user or password. It is not read again before the password or the contract
    /// changes, or the program starts again, since each attempt may count towards locking the account.
    Refused,
}

/// A source that is read on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// The bronze table.
    pub table_name: String,
    /// System the records come from.
    pub source: String,
    /// Where the source is, without secrets.
    pub address: String,
    pub state: SourceState,
    /// Where the next increment starts; null if the source is read as a whole.
    pub checkpoint: Option<String>,
    /// Start of the last read.
    pub read_at: DateTime<Utc>,
    /// When the next read is due; null if the source is refused.
    pub next_read_at: Option<DateTime<Utc>>,
    /// Start of the last read that returned new records.
    pub changed_at: Option<DateTime<Utc>>,
    /// New records of that read, and its duration.
    pub records: i64,
    pub took_ms: i64,
    /// Why the last read failed and what to do; null if it succeeded.
    pub error: Option<String>,
    /// Since when reads have failed.
    pub failing_since: Option<DateTime<Utc>>,
    pub run: String,
}

/// The table's definition.
pub fn table() -> MetaTable {
    use DataType::{Int64, Utf8};
    let columns = [
        ("table_name", Utf8),
        ("source", Utf8),
        ("address", Utf8),
        ("state", Utf8),
        ("checkpoint", Utf8),
        ("read_at", utc()),
        ("next_read_at", utc()),
        ("changed_at", utc()),
        ("records", Int64),
        ("took_ms", Int64),
        ("error", Utf8),
        ("failing_since", utc()),
        ("run", Utf8),
    ];
    let description = "The state of each source that is read on a schedule.";
    MetaTable::new("sources", description, columns)
}

/// The state of all sources as it was last saved.
pub async fn load(lake: &Lake) -> anyhow::Result<Vec<SourceRow>> {
    meta::rows(lake, &table()).await
}

/// Saves the state of sources, in place of what was saved of them before.
pub async fn save(lake: &Lake, rows: &[SourceRow]) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let keys = rows.iter().map(|row| [KeyValue::Text(&row.table_name)]);
    meta::replace(lake, &table(), rows, &RowKeys::new(["table_name"], keys)).await
}
