//! One Delta table: its log, its data files, and the commits that change it.
//!
//! In: record batches, and the store of the lake.
//! Out: commits of the Delta protocol (1,2).
//! Promise: rows and checkpoints change in one commit; two commits that contradict each other never both
//! succeed.

pub mod append;
mod foreign;
mod older;
pub mod read;
pub mod replace;
pub mod staged;
pub mod stats;
pub mod store;
pub mod table;
pub mod write;
