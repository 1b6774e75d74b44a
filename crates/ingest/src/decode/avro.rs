//! Avro: one datum in binary encoding, with the schema that it was written with.
//!
//! *In*: a schema in JSON and the bytes of a datum. *Out*: the datum as JSON text. *Promise*: the names of fields
//! and the digits of numbers are those of the schema and the datum; a value of a union is the value itself. Bytes
//! that do not fit the schema are an error, never a panic, and cost neither more memory nor more time than the
//! limit of the text.
//!
//! Days and moments are texts as in Parquet: `2026-11-27`, `2026-11-27 06:00:00.5Z`. Bytes are text if they are
//! UTF-8, and hexadecimal digits otherwise.

mod schema;
mod value;

pub use schema::AvroSchema;

#[cfg(test)]
mod tests;
