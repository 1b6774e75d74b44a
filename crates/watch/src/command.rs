//! Commands of people about alarms.

use plant::alarm::{Input, Transition};

/// Who gives a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// User name, as it is recorded in the journal.
    pub name: String,
}

impl Actor {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

/// What to do with an alarm. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Acknowledge {
        comment: Option<String>,
    },
    Shelve {
        until_us: i64,
        reason: String,
    },
    Unshelve,
    Comment {
        text: String,
    },
    /// `None` removes the assignment.
    Assign {
        user: Option<String>,
    },
    TakeOutOfService {
        reason: String,
    },
    ReturnToService,
}

impl Command {
    /// The input of the state machine; `None` for commands that change no state.
    pub(crate) fn input(&self) -> Option<Input> {
        match self {
            Self::Acknowledge { .. } => Some(Input::Acknowledge),
            Self::Shelve { until_us, .. } => Some(Input::Shelve { until_us: *until_us }),
            Self::Unshelve => Some(Input::Unshelve),
            Self::TakeOutOfService { .. } => Some(Input::TakeOutOfService),
            Self::ReturnToService => Some(Input::ReturnToService),
            Self::Comment { .. } | Self::Assign { .. } => None,
        }
    }

    /// The journal entry of a command that changes no state.
    pub(crate) fn remark(&self) -> Transition {
        match self {
            Self::Assign { .. } => Transition::Assigned,
            _ => Transition::Commented,
        }
    }

    /// What the person wrote, or the user an alarm is assigned to.
    pub(crate) fn comment(&self) -> Option<String> {
        match self {
            Self::Acknowledge { comment } => comment.clone(),
            Self::Shelve { reason, .. } | Self::TakeOutOfService { reason } => Some(reason.clone()),
            Self::Comment { text } => Some(text.clone()),
            Self::Assign { user } => user.clone(),
            Self::Unshelve | Self::ReturnToService => None,
        }
    }
}
