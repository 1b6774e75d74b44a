//! Figures: `cargo test -p watch --test it speed -- --ignored --nocapture`, with `opt-level = 3`.

use crate::world::{S, T0, World, reading, registry, setup, temperature};
use plant::alarm::Rule;
use plant::equipment::Equipment;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use watch::Evaluator;

/// 100,000 alarms: 10 rules on 10,000 sensors, each of which sends a reading a second.
#[test]
#[ignore = "prints a figure"]
fn definitions_over_sensors() {
    let (sensors, seconds) = (10_000_u32, 60_i64);
    let rules: Vec<Arc<Rule>> = (0..10)
        .map(|number| Arc::new(temperature(&format!("hot{number}"), 50.0 + f64::from(number))))
        .collect();
    let (equipment, registry) = (Arc::new(Equipment::default()), registry(sensors as usize));
    let mut evaluator = Evaluator::new(&rules, equipment, registry, Vec::new(), 1);
    let mut batch = Vec::new();
    let mut events = 0;
    let mut first = Duration::ZERO;
    let started = Instant::now();
    for second in 0..seconds {
        batch.clear();
        let temp = |sensor: u32| 40.0 + f64::from((sensor * 7 + second as u32) % 1_000) * 0.011;
        batch.extend((0..sensors).map(|it| reading(it, T0 + second * S, temp(it))));
        evaluator.take(&batch, T0 + second * S);
        evaluator.tick(T0 + second * S);
        events += evaluator.take_changes().len();
        if second == 0 {
            first = started.elapsed();
        }
    }
    let taken = started.elapsed() - first;
    let share = taken.as_secs_f64() / (seconds - 1) as f64;
    println!(
        "100,000 alarms over 10,000 sensors at 1 Hz: {:.1} % of a core ({} events; first second {first:?})",
        share * 100.0,
        events
    );
}

/// Time from a message to its event in the view, at 20,000 messages a second.
#[test]
#[ignore = "prints a figure"]
fn message_to_alarm() {
    let folder = TempDir::new().unwrap();
    let sensors = 10_000_u32;
    let rules = vec![temperature("hot", 50.0), temperature("very_hot", 70.0)];
    let world = World::with(setup(&folder.path().join("access.db"), rules, sensors as usize), None);
    let mut waits: Vec<Duration> = Vec::new();
    let started = Instant::now();
    for step in 0..2_000_u32 {
        // 100 messages each 5 ms.
        let due = Duration::from_millis(5 * u64::from(step));
        while started.elapsed() < due {
            std::hint::spin_loop();
        }
        let at_us = T0 + i64::from(step) * 5_000;
        world.now_us.store(at_us, Ordering::Release);
        // A sensor is hot in one round over all sensors and cool in the next, so that its alarm returns.
        let hot = step % 10 == 0 && (step * 100 / sensors).is_multiple_of(2);
        let temp = |sensor: u32| if hot && sensor.is_multiple_of(100) { 60.0 } else { 40.0 };
        let batch: Vec<_> = (0..100)
            .map(|it| (step * 100 + it) % sensors)
            .map(|it| reading(it, at_us, temp(it)))
            .collect();
        let raised = batch.iter().filter(|it| it.temp_c > 50.0).count();
        let number = world.alarms.newest();
        let sent = Instant::now();
        world.alarms.take(&batch, at_us);
        if raised > 0 {
            while world.alarms.newest() == number {
                std::thread::yield_now();
            }
            waits.push(sent.elapsed());
        }
    }
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!(
        "message to alarm: p50 {:?}, p99 {:?}, greatest {:?} of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        waits.len()
    );
}
