//! The lake: batches -> bronze -> silver -> gold, as Delta tables that any engine can read.
//!
//! In: batches from `ingest`, the models and contracts of the plant.
//! Out: tables in the schemas `bronze`, `silver`, `gold` and `meta`, and sessions to query them.
//! Promise: the rows and the checkpoints of a table change in one commit, so a process that is killed at
//! any point loses and duplicates nothing; every record is in silver, in `silver.rejected`, or superseded.
//!
//! From the bottom up: `delta` (one table), `lake` (all tables of one run), `session` (SQL), `meta`,
//! `bronze`, `alarm_events` (the journal of alarms), `plan` (the models), `context`, `claims` (which process lands a dump), `offsets`, `rejected`, `dumps`, `refine`, `retention`,
//! `stream`, `reconciliation`, `kpi`, `shared` (files for other readers), `timing` (spans), `run` (the order of the steps), `upkeep`.

mod alarm_columns;
pub mod alarm_events;
pub mod bronze;
pub mod claims;
pub mod columns;
pub mod context;
pub mod delta;
pub mod dumps;
pub mod error;
pub mod kpi;
mod lake;
pub mod lease;
pub mod meta;
pub mod offsets;
pub mod pinned;
pub mod plan;
pub mod reconciliation;
pub mod refine;
pub mod rejected;
pub mod retention;
pub mod run;
pub mod session;
pub mod shared;
pub mod sources;
pub mod stream;
pub mod timing;
pub mod upkeep;

pub use crate::error::{Error, ErrorKind, Retry};
pub use crate::lake::{Clock, Lake};
