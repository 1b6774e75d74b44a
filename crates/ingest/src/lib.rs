//! Reads the sources of a plant: dumps in a bucket and messages of Kafka and MQTT topics.
//!
//! In: the plant's contracts, its bucket and its brokers.
//! Out: the dumps of the bucket, their records as [`batches::batch::Batch`]es, and messages as
//! [`batches::batch::Messages`].
//! Promise: every record has its position in its source, a faulty one its fault; a source that cannot be
//! read is an [`Error`] that names the cause, the place and the remedy.

pub mod decode;
pub mod draft;
mod error;
pub mod files;
pub mod http;
pub mod kafka;
mod messages_builder;
pub mod mqtt;
pub mod pull;
pub mod retry;
pub mod schema_registry;
mod tls;
pub mod unmatched;
pub mod watch_folder;

pub use error::{Error, Retry};
