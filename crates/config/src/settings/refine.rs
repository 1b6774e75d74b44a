//! Limits of refinement.

use super::section::settings;

settings! {
    /// Limits of refinement: memory, steps, time.
    RefineLimits {
        /// Interval between two refinements of the tables derived from streams.
        stream_refine_every_s: u64 = 10,
            "minutes and hours follow this soon; the newest minutes are served from memory";
        /// Changed values of the refresh column up to which a table is refreshed incrementally.
        incremental_max_keys: usize = 1_000, formerly "refresh_values",
            "above this number a full refresh is faster than selecting rows";
        /// Memory that queries and refinement share.
        memory_bytes: usize = 256 << 20,
            "beyond it they spill to disk, or fail";
        /// Interval at which freed memory is returned to the system.
        memory_release_every_s: u64 = 5,
            "a short interval costs time, as memory that is used again is allocated again";
        /// Memory of the process from which freed memory is returned.
        memory_release_from_bytes: usize = 128 << 20,
            "a service without load stays below it and is not interrupted";
        /// Rows of a table that are held in memory before they are written to data files.
        staged_bytes: usize = 32 << 20,
            "smaller results are compared with the table before anything is written";
        /// Keys of a table that are held in memory while its dumps are compared.
        held_keys: usize = 500_000,
            "some 35 MB; further keys are compared on disk, so memory does not grow with the dumps";
        /// Tables refined at the same time.
        refine_steps: usize = 2,
            "more only helps with more cores and more memory";
        /// Time without progress after which a refinement step is cancelled.
        refine_stalled_s: u64 = 300,
            "a step that computes or spills makes progress every few seconds";
        /// Pause before a failed stream, or a lake that another process refines, is tried again.
        retry_pause_s: u64 = 5,
            "short enough for a restarted broker, long enough to keep logs readable";
        /// Time that work in progress has to finish after Ctrl-C or SIGTERM.
        stop_within_s: u64 = 10,
            "most steps finish within it, and service managers wait longer";
    }
}
