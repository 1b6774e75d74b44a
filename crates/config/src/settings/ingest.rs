//! Limits of reading dumps.

use super::section::settings;

settings! {
    /// Limits of reading dumps: listing, unpacking, decoding, landing.
    IngestLimits {
        /// Interval between two listings of the bucket.
        listing_every_s: u64 = 60,
            "dumps arrive daily; a listing every minute is cheap and shows them soon";
        /// Interval at which the state of a source is saved in `meta.sources` if it has no news.
        sources_saved_every_s: u64 = 60, in 1 to 86_400,
            "each save is a commit, and pages of other programs show the last read to a minute";
        /// Age of a file in a folder before it is read.
        dump_settle_ms: u64 = 1_000,
            "a file that changed more recently may still be being written";
        /// Time that a growing file in a watched folder must not change until it is read.
        watched_settle_ms: u64 = 2_000, in 1 to 86_400_000,
            "programs that write a dump slowly pause for less; a file that is closed or renamed is read at once";
        /// Folders below the bucket that are watched for new files; with 0 they are only listed.
        watched_folders: usize = 8_192, in 0 to 1_000_000,
            "the kernel allows at least as many on every machine, and each takes about 1 KB of its memory";
        /// Time between the first of several files that arrive in a watched folder and the round that reads them.
        arrivals_gather_ms: u64 = 100, in 0 to 60_000,
            "files that are dropped together share a round, and one is still read within a second";
        /// Interval between two reads of an HTTP interface without `every`.
        http_source_every_s: u64 = 300, in 1 to 2_678_400,
            "new records are shown soon, and an interface of a plant answers a request every few minutes easily";
        /// HTTP interfaces that are read at the same time.
        http_sources_at_once: usize = 4, in 1 to 1_000,
            "each holds one answer on the disk, and a slow one does not delay the others";
        /// Longest pause before an HTTP interface that failed is read again.
        http_source_pause_longest_s: u64 = 900, in 1 to 86_400,
            "a quarter of an hour after the end of an outage everything is read";
        /// Requests to an HTTP interface per second.
        http_source_requests_per_s: u64 = 10, in 1 to 10_000,
            "interfaces of plants serve people, too, and many refuse more";
        /// Attempts of one request to an HTTP interface.
        http_source_attempts: u64 = 5, in 1 to 1_000,
            "a server that restarts answers before the last attempt; the next pull starts with the first";
        /// Pause after the first failed attempt of a request; each further pause is twice as long.
        http_source_retry_first_ms: u64 = 1_000, in 1 to 3_600_000,
            "a connection that broke can be opened again at once";
        /// Longest pause between two attempts of a request, also if the server requests a longer one.
        http_source_retry_longest_ms: u64 = 60_000, in 1 to 86_400_000,
            "servers limit requests by the minute";
        /// Time to connect to an HTTP interface.
        http_source_connect_ms: u64 = 10_000, in 1 to 3_600_000,
            "a server that is away does not answer, and one behind a slow line does so in seconds";
        /// Time without a byte of an answer.
        http_source_silence_ms: u64 = 60_000, in 1 to 86_400_000,
            "servers that collect a page from a database take up to a minute";
        /// Time for a complete answer.
        http_source_answer_ms: u64 = 600_000, in 1 to 86_400_000,
            "the largest answer arrives in this time at 0.5 MB/s";
        /// Size of an answer of an HTTP interface.
        http_source_answer_bytes: u64 = 256 << 20,
            "a page of records is far smaller; a larger answer is kept on the disk twice while it is read";
        /// Pages of one pull.
        http_source_pages: u64 = 100_000, in 1 to 10_000_000,
            "ten million records in pages of 100; more are read in increments";
        /// Dumps that share one data file and one commit.
        land_together_dumps: usize = 1_000,
            "each commit costs some 20 ms, so many small dumps share one";
        /// Records of small dumps held in memory before they are written.
        land_together_bytes: usize = 16 << 20,
            "a larger dump is committed alone";
        /// Time after which other programs land the dumps that a failed process has claimed.
        claim_ttl_s: u64 = 30, in 1 to 86_400,
            "a process renews its claims three times in this time, also while it lands a large dump";
        /// Bytes read from a dump at a time.
        read_chunk_bytes: usize = 1 << 20,
            "large enough for several records of the longest kind, small enough for the cache";
        /// Longest record of a dump.
        max_record_bytes: usize = 1 << 20,
            "no record of a plant's dump is longer; a longer one has a broken quote or is not text";
        /// Bytes of a faulty record that are stored.
        kept_faulty_bytes: usize = 4_096,
            "enough of a faulty record to recognize what is wrong";
        /// Bytes at the start of a dump from which its encoding and line ends are detected.
        probe_bytes: usize = 64 << 10,
            "some hundred records show the encoding, the line ends and the escapes of a dump";
        /// Size a compressed dump may unpack to.
        max_unpacked_bytes: u64 = 64 << 30,
            "no compressed dump of a plant is larger; a larger one would fill the disk";
        /// Memory for the window or dictionary of a compressed dump.
        max_window_bytes: u64 = 128 << 20,
            "zstd -19 and xz -9 need this much";
        /// Containers nested in each other, such as a gzip file in a zip file.
        max_container_layers: usize = 3,
            "a dump that was packed twice by mistake is still read; each layer costs memory and time";
        /// Size the parts of a workbook may unpack to.
        max_workbook_bytes: u64 = 1 << 30,
            "the largest sheet that spreadsheet programs write is smaller, and its texts are held in memory";
        /// Size from which a file without any record is reported.
        empty_file_bytes: u64 = 1_024,
            "a file with only a header and a footer is shorter";
        /// Records a dump needs before its share of rejected records is judged.
        judged_records: u64 = 10,
            "the share of a few records means little unless the contract sets a limit";
        /// Characters of a rejected record that a report shows.
        reported_line_chars: usize = 200,
            "enough to recognize what is wrong";
        /// Keys examined in the search for files that match no contract.
        unmatched_keys: usize = 10_000,
            "ten pages of a listing, about a second on S3";
        /// Interval between two searches for files that match no contract.
        unmatched_every_s: u64 = 3_600,
            "the search lists the whole bucket";
    }
}
