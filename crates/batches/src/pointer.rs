//! Pointer columns: the origin of a row. Bronze tables have them after the columns of the contract, cleaned tables
//! keep some of them.

use crate::typed::utc;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use plant::contract::{Contract, Format};
use std::sync::Arc;

/// Types of pointer columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer {
    Text,
    Int,
    Long,
    Time,
    Bytes,
}

impl Pointer {
    /// The Arrow type of the column.
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

/// Column with the position of a record in its message.
pub const ELEMENT: &str = "_element";

/// Pointers of a table that is cleaned from dumps: the origin of the row, and what its dump is ordered by.
const DUMP: [(&str, Pointer); 7] = [
    ("_file", Pointer::Text),
    ("_file_sha256", Pointer::Text),
    ("_dump", Pointer::Long),
    ("_record", Pointer::Long),
    ("_dumped_at", Pointer::Time),
    ("_modified_at", Pointer::Time),
    ("_ingested_at", Pointer::Time),
];

/// Pointers of a table that is cleaned from a stream.
const STREAM: [(&str, Pointer); 4] = [
    ("_topic", Pointer::Text),
    ("_partition", Pointer::Int),
    ("_offset", Pointer::Long),
    ("_ingested_at", Pointer::Time),
];

/// Pointers of a table that is cleaned from a stream whose messages may hold several records.
const ELEMENTS: [(&str, Pointer); 5] = {
    let [topic, partition, offset, ingested_at] = STREAM;
    [topic, partition, offset, (ELEMENT, Pointer::Int), ingested_at]
};

/// Pointer columns that a cleaned table takes over from the bronze table of its contract.
pub const fn kept(contract: &Contract) -> &'static [(&'static str, Pointer)] {
    match contract.format {
        Format::Message if contract.records.is_some() => &ELEMENTS,
        Format::Message => &STREAM,
        _ => &DUMP,
    }
}

/// The columns of a cleaned table, followed by its pointers.
pub fn with_pointers(schema: &Schema, contract: &Contract) -> SchemaRef {
    let own = schema.fields().iter().map(|field| field.as_ref().clone());
    let pointers =
        kept(contract).iter().map(|(name, kind)| Field::new(*name, kind.data_type(), true));
    Arc::new(Schema::new(own.chain(pointers).collect::<Vec<_>>()))
}
