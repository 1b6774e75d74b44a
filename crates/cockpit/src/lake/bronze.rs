//! Landing: every record of a dump as it came, in one commit with the mark that it is there.

use super::Lake;
use super::table::{Change, Definition, State, Table};
use super::write::DataWriter;
use crate::batch::Batch;
use crate::config::model::TableName;
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use plant::contract::Contract;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns every bronze table has after those of its contract: name, type, what it says.
pub const POINTERS: [(&str, Pointer, &str); 15] = [
    ("_rest", Pointer::Text, "What the contract has no column for, or a faulty record's text."),
    ("_fault", Pointer::Text, "Why the record cannot be read, null if it can."),
    ("_source", Pointer::Text, "System the dump comes from."),
    ("_file", Pointer::Text, "Key of the dump in the bucket."),
    ("_file_sha256", Pointer::Text, "SHA-256 of the dump's bytes."),
    ("_record", Pointer::Long, "Number of the record in the dump, from 1."),
    ("_byte_from", Pointer::Long, "First byte of the record, after decompression."),
    ("_byte_to", Pointer::Long, "Byte after the record, its line end left out."),
    ("_row_group", Pointer::Int, "Row group of the record, from 0; Parquet only."),
    ("_row", Pointer::Long, "Row within the row group, from 0; Parquet only."),
    ("_dumped_at", Pointer::Time, "Time the dump's name carries, null if it carries none."),
    ("_modified_at", Pointer::Time, "When the dump was last changed in the bucket."),
    ("_ingested_at", Pointer::Time, "When the record landed."),
    ("_run", Pointer::Text, "Run of the program that landed it."),
    ("_dump", Pointer::Long, "How many dumps of this key had landed, this one included."),
];

/// Types of the pointer columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer {
    Text,
    Int,
    Long,
    Time,
    Bytes,
}

impl Pointer {
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Time => utc(),
            Self::Bytes => DataType::Binary,
        }
    }
}

/// The only type of moments in the lake: microseconds, UTC.
pub fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A dump that is about to land.
#[derive(Debug, Clone)]
pub struct Dump {
    pub key: String,
    pub sha256: String,
    /// Time the dump's name carries.
    pub dumped_at: Option<DateTime<Utc>>,
    pub modified_at: DateTime<Utc>,
}

/// Name of the bronze table of a contract.
pub fn name(contract: &Contract) -> TableName {
    TableName::new("bronze", &contract.table)
}

/// Schema of the bronze table of a contract: its columns as text, then the pointers.
pub fn schema(contract: &Contract) -> SchemaRef {
    let texts = contract.columns.iter().map(|it| Field::new(&it.name, DataType::Utf8, true));
    let pointers = POINTERS.iter().map(|(name, kind, _)| Field::new(*name, kind.data_type(), true));
    Arc::new(Schema::new(texts.chain(pointers).collect::<Vec<_>>()))
}

/// Where the landing of a dump begins.
pub enum Start<'a> {
    /// It has to land.
    New(Box<Landing<'a>>),
    /// The newest dump of its key has these very bytes; it was the one of this number.
    Landed(i64),
}

/// One dump on its way into bronze. Dropped unfinished, it leaves nothing that counts.
pub struct Landing<'a> {
    lake: &'a Lake,
    table: Table,
    state: Option<State>,
    source: String,
    description: String,
    dump: Dump,
    number: i64,
    ingested_at: DateTime<Utc>,
    schema: SchemaRef,
    writer: DataWriter,
}

impl<'a> Landing<'a> {
    /// Starts to land a dump, unless it is there already.
    pub async fn start(
        lake: &'a Lake,
        contract: &Contract,
        dump: Dump,
    ) -> anyhow::Result<Start<'a>> {
        let name = name(contract);
        let table = lake.table(&name)?;
        let state = lake.state(&name).await?;
        let mut number = 0;
        if let Some(state) = &state {
            number = table.checkpoint(state, &by_key(&dump)).await?.unwrap_or(0);
            if number > 0 && table.checkpoint(state, &by_bytes(&dump)).await? == Some(number) {
                return Ok(Start::Landed(number));
            }
        }
        let schema = schema(contract);
        let writer = table.writer(schema.clone(), lake.sizes(), lake.names(), lake.now_ms());
        Ok(Start::New(Box::new(Self {
            lake,
            table,
            state,
            source: contract.source.clone(),
            description: contract.description.clone(),
            dump,
            number: number + 1,
            ingested_at: lake.now(),
            schema,
            writer,
        })))
    }

    /// How many dumps of this key there are with this one.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// Takes the next records of the dump.
    pub async fn push(&mut self, batch: Batch) -> anyhow::Result<()> {
        let rows = batch.len();
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; rows])) };
        let time = |at: Option<DateTime<Utc>>| -> ArrayRef {
            let at = vec![at.map(|at| at.timestamp_micros()); rows];
            Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC"))
        };
        let mut columns = batch.fields;
        columns.extend([
            Arc::new(batch.rest) as ArrayRef,
            Arc::new(batch.fault),
            text(&self.source),
            text(&self.dump.key),
            text(&self.dump.sha256),
            Arc::new(batch.record),
            Arc::new(batch.byte_from),
            Arc::new(batch.byte_to),
            Arc::new(batch.row_group),
            Arc::new(batch.row),
            time(self.dump.dumped_at),
            time(Some(self.dump.modified_at)),
            time(Some(self.ingested_at)),
            text(self.lake.run()),
            Arc::new(arrow::array::Int64Array::from(vec![self.number; rows])),
        ]);
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.writer.write(&rows).await
    }

    /// Commits the dump: its records, and that it is there.
    pub async fn finish(self) -> anyhow::Result<()> {
        let checkpoints = BTreeMap::from([
            (by_key(&self.dump), self.number),
            (by_bytes(&self.dump), self.number),
        ]);
        let change = Change {
            adds: self.writer.finish().await?,
            removes: Vec::new(),
            checkpoints,
            definition: definition(self.state.as_ref(), self.schema, self.description)?,
            rearranges: false,
        };
        let now_ms = self.lake.now_ms();
        let state = self.table.commit(self.state.as_ref(), change, now_ms).await?;
        self.lake.remember(&self.table.name, state).await;
        Ok(())
    }
}

/// The definition to commit: that of a new table, or one with columns the table does not have yet.
fn definition(
    state: Option<&State>,
    schema: SchemaRef,
    description: String,
) -> anyhow::Result<Option<Definition>> {
    let schema = match state {
        None => schema,
        Some(state) => {
            let old = state.schema()?;
            let is_new = |field: &&Arc<Field>| old.field_with_name(field.name()).is_err();
            let new: Vec<Arc<Field>> = schema.fields().iter().filter(is_new).cloned().collect();
            if new.is_empty() {
                return Ok(None);
            }
            Arc::new(Schema::new(old.fields().iter().cloned().chain(new).collect::<Vec<_>>()))
        }
    };
    let fingerprint = "bronze".to_owned();
    Ok(Some(Definition { schema, description, fingerprint, partition: None }))
}

fn by_key(dump: &Dump) -> String {
    format!("dump/{}", dump.key)
}

fn by_bytes(dump: &Dump) -> String {
    format!("bytes/{}/{}", dump.key, dump.sha256)
}
