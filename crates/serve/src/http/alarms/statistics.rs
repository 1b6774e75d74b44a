//! How often an alarm occurs, from its journal entries.

use plant::alarm::{AlarmEvent, Transition};
use plant::time::{DAY_S, SECOND_US};
use serde::Serialize;
use utoipa::ToSchema;

/// Span of the statistics.
pub const SPAN_US: i64 = 30 * DAY_S * SECOND_US;
/// An alarm that is raised this often within this time chatters.
const CHATTERING_TIMES: usize = 3;
const CHATTERING_US: i64 = 60 * SECOND_US;

/// How often an alarm was raised, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AlarmStatistics {
    /// Times it was raised in the last 30 days.
    pub times_30d: usize,
    /// Median time from raised to returned or cleared; null if it never returned.
    pub median_s: Option<f64>,
    /// Times it was raised within a minute after at least two others.
    pub chattering: usize,
}

/// Statistics of the entries of one alarm, in ascending order.
pub fn from_events(events: &[AlarmEvent]) -> AlarmStatistics {
    let raised = events.iter().filter(|it| it.transition == Transition::Raised);
    let raised: Vec<i64> = raised.map(|it| it.at_us).collect();
    let chatters = |span: &&[i64]| span[CHATTERING_TIMES - 1] - span[0] <= CHATTERING_US;
    AlarmStatistics {
        times_30d: raised.len(),
        median_s: median(durations(events)).map(|us| us as f64 / SECOND_US as f64),
        chattering: raised.windows(CHATTERING_TIMES).filter(chatters).count(),
    }
}

/// Times from raised to returned or cleared, in microseconds.
fn durations(events: &[AlarmEvent]) -> Vec<i64> {
    let mut durations = Vec::new();
    let mut raised_us = None;
    for event in events {
        match event.transition {
            Transition::Raised => raised_us = Some(event.at_us),
            Transition::Returned | Transition::Cleared => {
                durations.extend(raised_us.take().map(|from_us| event.at_us - from_us));
            }
            _ => {}
        }
    }
    durations
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    let middle = values.len().checked_sub(1)? / 2;
    let (low, high) = (values[middle], values[values.len() / 2]);
    Some(low + (high - low) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::alarm::{AlarmKey, Priority, State};

    fn events(of: &[(i64, Transition)]) -> Vec<AlarmEvent> {
        let event = |(second, transition): &(i64, Transition)| AlarmEvent {
            number: 1,
            at_us: second * SECOND_US,
            key: AlarmKey { rule: "hot".into(), object: "oven".into() },
            occurrence: 1,
            transition: *transition,
            from: State::Normal,
            to: State::Normal,
            priority: Priority::P1,
            value: None,
            limit: None,
            reading_at_us: None,
            actor: None,
            comment: None,
            evidence: None,
        };
        of.iter().map(event).collect()
    }

    #[test]
    fn occurrences_durations_and_chattering_are_counted() {
        use Transition::{Acknowledged, Cleared, Raised, Returned};
        let found = from_events(&events(&[
            (0, Returned),
            (10, Raised),
            (20, Returned),
            (30, Raised),
            (35, Acknowledged),
            (60, Cleared),
            (70, Raised),
            (90, Returned),
            (200, Raised),
        ]));
        assert_eq!((found.times_30d, found.median_s, found.chattering), (4, Some(20.0), 1));
        let none = AlarmStatistics { times_30d: 0, median_s: None, chattering: 0 };
        assert_eq!(from_events(&[]), none);
    }
}
