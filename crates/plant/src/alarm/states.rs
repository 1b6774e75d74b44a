//! States of an alarm and the transitions between them.

/// The state of an alarm (ISA-18.2, clause 5.4). The letter is that of the standard's diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// A: the condition is not met, and there is nothing to acknowledge.
    Normal,
    /// B: the condition is met, and no operator has acknowledged the alarm.
    Unacknowledged,
    /// C: the condition is met, and the alarm is acknowledged.
    Acknowledged,
    /// D: the condition has returned to normal, and the alarm has to be acknowledged.
    ReturnedUnacknowledged,
    /// G: an operator has suppressed the alarm for a limited time.
    Shelved,
    /// H: the rule suppresses the alarm, for example while its line is not planned.
    Suppressed,
    /// I: a person has taken the alarm out of service, for example during maintenance.
    OutOfService,
}

impl State {
    /// All states, in the order of the standard.
    pub const ALL: [Self; 7] = [
        Self::Normal,
        Self::Unacknowledged,
        Self::Acknowledged,
        Self::ReturnedUnacknowledged,
        Self::Shelved,
        Self::Suppressed,
        Self::OutOfService,
    ];

    /// The name in the journal and in the HTTP interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Unacknowledged => "unacknowledged",
            Self::Acknowledged => "acknowledged",
            Self::ReturnedUnacknowledged => "returned_unacknowledged",
            Self::Shelved => "shelved",
            Self::Suppressed => "suppressed",
            Self::OutOfService => "out_of_service",
        }
    }

    /// The state with this name; the inverse of [`State::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the alarm is annunciated or was: unacknowledged, acknowledged or returned.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Unacknowledged | Self::Acknowledged | Self::ReturnedUnacknowledged)
    }

    /// Whether an operator has to acknowledge the alarm.
    pub fn needs_acknowledgement(self) -> bool {
        matches!(self, Self::Unacknowledged | Self::ReturnedUnacknowledged)
    }
}

/// What happened to an alarm: one entry of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transition {
    /// The condition is met for as long as the on-delay: an annunciation.
    Raised,
    /// The condition has returned to normal, and the alarm has to be acknowledged.
    Returned,
    /// The condition has returned to normal, and so has the alarm.
    Cleared,
    Acknowledged,
    Shelved,
    /// Unshelved by hand.
    Unshelved,
    /// The time of shelving is over: an annunciation if the condition is met.
    ShelvingExpired,
    Suppressed,
    Unsuppressed,
    OutOfService,
    InService,
    /// An operator commented on the alarm. Not a result of [`step`](super::step).
    Commented,
    /// The alarm was assigned to a user. Not a result of [`step`](super::step).
    Assigned,
    /// The rule was changed. Not a result of [`step`](super::step).
    RuleChanged,
}

impl Transition {
    /// All transitions.
    pub const ALL: [Self; 14] = [
        Self::Raised,
        Self::Returned,
        Self::Cleared,
        Self::Acknowledged,
        Self::Shelved,
        Self::Unshelved,
        Self::ShelvingExpired,
        Self::Suppressed,
        Self::Unsuppressed,
        Self::OutOfService,
        Self::InService,
        Self::Commented,
        Self::Assigned,
        Self::RuleChanged,
    ];

    /// The name in the journal and in the HTTP interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Returned => "returned",
            Self::Cleared => "cleared",
            Self::Acknowledged => "acknowledged",
            Self::Shelved => "shelved",
            Self::Unshelved => "unshelved",
            Self::ShelvingExpired => "shelving_expired",
            Self::Suppressed => "suppressed",
            Self::Unsuppressed => "unsuppressed",
            Self::OutOfService => "out_of_service",
            Self::InService => "in_service",
            Self::Commented => "commented",
            Self::Assigned => "assigned",
            Self::RuleChanged => "rule_changed",
        }
    }

    /// The transition with this name; the inverse of [`Transition::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transition| transition.as_str() == name)
    }

    /// Whether an operator is alerted by this transition to state `to`: the alarm is raised, or it is
    /// raised again because its shelving expired.
    pub fn is_annunciation(self, to: State) -> bool {
        match self {
            Self::Raised => true,
            Self::ShelvingExpired => to == State::Unacknowledged,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.as_str()), Some(state));
        }
        for transition in Transition::ALL {
            assert_eq!(Transition::from_name(transition.as_str()), Some(transition));
        }
        assert_eq!(State::from_name("Normal"), None);
    }

    #[test]
    fn only_raised_alarms_are_annunciations() {
        assert!(Transition::Raised.is_annunciation(State::Unacknowledged));
        assert!(Transition::ShelvingExpired.is_annunciation(State::Unacknowledged));
        assert!(!Transition::ShelvingExpired.is_annunciation(State::Normal));
        assert!(!Transition::Unshelved.is_annunciation(State::Acknowledged));
    }
}
