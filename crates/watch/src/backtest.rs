//! Rules tried out on the past: the same evaluation as live, fed with the readings of the lake.
//!
//! *In*: readings of a period from the lake, in order of their time, and rules. *Out*: the alarms they would
//! have raised, beside those of the rules in use, and a suggestion of deadband and on-delay.
//! *Promise*: the transitions are those of live operation on the same readings. Conditions on KPIs, statements
//! and the flow of data are not replayed; neither are commands of people.

mod compare;
mod history;
mod suggest;

pub use compare::{BacktestReport, Compared, Day};
pub use history::History;
pub use suggest::Suggestion;

use crate::error::Error;
use crate::evaluate::Evaluator;
use compare::compare;
use plant::alarm::{AlarmEvent, Condition, Rule};
use plant::equipment::Equipment;
use plant::reading::{Reading, Registry};
use std::sync::Arc;

/// Events of a period beyond which a back-test ends with an error: a rule that raises more is of no use.
const EVENTS_MAX: usize = 2_000_000;

/// What to try out.
#[derive(Debug, Clone)]
pub struct BacktestRequest {
    /// The rules to try.
    pub rules: Vec<Arc<Rule>>,
    /// The rules in use that they replace; the report compares both.
    pub before: Vec<Arc<Rule>>,
    /// Begin in microseconds since 1970, UTC.
    pub from_us: i64,
    /// End, exclusive.
    pub to_us: i64,
    /// Whether deadband and on-delay are suggested, which reads the period again.
    pub suggests: bool,
}

/// The evaluation of rules on past readings, with a clock that shows the time of the readings.
pub struct Replay {
    evaluator: Evaluator,
    events: Vec<AlarmEvent>,
    newest_us: i64,
}

impl Replay {
    pub fn new(rules: &[Arc<Rule>], equipment: &Arc<Equipment>, registry: &Registry) -> Self {
        let (equipment, registry) = (Arc::clone(equipment), Arc::clone(registry));
        let evaluator = Evaluator::new(rules, equipment, registry, Vec::new(), 1);
        Self { evaluator, events: Vec::new(), newest_us: i64::MIN }
    }

    /// Takes readings in order of their time.
    ///
    /// # Errors
    /// There are too many events.
    pub fn take(&mut self, readings: &[Reading]) -> Result<(), Error> {
        for reading in readings {
            self.newest_us = self.newest_us.max(reading.at_us);
            self.evaluator.take(std::slice::from_ref(reading), self.newest_us);
        }
        self.collect();
        if self.events.len() > EVENTS_MAX {
            let text = format!("more than {EVENTS_MAX} events: choose a shorter period");
            return Err(Error::Invalid(text));
        }
        Ok(())
    }

    fn collect(&mut self) {
        let changes = self.evaluator.take_changes();
        self.events.extend(changes.into_iter().map(|change| change.event));
    }

    /// The events before `to_us`, in order of their number. Time ends with the last reading: what would have
    /// happened without further readings is not known.
    pub fn finish(mut self, to_us: i64) -> Vec<AlarmEvent> {
        self.events.retain(|event| event.at_us < to_us);
        self.events
    }
}

/// Whether a condition can be tried out on past readings.
pub fn is_replayable(condition: &Condition) -> bool {
    condition.sensors().is_some()
}

/// Tries rules out on the readings of the lake.
///
/// # Errors
/// The lake cannot be read, or there are too many events.
pub async fn run(history: &History, request: &BacktestRequest) -> Result<BacktestReport, Error> {
    let registry = Registry::default();
    let equipment = history.equipment();
    let mut after = Replay::new(&request.rules, &equipment, &registry);
    let mut before = Replay::new(&request.before, &equipment, &registry);
    let period = (request.from_us, request.to_us);
    let has_before = !request.before.is_empty();
    let readings = history
        .read(period, None, &registry, |readings| {
            after.take(readings)?;
            if has_before {
                before.take(readings)?;
            }
            Ok(())
        })
        .await?;
    let (after, before) = (after.finish(request.to_us), before.finish(request.to_us));
    let suggestion = match request.suggests {
        true => suggest::suggest(history, request, &after).await?,
        false => None,
    };
    let not_replayed = request.rules.iter().filter(|rule| !is_replayable(&rule.condition));
    let not_replayed = not_replayed.map(|rule| Arc::clone(&rule.name)).collect();
    let report = compare(after, &before, request, |at_us| history.day(at_us));
    Ok(BacktestReport { readings, suggestion, not_replayed, ..report })
}
