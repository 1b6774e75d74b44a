//! Limits of the tables of the lake.

use super::section::settings;

settings! {
    /// Limits of the tables of the lake: batches, data files, logs.
    LakeLimits {
        /// Rows of a batch in memory.
        batch_rows: usize = 8_192,
            "the batch size DataFusion is built for; larger ones gain nothing and cost memory";
        /// Rows of a data file.
        data_file_rows: usize = 1_000_000,
            "files of some 50 to 100 MB: few enough to list, small enough to rewrite one";
        /// Rows of a row group of a data file.
        row_group_rows: usize = 65_536,
            "a writer holds one group in memory, some 30 MB of a wide table; readers skip by group";
        /// Rows of a row group of a stream's data file.
        stream_row_group_rows: usize = 262_144,
            "rows of a stream are narrow, and each group repeats the dictionary of its sensors";
        /// Small files of a stream that are compacted into one.
        compact_files: usize = 32,
            "a minute of commits, which is read quickly";
        /// Commits that the log of a table keeps.
        log_commits: u64 = 5_000,
            "several hours of a stream; a table opens within a tenth of a second";
        /// Age of rows before they can expire, in addition to the retention.
        retention_grace_ms: u64 = 86_400_000, formerly "retention_settle_ms",
            "by then the rows are refined and reconciled";
        /// Time after which the lease of a failed process ends.
        lease_ttl_s: u64 = 15,
            "a process renews its lease three times in this time";
    }
}
