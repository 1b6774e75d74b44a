//! The engine: journal before view, commands, restarts, and a journal that cannot be written.

use crate::world::{S, T0, World, key, setup, temperature};
use access::{Database, Settings};
use plant::alarm::{State, Transition};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use watch::{Actor, Command, Error, Filter, JournalQuery, journal};

fn acknowledge() -> Command {
    Command::Acknowledge { comment: Some("seen".to_owned()) }
}

#[test]
fn an_alarm_is_raised_acknowledged_and_cleared() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.db");
    let world = World::start(&path);
    world.take(3, T0, 60.0);
    world.wait_for(1);
    let found = world.alarms.list(&Filter::open());
    assert_eq!(found.iter().map(|it| it.key.clone()).collect::<Vec<_>>(), [key("hot", 3)]);
    assert_eq!(world.alarms.counts().unacknowledged, [0, 1, 0, 0]);
    let alarm = world.alarms.command(&Actor::new("anna"), "1", acknowledge()).unwrap();
    assert_eq!(alarm.state, State::Acknowledged);
    let again = world.alarms.command(&Actor::new("anna"), "1", acknowledge()).unwrap_err();
    assert!(matches!(again, Error::Refused(_)), "{again}");
    world.take(3, T0 + S, 40.0);
    world.wait_for(3);
    assert!(world.alarms.list(&Filter::default()).is_empty());
    let past = world.alarms.get(1).unwrap().unwrap();
    assert_eq!((past.state, past.returned_at_us), (State::Normal, Some(T0 + S)));
    assert_eq!(past.acknowledged_by.as_deref(), Some("anna"));
    let over = world.alarms.command(&Actor::new("anna"), "1", acknowledge()).unwrap_err();
    assert!(over.to_string().contains("is over"), "{over}");
    let missing = world.alarms.command(&Actor::new("anna"), "77", acknowledge()).unwrap_err();
    assert!(matches!(missing, Error::NotFound(_)), "{missing}");
    let events = world.alarms.events(1).unwrap();
    let transitions: Vec<_> = events.iter().map(|it| it.transition).collect();
    assert_eq!(transitions, [Transition::Raised, Transition::Acknowledged, Transition::Cleared]);
}

#[test]
fn states_and_events_survive_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.db");
    let world = World::start(&path);
    for sensor in 0..5 {
        world.take(sensor, T0 + i64::from(sensor), 60.0);
    }
    world.wait_for(5);
    world.alarms.command(&Actor::new("anna"), "2", acknowledge()).unwrap();
    let before = world.alarms.list(&Filter::default());
    let live = world.alarms.events_after(0, 100).unwrap();
    drop(world);
    let world = World::start(&path);
    assert_eq!(world.alarms.list(&Filter::default()), before);
    assert_eq!(world.alarms.newest(), 6);
    let read: Vec<_> = world.alarms.events_after(0, 100).unwrap();
    let events = |all: &[(plant::alarm::AlarmEvent, watch::Alarm)]| {
        all.iter().map(|(event, _)| event.clone()).collect::<Vec<_>>()
    };
    assert_eq!(events(&read), events(&live), "from the journal as from memory");
    world.take(1, T0 + 10 * S, 40.0);
    world.wait_for(7);
    let last = world.alarms.journal(&JournalQuery { limit: 1, ..JournalQuery::default() }).unwrap();
    assert_eq!((last[0].transition, last[0].occurrence), (Transition::Cleared, 2));
}

#[test]
fn the_chain_of_the_journal_is_verified_and_exported() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.db");
    let world = World::start(&path);
    for sensor in 0..5 {
        world.take(sensor, T0 + i64::from(sensor), 60.25);
    }
    world.wait_for(5);
    drop(world);
    let database = Database::open(&path, &Settings::default()).unwrap();
    let verified = journal::verify(&database, None).unwrap();
    assert_eq!((verified.entries, verified.broken), (5, None));
    let mut lines = Vec::new();
    assert_eq!(journal::export(&database, 2, &mut lines).unwrap(), 4);
    let exported = journal::verify_export(&lines[..], verified.anchor.as_ref()).unwrap();
    assert_eq!((exported.entries, exported.broken), (4, None));
    let text = String::from_utf8(lines).unwrap();
    let changed = text.replacen("60.25", "50.25", 1);
    let found = journal::verify_export(changed.as_bytes(), None).unwrap();
    assert_eq!(found.broken.map(|it| it.seq), Some(2));
    let deleted = database.write(|tx| Ok(tx.execute("DELETE FROM alarm_events", [])?));
    assert!(deleted.is_err(), "the journal is append-only");
    let changed = database.write(|tx| Ok(tx.execute("UPDATE alarm_events SET actor = 'eve'", [])?));
    assert!(changed.is_err(), "the journal is append-only");
}

#[test]
fn a_journal_that_cannot_be_written_loses_nothing_and_shows_nothing_early() {
    let folder = TempDir::new().unwrap();
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = Arc::clone(&is_broken);
    let planner = Box::new(move |_: &rusqlite::Transaction<'_>, _: &[watch::Change], _: i64| {
        match broken.load(Ordering::Acquire) {
            true => Err(access::Error::Full { path: "x".to_owned() }),
            false => Ok(()),
        }
    });
    let path = folder.path().join("access.db");
    let world = World::with(setup(&path, vec![temperature("hot", 50.0)], 10), Some(planner));
    world.take(0, T0, 60.0);
    let waited = std::time::Instant::now();
    while world.alarms.health().failed_writes == 0 {
        assert!(waited.elapsed().as_secs() < 20);
        std::thread::yield_now();
    }
    assert!(world.alarms.list(&Filter::default()).is_empty());
    assert!(world.alarms.health().problem.is_some());
    world.take(1, T0 + S, 60.0);
    is_broken.store(false, Ordering::Release);
    world.wait_for(2);
    assert_eq!(world.alarms.list(&Filter::open()).len(), 2);
    assert_eq!(world.alarms.health().problem, None);
    let events = world.alarms.events_after(0, 10).unwrap();
    assert_eq!(events.iter().map(|(it, _)| it.number).collect::<Vec<_>>(), [1, 2]);
}
