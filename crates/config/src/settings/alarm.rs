//! Limits of alarms.

use super::section::settings;

settings! {
    /// Limits of the evaluation and the journal of alarms.
    AlarmLimits {
        /// Readings that wait for their evaluation before the reading of streams waits.
        alarm_inbox_readings: usize = 1_000_000,
            "50 seconds of a busy plant in 24 MB; the evaluation is usually milliseconds behind";
        /// Events of alarms in memory for viewers that reconnect; older ones are read from the journal.
        alarm_ring_events: usize = 10_000,
            "more than a day of a plant that is managed well, in some MB";
        /// Transitions that wait while the journal cannot be written; beyond, evaluation pauses.
        alarm_unwritten_events: usize = 100_000,
            "hours of alarms, in less than 100 MB";
        /// Interval between two checks whether alarms.toml changed.
        alarm_reload_ms: u64 = 2_000,
            "an edited rule is in use soon; a check reads the time of one file";
        /// Time that the statement of a rule may take.
        alarm_statement_time_s: u64 = 30,
            "statements run one after the other, so a slow one delays the others";
        /// Rows that the statement of a rule may return.
        alarm_statement_rows: usize = 10_000,
            "each row is an alarm";
    }
}
