//! `[notifications]` of `alarms.toml`: limits of notifications.

use super::section::{self, Provenance, settings};
use crate::toml_reader::TomlReader;

settings! {
    /// Limits of notifications.
    NotificationLimits {
        /// Messages one person receives in an hour; further alarms are summed up in one message.
        messages_per_hour: u32 = 20, in 1 to 10_000,
            "ISA-18.2 calls 12 alarms an hour the most that one operator can handle";
        /// Messages of that budget that only alarms of priority 1 may use.
        messages_per_hour_reserved: u32 = 5, in 0 to 10_000,
            "lesser alarms cannot use up the budget of the urgent ones";
        /// Messages to one recipient within the window after which further ones are grouped.
        group_after: u32 = 5, in 1 to 1_000,
            "half of an alarm flood of ISA-18.2, so that a flood is one message";
        /// Window of the grouping, and the shortest interval between two groups.
        group_window_s: u32 = 60, in 1 to 86_400,
            "the first alarms of a flood arrive at once, the rest a minute later";
        /// Alarms listed in a group; further ones are counted.
        group_items: u32 = 20, in 1 to 1_000,
            "a list that fits on a phone; the page has the whole list";
        /// Attempts to send a message before it is given up.
        attempts_max: u32 = 100, in 1 to 100_000,
            "about a day at the longest pause";
        /// Pause after the first failed attempt; each further pause is twice as long.
        retry_first_ms: u32 = 5_000, in 10 to 3_600_000,
            "a server that restarts is back in seconds";
        /// Longest pause between two attempts, also if the receiver requests a longer one.
        retry_longest_ms: u32 = 900_000, in 10 to 86_400_000,
            "a quarter of an hour after the end of an outage everything is sent";
        /// Time one attempt may take.
        attempt_time_ms: u32 = 20_000, in 100 to 600_000,
            "slow mail servers accept a message in a few seconds";
        /// Attempts on one channel at the same time.
        attempts_at_once: u32 = 4, in 1 to 100,
            "one slow message does not delay the others of its channel";
        /// Interval at which due messages are looked for.
        poll_ms: u32 = 500, in 10 to 60_000,
            "a query of an index costs microseconds";
        /// Days that finished notifications are kept.
        kept_days: u32 = 90, in 1 to 3_650,
            "the period over which alarms are usually evaluated";
    }
}

impl NotificationLimits {
    /// Reads the limits among the keys of `[notifications]`.
    pub(crate) fn read(&mut self, reader: &mut TomlReader<'_, '_>) {
        section::read_toml(self, reader, "notifications", &mut Provenance::default());
        if self.messages_per_hour_reserved >= self.messages_per_hour {
            reader.note(
                "messages_per_hour_reserved",
                "the whole hourly budget is reserved for priority 1",
                "Write a number below `messages_per_hour`.",
            );
            self.messages_per_hour_reserved = self.messages_per_hour - 1;
        }
    }
}
