//! A process that is killed between raising, journaling, publishing and acknowledging.

use crate::world::{S, T0, World, key, reading};
use access::{Database, Settings};
use plant::alarm::Transition;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use watch::{Actor, journal};

/// Names the database to the process that is going to be killed.
const PATH: &str = "WATCH_TEST_DATABASE";

/// Seconds that the lake lacks when the process is killed: they are read again.
const READ_AGAIN_S: i64 = 7;

#[test]
fn no_acknowledgement_is_lost_and_no_event_is_doubled() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.db");
    let mut acknowledged = BTreeSet::new();
    for round in 0..8 {
        acknowledged.extend(killed_after(&path, 5 + round * 3));
        check(&path, &acknowledged);
    }
    assert!(acknowledged.len() >= 40, "{}", acknowledged.len());
}

/// Runs the writer until it has confirmed some acknowledgements, and kills it.
fn killed_after(path: &Path, count: usize) -> Vec<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writer", "--ignored", "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut confirmed = Vec::new();
    for line in lines.map_while(Result::ok) {
        let Some(id) = line.strip_prefix("acknowledged ") else { continue };
        confirmed.push(id.parse().unwrap());
        if confirmed.len() == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    confirmed
}

fn check(path: &Path, acknowledged: &BTreeSet<i64>) {
    let database = Database::open(path, &Settings::default()).unwrap();
    let verified = journal::verify(&database, None).unwrap();
    assert_eq!(verified.broken, None, "numbers without gaps, chain intact");
    let events = journal::after(&database, 0, 100_000).unwrap();
    assert_eq!(events.len() as u64, verified.entries);
    let of = |transition: Transition| events.iter().filter(move |it| it.transition == transition);
    let found: Vec<i64> = of(Transition::Acknowledged).map(|it| it.occurrence).collect();
    let unique: BTreeSet<i64> = found.iter().copied().collect();
    assert_eq!(unique.len(), found.len(), "each alarm is acknowledged once");
    assert!(unique.is_superset(acknowledged));
    let raised: Vec<i64> = of(Transition::Raised).map(|it| (it.at_us - T0) / S).collect();
    let last = *raised.last().unwrap();
    let expected: Vec<i64> = (0..=last).filter(|second| second % 4 == 0).collect();
    assert_eq!(raised, expected, "each rise of the temperature raises the alarm once");
}

/// The temperature rises above the limit every four seconds, and falls two seconds later.
fn temp_c(second: i64) -> f64 {
    if second % 4 < 2 { 60.0 } else { 40.0 }
}

#[test]
#[ignore = "is run, and killed, by the test above"]
fn writer() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let world = World::start(Path::new(&path));
    let last = world.alarms.events_after(0, 100_000).unwrap();
    let last_s = last.iter().map(|(event, _)| (event.at_us - T0) / S).max().unwrap_or(0);
    let landed_s = (last_s - READ_AGAIN_S).max(0);
    let landed: Vec<_> = (0..landed_s).map(|s| reading(0, T0 + s * S, temp_c(s))).collect();
    world.alarms.restore(&landed, T0 + landed_s * S);
    for second in landed_s..landed_s + 100_000 {
        world.take(0, T0 + second * S, temp_c(second));
        if second % 4 == 0 && second > last_s {
            acknowledge(&world, T0 + second * S);
        }
    }
}

/// Acknowledges the alarm that was raised at this time, and confirms it when that is in the journal.
fn acknowledge(world: &World, raised_at_us: i64) {
    let raised = loop {
        let found = world.alarms.current(&key("hot", 0));
        if let Some(alarm) = found.filter(|it| it.raised_at_us == Some(raised_at_us)) {
            break alarm;
        }
        std::thread::yield_now();
    };
    let command = watch::Command::Acknowledge { comment: None };
    world.alarms.command(&Actor::new("anna"), &raised.id.to_string(), command).unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out, "acknowledged {}", raised.id).unwrap();
    out.flush().unwrap();
}
