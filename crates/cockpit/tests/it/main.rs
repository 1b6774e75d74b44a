//! Tests of the whole program: each spawns `cockpit` against folders of its own and reads what came
//! out with `cockpit sql`.
//!
//! What the program says is kept as text in `cases/<name>/expect`; `UPDATE=1` writes it anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bad_input;
mod charts;
mod check;
mod damage;
mod docs;
mod folder_cases;
mod gold;
mod lease;
mod manners;
mod once;
mod property;
mod retention;
mod settings;
mod simulated;
mod sql;
mod stream;
mod topics;
mod world;
