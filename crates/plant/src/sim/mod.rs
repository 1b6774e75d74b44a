//! A simulated plant with known ground truth.
//!
//! *In*: a seed, the calendar of the plant, a size, and days. *Out*: what happened, second by
//! second; its dumps in the dialects of the reference plant with injected faults; the expected rows
//! of every gold table; and each injected fault with its expected outcome. *Promise*: the same
//! arguments give the same plant on every machine. The truth is computed from the events, never
//! from the dumps.

pub mod board;
pub mod dump;
pub mod dump_file;
pub mod dump_writer;
pub mod faults;
pub mod machine;
pub mod order;
pub mod plan;
pub mod random;
pub mod site;
pub mod stock;
pub mod stream;
pub mod thermal;
pub mod truth;
pub mod world;
pub mod write;
