//! Issued reports: stored with their bytes and the version of every table that they read, corrected and delivered.
//!
//! *In*: orders of users, schedules, and changes of the lake. *Out*: rows, files and deliveries of one transaction.
//! *Promise*: an issued report never changes. A run of a schedule is issued once for a database, and by one of the
//! programs with the lake. A figure that changes after the period of a report leads to a correction that names the
//! differences, for the same recipients.

pub mod claim;
mod correct;
pub mod error;
pub mod issuer;
pub mod period;
pub mod queue;
mod recipients;
pub mod record;
pub mod runner;
pub mod store;
#[cfg(test)]
mod tests;

pub use claim::Claims;
pub use error::IssueError;
pub use issuer::{Issuer, IssuerSetup, Order};
pub use runner::Runner;
