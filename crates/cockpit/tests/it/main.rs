//! Tests of the whole program: each runs `cockpit` on its own folders and reads the results
//! with `cockpit sql`.
//!
//! Expected output is stored in `cases/<name>/expect`; `UPDATE=1` rewrites it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bad_input;
mod charts;
mod check;
mod clouds;
mod damage;
mod docs;
mod folder_cases;
mod gold;
mod init;
mod lease;
mod manners;
mod network;
mod once;
mod previous;
mod property;
mod registry;
mod reports;
mod retention;
mod security;
mod settings;
mod simulated;
mod sql;
mod stream;
mod topics;
mod users;
mod world;
