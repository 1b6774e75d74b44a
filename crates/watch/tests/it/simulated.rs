//! A back-test gives the events of live operation: the rules of the reference plant on the readings of its
//! simulation, with all faults of sensors and components.

use crate::backtest::plain;
use crate::world::{S, World};
use access::{Database, Settings};
use config::folder;
use plant::alarm::{AlarmEvent, Rule};
use plant::equipment::Equipment;
use plant::reading::{Reading, Registry, SensorNumber};
use plant::sim::stream::{MessageFaults, MessageOutcome, Stream, StreamPlan};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tempfile::TempDir;
use watch::backtest::{Replay, is_replayable};
use watch::{AlarmLimits, Setup};

const SENSORS: usize = 65;
const INTERVAL_US: i64 = 5 * S;
const HOURS: i64 = 24;
/// 2026-01-05 10:00 in the plant.
const BEGIN_US: i64 = 1_767_587_400 * S;
const SEED: u64 = 7;

/// The plant as the test needs it.
struct Site {
    rules: Vec<Arc<Rule>>,
    equipment: Arc<Equipment>,
    registry: Registry,
    /// In the order in which they are sent.
    readings: Vec<Reading>,
}

impl Site {
    fn new() -> Self {
        let plant = folder::read(&folder::texts(None).unwrap()).0.unwrap();
        let is_on_readings = |rule: &&Arc<Rule>| is_replayable(&rule.condition);
        let rules = plant.alarms.valid().filter(is_on_readings).map(|rule| {
            // A statement decides on this suppression, which a back-test does not evaluate.
            Arc::new(Rule { suppress_while: None, ..Rule::clone(rule) })
        });
        let plan = StreamPlan {
            sensors: SENSORS,
            interval_us: INTERVAL_US,
            seed: SEED,
            faults: MessageFaults::None,
        };
        let mut stream = Stream::new(plan, BEGIN_US);
        let registry = Registry::default();
        let numbers: Vec<SensorNumber> = stream
            .sensors()
            .iter()
            .map(|sensor| registry.write().unwrap().register(sensor.id.clone()))
            .collect();
        let (mut readings, mut payload) = (Vec::new(), Vec::new());
        loop {
            let message = stream.next(&mut payload);
            if message.sent_at_us >= BEGIN_US + HOURS * 3_600 * S {
                break;
            }
            if let MessageOutcome::Landed { at_s, temp_centi } = message.outcome {
                let (sensor, temp_c) = (numbers[message.sensor], f64::from(temp_centi) / 100.0);
                readings.push(Reading { sensor, at_us: at_s * S, temp_c });
            }
        }
        let rules = rules.collect();
        Self { rules, equipment: Arc::new(plant.equipment), registry, readings }
    }

    /// The journal of an engine that receives the readings of each second as they arrive.
    fn live(&self, path: &Path) -> Vec<AlarmEvent> {
        let setup = Setup {
            database: Arc::new(Database::open(path, &Settings::default()).unwrap()),
            rules: self.rules.clone(),
            equipment: Arc::clone(&self.equipment),
            registry: Arc::clone(&self.registry),
            limits: AlarmLimits::default(),
        };
        let world = World::with(setup, None);
        for second in self.readings.chunk_by(|a, b| a.at_us == b.at_us) {
            let mut now_us = second[0].at_us + 100_000;
            for batch in second.chunks(5) {
                now_us += 20_000;
                world.now_us.store(now_us, Ordering::Release);
                world.alarms.take(batch, now_us);
            }
        }
        let database = world.alarms.database();
        drop(world);
        watch::journal::after(&database, 0, 1_000_000).unwrap()
    }

    /// The events of a back-test, which reads a lake in the order of times and names of sensors.
    fn replayed(&self) -> Vec<AlarmEvent> {
        let known = self.registry.read().unwrap();
        let name = |reading: &Reading| known.id(reading.sensor).unwrap().to_string();
        let mut readings = self.readings.clone();
        readings.sort_by_cached_key(|reading| (reading.at_us, name(reading)));
        drop(known);
        let mut replay = Replay::new(&self.rules, &self.equipment, &self.registry);
        for batch in readings.chunks(1_000) {
            replay.take(batch).unwrap();
        }
        replay.finish(i64::MAX)
    }
}

#[test]
fn a_back_test_of_the_reference_plant_equals_live_operation() {
    let (site, folder) = (Site::new(), TempDir::new().unwrap());
    let live = site.live(&folder.path().join("access.db"));
    let end_us = BEGIN_US + HOURS * 3_600 * S - 60 * S;
    // The last minute is not over for live operation.
    let until = |mut events: Vec<AlarmEvent>| {
        events.retain(|event| event.at_us < end_us);
        plain(&events)
    };
    let rules: BTreeSet<&str> = live.iter().map(|event| &*event.key.rule).collect();
    for rule in ["temperature_high", "temperature_deviates", "sensor_silent", "sensor_stuck"] {
        assert!(rules.contains(rule), "{rule} is not among {rules:?}");
    }
    let (live, replayed) = (until(live), until(site.replayed()));
    for (a, b) in live.iter().zip(&replayed) {
        assert_eq!(a, b);
    }
    assert_eq!(live.len(), replayed.len());
    assert!(live.len() > 50, "{}", live.len());
}
