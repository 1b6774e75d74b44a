//! Limits of issued reports.

use super::section::settings;

settings! {
    /// Limits of issued reports: schedule, corrections, storage and delivery.
    IssueLimits {
        /// Interval at which schedules and due deliveries are looked for.
        report_poll_ms: u64 = 1_000, in 10 to 3_600_000,
            "a report is sent within a second of its time, and a look costs microseconds";
        /// Pause after a scheduled report that failed.
        report_retry_s: u64 = 300, in 1 to 86_400,
            "a table that is being rebuilt is back in minutes";
        /// Time after which another program issues a scheduled report that a program has claimed and not issued.
        report_claim_s: u64 = 900, in 10 to 86_400,
            "longer than the slowest report, and a report after a crash is not much later";
        /// Interval at which the tables of issued reports are looked at for changes.
        report_corrections_s: u64 = 60, in 1 to 86_400,
            "the versions of some tables are read; reports are computed again only if one changed";
        /// Shortest time between a report and its correction, and between two corrections.
        report_correction_pause_s: u64 = 3_600, in 0 to 604_800,
            "the late dumps of a morning lead to one correction, not to one each";
        /// Days after which an issued report is not corrected any more.
        report_correctable_days: u64 = 35, in 0 to 3_650,
            "corrections come until the books of a month are closed";
        /// Days that issued reports are kept.
        report_kept_days: u64 = 1_100, in 1 to 36_500,
            "three years, the interval of audits by ISO 9001; a report of a day has some 100 KB";
        /// Size of the attached files above which a message has only the link.
        report_attachments_bytes: u64 = 15_000_000, in 0 to 1_000_000_000,
            "mail servers refuse messages of more than 20 to 25 MB, and base64 adds a third";
    }
}
