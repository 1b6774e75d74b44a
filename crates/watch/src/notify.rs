//! Notifications: who receives a message about an alarm, when, and by which channel.
//!
//! *In*: transitions of alarms with the transaction that journals them. *Out*: messages to people and programs.
//! *Promise*: the messages of a transition are queued in its transaction. A message is attempted until the
//! receiver confirms it or the attempts are used up; an attempt whose outcome is unknown is repeated with the
//! same idempotency key. Every message of an alarm is sent once or is part of exactly one group.
//!
//! [`NotificationPlanner`] decides without I/O; the functions of this module work on the tables in the caller's
//! transaction; [`Sender`] sends what is due.

mod channel;
mod dispatch;
mod facts;
mod message;
mod planner;
mod round;
mod row;
mod sender;
mod store;
mod templates;
#[cfg(test)]
mod tests;

pub use channel::{Attachment, Deliveries, Failure, Outgoing};
pub use dispatch::pause_us;
pub use planner::{NotificationPlanner, Planned, Recipient};
pub use row::{NewEscalation, NewNotification, Notification, NotificationKind, NotificationState};
pub use sender::{Moment, Sender};
pub use store::{Backlog, NotificationQuery, backlog, list, queue, queue_test, queue_with, retry};
