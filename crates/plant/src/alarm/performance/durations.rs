//! Annunciations with what followed them.

use crate::alarm::{AlarmEvent, AlarmKey, Priority, State, Transition};
use std::collections::HashMap;

/// One annunciation. Times are microseconds since 1970, UTC; durations begin at `at_us`.
#[derive(Debug, Clone)]
pub struct Annunciation<'a> {
    pub key: &'a AlarmKey,
    pub priority: Priority,
    pub at_us: i64,
    /// Beginning of the time without interruption in which the condition was met and annunciated.
    pub began_us: i64,
    /// When the alarm was no longer annunciated with its condition met: it returned, was shelved,
    /// suppressed or taken out of service; or the end of the period.
    pub left_us: i64,
    /// Duration until the condition ended.
    pub ended_us: Option<i64>,
    /// Duration until an operator acknowledged it.
    pub acknowledged_us: Option<i64>,
}

/// The annunciations among the events of the journal until `to_us`, in their order.
pub fn annunciations(events: &[AlarmEvent], to_us: i64) -> Vec<Annunciation<'_>> {
    let mut found: Vec<Annunciation<'_>> = Vec::new();
    let mut open: HashMap<&AlarmKey, usize> = HashMap::new();
    for event in events.iter().filter(|event| event.at_us < to_us) {
        if event.transition.is_annunciation(event.to) {
            open.insert(&event.key, found.len());
            found.push(Annunciation {
                key: &event.key,
                priority: event.priority,
                at_us: event.at_us,
                began_us: event.at_us,
                left_us: to_us,
                ended_us: None,
                acknowledged_us: None,
            });
            continue;
        }
        let Some(annunciation) = open.get(&event.key).and_then(|at| found.get_mut(*at)) else {
            continue;
        };
        apply(annunciation, event, to_us);
    }
    found
}

/// What an event means for the annunciation before it.
fn apply(annunciation: &mut Annunciation<'_>, event: &AlarmEvent, to_us: i64) {
    let after_us = event.at_us - annunciation.at_us;
    let is_met = |state: State| matches!(state, State::Unacknowledged | State::Acknowledged);
    if is_met(event.from) && !is_met(event.to) && annunciation.left_us == to_us {
        annunciation.left_us = event.at_us;
    }
    match event.transition {
        Transition::Acknowledged => {
            annunciation.acknowledged_us.get_or_insert(after_us);
        }
        Transition::Returned | Transition::Cleared => {
            annunciation.ended_us.get_or_insert(after_us);
        }
        // Unshelved by hand: the time of annunciation begins again without an annunciation.
        Transition::Unshelved if is_met(event.to) => {
            annunciation.began_us = event.at_us;
            annunciation.left_us = to_us;
        }
        _ => {}
    }
}
