//! Limits of the service. Every limit has a name, a unit and a default; the caller builds them from
//! the configuration.

use crate::OpenIdLimits;
use config::settings;
use std::time::Duration;

/// The limits of the service.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; the next one waits. 256.
    pub connections: usize,
    /// Open connections of one address, except of this machine and of trusted proxies. More than the
    /// people of a plant behind one address have. 512.
    pub connections_per_address: usize,
    /// Requests a second from one address in the long run, except from this machine. 200.
    pub requests_per_s: u32,
    /// Requests at once from one address: many people behind it load a page of 20 parts. 1,000.
    pub requests_burst: u32,
    /// Addresses whose requests are counted separately; each costs 50 bytes. 10,000.
    pub rate_addresses: usize,
    /// Time for the handshake of TLS. 10 s.
    pub handshake_time: Duration,
    /// Period at which the files of the certificate are checked for changes. 10 s.
    pub tls_reload: Duration,
    /// Time before its end from which a certificate is reported as expiring soon. 14 days.
    pub tls_warn_before: Duration,
    /// Time to send the head of a request, and to keep an idle connection. 30 s.
    pub head_time: Duration,
    /// Bytes of the head of a request, a long SQL statement in its address included. 64 KiB.
    pub head_bytes: usize,
    /// Time to send the body of a request. 30 s.
    pub body_time: Duration,
    /// Concurrent requests of one HTTP/2 connection. 100.
    pub http2_streams: u32,
    /// Bytes of a response that wait for one HTTP/2 client to read. 64 KiB.
    pub http2_buffer_bytes: usize,
    /// Time a client may read nothing of its response before the connection is closed. 60 s.
    pub stall_time: Duration,
    /// Time that running responses have after the stop before they are aborted. 10 s.
    pub stop_time: Duration,
    /// Bytes of a request's body. 64 KiB.
    pub body_bytes: usize,
    /// Values in all filters of a request. 1,000.
    pub filter_values: usize,
    /// Levels of an expression of an OData request. 64.
    pub filter_depth: usize,
    /// Names, literals and operators of an option of an OData request. 8,000.
    pub filter_nodes: usize,
    /// Rows of a page of an OData feed. 20,000.
    pub odata_page_rows: u64,
    /// Time for which the address of a file that Delta Sharing returns is valid. 900 s.
    pub sharing_url_life: Duration,
    /// Files of Delta Sharing sent at a time. 16.
    pub transfers: usize,
    /// Rows of a page when the request names none. 1,000.
    pub page_rows: u64,
    /// Rows of a page as JSON. 100,000.
    pub page_rows_max: u64,
    /// Rows before a page, since each of them is sorted to find the page. 1,000,000.
    pub offset_rows: u64,
    /// Rows of a file (CSV, Arrow, Parquet). 10,000,000.
    pub file_rows: u64,
    /// Rows of an SQL result as JSON; the answer reports whether there are more. 10,000.
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
    /// Time to wait for a free query or table request before the response is 429. 5 s.
    pub wait_time: Duration,
    /// Calls of the user database at a time, password checks aside: each takes a thread. 8.
    pub account_calls: usize,
    /// Alarms in one request that acknowledges several. 500.
    pub alarms_per_request: usize,
    /// Entries of a page of the alarm journal, and of the history of one alarm. 1,000.
    pub alarm_journal_entries: u32,
    /// Characters of a comment on an alarm, or of a reason. 2,000.
    pub alarm_text_chars: usize,
    /// Back-tests running at a time. 1.
    pub backtests: usize,
    /// Reports that are read and rendered at a time. 1.
    pub report_runs: usize,
    /// Time of a back-test. 120 s.
    pub backtest_time: Duration,
    /// How often the right to follow a live stream is checked while the stream is open. 1 s.
    pub live_recheck_time: Duration,
    /// Largest count argument of SQL functions that lengthen texts or lists (`repeat`, `lpad`): the
    /// bytes of their results are not counted in the session's memory. 10,000.
    pub repeat_count: u64,
    /// Operators, joins or unions of a query in one chain.
    pub query_depth_max: usize,
    /// Time in which one of equal refusals is written to the audit log, in microseconds. 60 s.
    pub refusal_period_us: i64,
    /// Logins at providers of OpenID Connect.
    pub openid: OpenIdLimits,
}

