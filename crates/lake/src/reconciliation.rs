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
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{DateTime, Utc};
use config::model::TableName;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    let text = |name| Field::new(name, DataType::Utf8, true);
    let time = |name| Field::new(name, utc(), true);
    let counts = ["dump", "read", "bronze", "silver", "rejected", "superseded"];
    let counts = counts.map(|name| Field::new(name, DataType::Int64, true));
    let mut fields = vec![text("run"), time("started_at"), time("ended_at"), text("table_name")];
    fields.extend([text("file"), text("file_sha256")]);
    fields.extend(counts);
    fields.push(Field::new("closed", DataType::Boolean, true));
    MetaTable {
        name: TableName::new("meta", "runs"),
        description: "The row balance of every run: for each dump it touched, the fate of its records.",
        schema: Arc::new(Schema::new(fields)),
    }
}

/// All row balances ever saved.
pub async fn load(lake: &Lake) -> anyhow::Result<Vec<RowBalance>> {
    meta::rows(lake, &table()).await
}
