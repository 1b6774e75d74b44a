use super::*;
use crate::decode::testing::contract;
use arrow::array::{Array as _, AsArray as _};
use proptest::prelude::*;
use std::io::Cursor;

const PLAN: &[u8] =
    include_bytes!("../../../../../docs/examples/excel-workbook/bucket/plan/Plan_2026-03-02.xlsx");
const OPEN: &[u8] =
    include_bytes!("../../../../../docs/examples/excel-workbook/bucket/plan/Plan_2026-03-04.ods");

fn format(sheet: Option<&str>, range: &str, header: bool) -> Format {
    let range = CellRange::parse(range).unwrap_or_default();
    Format::Workbook { sheet: sheet.map(str::to_owned), range, header }
}

/// The records of a workbook as lines: row, fault, fields, rest.
fn read(
    kind: Kind,
    bytes: &[u8],
    format: Format,
    headers: &[&str],
    batch_rows: usize,
) -> Result<(Vec<String>, Sheets), DecodeError> {
    let contract = contract(format, headers);
    let mut lines = Vec::new();
    let mut receive = |batch: Batch| {
        assert!(batch.len() <= batch_rows && batch.byte_from.is_null(0));
        for row in 0..batch.len() {
            let text = |array: &dyn arrow::array::Array| match array.is_null(row) {
                true => "-".to_owned(),
                false => array.as_string::<i32>().value(row).to_owned(),
            };
            let fields: Vec<String> = batch.fields.iter().map(|it| text(it.as_ref())).collect();
            let (fault, rest) = (text(&batch.fault), text(&batch.rest));
            lines.push(format!("{} {fault} [{}] {rest}", batch.row.value(row), fields.join("|")));
        }
        true
    };
    let sheets = decode(&contract, kind, Cursor::new(bytes), batch_rows, &mut receive)?;
    Ok((lines, sheets))
}

#[test]
fn rows_of_a_sheet_are_records() {
    let format = format(Some("plan"), "B4:H9", true);
    let (lines, sheets) = read(Kind::Xlsx, PLAN, format, &["*Item", "Pieces", "Lot"], 2).unwrap();
    let expected = [
        r#"5 - [00417-B|1200|-] {"Day":"2026-03-02 00:00:00","Start":"2026-03-02 06:00:00","Hours":"8","Released":"true"}"#,
        r#"6 - [00418|950.5|-] {"Day":"2026-03-02 00:00:00","Start":"2026-03-02 14:00:00","Hours":"7.25","Released":"true","Remark":"second shift"}"#,
        r#"8 - [00417-B|1250|-] {"Day":"2026-03-03 00:00:00","Start":"2026-03-03 06:00:00","Hours":"8","Released":"false"}"#,
        r##"9 cell_error [-|-|-] {"Day":"2026-03-03 00:00:00","Start":"2026-03-03 14:30:00","Item":"00419","Pieces":"#REF!","Hours":"7","Released":"true"}"##,
    ];
    assert_eq!(lines, expected);
    let names = ["Day", "Start", "Item", "Pieces", "Hours", "Released", "Remark"];
    let names = names.map(str::to_owned).to_vec();
    assert_eq!((sheets.records, sheets.columns), (4, Some(FileColumns::Names(names))));
}

#[test]
fn a_sheet_of_an_ods_file_is_read_alike() {
    let format = format(None, "B4", true);
    let (lines, _) = read(Kind::Ods, OPEN, format, &["*Item", "Pieces"], 100).unwrap();
    let expected = r#"5 - [00420|800] {"Day":"2026-03-04","Start":"2026-03-04 06:00:00","Hours":"8","Released":"true","Remark":"from ods"}"#;
    assert_eq!(lines, [expected]);
}

#[test]
fn without_a_header_columns_are_found_by_position() {
    let at = |range| format(Some("Plan"), range, false);
    let (lines, sheets) = read(Kind::Xlsx, PLAN, at("D5:E6"), &["a", "b"], 100).unwrap();
    assert_eq!(lines, ["5 - [00417-B|1200] -", "6 - [00418|950.5] -"]);
    assert_eq!(sheets.columns, Some(FileColumns::Fields(2)));
    let (lines, _) = read(Kind::Xlsx, PLAN, at("D6:F6"), &["a", "b"], 100).unwrap();
    let expected =
        r#"6 too_many_fields [-|-] {"column_1":"00418","column_2":"950.5","column_3":"7.25"}"#;
    assert_eq!(lines, [expected]);
}

#[test]
fn another_layout_is_an_error() {
    let check = |format, headers: &[&str], words: &str| {
        let error = read(Kind::Xlsx, PLAN, format, headers, 100).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    check(format(None, "B4", true), &["Item"], "set sheet");
    check(format(Some("Pläne"), "B4", true), &["Item"], "found [Plan, Lists, Notes]");
    check(format(Some("Plan"), "B4", true), &["*Menge"], "found [Day, Start, Item");
    check(format(Some("Plan"), "B2", true), &["Item"], "found [Production plan, line 2]");
    check(format(Some("Plan"), "Z90", true), &["Item"], "no header");
}

#[test]
fn another_kind_of_file_is_an_error() {
    for (kind, bytes) in [(Kind::Ods, PLAN), (Kind::Xlsx, OPEN), (Kind::Xlsx, &PLAN[..3_000])] {
        let error = read(kind, bytes, format(None, "A1", true), &["Item"], 100).unwrap_err();
        assert!(matches!(error, DecodeError::BadWorkbook { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_files_do_not_panic(at in 0..PLAN.len(), byte: u8, is_ods: bool) {
        let (kind, bytes) = if is_ods { (Kind::Ods, OPEN) } else { (Kind::Xlsx, PLAN) };
        let mut damaged = bytes.to_vec();
        let at = at % damaged.len();
        damaged[at] = byte;
        let format = format(Some("Plan"), "B4:H9", true);
        if let Ok((lines, sheets)) = read(kind, &damaged, format, &["Item"], 100) {
            prop_assert_eq!(lines.len() as i64, sheets.records);
        }
    }
}
