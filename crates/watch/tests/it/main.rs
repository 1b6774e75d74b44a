//! The crate through its public interface, on databases in temporary folders.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests measure time and name a database to themselves"
)]

mod backtest;
mod engine;
mod kill;
mod simulated;
mod speed;
mod world;
