//! SQL for other programs: the PostgreSQL protocol and Arrow Flight SQL.
//!
//! *In*: statements of authenticated clients over the network.
//! *Out*: rows of the lake in the types of each protocol.
//! *Promise*: statements have the permissions, row filters and limits of the HTTP interface, and change nothing.

mod columns;
pub mod flight;
mod listen;
mod parameters;
pub mod postgres;
mod stream;

pub use listen::Listening;
