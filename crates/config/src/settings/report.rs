//! Limits of reports.

use super::section::settings;

settings! {
    /// Limits of reports.
    ReportLimits {
        /// Rows that one query of a report may return; further ones are left out, and the report shows that.
        report_rows: usize = 1_000_000,
            "a sheet of a workbook holds 1,048,576 rows";
        /// Rows of all queries together in a report as PDF or HTML.
        report_page_rows: usize = 20_000,
            "some 400 pages; more is read in a workbook";
        /// Pages of a report as PDF.
        report_pages: usize = 500,
            "longer reports are not read, and layout takes memory for every page";
        /// Bytes of the rows of one query in memory.
        report_data_bytes: usize = 512 << 20,
            "a million rows of 40 columns";
        /// Bytes of one file of a report.
        report_file_bytes: usize = 128 << 20,
            "files are stored in the database and sent by e-mail";
        /// Time for all queries of a report.
        report_time_s: u64 = 120,
            "a report of a month reads some million rows";
        /// Choices of a parameter that are listed.
        report_choices: usize = 1_000,
            "a list with more is not read";
        /// Reports that are rendered at the same time; further ones wait.
        reports_at_once: usize = 1,
            "rendering occupies a core, which the live stream needs too";
    }
}
