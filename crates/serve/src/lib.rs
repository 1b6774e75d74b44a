//! The HTTP service.
//!
//! *In*: requests over HTTP, and the lake behind [`LakeReader`].
//! *Out*: tables, results of SQL, health, metrics and the pages of the cockpit.
//! *Promise*: nothing here changes the lake. A request takes no more time, memory, rows or places
//! than [`Limits`] names, and an answer is whole or visibly broken off, never silently short.

mod access_settings;
pub mod http;
mod lake_reader;
mod limits;

pub use access_settings::access_settings;
pub use lake_reader::{
    BuildInfo, ColumnInfo, Health, LakeReader, ParameterInfo, RunInfo, State, TableInfo, type_name,
};
pub use limits::Limits;

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Returns the current time. Only `flow` and `main` read the clock.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
