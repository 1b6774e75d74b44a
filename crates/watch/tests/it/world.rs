//! An engine on a database.

use access::{Database, Settings};
use plant::alarm::{
    AlarmKey, Comparison, Condition, Direction, LocalText, Priority, Rule, SensorPattern, Shelving,
    Timing,
};
use plant::equipment::Equipment;
use plant::reading::{Reading, Registry, SensorId, SensorNumber};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use watch::{AlarmLimits, Alarms, Engine, NowUs, Planner, Setup};

/// One second.
pub const S: i64 = 1_000_000;

/// Start of all tests.
pub const T0: i64 = 1_700_000_000 * S;

/// A running engine with a clock that the test sets.
pub struct World {
    pub alarms: Alarms,
    pub now_us: Arc<AtomicI64>,
    thread: Option<JoinHandle<()>>,
}

pub fn temperature(name: &str, limit: f64) -> Rule {
    let comparison = Comparison { direction: Direction::Above, limit, deadband: 1.0 };
    Rule {
        name: name.into(),
        text: LocalText::new(name),
        priority: Priority::P2,
        condition: Condition::Temperature { sensors: SensorPattern::any(), comparison },
        unit: "degC".to_owned(),
        timing: Timing::default(),
        shelving: Shelving { max_us: 3_600 * S, is_allowed: true },
        owner: "operator".to_owned(),
        cause: LocalText::default(),
        response: LocalText::default(),
        consequence: LocalText::default(),
        suppress_while: None,
        is_enabled: true,
        sound: false,
    }
}

pub fn registry(sensors: usize) -> Registry {
    let registry = Registry::default();
    for number in 0..sensors {
        registry.write().unwrap().register(SensorId {
            plant: "Plant1".to_owned(),
            lane: (number % 10).to_string(),
            component: "oven".to_owned(),
            manufacturer: format!("m{number}"),
        });
    }
    registry
}

pub fn reading(sensor: u32, at_us: i64, temp_c: f64) -> Reading {
    Reading { sensor: SensorNumber(sensor), at_us, temp_c }
}

pub fn key(rule: &str, sensor: u32) -> AlarmKey {
    let object = format!("Plant1.{}.oven.m{sensor}", sensor % 10);
    AlarmKey { rule: rule.into(), object: object.into() }
}

pub fn setup(path: &Path, rules: Vec<Rule>, sensors: usize) -> Setup {
    Setup {
        database: Arc::new(Database::open(path, &Settings::default()).unwrap()),
        rules: rules.into_iter().map(Arc::new).collect(),
        equipment: Arc::new(Equipment::default()),
        registry: registry(sensors),
        limits: AlarmLimits::default(),
    }
}

impl World {
    pub fn start(path: &Path) -> Self {
        Self::with(setup(path, vec![temperature("hot", 50.0)], 10), None)
    }

    pub fn with(setup: Setup, planner: Option<Planner>) -> Self {
        let (engine, alarms) = Engine::open(setup).unwrap();
        let engine = match planner {
            Some(planner) => engine.with_planner(planner),
            None => engine,
        };
        let now_us = Arc::new(AtomicI64::new(T0));
        let clock = Arc::clone(&now_us);
        let clock: NowUs = Arc::new(move || clock.load(Ordering::Acquire));
        let thread = Some(std::thread::spawn(move || engine.run(&clock)));
        Self { alarms, now_us, thread }
    }

    /// Passes one reading that arrives in its second.
    pub fn take(&self, sensor: u32, at_us: i64, temp_c: f64) {
        self.now_us.store(at_us, Ordering::Release);
        self.alarms.take(&[reading(sensor, at_us, temp_c)], at_us);
    }

    /// Waits until the journal has this event.
    pub fn wait_for(&self, number: i64) {
        let mut changed = self.alarms.changed();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let waiting = async {
            let reached = changed.wait_for(|newest| *newest >= number);
            tokio::time::timeout(std::time::Duration::from_secs(20), reached).await
        };
        runtime.block_on(waiting).expect("the event is in the journal within 20 s").unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.alarms.close();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
