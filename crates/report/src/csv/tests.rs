//! CSV files and archives.

use super::*;
use crate::testing::{DEFINITION, TEMPLATE, definition, hours};
use std::io::Read as _;

#[test]
fn texts_are_quoted_and_numbers_have_all_digits() {
    let report = definition(DEFINITION, TEMPLATE);
    let data = crate::testing::data(&report, &hours(2), "en");
    let text = text(&data.tables[0], &data);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "hour,day,at,item,made,planned,yield,is_late");
    assert_eq!(lines[1], "0,2026-02-02,2026-02-03T04:30:00+05:30,'=IT & 0,0,5,0.9,true");
    assert_eq!(lines[2], "1,2026-02-02,2026-02-03T05:30:00+05:30,'=IT & 1,7,11,0.901,false");
    let mut out = String::new();
    field(&mut out, 1, "a\"b,c\n");
    assert_eq!(out, ",\"a\"\"b,c\n\"");
}

#[test]
fn several_tables_are_files_of_an_archive() {
    let report = definition(DEFINITION, TEMPLATE);
    let mut data = crate::testing::data(&report, &hours(2), "en");
    let mut archive = zip::ZipArchive::new(Cursor::new(super::report(&data).unwrap())).unwrap();
    assert_eq!(archive.file_names().collect::<Vec<_>>(), ["hours.csv", "states.csv"]);
    let mut states = String::new();
    archive.by_name("states.csv").unwrap().read_to_string(&mut states).unwrap();
    assert!(states.starts_with("unit,from_at,to_at,state\r\nTS,"));
    data.tables.truncate(1);
    assert!(super::report(&data).unwrap().starts_with(b"hour,day"));
}
