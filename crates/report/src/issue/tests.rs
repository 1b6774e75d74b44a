//! Issued reports against a database, a lake in memory and an injected clock.

mod running;
mod storing;
mod world;
