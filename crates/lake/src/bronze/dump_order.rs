//! The order in which dumps supersede each other.

use crate::columns::timestamp;
use arrow::array::{Array as _, RecordBatch, TimestampMicrosecondArray};

/// The position of a dump: the time in its name (none is oldest), the time of its last change, the time
/// at which it landed. Microseconds since 1970 UTC.
pub type DumpOrder = (Option<i64>, i64, i64);

/// The columns that define the order of dumps.
pub struct DumpOrders<'a> {
    dumped: &'a TimestampMicrosecondArray,
    modified: &'a TimestampMicrosecondArray,
    ingested: &'a TimestampMicrosecondArray,
}

impl<'a> DumpOrders<'a> {
    /// The names of the columns.
    pub const COLUMNS: [&'static str; 3] = ["_dumped_at", "_modified_at", "_ingested_at"];

    pub fn new(batch: &'a RecordBatch) -> anyhow::Result<Self> {
        Ok(Self {
            dumped: timestamp(batch, "_dumped_at")?,
            modified: timestamp(batch, "_modified_at")?,
            ingested: timestamp(batch, "_ingested_at")?,
        })
    }

    /// The position of the dump that a row belongs to.
    pub fn order(&self, row: usize) -> DumpOrder {
        let dumped = (!self.dumped.is_null(row)).then(|| self.dumped.value(row));
        (dumped, self.modified.value(row), self.ingested.value(row))
    }
}
