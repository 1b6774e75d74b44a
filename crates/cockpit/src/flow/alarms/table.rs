//! Journal of alarms -> `silver.alarm_event`.

use crate::flow::Flow;
use anyhow::Context as _;
use lake::alarm_events;
use watch::{Alarms, journal};

/// Events that are appended in one commit.
const EVENTS: u32 = 50_000;

impl Flow {
    /// Appends the events that the table lacks. Needs the lease of the lake.
    pub async fn land_alarm_events(&self, alarms: &Alarms) -> anyhow::Result<()> {
        let mut number = alarm_events::last_number(self.lake()).await?;
        loop {
            let database = alarms.database();
            let read = move || journal::after(&database, number, EVENTS);
            let events = tokio::task::spawn_blocking(read).await;
            let events = events.context("reading the alarm journal was cancelled")??;
            if events.is_empty() {
                return Ok(());
            }
            number = alarm_events::append(&self.refinery, &events).await?;
        }
    }
}
