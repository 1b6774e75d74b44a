//! Values that Parquet, workbooks, databases and messages with a schema store as times, and columns whose values come from the path.

use crate::toml_reader::Findings;
use plant::contract::{Column, Format, Framing, Kind, Origin};
use plant::format::TimeFormat;
use plant::pattern::Pattern;

/// How days of Parquet files and workbooks are written in bronze.
const DAYS: [&str; 1] = ["yyyy-MM-dd"];
/// How moments of these files are written in bronze, in addition.
const MOMENTS: [&str; 4] = [
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd HH:mm:ss.SSS",
    "yyyy-MM-dd HH:mm:ssXXX",
    "yyyy-MM-dd HH:mm:ss.SSSXXX",
];

/// Lets days and moments of the file's own types be read, whatever formats the contract has for those
/// that are text. The contract's own come first.
pub(super) fn add_native_formats(
    format: Option<&Format>,
    framing: Framing,
    columns: &mut [Column],
) {
    let is_typed =
        matches!(format, Some(Format::Parquet | Format::Workbook { .. } | Format::CopyText));
    if !is_typed && framing == Framing::None {
        return;
    }
    for column in columns {
        match &mut column.kind {
            Kind::Date { formats, .. } => extend(formats, &DAYS),
            Kind::Time { formats, .. } => {
                extend(formats, &DAYS);
                extend(formats, &MOMENTS);
            }
            _ => {}
        }
    }
}

fn extend(formats: &mut Vec<TimeFormat>, native: &[&str]) {
    for text in native {
        let parsed = TimeFormat::parse(text).into_iter();
        formats.extend(parsed.filter(|it| !formats.contains(it)).collect::<Vec<_>>());
    }
}

/// Checks that columns with `from = "path"` and the captured parts of the paths fit together.
pub(super) fn check_path_columns(
    at: usize,
    paths: &[Pattern],
    columns: &[Column],
    findings: &Findings<'_>,
) {
    let of_path = || columns.iter().filter(|column| column.origin == Origin::Path);
    for column in of_path() {
        let header = &column.header;
        if !paths.is_empty() && !paths.iter().any(|path| path.may_name(header)) {
            let message = format!(
                "column `{}` comes from the path, but no path has the part `{header}`",
                column.name
            );
            let remedy = format!(
                "Write {{{header}}} where it is in the path, or a folder {header}=* as Hive has it."
            );
            findings.note(at, message, remedy);
        }
    }
    for path in paths {
        for name in path.captures().filter(|name| of_path().all(|column| column.header != *name)) {
            let message = format!("the path `{path}` captures {{{name}}}, which no column takes");
            let remedy = format!(
                "Write * instead, or add a column with from = \"path\" and header = \"{name}\"; dates \
                 are {{date}}, {{yyyymmdd}}, {{yyyy}}, {{mm}}, {{dd}} and {{hh}}."
            );
            findings.note(at, message, remedy);
        }
    }
    if !columns.is_empty() && of_path().count() == columns.len() {
        let remedy = "Add at least one column that is in the records.";
        findings.note(at, "every column comes from the path", remedy);
    }
}
