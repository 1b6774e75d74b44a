//! The crate through its public interface, on databases in temporary folders.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod audit;
mod clock;
mod external;
mod factors;
mod kill;
mod login;
mod people;
mod restore;
mod scram;
mod sessions;
mod setup;
mod speed;
mod store;
mod threads;
mod tokens;
mod world;
