//! The plant in types and rules: what a dump must look like, how its words become values, when a
//! shift runs.
//!
//! In: plain values: texts, times, calendars, contracts.
//! Out: typed values, decisions and reasons.
//! Promise: everything here is a pure function of its arguments: no I/O, no async, no Arrow, no clock. Time
//! and configuration come in as parameters, so every rule can be tested with plain values.

pub mod ambiguous;
pub mod calendar;
pub mod columns;
pub mod contract;
pub mod equipment;
pub mod format;
pub mod ledger;
pub mod message;
pub mod pattern;
pub mod reading;
pub mod running_stats;
pub mod sensor_window;
pub mod sim;
pub mod similar;
pub mod time;
pub mod zone;
