//! Limits of boards.

use super::section::settings;

settings! {
    /// Limits of boards.
    BoardLimits {
        /// Rows of a tile; further ones are left out, and the tile shows that.
        board_rows: usize = 2_000, in 1 to 100_000,
            "a line has no more points on a screen";
        /// Bytes of the rows of a tile in memory.
        board_tile_bytes: usize = 8 << 20, in 1_024 to 1_073_741_824,
            "2,000 rows of 40 columns";
        /// Time that the statement of a tile may take; the other tiles are not affected.
        board_tile_time_s: u64 = 10, in 1 to 600,
            "a board is read at a glance; longer statements belong into a gold table";
        /// Bytes of the file of a board.
        board_file_bytes: usize = 64 << 10, in 1_024 to 1_048_576,
            "40 tiles with their statements";
        /// Interval between two checks whether files of boards changed.
        board_reload_ms: u64 = 2_000, in 50 to 3_600_000,
            "an edited board is shown soon; a check reads the times of some files";
    }
}
