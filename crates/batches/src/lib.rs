//! What travels between the layers: batches of text columns with the place of each record, and their
//! typed form by the rules of a contract.
//!
//! In: text columns as a decoder or a bronze table holds them, and the contract of the table.
//! Out: typed columns, and for each row that cannot be read the reason.
//! Promise: no I/O, no clock, no async; as many rows come out as go in, in the same order.

pub mod batch;
pub mod digest;
pub mod typed;
