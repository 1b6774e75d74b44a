//! Figures: `cargo test -p watch --test it speed -- --ignored --nocapture`, with `opt-level = 3`.

use crate::world::{S, T0, World, reading, registry, setup, temperature};
use plant::alarm::{Comparison, Condition, Direction, Rule, SensorPattern, Timing};
use plant::equipment::Equipment;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use watch::Evaluator;
use watch::backtest::Replay;

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

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// A rule with deadband and delays on readings of 100 sensors at 1 Hz, as a back-test evaluates them.
#[test]
#[ignore = "prints a figure"]
fn back_test() {
    let (sensors, seconds) = (100_u32, 6 * 3_600_i64);
    let rules = [Arc::new(Rule {
        condition: Condition::Temperature {
            sensors: SensorPattern::any(),
            comparison: Comparison { direction: Direction::Above, limit: 82.0, deadband: 3.0 },
        },
        timing: Timing { on_delay_us: 30 * S, off_delay_us: 60 * S, latching: false },
        ..temperature("hot", 82.0)
    })];
    // A period of an hour whose phase differs between sensors, beside changes from second to second.
    let temp = |sensor: u32, second: i64| {
        let phase = (second as f64 + f64::from(sensor) * 360.0) * std::f64::consts::TAU / 3_600.0;
        60.0 + 25.0 * phase.sin() + ((second * 7 + i64::from(sensor)) % 11) as f64 * 0.2
    };
    let second =
        |it: i64| (0..sensors).map(move |sensor| reading(sensor, T0 + it * S, temp(sensor, it)));
    let readings: Vec<_> = (0..seconds).flat_map(second).collect();
    let registry = registry(sensors as usize);
    let mut replay = Replay::new(&rules, &Arc::new(Equipment::default()), &registry);
    let started = cpu_time();
    for batch in readings.chunks(8_192) {
        replay.take(batch).unwrap();
    }
    let taken = cpu_time() - started;
    let events = replay.finish(T0 + seconds * S).len();
    let per_minute = readings.len() as f64 / taken.as_secs_f64() * 60.0;
    println!(
        "back-test: {:.2} million readings per CPU s, {:.0} sensor-months at 1 Hz per CPU minute, {events} events",
        per_minute / 60.0e6,
        per_minute / (30.0 * 86_400.0)
    );
}
