//! Alarms, their journal, and notifications.
//!
//! *In*: live readings, results of statements over the lake, and the state of the data flow.
//! *Out*: alarms as they are, journal entries, and notifications to people.
//! *Promise*: a transition is in the journal before anybody sees it, and survives a kill; a notification is
//! sent at least once and repeated only if its delivery was not confirmed.

mod alarm;
mod alarms;
pub mod backtest;
mod command;
mod engine;
mod error;
pub mod evaluate;
mod inbox;
pub mod journal;
pub mod notify;
mod view;
mod viewers;

pub use alarm::{Alarm, Counts, Filter};
pub use alarms::{AlarmHealth, AlarmLimits, Alarms};
pub use command::{Actor, Command};
pub use engine::{Engine, Planner, Setup};
pub use error::Error;
pub use evaluate::{Change, Evaluator};
pub use inbox::NowUs;
pub use journal::JournalQuery;
