//! Workbooks.

use super::*;
use crate::testing::{DEFINITION, TEMPLATE, data, definition, hours};
use std::io::{Cursor, Read as _};

/// A file of the archive that a workbook is.
fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn workbook(count: i64) -> Vec<u8> {
    let report = definition(DEFINITION, TEMPLATE);
    report_of(&report, count)
}

fn report_of(report: &Definition, count: i64) -> Vec<u8> {
    super::report(report, &data(report, &hours(count), "en")).unwrap()
}

#[test]
fn a_sheet_has_real_numbers_days_and_times() {
    let bytes = workbook(3);
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    // 2026-02-02 and, of the last hour, 05:30 plant time of the next day.
    assert!(sheet.contains("<v>46055</v>"), "{sheet}");
    assert!(sheet.contains("<v>46056.2291666666"), "{sheet}");
    assert!(sheet.contains("<v>0.902</v>"), "{sheet}");
    assert!(sheet.contains("Made (boards)") && sheet.contains("at (Asia/Kolkata)"), "{sheet}");
    assert!(
        sheet.contains("state=\"frozen\"") && sheet.contains("<autoFilter ref=\"A1:H4\""),
        "{sheet}"
    );
    // A text that looks like a formula is a text.
    assert!(sheet.contains("=IT &amp; 1") && !sheet.contains("<f>"), "{sheet}");
    assert!(!sheet.contains("hidden</t>"), "{sheet}");
    let styles = part(&bytes, "xl/styles.xml");
    assert!(styles.contains("formatCode=\"0.0%\"") && styles.contains("yyyy-mm-dd hh:mm:ss"));
}

#[test]
fn the_last_sheet_describes_the_others() {
    let bytes = workbook(3);
    let names = part(&bytes, "xl/workbook.xml");
    for name in ["hours", "states", "Charts", "About"] {
        assert!(names.contains(&format!("name=\"{name}\"")), "{names}");
    }
    let texts = part(&bytes, "xl/sharedStrings.xml");
    for text in [
        "gold.production_hourly",
        "version 12, committed at 2026-02-03T06:29:00+05:30",
        "2026-02-02",
    ] {
        assert!(texts.contains(text), "{texts}");
    }
    assert!(part(&bytes, "docProps/core.xml").contains("2026-02-03T01:00:00Z"));
    assert!(part(&bytes, "xl/charts/chart1.xml").contains("hours!$E$2:$E$4"));
}

#[test]
fn names_of_sheets_are_valid_and_unique() {
    let mut workbook = Workbook::new("x", 0, chrono_tz::UTC).unwrap();
    let long = "a".repeat(40);
    let given = ["b/*c", "B*C", "", &long, &long];
    let names: Vec<String> = given.iter().map(|name| workbook.free_name(name)).collect();
    let start = "a".repeat(29);
    assert_eq!(names[..3], ["bc", "BC~2", "Sheet"]);
    assert_eq!(names[3..], ["a".repeat(31), format!("{start}~2")]);
}
