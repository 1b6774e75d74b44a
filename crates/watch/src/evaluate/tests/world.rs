//! Rules and sensors of the tests.

use crate::evaluate::{Change, Evaluator};
use plant::alarm::{
    Comparison, Condition, Direction, LocalText, Priority, Rule, SensorPattern, Shelving, Timing,
};
use plant::equipment::{Equipment, Unit};
use plant::reading::{Reading, Registry, SensorId, SensorNumber};
use std::sync::Arc;

/// One second.
pub const S: i64 = 1_000_000;

/// Start of all tests.
pub const T0: i64 = 1_700_000_000 * S;

pub fn above(limit: f64, deadband: f64) -> Comparison {
    Comparison { direction: Direction::Above, limit, deadband }
}

pub fn rule(name: &str, condition: Condition) -> Rule {
    Rule {
        name: name.into(),
        text: LocalText::new(name),
        priority: Priority::P2,
        condition,
        unit: "degC".to_owned(),
        timing: Timing::default(),
        shelving: Shelving { max_us: 8 * 3_600 * S, is_allowed: true },
        owner: "operator".to_owned(),
        cause: LocalText::default(),
        response: LocalText::new("look"),
        consequence: LocalText::default(),
        suppress_while: None,
        is_enabled: true,
        sound: false,
    }
}

/// Above 50 degC with a deadband of 2, after `delay_s` seconds, until `delay_s` seconds.
pub fn hot(delay_s: i64) -> Rule {
    let condition =
        Condition::Temperature { sensors: SensorPattern::any(), comparison: above(50.0, 2.0) };
    let (on_delay_us, off_delay_us) = (delay_s * S, delay_s * S);
    let timing = Timing { on_delay_us, off_delay_us, latching: false };
    Rule { timing, ..rule("hot", condition) }
}

pub fn silent(after_s: i64) -> Rule {
    rule("silent", Condition::Silent { sensors: SensorPattern::any(), after_us: after_s * S })
}

pub fn equipment() -> Arc<Equipment> {
    let unit = Unit {
        name: "Oven 1".to_owned(),
        line: "SMT-1".to_owned(),
        area: "SMT".to_owned(),
        stations: Vec::new(),
        lanes: vec!["Plant1.1".to_owned()],
    };
    Arc::new(Equipment { units: vec![unit], ..Equipment::default() })
}

/// Sensors of one component in lane 1.
pub fn registry(sensors: usize) -> Registry {
    let registry = Registry::default();
    for number in 1..=sensors {
        registry.write().unwrap().register(SensorId {
            plant: "Plant1".to_owned(),
            lane: "1".to_owned(),
            component: "oven".to_owned(),
            manufacturer: format!("m{number}"),
        });
    }
    registry
}

pub fn evaluator(rules: Vec<Rule>, sensors: usize) -> Evaluator {
    let rules: Vec<Arc<Rule>> = rules.into_iter().map(Arc::new).collect();
    Evaluator::new(&rules, equipment(), registry(sensors), Vec::new(), 1)
}

pub fn reading(sensor: u32, second: i64, temp_c: f64) -> Reading {
    Reading { sensor: SensorNumber(sensor), at_us: T0 + second * S, temp_c }
}

/// Changes as short texts: second, object's last part, transition.
pub fn texts(changes: &[Change]) -> Vec<String> {
    let text = |change: &Change| {
        let event = &change.event;
        let second = (event.at_us - T0) as f64 / 1e6;
        let object = event.key.object.rsplit('.').next().unwrap();
        format!("{second} {object} {} {}", event.key.rule, event.transition.as_str())
    };
    changes.iter().map(text).collect()
}

/// Takes readings as they arrive, each in its second, and returns the texts of the changes.
pub fn run(evaluator: &mut Evaluator, readings: &[Reading]) -> Vec<String> {
    for reading in readings {
        evaluator.take(&[*reading], reading.at_us);
    }
    texts(&evaluator.take_changes())
}
