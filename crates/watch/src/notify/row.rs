//! Rows of the tables of notifications.

use config::notifications::Language;
use plant::alarm::Priority;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotificationKind {
    /// An alarm was raised, or annunciated again.
    Alarm,
    /// The condition of an alarm has returned to normal.
    Returned,
    /// An alarm was not acknowledged in time.
    Escalation,
    /// Several alarms in one message.
    Group,
    /// A message to test a channel, sent on request.
    Test,
}

impl NotificationKind {
    pub const ALL: [Self; 5] =
        [Self::Alarm, Self::Returned, Self::Escalation, Self::Group, Self::Test];

    /// Its name in the database and in the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Returned => "returned",
            Self::Escalation => "escalation",
            Self::Group => "group",
            Self::Test => "test",
        }
    }
}

/// How far the delivery of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotificationState {
    /// It is sent when it is due.
    Waiting,
    /// An attempt is running.
    Sending,
    /// The receiver confirmed it.
    Sent,
    /// The receiver refused it, or all attempts failed.
    Failed,
    /// It is not sent, because its cause no longer applies.
    Dropped,
    /// It is part of a group message.
    Grouped,
}

impl NotificationState {
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Sending, Self::Sent, Self::Failed, Self::Dropped, Self::Grouped];

    /// Its name in the database and in the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Grouped => "grouped",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A message to one recipient on one channel. Times are those of the program, in microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub id: i64,
    /// What the message is.
    pub content: NewNotification,
    pub state: NotificationState,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub first_attempt_at_us: Option<i64>,
    pub sent_at_us: Option<i64>,
    /// The group message that this one is part of.
    pub group_id: Option<i64>,
}

/// A message that is to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotification {
    /// Entry of the alarm journal that caused it; 0 for a group or a test.
    pub event_number: i64,
    /// Occurrence of the alarm; 0 for a group or a test.
    pub occurrence: i64,
    /// Name of the channel.
    pub channel: String,
    /// Name of a person, or `channel:NAME`.
    pub recipient: String,
    pub kind: NotificationKind,
    pub priority: Priority,
    pub language: Language,
    pub subject: String,
    /// Lines of the message, without the link.
    pub body: String,
    /// What the message is about, as JSON.
    pub data: String,
    pub queued_at_us: i64,
    pub due_at_us: i64,
    /// The same for every attempt, and for no other message.
    pub idempotency_key: String,
}

/// Recipients of a later message about an alarm, unless it is acknowledged before.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEscalation {
    pub event_number: i64,
    pub occurrence: i64,
    /// Recipients as the route names them, as JSON.
    pub recipients: String,
    /// The alarm, as JSON.
    pub data: String,
    pub due_at_us: i64,
}

/// Start of the name of a recipient that is a channel itself.
pub(super) const CHANNEL_PREFIX: &str = "channel:";
