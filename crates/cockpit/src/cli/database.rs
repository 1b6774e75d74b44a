//! The database of users, opened by the commands that manage it. The service notices their changes.

use crate::flow;
use access::{Access, Identity};
use config::Config;
use std::path::PathBuf;

/// The open database, and who uses it.
pub struct Database {
    pub access: Access,
    /// The account of the operating system at the terminal. An account that can write the file has every permission.
    pub operator: Identity,
}

impl Database {
    /// Opens the database of the configured lake, and creates it where there is none.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let access = flow::access::open(&path(config)?, &config.plant.access)?;
        Ok(Self { access, operator: Identity::terminal(&account()) })
    }
}

/// The path of the database, which may not exist yet.
pub fn path(config: &Config) -> anyhow::Result<PathBuf> {
    flow::access::path(config)
}

/// The name of the account at the terminal: of the person who became root by `sudo`, if so.
pub fn account() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"];
    names.into_iter().find_map(config::env).unwrap_or_else(|| "unknown".to_owned())
}

/// Now in microseconds since 1970 UTC.
pub fn now_us() -> i64 {
    flow::now().timestamp_micros()
}

/// A time in microseconds as people read it.
pub fn time(at_us: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at_us).unwrap_or_default();
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
