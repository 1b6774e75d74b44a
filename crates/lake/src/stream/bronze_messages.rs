//! Reading messages back from bronze.

use crate::bronze::utc;
use crate::columns::{column, int, long, text};
use crate::delta::stats::FileStats;
use arrow::array::{AsArray as _, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use batches::batch::Messages;
use deltalake::kernel::Add;
use serde_json::Value;
use std::collections::BTreeSet;

/// Bronze rows as messages, grouped by topic.
pub fn messages(rows: &RecordBatch) -> anyhow::Result<Vec<Messages>> {
    let topics = text(rows, "_topic")?;
    let distinct: BTreeSet<&str> = topics.iter().flatten().collect();
    let mut found = Vec::with_capacity(distinct.len());
    for topic in distinct {
        let is_of_topic: BooleanArray = topics.iter().map(|it| Some(it == Some(topic))).collect();
        found.push(messages_of_topic(topic, &filter_record_batch(rows, &is_of_topic)?)?);
    }
    Ok(found)
}

fn messages_of_topic(topic: &str, rows: &RecordBatch) -> anyhow::Result<Messages> {
    let times = cast(column(rows, "_timestamp")?, &utc())?;
    let times = times.as_primitive::<TimestampMicrosecondType>().values().clone();
    let payload = cast(column(rows, "payload")?, &DataType::Binary)?;
    // Files of older programs lack these columns.
    let key = rows.column_by_name("_key").map(|key| cast(key, &DataType::Binary));
    let headers = rows.column_by_name("_headers").map(|all| cast(all, &DataType::Utf8));
    Ok(Messages {
        topic: topic.into(),
        partition: int(rows, "_partition")?.clone(),
        offset: long(rows, "_offset")?.clone(),
        timestamp_us: Int64Array::new(times, None),
        payload: payload.as_binary::<i32>().clone(),
        key: key.transpose()?.map(|key| key.as_binary::<i32>().clone()),
        headers: headers.transpose()?.map(|all| all.as_string::<i32>().clone()),
    })
}

/// Whether a data file may have messages after an offset, of any partition.
pub fn may_have_after(file: &Add, offset: i64) -> bool {
    let stats = FileStats::from_add(file);
    stats.max("_offset").and_then(Value::as_i64).is_none_or(|last| last > offset)
}
