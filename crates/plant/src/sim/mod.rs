//! A simulated plant that knows what really happened in it.
//!
//! *In*: a seed, the plant's calendar, a size, days. *Out*: what happened, second by second; dumps of
//! it in the dialects of the reference plant, as dirty as asked for; the rows every gold table must
//! hold; and each piece of dirt with its expected fate. *Promise*: the same arguments give the same
//! plant on every machine. The truth is counted from what happened, never from the dumps.

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
