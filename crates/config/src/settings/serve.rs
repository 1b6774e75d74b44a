//! Limits of the pages and the HTTP interface.

use super::section::settings;

settings! {
    /// Limits of the live stream.
    LiveLimits {
        /// Viewers of the live stream at the same time.
        live_viewers: usize = 10_000,
            "one core serves this many once a second; a viewer costs its connection and 200 bytes";
        /// Different live streams, each a plant at a rate, at the same time.
        live_streams: usize = 256,
            "each stream costs the memory of its newest frame";
        /// Frames a second to all viewers together, as requested; every change counts as 100.
        live_frames_per_s: usize = 40_000,
            "a page requests 4; a few clients that request every change leave most to the others";
    }
}

settings! {
    /// Limits of the HTTP service.
    ServeLimits {
        /// Open connections in addition to those of live viewers; further ones wait.
        http_connections: usize = 256,
            "browsers open six connections each; a plant has some 40 people";
        /// File descriptors that connections leave to the rest of the program.
        http_reserved_descriptors: usize = 512,
            "files of the lake and of the user database, connections to brokers and to S3";
        /// Time to send the head of a request, and to keep an idle connection open.
        http_head_time_s: u64 = 30,
            "slower clients are broken or hostile";
        /// Open connections of one address, except of this machine and of trusted proxies.
        http_connections_per_address: usize = 512,
            "more than the people of a plant behind one address have";
        /// Requests a second from one address in the long run, except from this machine.
        http_requests_per_s: u32 = 200,
            "many people behind one address; scripts are expected to be slower";
        /// Requests at once from one address.
        http_requests_burst: u32 = 1_000,
            "50 people behind one address open a page of 20 parts at once";
        /// Addresses whose requests are counted separately; the others share one count.
        http_rate_addresses: usize = 10_000,
            "each costs 50 bytes";
        /// Bytes of the head of a request.
        http_head_bytes: usize = 64 << 10,
            "an SQL query in the address fits";
        /// Time to send the body of a request.
        http_body_time_s: u64 = 30,
            "slower clients are broken or hostile";
        /// Requests at the same time on one HTTP/2 connection.
        http2_streams: u32 = 100,
            "the number RFC 9113 recommends as a minimum";
        /// Bytes of a response that wait for one HTTP/2 client to read.
        http2_buffer_bytes: usize = 64 << 10,
            "a client that does not read costs no more memory";
        /// Bytes of responses that wait in the system to be sent to one client.
        http_unsent_bytes: u32 = 32 << 10, in 4_096 to 67_108_864,
            "a client that does not read is noticed after so many; it does not limit the speed of others";
        /// Time for the handshake of TLS.
        tls_handshake_time_s: u64 = 10,
            "a few round trips over a slow link";
        /// Interval between two checks whether the certificate files changed.
        tls_reload_ms: u64 = 10_000,
            "a renewed certificate is in use soon; a check reads two small files";
        /// Days before the end of the certificate from which it is reported.
        tls_expiry_warning_days: u64 = 14,
            "time to renew it";
        /// Time a client may read nothing of its response before the connection is closed.
        http_stall_time_s: u64 = 60,
            "long enough for a lost mobile connection to recover";
        /// Bytes of the body of a request.
        query_body_bytes: usize = 64 << 10,
            "no query written by hand is longer";
        /// Values in all filters of a request.
        filter_values_max: usize = 1_000,
            "each value is compared with every row";
        /// Levels of an expression of an OData request.
        filter_depth_max: usize = 64, in 4 to 256,
            "clients nest a few levels; each level is a call of the planner";
        /// Names, literals and operators of an option of an OData request.
        filter_nodes_max: usize = 8_000, in 10 to 100_000,
            "a slicer that selects 2,000 values; each is compared with every row";
        /// Rows of a page of an OData feed.
        odata_page_rows: u64 = 20_000, in 1 to 1_000_000,
            "clients request page after page by themselves; the rows of a page are sorted in memory";
        /// Time for which the address of a file that Delta Sharing returns is valid.
        sharing_url_life_s: u64 = 900, in 10 to 86_400,
            "a client reads the files of a table within minutes; a revoked token is without effect on them";
        /// Files of Delta Sharing sent at the same time; further ones wait.
        sharing_transfers: usize = 16, in 1 to 512,
            "a cluster reads several files at once; each takes a connection and a buffer";
        /// Rows of a page if the request does not set a number.
        page_rows_default: u64 = 1_000,
            "a page of a table in a browser";
        /// Rows of a page as JSON.
        page_rows_max: u64 = 100_000, formerly "page_rows",
            "a page is held in memory; CSV, Arrow and Parquet are streamed";
        /// Rows skipped before a page.
        offset_rows_max: u64 = 1_000_000,
            "all skipped rows are sorted to find the page";
        /// Rows of a file as CSV, Arrow or Parquet.
        file_rows_max: u64 = 10_000_000,
            "larger extracts are read from the lake directly";
        /// Rows of the result of an SQL query as JSON.
        query_rows: u64 = 10_000,
            "as much as a person reads; the response states when there are more";
        /// Points of a history.
        history_points_max: u32 = 5_000,
            "more points than a screen has pixels";
        /// Time to answer with JSON or a table.
        query_time_s: u64 = 30,
            "longer queries belong into a gold table or on a cluster";
        /// Time to deliver a file.
        file_time_s: u64 = 600,
            "a result as CSV, Arrow or Parquet may have millions of rows";
        /// SQL queries running at the same time; further ones wait.
        max_concurrent_queries: usize = 4, formerly "query_slots",
            "ingestion keeps its share of the machine";
        /// Table requests running at the same time; further ones wait.
        max_concurrent_reads: usize = 8,
            "a page reads several tables at once";
        /// Time a request waits for one of these before the response is 429.
        request_wait_s: u64 = 5,
            "a person waits this long without reloading the page";
        /// Calls of the user database running at the same time, password checks aside.
        max_concurrent_account_calls: usize = 8, in 1 to 512,
            "each takes a thread for some milliseconds";
        /// Alarms in one request that acknowledges several.
        alarms_per_request_max: usize = 500, in 1 to 10_000,
            "each is a write to the disk; a screen shows fewer";
        /// Entries of a page of the alarm journal, and of the history of one alarm.
        alarm_journal_entries_max: u32 = 1_000, in 1 to 100_000,
            "some hundred kilobytes";
        /// Characters of a comment on an alarm, or of a reason.
        alarm_text_chars_max: usize = 2_000, in 1 to 20_000,
            "a page of text; it is kept in the journal for ever";
        /// Back-tests of alarm rules running at the same time; further ones wait.
        max_concurrent_backtests: usize = 1, in 1 to 16,
            "each replays readings at the speed of a core";
        /// Time of a back-test before it is aborted.
        backtest_time_s: u64 = 120, in 1 to 3_600,
            "100 sensor-months take a minute of a core";
        /// Interval at which the permission to follow an open live stream is checked.
        live_recheck_ms: u64 = 1_000, in 10 to 5_000,
            "a revocation ends the stream this soon; a check costs microseconds";
        /// Time for a request to an OpenID provider.
        openid_request_time_s: u64 = 10, in 1 to 120,
            "a person waits this long; a provider answers within a second";
        /// Bytes of an answer of an OpenID provider.
        openid_answer_bytes: usize = 1 << 20, in 4_096 to 16_777_216,
            "keys, metadata and a token with hundreds of groups fit";
        /// Requests to OpenID providers at the same time; further ones wait.
        openid_requests: usize = 16, in 1 to 512,
            "a slow provider occupies no more of the program";
        /// Age at which metadata and keys of an OpenID provider are read again.
        openid_metadata_s: u64 = 300, in 30 to 604_800,
            "the login page shows within minutes that a provider is away; it costs two requests";
        /// Shortest time between two requests for the keys of an OpenID provider.
        openid_keys_interval_s: u64 = 60, in 1 to 3_600,
            "a token with an unknown key causes at most one request a minute";
        /// Time after a failed request for the metadata of an OpenID provider until the next one.
        openid_retry_s: u64 = 5, in 1 to 3_600,
            "logins at a provider that is away fail at once in between";
        /// Time from the start of a login at an OpenID provider to its end.
        openid_login_s: u64 = 600, in 30 to 3_600,
            "a password, a second factor and a changed password fit";
        /// Logins at OpenID providers that have begun; the oldest gives way.
        openid_logins_max: usize = 10_000, in 1 to 1_000_000,
            "each costs some 500 bytes";
        /// Such logins of one address; its oldest gives way.
        openid_logins_per_address: usize = 200, in 1 to 100_000,
            "the people of a plant behind one address log in at the start of a shift";
        /// Requests a second of one address to log in at an OpenID provider, except from this machine.
        openid_requests_per_s: u32 = 5, in 1 to 10_000,
            "a login has two; each may cost requests to the provider";
        /// Such requests at once.
        openid_requests_burst: u32 = 200, in 1 to 100_000,
            "100 people behind one address log in at the start of a shift";
        /// Time in which one of equal refused requests is written to the audit log.
        refusal_period_s: u32 = 60, in 1 to 86_400,
            "a client that is refused again and again cannot fill the disk";
        /// Operators, joins or unions of a query in one chain, each a level of its plan.
        query_depth_max: usize = 500, in 50 to 2_000,
            "a deeper plan can exhaust the stack of a thread, which ends the program";
        /// Repetitions an SQL function may produce, such as repeat or lpad.
        sql_repeat_max: u64 = 10_000,
            "the memory of such results is not counted by the session";
    }
}