impl Limits {
    /// The limits as they are configured.
    pub fn from_settings(limits: &settings::Limits) -> Self {
        let serve = &limits.serve;
        Self {
            // Every viewer of the live stream has a connection of its own.
            connections: serve.http_connections.saturating_add(limits.live.live_viewers),
            connections_per_address: serve.http_connections_per_address,
            requests_per_s: serve.http_requests_per_s,
            requests_burst: serve.http_requests_burst,
            rate_addresses: serve.http_rate_addresses,
            handshake_time: Duration::from_secs(serve.tls_handshake_time_s),
            tls_reload: Duration::from_millis(serve.tls_reload_ms),
            tls_warn_before: days(serve.tls_expiry_warning_days),
            head_time: Duration::from_secs(serve.http_head_time_s),
            head_bytes: serve.http_head_bytes,
            body_time: Duration::from_secs(serve.http_body_time_s),
            http2_streams: serve.http2_streams,
            http2_buffer_bytes: serve.http2_buffer_bytes,
            stall_time: Duration::from_secs(serve.http_stall_time_s),
            stop_time: Duration::from_secs(limits.refine.stop_within_s),
            body_bytes: serve.query_body_bytes,
            filter_values: serve.filter_values_max,
            filter_depth: serve.filter_depth_max,
            filter_nodes: serve.filter_nodes_max,
            odata_page_rows: serve.odata_page_rows,
            sharing_url_life: Duration::from_secs(serve.sharing_url_life_s),
            transfers: serve.sharing_transfers,
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
            account_calls: serve.max_concurrent_account_calls,
            alarms_per_request: serve.alarms_per_request_max,
            alarm_journal_entries: serve.alarm_journal_entries_max,
            alarm_text_chars: serve.alarm_text_chars_max,
            backtests: serve.max_concurrent_backtests,
            report_runs: limits.report.reports_at_once,
            backtest_time: Duration::from_secs(serve.backtest_time_s),
            live_recheck_time: Duration::from_millis(serve.live_recheck_ms),
            repeat_count: serve.sql_repeat_max,
            query_depth_max: serve.query_depth_max,
            refusal_period_us: i64::from(serve.refusal_period_s) * 1_000_000,
            openid: OpenIdLimits::from_settings(serve),
        }
    }
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(86_400))
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            connections_per_address: 512,
            requests_per_s: 200,
            requests_burst: 1_000,
            rate_addresses: 10_000,
            handshake_time: Duration::from_secs(10),
            tls_reload: Duration::from_secs(10),
            tls_warn_before: Duration::from_secs(14 * 86_400),
            head_time: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            body_time: Duration::from_secs(30),
            http2_streams: 100,
            http2_buffer_bytes: 64 * 1024,
            stall_time: Duration::from_secs(60),
            stop_time: Duration::from_secs(10),
            body_bytes: 64 * 1024,
            filter_values: 1_000,
            filter_depth: 64,
            filter_nodes: 8_000,
            odata_page_rows: 20_000,
            sharing_url_life: Duration::from_secs(900),
            transfers: 16,
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
            account_calls: 8,
            alarms_per_request: 500,
            alarm_journal_entries: 1_000,
            alarm_text_chars: 2_000,
            backtests: 1,
            report_runs: 1,
            backtest_time: Duration::from_secs(120),
            live_recheck_time: Duration::from_secs(1),
            repeat_count: 10_000,
            query_depth_max: 500,
            refusal_period_us: 60_000_000,
            openid: OpenIdLimits::default(),
        }
    }
}
