//! The batches that travel between the layers, and the pure steps from a bronze batch to silver rows.
//!
//! In: text columns as a decoder or a bronze table holds them, the contract of the table, claims on time.
//! Out: typed and checked rows, the reason of each rejected row, closed time ledgers.
//! Promise: no I/O, no clock, no async; as many rows come out as go in, in the same order.

pub mod batch;
pub mod clean;
pub mod columns;
pub mod digest;
pub mod dump_columns;
pub mod ledger;
pub mod pointer;
pub mod record_digest;
pub mod typed;

pub use clean::{Cleaned, clean};
