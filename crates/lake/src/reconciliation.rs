//! `meta.runs`, the reconciliation: for every dump that a run touched, records read = bronze rows, and
//! bronze = silver + rejected + superseded.
//!
//! In: `meta.files`, and the tables of the lake.
//! Out: a row balance for each dump and each partition of a topic that changed.
//! Promise: each side is counted independently from the lake, so a lost record shows as an unbalanced row.

pub mod dumps;
pub mod streams;

use crate::bronze::utc;
use crate::lake::Lake;
use crate::meta::{self, MetaTable};
use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The row balance of one dump, or of one partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowBalance {
    pub run: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    /// The silver table of the records.
    pub table_name: String,
    /// The dump, or `topic/partition`.
    pub file: String,
    pub file_sha256: String,
    /// The number of the dump, or the first offset.
    pub dump: i64,
    /// Records that the decoder read.
    pub read: i64,
    /// Records in bronze.
    pub bronze: i64,
    /// Rows in silver.
    pub silver: i64,
    /// Rows in `silver.rejected`.
    pub rejected: i64,
    /// Records that a newer record of the same key supersedes, or whose file was replaced.
    pub superseded: i64,
    /// Whether the counts balance.
    #[serde(rename = "closed")]
    pub is_balanced: bool,
}

/// The table's definition.
pub fn table() -> MetaTable {
    use DataType::{Boolean, Int64, Utf8};
    let columns = [
        ("run", Utf8),
        ("started_at", utc()),
        ("ended_at", utc()),
        ("table_name", Utf8),
        ("file", Utf8),
        ("file_sha256", Utf8),
        ("dump", Int64),
        ("read", Int64),
        ("bronze", Int64),
        ("silver", Int64),
        ("rejected", Int64),
        ("superseded", Int64),
        ("closed", Boolean),
    ];
    let description =
        "The row balance of every run: for each dump it touched, the fate of its records.";
    MetaTable::new("runs", description, columns)
}

/// All row balances ever saved.
pub async fn load(lake: &Lake) -> anyhow::Result<Vec<RowBalance>> {
    meta::rows(lake, &table()).await
}
