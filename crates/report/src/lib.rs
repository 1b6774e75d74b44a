//! Reports of the plant folder: defined as files, rendered, issued, stored and sent.
//!
//! *In*: definitions of the plant folder, and rows of the lake at fixed table versions.
//! *Out*: PDF, Excel, CSV, HTML and SVG; issued reports with the versions that they read; messages with them.
//! *Promise*: the same data and parameters give the same bytes, and an issued report never changes.

mod assets;
pub mod chart;
pub mod check;
pub mod collect;
pub mod csv;
pub mod data;
pub mod differences;
pub mod engine;
pub mod error;
pub mod html;
pub mod issue;
pub mod parameters;
pub mod receipt;
pub mod schedule;
pub mod send;
pub mod sheet;
pub mod source;

pub use collect::{PlantContext, Request, choices, collect};
pub use data::{ColumnType, Data, ReportColumn, ReportTable, Value};
pub use engine::Engine;
pub use error::Error;
pub use issue::{Claims, IssueError, Issuer, Order, Runner};
pub use source::{Bound, QueryLimits, Rows, Source, TableVersion, Versions};

#[cfg(test)]
mod testing;
