//! Limits of SQL over the PostgreSQL protocol and Arrow Flight SQL.

use super::section::settings;

settings! {
    /// Limits of SQL of other programs. Statements also have the limits of queries over HTTP.
    DoorLimits {
        /// Open connections of SQL clients; further ones are refused.
        sql_connections: usize = 100, in 1 to 10_000,
            "the default of PostgreSQL; a report of Power BI opens some ten";
        /// Such connections of one address, except of this machine.
        sql_connections_per_address: usize = 50, in 1 to 10_000,
            "one gateway of a BI system opens many, but not all";
        /// Time from the start of an SQL connection to the end of its login.
        sql_login_s: u64 = 30, in 1 to 600,
            "a TLS handshake over a slow link, and a password check that waits for others";
        /// Time an SQL connection may be idle before it is closed.
        sql_idle_s: u64 = 3_600, in 1 to 604_800,
            "pools of BI systems keep connections for minutes; a person returns within the hour";
        /// Time of an SQL statement, with the transfer of its rows.
        sql_statement_s: u64 = 600, in 1 to 86_400,
            "an import may have millions of rows; a client can set a shorter time";
        /// Bytes of an SQL statement, or of another message of an SQL client.
        sql_message_bytes: usize = 1 << 20, in 16_384 to 67_108_864,
            "BI systems write lists of thousands of values into a statement";
        /// Prepared statements of an SQL connection, and open cursors.
        sql_prepared_max: usize = 1_000, in 1 to 100_000,
            "drivers keep up to some hundred; each costs kilobytes";
        /// Rows of values that can be bound to the parameters of a statement over Arrow Flight SQL.
        sql_parameter_rows: usize = 1_000, in 1 to 100_000,
            "the statement is planned and executed once for each row, all within its time";
        /// Batches of rows that an SQL statement computes before the client has read them.
        sql_batches_ahead: usize = 2, in 1 to 64,
            "the next batch is computed while one is sent";
    }
}
