//! Limits of requests to file servers.

use super::section::settings;

settings! {
    /// Limits of requests to file servers: SFTP, FTP and WebDAV.
    FileServerLimits {
        /// Time to connect to a file server.
        file_server_connect_ms: u64 = 10_000, in 1 to 3_600_000,
            "a server that is away does not answer, and one behind a slow line does so in seconds";
        /// Time without a byte of an answer of a file server.
        file_server_silence_ms: u64 = 30_000, in 1 to 3_600_000,
            "that of requests to object stores; a large folder is listed within seconds";
        /// Attempts of one request to a file server.
        file_server_attempts: u64 = 8, in 1 to 1_000,
            "with the pauses below a server that restarts is back before the last attempt";
        /// Pause after the first failed attempt of a request to a file server; each further pause is twice as long.
        file_server_retry_first_ms: u64 = 100, in 1 to 3_600_000,
            "that of object stores; a connection that was idle for too long is opened again at once";
        /// Longest pause between two attempts of a request to a file server.
        file_server_retry_longest_ms: u64 = 15_000, in 1 to 86_400_000,
            "that of object stores";
        /// Connections to a file server at the same time.
        file_server_connections: usize = 4, in 1 to 1_000,
            "servers limit those of a user or an address, often to ten or less";
        /// Time that a new or changed file of a file server must keep its size and its time until it is read.
        file_server_settle_ms: u64 = 5_000, in 1 to 86_400_000,
            "files are visible while they are uploaded, and an upload that pauses for longer is rare; times of other \
             clocks are not compared";
        /// Names in a listing of a file server.
        file_server_names: usize = 1_000_000, in 1 to 100_000_000,
            "some 200 MB of memory; dumps of years have fewer";
        /// Folders of a file server that are nested in each other.
        file_server_depth: usize = 32, in 1 to 1_000,
            "paths of dumps are flatter; links that lead back to themselves end here";
    }
}
