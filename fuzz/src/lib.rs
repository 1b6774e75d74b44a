//! The decoders without the rest of the program, for fuzzing and for a fast edit-test loop.

#[path = "../../crates/cockpit/src/batch.rs"]
pub mod batch;
#[path = "../../crates/cockpit/src/ingest/decode/mod.rs"]
pub mod decode;
