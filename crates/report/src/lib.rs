//! Reports of the plant folder: defined as files, rendered, issued, stored and sent.
//!
//! *In*: definitions of the plant folder, and rows of the lake at fixed table versions.
//! *Out*: PDF, Excel, CSV, HTML and SVG; issued reports with the versions that they read; messages with them.
//! *Promise*: the same data and parameters give the same bytes, and an issued report never changes.

pub mod differences;
pub mod issue;
pub mod schedule;
