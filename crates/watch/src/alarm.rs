//! An alarm as people see it: the rule, the state, and what has happened since it was raised.

use plant::alarm::{
    AlarmEvent, AlarmKey, Comparison, Condition, Direction, LocalText, Place, Priority, Rule,
    State, Transition,
};

/// An alarm with its current occurrence. Times are microseconds since 1970, UTC, in engine time.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Number of the event that raised it; 0 if it was never raised.
    pub id: i64,
    pub key: AlarmKey,
    pub text: LocalText,
    pub priority: Priority,
    pub state: State,
    /// Whether the condition is met, after delays.
    pub is_active: bool,
    /// When the state was entered.
    pub since_us: i64,
    pub raised_at_us: Option<i64>,
    pub returned_at_us: Option<i64>,
    pub acknowledged_at_us: Option<i64>,
    pub acknowledged_by: Option<String>,
    pub shelved_until_us: Option<i64>,
    /// Value that was compared at the last transition, in `unit`.
    pub value: Option<f64>,
    pub limit: Option<f64>,
    /// Kind of the condition; `None` if the rule no longer exists.
    pub kind: Option<&'static str>,
    /// On which side of the limit the condition is met; `None` for conditions that compare no value.
    pub direction: Option<Direction>,
    pub unit: String,
    /// Role that responds.
    pub owner: String,
    /// User who takes care of this occurrence.
    pub assignee: Option<String>,
    pub cause: LocalText,
    pub response: LocalText,
    pub consequence: LocalText,
    pub place: Place,
    pub evidence: Option<String>,
    /// Number of comments on this occurrence.
    pub comments: u32,
    /// Whether pages sound when it is raised.
    pub sound: bool,
}

/// Which current alarms to list. Without a value, all that are not normal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// States, or all except normal if empty.
    pub states: Vec<State>,
    /// Priorities, or all if empty.
    pub priorities: Vec<Priority>,
    pub rule: Option<String>,
    pub object: Option<String>,
}

impl Filter {
    /// The alarms that are annunciated or were.
    pub fn open() -> Self {
        let states = State::ALL.into_iter().filter(|state| state.is_open()).collect();
        Self { states, ..Self::default() }
    }

    /// Whether an alarm is to be listed.
    pub fn accepts(&self, alarm: &Alarm) -> bool {
        let is_state = match self.states.as_slice() {
            [] => alarm.state != State::Normal,
            states => states.contains(&alarm.state),
        };
        let is_wanted =
            |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|it| it == own);
        is_state
            && (self.priorities.is_empty() || self.priorities.contains(&alarm.priority))
            && is_wanted(&self.rule, &alarm.key.rule)
            && is_wanted(&self.object, &alarm.key.object)
    }
}

/// Numbers of current alarms. Arrays are by priority, P1 first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub open: [usize; 4],
    pub unacknowledged: [usize; 4],
    pub shelved: usize,
    pub suppressed: usize,
    pub out_of_service: usize,
}

impl Counts {
    /// The counts of some alarms.
    pub fn from_alarms<'a>(alarms: impl IntoIterator<Item = &'a Alarm>) -> Self {
        let mut counts = Self::default();
        for alarm in alarms {
            counts.add(alarm);
        }
        counts
    }

    fn add(&mut self, alarm: &Alarm) {
        let priority = usize::from(alarm.priority.number() - 1);
        self.open[priority] += usize::from(alarm.state.is_open());
        self.unacknowledged[priority] += usize::from(alarm.state.needs_acknowledgement());
        match alarm.state {
            State::Shelved => self.shelved += 1,
            State::Suppressed => self.suppressed += 1,
            State::OutOfService => self.out_of_service += 1,
            _ => {}
        }
    }
}

impl Alarm {
    /// An alarm of a rule that has not been raised.
    pub fn new(key: AlarmKey, rule: &Rule, place: Place) -> Self {
        Self {
            text: rule.text.clone(),
            priority: rule.priority,
            unit: rule.unit.clone(),
            owner: rule.owner.clone(),
            cause: rule.cause.clone(),
            response: rule.response.clone(),
            consequence: rule.consequence.clone(),
            limit: limit_of(&rule.condition),
            kind: Some(rule.condition.kind()),
            direction: direction_of(&rule.condition),
            sound: rule.sound,
            ..Self::without_rule(key, Priority::P4, place)
        }
    }

    /// An alarm whose rule no longer exists: its text is the name of the rule.
    pub fn without_rule(key: AlarmKey, priority: Priority, place: Place) -> Self {
        Self {
            id: 0,
            text: LocalText::new(&key.rule),
            key,
            priority,
            state: State::Normal,
            is_active: false,
            since_us: 0,
            raised_at_us: None,
            returned_at_us: None,
            acknowledged_at_us: None,
            acknowledged_by: None,
            shelved_until_us: None,
            value: None,
            limit: None,
            kind: None,
            direction: None,
            unit: String::new(),
            owner: String::new(),
            assignee: None,
            cause: LocalText::default(),
            response: LocalText::default(),
            consequence: LocalText::default(),
            place,
            evidence: None,
            comments: 0,
            sound: false,
        }
    }

    /// Takes over the texts and limits of the rule as it is now.
    pub fn describe(&mut self, rule: &Rule) {
        let described = Self::new(self.key.clone(), rule, self.place.clone());
        *self = Self {
            text: described.text,
            kind: described.kind,
            direction: described.direction,
            unit: described.unit,
            owner: described.owner,
            cause: described.cause,
            response: described.response,
            consequence: described.consequence,
            sound: described.sound,
            ..self.clone()
        };
    }

    /// Records a transition of this alarm.
    pub fn apply(&mut self, event: &AlarmEvent) {
        if event.from != event.to || event.transition == Transition::Raised {
            (self.state, self.since_us) = (event.to, event.at_us);
        }
        self.priority = event.priority;
        match event.transition {
            Transition::Raised => self.begin(event),
            Transition::Returned | Transition::Cleared => self.returned_at_us = Some(event.at_us),
            Transition::Acknowledged => {
                self.acknowledged_at_us = Some(event.at_us);
                self.acknowledged_by.clone_from(&event.actor);
            }
            Transition::ShelvingExpired => self.acknowledged_at_us = None,
            Transition::Assigned => self.assignee.clone_from(&event.comment),
            _ => {}
        }
        let has_comment = event.comment.is_some() && event.transition != Transition::Assigned;
        self.comments += u32::from(has_comment);
        if event.value.is_some() {
            (self.value, self.limit) = (event.value, event.limit);
            self.evidence.clone_from(&event.evidence);
        }
    }

    fn begin(&mut self, event: &AlarmEvent) {
        self.id = event.occurrence;
        self.raised_at_us = Some(event.at_us);
        self.returned_at_us = None;
        (self.acknowledged_at_us, self.acknowledged_by) = (None, None);
        (self.assignee, self.comments) = (None, 0);
    }
}

fn direction_of(condition: &Condition) -> Option<Direction> {
    condition.comparison().map(|Comparison { direction, .. }| *direction)
}

/// The limit that is shown beside the value.
pub(crate) fn limit_of(condition: &Condition) -> Option<f64> {
    Some(condition.limit())
}
