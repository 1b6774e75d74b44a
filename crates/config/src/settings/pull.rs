//! Limits of sources that are read on a schedule.

use super::section::settings;

settings! {
    /// Limits of sources that are read on a schedule.
    PullLimits {
        /// Interval between two reads of a source without `every`.
        pull_every_s: u64 = 300, in 1 to 2_678_400,
            "new rows are shown soon, and a read without new rows costs a database little";
        /// New records after which an increment is committed and the next begins.
        pull_records: u64 = 1_000_000, in 1 to 1_000_000_000,
            "a killed process repeats at most this much, and a commit holds no more";
        /// Longest pause before a source that cannot be reached is tried again.
        pull_retry_max_s: u64 = 600, in 1 to 86_400,
            "no connection to a server that is down for hours is tried every few seconds";
        /// Longest wait for a connection to a database.
        sql_connect_timeout_s: u64 = 10, in 1 to 600,
            "a server in the same plant answers within milliseconds";
        /// Longest time of a statement without `statement_timeout`.
        sql_statement_timeout_s: u64 = 60, in 1 to 86_400,
            "a page is read within a second if the key has an index; a longer statement hurts the database";
        /// Rows of a page.
        sql_page_rows: u64 = 50_000, in 1 to 10_000_000,
            "some 10 MB, so that a statement is short and its cost small against that of its rows";
        /// Rows read per second without `rows_per_second`.
        sql_rows_per_s: u64 = 50_000, in 1 to 100_000_000,
            "a fraction of what a database of production can give, so that it is not slowed down";
        /// How far before the last watermark rows are read again, for times.
        sql_overlap_s: u64 = 600, in 0 to 2_678_400,
            "transactions that run longer are rare";
        /// How far before the last watermark rows are read again, for numbers.
        sql_overlap_numbers: u64 = 1_000, in 0 to 1_000_000_000,
            "numbers that transactions took and did not commit yet are among the last thousand";
        /// How far the clocks of writers may be ahead of that of the database.
        sql_clock_tolerance_s: u64 = 60, in 0 to 2_678_400,
            "clocks of a plant with NTP differ by less";
        /// Rows that `cockpit source test` reads.
        sql_sample_rows: u64 = 10, in 1 to 1_000,
            "enough to see types and formats, and they fit on a screen";
    }
}
