//! What a request may take. Every limit has a name, a unit and a default; the caller builds the
//! whole from the configuration.

use config::settings;
use std::time::Duration;

/// The limits of the service.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at a time; the next one waits. 256.
    pub connections: usize,
    /// Time to send the head of a request, and to keep an idle connection. 30 s.
    pub head_time: Duration,
    /// Time a client may take nothing of its answer before the connection is closed. 60 s.
    pub stall_time: Duration,
    /// Time from the stop to the end of the last answer, after which it is cut off. 10 s.
    pub stop_time: Duration,
    /// Bytes of a request's body. 64 KiB.
    pub body_bytes: usize,
    /// Values in all filters of a request. 1,000.
    pub filter_values: usize,
    /// Rows of a page when the request names none. 1,000.
    pub page_rows: u64,
    /// Rows of a page as JSON. 100,000.
    pub page_rows_max: u64,
    /// Rows before a page, since each of them is sorted to find the page. 1,000,000.
    pub offset_rows: u64,
    /// Rows of a file (CSV, Arrow, Parquet). 10,000,000.
    pub file_rows: u64,
    /// Rows of an SQL result as JSON; it says so when there are more. 10,000.
    pub query_rows: u64,
    /// Buckets of a history. 5,000.
    pub points: i64,
    /// Time to answer with JSON. 30 s.
    pub answer_time: Duration,
    /// Time to deliver a file. 600 s.
    pub file_time: Duration,
    /// SQL queries running at a time. 4.
    pub queries: usize,
    /// Table requests running at a time. 8.
    pub reads: usize,
    /// Time to wait for one of these places before the answer is 429. 5 s.
    pub wait_time: Duration,
    /// Number a function of SQL may be given that makes texts or lists longer (`repeat`, `lpad`):
    /// their bytes are not counted in the session's memory. 10,000.
    pub repeat_count: u64,
}

impl Limits {
    /// The limits as they are configured.
    pub fn from_settings(limits: &settings::Limits) -> Self {
        let serve = &limits.serve;
        Self {
            // Every viewer of the live stream has a connection of its own.
            connections: serve.http_connections.saturating_add(limits.live.live_viewers),
            head_time: Duration::from_secs(serve.http_head_time_s),
            stall_time: Duration::from_secs(serve.http_stall_time_s),
            stop_time: Duration::from_secs(limits.refine.stop_within_s),
            body_bytes: serve.query_body_bytes,
            filter_values: serve.filter_values_max,
            page_rows: serve.page_rows_default.min(serve.page_rows_max),
            page_rows_max: serve.page_rows_max,
            offset_rows: serve.offset_rows_max,
            file_rows: serve.file_rows_max,
            query_rows: serve.query_rows,
            points: serve.history_points_max.into(),
            answer_time: Duration::from_secs(serve.query_time_s),
            file_time: Duration::from_secs(serve.file_time_s),
            queries: serve.max_concurrent_queries,
            reads: serve.max_concurrent_reads,
            wait_time: Duration::from_secs(serve.request_wait_s),
            repeat_count: serve.sql_repeat_max,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head_time: Duration::from_secs(30),
            stall_time: Duration::from_secs(60),
            stop_time: Duration::from_secs(10),
            body_bytes: 64 * 1024,
            filter_values: 1_000,
            page_rows: 1_000,
            page_rows_max: 100_000,
            offset_rows: 1_000_000,
            file_rows: 10_000_000,
            query_rows: 10_000,
            points: 5_000,
            answer_time: Duration::from_secs(30),
            file_time: Duration::from_secs(600),
            queries: 4,
            reads: 8,
            wait_time: Duration::from_secs(5),
            repeat_count: 10_000,
        }
    }
}
