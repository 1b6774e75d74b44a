//! The world comes in: dumps of the bucket, as batches of records.
//!
//! In: the plant's contracts and its bucket.
//! Out: dumps that are new or have changed, and their records as [`crate::batch::Batch`]es.
//! Promise: every record comes with its place in its source, a faulty one with its reason; what
//! cannot be read at all is an error that says what, where and what to do.

pub mod decode;
pub mod files;
