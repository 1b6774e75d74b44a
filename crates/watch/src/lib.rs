//! Alarms, their journal, and notifications.
//!
//! *In*: live readings, results of statements over the lake, and the state of the data flow.
//! *Out*: alarms as they are, journal entries, and notifications to people.
//! *Promise*: a transition is in the journal before anybody sees it, and survives a kill; a notification is
//! sent at least once and repeated only if its delivery was not confirmed.
