//! The clock of the program, which may run faster in a demo.

use super::demo;
use chrono::{DateTime, Utc};

/// The current time of the program; the layers receive it as an argument.
#[expect(clippy::disallowed_methods, reason = "the wiring reads the clock for all layers")]
pub fn now() -> DateTime<Utc> {
    demo::shown(Utc::now())
}

/// The current time of the machine, which the file system uses.
#[expect(clippy::disallowed_methods, reason = "the wiring reads the clock for all layers")]
pub fn machine_now() -> DateTime<Utc> {
    Utc::now()
}
