//! The simulated plant's way into the world.
//!
//! *In*: the records of `plant::sim`, and where to. *Out*: what the plant's systems would have
//! written. *Promise*: nothing is said that the truth beside it does not know.

pub mod broker;
pub mod files;
pub mod stream;
pub mod truth;
