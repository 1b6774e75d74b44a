//! Brings the plant's data in.
//!
//! *In*: dumps, messages and rows of the plant's systems.
//! *Out*: batches of records as text, each record with its place in the source.
//! *Promise*: every record lands, readable or not, and nothing here looks at what a value means.

pub mod decode;
