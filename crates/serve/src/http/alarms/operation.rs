//! Commands about alarms: their names, the permission each needs, and the states that permit it.

use access::Action;
use plant::alarm::{Input, Status, Timing, step};

/// A command about an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Acknowledge,
    Shelve,
    Unshelve,
    Comment,
    Assign,
    OutOfService,
    InService,
}

impl Operation {
    pub const ALL: [Self; 7] = [
        Self::Acknowledge,
        Self::Shelve,
        Self::Unshelve,
        Self::Comment,
        Self::Assign,
        Self::OutOfService,
        Self::InService,
    ];

    /// The name in `may` and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Shelve => "shelve",
            Self::Unshelve => "unshelve",
            Self::Comment => "comment",
            Self::Assign => "assign",
            Self::OutOfService => "out_of_service",
            Self::InService => "in_service",
        }
    }

    /// The permission that it needs at the place of the alarm.
    pub fn action(self) -> Action {
        match self {
            Self::Acknowledge | Self::Comment | Self::Assign => Action::AcknowledgeAlarm,
            Self::Shelve | Self::Unshelve => Action::ShelveAlarm,
            Self::OutOfService | Self::InService => Action::EditRules,
        }
    }

    /// Whether the state machine permits it in the present state of an alarm.
    pub fn is_possible(self, alarm: &watch::Alarm) -> bool {
        let now_us = alarm.since_us;
        let input = match self {
            Self::Acknowledge => Input::Acknowledge,
            Self::Shelve => Input::Shelve { until_us: now_us.saturating_add(1) },
            Self::Unshelve => Input::Unshelve,
            Self::OutOfService => Input::TakeOutOfService,
            Self::InService => Input::ReturnToService,
            Self::Comment | Self::Assign => return true,
        };
        let status =
            Status { state: alarm.state, is_active: alarm.is_active, ..Status::normal(now_us) };
        step(&status, &Timing::default(), input, now_us).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::alarm::{AlarmKey, Place, Priority, State};

    fn possible(state: State) -> Vec<&'static str> {
        let key = AlarmKey { rule: "hot".into(), object: "oven".into() };
        let mut alarm = watch::Alarm::without_rule(key, Priority::P1, Place::default());
        alarm.state = state;
        alarm.since_us = 1_000;
        let possible = Operation::ALL.into_iter().filter(|it| it.is_possible(&alarm));
        possible.map(Operation::as_str).collect()
    }

    #[test]
    fn each_state_permits_its_commands() {
        let open = ["acknowledge", "shelve", "comment", "assign", "out_of_service"];
        assert_eq!(possible(State::Unacknowledged), open);
        assert_eq!(possible(State::ReturnedUnacknowledged), open);
        assert_eq!(possible(State::Acknowledged), open[1..]);
        let shelved = ["shelve", "unshelve", "comment", "assign", "out_of_service"];
        assert_eq!(possible(State::Shelved), shelved);
        assert_eq!(possible(State::OutOfService), ["comment", "assign", "in_service"]);
        assert!(!possible(State::Suppressed).contains(&"shelve"));
    }

    #[test]
    fn names_are_different() {
        let mut names = Operation::ALL.map(Operation::as_str).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Operation::ALL.len());
    }
}
