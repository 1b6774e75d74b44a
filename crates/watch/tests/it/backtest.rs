//! A back-test gives the events of live operation.

use crate::world::{S, T0, World, reading, registry, setup, temperature};
use plant::alarm::{
    AlarmEvent, Comparison, Condition, CountCondition, Direction, GroupBy, Rule, SensorPattern,
    Suppression, SuppressionCause, Timing,
};
use plant::equipment::Equipment;
use plant::reading::Reading;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tempfile::TempDir;
use watch::backtest::Replay;

const SENSORS: u32 = 20;
const SECONDS: i64 = 1_800;

fn rules() -> Vec<Rule> {
    let any = SensorPattern::any;
    let above = |limit, deadband| Comparison { direction: Direction::Above, limit, deadband };
    let with = |name: &str, condition, on_s: i64, off_s: i64| Rule {
        condition,
        timing: Timing { on_delay_us: on_s * S, off_delay_us: off_s * S, latching: false },
        ..temperature(name, 50.0)
    };
    let mut high = with(
        "high",
        Condition::Temperature { sensors: any(), comparison: above(50.0, 1.0) },
        10,
        20,
    );
    high.suppress_while = Some(Suppression {
        name: "critical".into(),
        cause: SuppressionCause::Rule("critical".into()),
    });
    let rate = Condition::Rate { sensors: any(), comparison: above(3.0, 1.0), window_us: 60 * S };
    let deviation =
        Condition::Deviation { sensors: any(), comparison: above(5.0, 1.0), min_sensors: 4 };
    let many = Condition::Count(CountCondition {
        sensors: any(),
        group_by: GroupBy::Component,
        above_c: 50.0,
        window_us: 120 * S,
        more_than: 4,
    });
    let anomaly = Condition::Anomaly { sensors: any(), comparison: above(0.9, 0.2) };
    vec![
        with(
            "critical",
            Condition::Temperature { sensors: any(), comparison: above(53.0, 2.0) },
            0,
            5,
        ),
        high,
        with("rate", rate, 5, 5),
        with("deviation", deviation, 15, 15),
        with("many", many, 0, 0),
        with("silent", Condition::Silent { sensors: any(), after_us: 30 * S }, 0, 0),
        with("stuck", Condition::Stuck { sensors: any(), after_us: 40 * S }, 0, 0),
        with("unusual", anomaly, 0, 0),
    ]
}

/// Readings of a second in the order of their sensors: walks around the limit, with pauses and stuck values.
fn stream(seed: u64) -> Vec<Vec<Reading>> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut temps: Vec<f64> = (0..SENSORS).map(|_| random.random_range(40.0..50.0)).collect();
    let mut paused: Vec<i64> = vec![0; SENSORS as usize];
    let mut stuck: Vec<i64> = vec![0; SENSORS as usize];
    let mut seconds = Vec::new();
    for second in 0..SECONDS {
        let mut now = Vec::new();
        for sensor in 0..SENSORS {
            let index = sensor as usize;
            if random.random_range(0..400) == 0 {
                paused[index] = second + random.random_range(1..90);
            }
            if random.random_range(0..600) == 0 {
                stuck[index] = second + random.random_range(1..90);
            }
            if second >= stuck[index] {
                let pull = (46.0 - temps[index]) * 0.01;
                let step: f64 = random.random_range(-0.8..0.8);
                temps[index] = ((temps[index] + pull + step) * 10.0).round() / 10.0;
            }
            if second >= paused[index] {
                now.push(reading(sensor, T0 + second * S, temps[index]));
            }
        }
        seconds.push(now);
    }
    seconds
}

/// An event without its number, which differs between alarms that change at the same time.
pub type Plain = (i64, String, &'static str, Option<f64>, Option<i64>, Option<String>);

pub fn plain(events: &[AlarmEvent]) -> Vec<Plain> {
    let mut plain: Vec<Plain> = events
        .iter()
        .map(|it| {
            let (key, transition) = (it.key.to_string(), it.transition.as_str());
            (it.at_us, key, transition, it.value, it.reading_at_us, it.evidence.clone())
        })
        .collect();
    plain.sort_by(|a, b| {
        (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)).then_with(|| a.partial_cmp(b).unwrap())
    });
    plain
}

fn live(seconds: &[Vec<Reading>], seed: u64) -> Vec<AlarmEvent> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.db");
    let world = World::with(setup(&path, rules(), SENSORS as usize), None);
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    for readings in seconds {
        let Some(at_us) = readings.first().map(|it| it.at_us) else { continue };
        // The readings of a second arrive in several batches within 0.3 s.
        let mut now_us = at_us + random.random_range(50_000..100_000);
        for batch in readings.chunks(random.random_range(1..8)) {
            now_us += random.random_range(0..20_000);
            world.now_us.store(now_us, Ordering::Release);
            world.alarms.take(batch, now_us);
        }
    }
    let database = world.alarms.database();
    drop(world);
    watch::journal::after(&database, 0, 1_000_000).unwrap()
}

fn replayed(seconds: &[Vec<Reading>]) -> Vec<AlarmEvent> {
    let rules: Vec<Arc<Rule>> = rules().into_iter().map(Arc::new).collect();
    let registry = registry(SENSORS as usize);
    let mut replay = Replay::new(&rules, &Arc::new(Equipment::default()), &registry);
    let all: Vec<Reading> = seconds.iter().flatten().copied().collect();
    for batch in all.chunks(1_000) {
        replay.take(batch).unwrap();
    }
    replay.finish(T0 + SECONDS * S)
}

#[test]
fn a_back_test_equals_live_operation_event_by_event() {
    for seed in 1..=4 {
        let seconds = stream(seed);
        let end_us = T0 + (SECONDS - 10) * S;
        let until = |mut events: Vec<AlarmEvent>| {
            // The last seconds are not over for live operation.
            events.retain(|event| event.at_us < end_us);
            plain(&events)
        };
        let (live, replayed) = (until(live(&seconds, seed)), until(replayed(&seconds)));
        for kind in ["critical", "high", "rate", "deviation", "many", "silent", "stuck"] {
            let has = live.iter().any(|it| it.1.starts_with(&format!("{kind}/")));
            assert!(has, "seed {seed} raises {kind}");
        }
        for (a, b) in live.iter().zip(&replayed) {
            assert_eq!(a, b, "seed {seed}");
        }
        assert_eq!(live.len(), replayed.len(), "seed {seed}");
        assert!(live.len() > 200, "{}", live.len());
    }
}

#[test]
fn nothing_is_silent_after_the_last_reading_of_the_lake() {
    let silent = Condition::Silent { sensors: SensorPattern::any(), after_us: 30 * S };
    let rules = [Arc::new(Rule { condition: silent, ..temperature("silent", 50.0) })];
    let mut replay = Replay::new(&rules, &Arc::new(Equipment::default()), &registry(2));
    for second in 0..100 {
        replay.take(&[reading(0, T0 + second * S, 20.0)]).unwrap();
        if second < 10 {
            replay.take(&[reading(1, T0 + second * S, 20.0)]).unwrap();
        }
    }
    let events = replay.finish(T0 + 86_400 * S);
    let found: Vec<i64> = events.iter().map(|it| (it.at_us - T0) / S).collect();
    assert_eq!(found, [39], "only the sensor that others outlast");
}
