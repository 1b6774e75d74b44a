//! A configuration, a database, and alarms to notify of.

use crate::Alarm;
use crate::notify::{NotificationPlanner, Planned, queue};
use access::{Database, Settings};
use config::notifications::{Notifications, read};
use config::toml_reader::{Findings, TomlReader};
use plant::alarm::{AlarmEvent, AlarmKey, Place, Priority, State, Transition};
use plant::calendar::{Calendar, Shift};
use rusqlite::params;
use std::sync::Arc;
use tempfile::TempDir;

pub const SECOND_US: i64 = 1_000_000;
/// 2026-01-05 10:00 in Kerala, in shift A.
pub const T0: i64 = 1_767_587_400 * SECOND_US;

/// The notifications of a text without mistakes.
pub fn notifications(text: &str) -> Notifications {
    let findings = Findings::new("alarms.toml", text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    let read = read(&mut reader, &["A".to_owned(), "B".to_owned()]);
    reader.finish();
    let mistakes = findings.into_diagnostics();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    read
}

/// A planner in a plant with the shifts A (09:00 to 17:00) and B (17:00 to 01:00).
pub fn planner(text: &str) -> Arc<NotificationPlanner> {
    let shift = |name: &str, from: u16, to: u16| Shift {
        name: name.into(),
        start_min: from * 60,
        end_min: to * 60,
        ..Shift::default()
    };
    let shifts = vec![shift("A", 9, 17), shift("B", 17, 1)];
    let calendar = Calendar::new(chrono_tz::Asia::Kolkata, shifts).unwrap();
    let url = "https://cockpit.example/".parse().unwrap();
    let planner =
        NotificationPlanner::new(Arc::new(notifications(text)), Arc::new(calendar), Some(url));
    Arc::new(planner)
}

/// A database in a folder.
pub fn database() -> (TempDir, Arc<Database>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let database = Database::open(&path, &Settings::default()).unwrap();
    (folder, Arc::new(database))
}

pub fn event(number: i64, priority: Priority, transition: Transition) -> AlarmEvent {
    let (from, to) = match transition {
        Transition::Raised => (State::Normal, State::Unacknowledged),
        Transition::Acknowledged => (State::Unacknowledged, State::Acknowledged),
        Transition::Returned => (State::Unacknowledged, State::ReturnedUnacknowledged),
        Transition::Cleared => (State::Acknowledged, State::Normal),
        _ => (State::Shelved, State::Unacknowledged),
    };
    AlarmEvent {
        number,
        at_us: T0 + number,
        key: AlarmKey {
            rule: "temperature_high".into(),
            object: format!("Plant1.{number}").into(),
        },
        occurrence: number,
        transition,
        from,
        to,
        priority,
        value: Some(84.0),
        limit: Some(80.0),
        reading_at_us: None,
        actor: None,
        comment: None,
        evidence: None,
    }
}

pub fn alarm(event: &AlarmEvent) -> Alarm {
    let mut alarm = Alarm::without_rule(event.key.clone(), event.priority, Place::default());
    alarm.apply(event);
    alarm
}

/// The messages of an event.
pub fn plan(planner: &NotificationPlanner, event: &AlarmEvent, now_us: i64) -> Planned {
    planner.plan(event, &alarm(event), now_us)
}

/// Journals an event as far as escalations read it, and queues its messages.
pub fn raise(database: &Database, planner: &NotificationPlanner, event: &AlarmEvent, now_us: i64) {
    let planned = plan(planner, event, now_us);
    let written = database.write(|tx| {
        let sql = "INSERT INTO alarm_events (number, at_us, rule, object, occurrence, transition, from_state,
            to_state, priority, recorded_at_us, prev, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?2, '', '')";
        tx.execute(
            sql,
            params![
                event.number,
                event.at_us,
                &*event.key.rule,
                &*event.key.object,
                event.occurrence,
                event.transition.as_str(),
                event.from.as_str(),
                event.to.as_str(),
                event.priority.number()
            ],
        )?;
        queue(tx, &planned)
    });
    written.unwrap();
}
