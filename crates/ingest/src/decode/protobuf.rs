//! Protobuf: one message in wire format, with the `.proto` text of its schema.
//!
//! *In*: the text of a schema and of those it imports, and the bytes of a message. *Out*: the message as JSON text.
//! *Promise*: fields have the names of the schema. A field of proto3 without presence that is not in the bytes has its
//! zero value, as its sender meant; any other is left out. Bytes that do not fit the schema are an error, never a
//! panic, and cost neither more memory nor more time than the limit of the text. Unknown fields are ignored.
//!
//! Timestamps are texts as in Parquet: `2026-11-27 06:00:00.500Z`. An enumeration is the name of its value. Bytes are text if
//! they are UTF-8, and hexadecimal digits otherwise. Groups and extensions are not supported.

mod known;
mod parser;
mod schema;
mod tokens;
mod value;
pub(super) mod wire;

pub use schema::ProtobufSchema;

#[cfg(test)]
mod tests;
