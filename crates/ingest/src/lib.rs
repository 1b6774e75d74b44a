//! The world comes in: dumps of the bucket and messages of Kafka, as batches of records.
//!
//! In: the plant's contracts, its bucket and its brokers.
//! Out: dumps that are new or have changed, and their records as [`batches::batch::Batch`]es;
//! messages as [`batches::batch::Messages`].
//! Promise: every record comes with its place in its source, a faulty one with its reason; what
//! cannot be read at all is an error that says what, where and what to do.

pub mod decode;
mod error;
pub mod files;
pub mod kafka;
pub mod retry;
pub mod unmatched;

pub use error::{Error, Retry};
