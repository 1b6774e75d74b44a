//! Streams: messages -> bronze and silver, in one cycle.
//!
//! In: messages as the broker gave them, and the offsets the lake already has.
//! Out: a bronze row for every message, a silver row or a rejected one for each of those.
//! A message may hold several records; then each of these has a row. Offsets count messages, and a commit
//! has all records of a message or none.
//! Promise: exactly once, without transactions of the broker. A commit carries rows and, as Delta
//! `txn` actions, the last offset of each partition that is among them. Bronze is committed first,
//! then the rejected, then silver; whoever takes over a partition reads its offsets from the lake,
//! makes silver complete from bronze, and goes on behind the last offset of bronze. Two who hold the
//! same partition cannot both commit: the second one's commit conflicts with the first one's.

pub mod books;
mod identity;
pub mod interpret;
pub mod land;
mod rejected_sink;
pub mod resume;
pub mod sink;

use super::bronze::Pointer;
use arrow::array::{ArrayRef, Int32Array, RecordBatch, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use plant::contract::Contract;
use std::sync::{Arc, LazyLock};

use batches::batch::{Fields, Messages};

/// Column by which the tables of a stream lie in folders: a day of UTC, of the broker's time in
/// bronze, of the reading's in silver.
pub const DAY: &str = "_day";

/// Columns of a bronze table of messages behind the payload: name, type, what it says.
pub const POINTERS: [(&str, Pointer, &str); 7] = [
    ("_topic", Pointer::Text, "Topic of the message; `name#2` is the second topic of this name."),
    ("_partition", Pointer::Int, "Partition of the topic."),
    ("_offset", Pointer::Long, "Offset of the message in its partition."),
    ("_timestamp", Pointer::Time, "The broker's time of the message."),
    ("_source", Pointer::Text, "System the messages come from."),
    ("_ingested_at", Pointer::Time, "When the message landed."),
    ("_run", Pointer::Text, "Run of the program that landed it."),
];

/// Columns of a bronze table of messages behind these: what else there is of a message.
pub const DETAILS: [(&str, Pointer, &str); 3] = [
    ("_key", Pointer::Bytes, "Key of the message."),
    ("_headers", Pointer::Text, "Headers of the message as JSON, in their order."),
    (RECORDS, Pointer::Int, "Records in the message; one, unless the contract names `records`."),
];

/// How many records a message holds. Rows of an older program do not say; they hold one.
pub const RECORDS: &str = "_records";

/// Where a record is in a message that may hold several.
pub const ELEMENT: (&str, Pointer, &str) =
    (batches::pointer::ELEMENT, Pointer::Int, "Position of the record in its message, from 0.");

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The topic's log, as rows have it in `_topic`.
    pub topic: Arc<str>,
    pub number: i32,
}

impl Partition {
    /// The name of its checkpoint in the tables it flows into.
    pub fn checkpoint(&self) -> String {
        format!("kafka/{}/{}", self.topic, self.number)
    }
}

/// Reads the messages of a contract; handed in by `flow`, which knows the decoders.
pub type ReadMessages = Arc<dyn Fn(&Contract, &Messages) -> Fields + Send + Sync>;

/// Schema of a bronze table of messages, without the column of its folders.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(made);
    SCHEMA.clone()
}

fn made() -> SchemaRef {
    let payload = Field::new("payload", DataType::Binary, true);
    let pointers = POINTERS.iter().chain(&DETAILS);
    let pointers = pointers.map(|(name, kind, _)| Field::new(*name, kind.data_type(), true));
    Arc::new(Schema::new([payload].into_iter().chain(pointers).collect::<Vec<_>>()))
}

/// `schema` with the column of the folders, as the table's readers see it.
pub fn with_day(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone());
    let day = Field::new(DAY, DataType::Date32, true);
    Arc::new(Schema::new(fields.chain([day]).collect::<Vec<_>>()))
}

/// The columns of [`POINTERS`], for messages that land together.
pub type Pointers = [ArrayRef; 7];

/// The bronze rows of messages, each of which holds one record or as many as `records` says.
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

fn pointers(
    messages: &Messages,
    [topic, source, run]: [ArrayRef; 3],
    ingested_at: DateTime<Utc>,
) -> Pointers {
    let rows = messages.len();
    let timestamps = messages.timestamp_us.values().clone();
    let timestamps = TimestampMicrosecondArray::new(timestamps, None).with_timezone("UTC");
    // In whole milliseconds it stands in the statistics of data files, by which these are put into
    // the order in which their messages came.
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
