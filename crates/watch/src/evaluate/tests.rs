//! Tests of the evaluation with plain readings.

mod live;
mod sensors;
mod world;
