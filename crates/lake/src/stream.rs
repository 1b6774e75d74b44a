//! Streams: messages -> bronze and silver, in one cycle.
//!
//! In: messages as the broker delivers them, and the offsets that the lake contains.
//! Out: a bronze row for every message, and a silver row or a rejected one for each of its records.
//! Promise: exactly once, without transactions of the broker.
//!
//! A message may hold several records. Offsets count messages, and a commit has all records of a message or
//! none.
//!
//! A commit has rows and, as Delta `txn` actions, the last offset of each partition among them. Bronze is
//! committed first, then the rejected, then silver. The process that takes over a partition reads its
//! offsets from the lake, completes silver from bronze, and resumes after the last offset in bronze. Two
//! processes that both believe they own a partition cannot both commit: the second commit conflicts with
//! the first one.

pub(crate) mod bronze_messages;
mod identity;
pub mod interpret;
pub mod land;
pub(crate) mod rebuild;
mod rejected_sink;
pub mod replay;
pub mod resume;
mod retained;
pub mod sink;

use crate::bronze::Pointer;
use arrow::array::{ArrayRef, Int32Array, RecordBatch, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use std::sync::{Arc, LazyLock};

use batches::batch::Messages;

/// Partition column of the tables of a stream: the day in UTC, of the time of the broker in bronze and of the
/// reading in silver.
pub const DAY: &str = "_day";

/// Columns of a bronze table of messages after the payload: name, type, description.
pub const POINTERS: [(&str, Pointer, &str); 7] = [
    ("_topic", Pointer::Text, "Topic of the message; `name#2` is the second topic of this name."),
    ("_partition", Pointer::Int, "Partition of the topic."),
    ("_offset", Pointer::Long, "Offset of the message in its partition."),
    ("_timestamp", Pointer::Time, "The broker's time of the message."),
    ("_source", Pointer::Text, "System the messages come from."),
    ("_ingested_at", Pointer::Time, "When the message landed."),
    ("_run", Pointer::Text, "Run of the program that landed it."),
];

/// Further columns of a bronze table of messages.
pub const DETAILS: [(&str, Pointer, &str); 3] = [
    ("_key", Pointer::Bytes, "Key of the message."),
    ("_headers", Pointer::Text, "Headers of the message as JSON, in their order."),
    (RECORDS, Pointer::Int, "Records in the message; one, unless the contract names `records`."),
];

/// The number of records in a message. Rows of an older program lack it and have one.
pub const RECORDS: &str = "_records";

/// The position of a record in a message that may have several.
pub const ELEMENT: (&str, Pointer, &str) =
    (batches::pointer::ELEMENT, Pointer::Int, "Position of the record in its message, from 0.");

/// The schema of a bronze table of messages, without the partition column.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build_schema);
    SCHEMA.clone()
}

fn build_schema() -> SchemaRef {
    let payload = Field::new("payload", DataType::Binary, true);
    let pointers = POINTERS.iter().chain(&DETAILS);
    let pointers = pointers.map(|(name, kind, _)| Field::new(*name, kind.data_type(), true));
    Arc::new(Schema::new([payload].into_iter().chain(pointers).collect::<Vec<_>>()))
}

/// `schema` with the partition column, as readers of the table see it.
pub fn with_day(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone());
    let day = Field::new(DAY, DataType::Date32, true);
    Arc::new(Schema::new(fields.chain([day]).collect::<Vec<_>>()))
}

/// The columns of [`POINTERS`] for messages that land together.
pub type Pointers = [ArrayRef; 7];

/// The bronze rows of messages, each with one record or the number in `records`.
pub fn rows(
    messages: &Messages,
    pointers: &Pointers,
    records: Option<Int32Array>,
) -> anyhow::Result<RecordBatch> {
    let rows = messages.len();
    let mut columns: Vec<ArrayRef> = vec![Arc::new(messages.payload.clone())];
    columns.extend(pointers.iter().cloned());
    columns.push(match &messages.key {
        Some(key) => Arc::new(key.clone()),
        None => new_null_array(&DataType::Binary, rows),
    });
    columns.push(match &messages.headers {
        Some(headers) => Arc::new(headers.clone()),
        None => new_null_array(&DataType::Utf8, rows),
    });
    columns.push(Arc::new(records.unwrap_or_else(|| Int32Array::from(vec![1; rows]))));
    Ok(RecordBatch::try_new(schema(), columns)?)
}

pub(crate) fn pointers(
    messages: &Messages,
    [topic, source, run]: [ArrayRef; 3],
    ingested_at: DateTime<Utc>,
) -> Pointers {
    let rows = messages.len();
    let timestamps = messages.timestamp_us.values().clone();
    let timestamps = TimestampMicrosecondArray::new(timestamps, None).with_timezone("UTC");
    // Statistics of data files have whole milliseconds only, and data files are sorted by this column in
    // the order in which their messages arrived.
    let landed = vec![ingested_at.timestamp_millis() * 1000; rows];
    [
        topic,
        Arc::new(messages.partition.clone()),
        Arc::new(messages.offset.clone()),
        Arc::new(timestamps),
        source,
        Arc::new(TimestampMicrosecondArray::from(landed).with_timezone("UTC")),
        run,
    ]
}
