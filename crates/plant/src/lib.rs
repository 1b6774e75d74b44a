//! Rules of the plant without I/O: source contracts, parsing of values, the calendar, time
//! accounting and the simulator.
//!
//! *In*: plain values: texts, times, calendars, contracts. *Out*: typed values, decisions and
//! reason codes. *Promise*: every function is a pure function of its arguments: no I/O, no async,
//! no Arrow, no clock. Time, randomness and configuration are parameters, so every rule can be
//! tested with plain values.

pub mod alarm;
pub mod ambiguous;
pub mod anomaly;
pub mod calendar;
pub mod columns;
pub mod contract;
pub mod equipment;
pub mod format;
pub mod http_source;
pub mod ledger;
pub mod message;
pub mod mqtt_source;
pub mod pattern;
pub mod reading;
pub mod running_stats;
pub mod sensor_window;
pub mod sim;
pub mod similar;
pub mod source;
pub mod sparkplug;
pub mod time;
pub mod topic_filter;
pub mod zone;
