//! Writes the simulated plant to files and brokers.
//!
//! *In*: the records of `plant::sim`, and a destination. *Out*: what the systems of the plant would
//! have written. *Promise*: the ground truth covers everything that is written.

pub mod broker;
pub mod files;
pub mod stream;
pub mod truth;
