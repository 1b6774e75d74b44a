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
