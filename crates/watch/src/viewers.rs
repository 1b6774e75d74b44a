//! Reading the alarms for people who view them: from memory, without waiting for the disk.

use crate::alarm::Alarm;
use crate::alarms::Alarms;
use crate::evaluate::place_of;
use plant::alarm::{AlarmEvent, AlarmKey, Place};
use std::sync::atomic::Ordering;

impl Alarms {
    /// Events with numbers above `number`, oldest first, at most `max`, each with the alarm as it was after
    /// it; `None` if some of them are older than those in memory.
    pub fn recent_after(&self, number: i64, max: usize) -> Option<Vec<(AlarmEvent, Alarm)>> {
        self.shared.view().after(number, max)
    }

    /// Times of the annunciations in memory since `from_us` whose place is wanted, in the order of the journal.
    pub fn annunciations(&self, from_us: i64, is_wanted: impl Fn(&Place) -> bool) -> Vec<i64> {
        self.shared.view().annunciations(from_us, is_wanted)
    }

    /// Engine time of the last evaluation, which runs apart from the clock when old data is replayed; the time
    /// `now_us` of the clock before the first one.
    pub fn engine_us(&self, now_us: i64) -> i64 {
        match self.shared.counters.engine_us.load(Ordering::Relaxed) {
            0 => now_us,
            engine_us => engine_us,
        }
    }

    /// Where the object of an alarm is, as far as it is known: by it, alarms are filtered by the scopes of a
    /// user.
    pub fn place(&self, key: &AlarmKey) -> Place {
        let rule = self.shared.rule(&key.rule);
        let condition = rule.as_ref().map(|rule| &rule.condition);
        place_of(&key.object, condition, &self.shared.equipment)
    }
}
