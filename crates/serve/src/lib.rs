//! The HTTP service.
//!
//! *In*: requests over HTTP, and the lake behind [`LakeReader`].
//! *Out*: tables, results of SQL, health, metrics and the pages of the cockpit.
//! *Promise*: no request changes the lake. A request is bounded in time, memory, rows and concurrency
//! by [`Limits`]. A response is complete or visibly aborted, never silently truncated.

mod access_settings;
pub mod http;
mod lake_reader;
mod limits;
mod openid_limits;

pub use access_settings::access_settings;
pub use lake_reader::{
    BuildInfo, ColumnInfo, Health, LakeReader, ParameterInfo, RunInfo, State, TableInfo, type_name,
};
pub use limits::Limits;
pub use openid_limits::OpenIdLimits;

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Returns the current time. Only `flow` and `main` read the clock.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
