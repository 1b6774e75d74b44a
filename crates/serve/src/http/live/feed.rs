//! The alarm events of one viewer.
//!
//! A viewer is a cursor into the ring of the newest events: it costs no queue, receives every event in
//! order and once, and is reset if its cursor has left the ring.

use crate::http::alarms::{PlaceFilter, dto::Alarm};
use crate::http::temperatures::rfc3339;
use bytes::{Bytes, BytesMut};
use plant::alarm::AlarmEvent;
use serde::Serialize;
use tokio::sync::watch::Receiver;
use watch::Alarms;

/// Events that are encoded at a time.
const EVENTS_AT_ONCE: usize = 64;

/// An event of the stream.
#[derive(Serialize)]
struct Data<'a> {
    n: i64,
    transition: &'static str,
    at: String,
    alarm: &'a Alarm,
}

/// The events after a cursor.
pub struct Feed {
    alarms: Alarms,
    newest: Receiver<i64>,
    places: PlaceFilter,
    language: &'static str,
    /// Number of the last event that was sent or is not visible.
    cursor: i64,
}

/// What a viewer receives next.
pub enum Next {
    Events(Vec<(AlarmEvent, watch::Alarm)>),
    /// Events were missed that can no longer be sent.
    Reset,
}

impl Feed {
    /// The events after `after`, or those from now on.
    pub fn new(
        alarms: &Alarms,
        places: PlaceFilter,
        language: &'static str,
        after: Option<i64>,
    ) -> Self {
        let newest = alarms.changed();
        let cursor = after.unwrap_or_else(|| alarms.newest());
        Self { alarms: alarms.clone(), newest, places, language, cursor }
    }

    /// The number of the last event that was sent or is not visible.
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// Waits for the next events. A call that is dropped has no effect.
    pub async fn next(&mut self) -> Next {
        loop {
            // Marked as seen before the ring is read, so that an event in between wakes the wait below.
            self.newest.borrow_and_update();
            match self.alarms.recent_after(self.cursor, EVENTS_AT_ONCE) {
                Some(events) if !events.is_empty() => return Next::Events(events),
                Some(_) if self.cursor <= self.alarms.newest() => {}
                // A cursor ahead of the journal belongs to another database.
                _ => return Next::Reset,
            }
            if self.newest.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Advances the cursor, and returns the bytes to send; `id` makes the id of an event from its number.
    pub fn take(&mut self, next: Next, id: impl Fn(i64) -> String) -> Bytes {
        let mut bytes = BytesMut::new();
        match next {
            Next::Reset => {
                self.cursor = self.alarms.newest();
                let text = format!("event: alarm_reset\nid: {}\ndata: {{}}\n\n", id(self.cursor));
                bytes.extend_from_slice(text.as_bytes());
            }
            Next::Events(events) => {
                for (event, alarm) in &events {
                    self.cursor = event.number;
                    if self.places.is_visible(&alarm.place) {
                        bytes.extend_from_slice(self.encode(event, alarm, &id).as_bytes());
                    }
                }
            }
        }
        bytes.freeze()
    }

    fn encode(
        &self,
        event: &AlarmEvent,
        alarm: &watch::Alarm,
        id: impl Fn(i64) -> String,
    ) -> String {
        let data = Data {
            n: event.number,
            transition: event.transition.as_str(),
            at: rfc3339(event.at_us),
            alarm: &Alarm::new(alarm, &self.places, self.language),
        };
        // Numbers and texts serialize to JSON without an error.
        let data = serde_json::to_string(&data).unwrap_or_default();
        format!("event: alarm\nid: {}\ndata: {data}\n\n", id(event.number))
    }
}
