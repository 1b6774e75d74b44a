//! The lake: batches become bronze, bronze becomes silver, silver becomes gold.
//!
//! *In:* batches from `ingest`. *Out:* tables anybody can read. *Promise:* every row has a fate, and
//! a table's checkpoint is in the same commit as its rows.

pub mod typed;
