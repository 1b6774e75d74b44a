//! How the bytes of a dump become records: format, delimiter, quotes, header and encoding.

use super::encodings;
use crate::diagnostic::did_you_mean;
use crate::toml_reader::TomlReader;
use plant::contract::{CellRange, Encoding, Escape, Format, Lines};

pub(crate) const FORMATS: [&str; 9] = [
    "delimited",
    "json_lines",
    "json_array",
    "parquet",
    "tokens",
    "fixed",
    "workbook",
    "message",
    "sparkplug_b",
];
/// Keys that only some formats have.
const OF_FORMATS: [&str; 7] =
    ["delimiter", "quote", "escape", "header", "pattern", "sheet", "range"];

pub(super) fn format(reader: &mut TomlReader<'_, '_>) -> Option<Format> {
    let word = reader.required("format", &format!("Write one of: {}.", FORMATS.join(", ")));
    let Some(word) = word else {
        reader.allow(&OF_FORMATS);
        return None;
    };
    match word.as_str() {
        "delimited" => delimited(reader),
        "json_lines" => Some(Format::JsonLines),
        "json_array" => Some(Format::JsonArray),
        "parquet" => Some(Format::Parquet),
        "message" => Some(Format::Message),
        "fixed" => Some(Format::Fixed { header: reader.flag("header").unwrap_or(false) }),
        "tokens" => tokens(reader),
        "workbook" => workbook(reader),
        "sparkplug_b" => {
            let remedy = "Write [mqtt] with url and topics = [\"spBv1.0/#\"].";
            reader.note("format", "format = \"sparkplug_b\" without `[mqtt]`", remedy);
            reader.allow(&OF_FORMATS);
            None
        }
        other => {
            reader.note(
                "format",
                format!("unknown format `{other}`"),
                did_you_mean(other, &FORMATS),
            );
            reader.allow(&OF_FORMATS);
            None
        }
    }
}

fn workbook(reader: &mut TomlReader<'_, '_>) -> Option<Format> {
    let sheet = reader.text("sheet");
    let header = reader.flag("header").unwrap_or(true);
    let range = match reader.text("range") {
        None => Some(CellRange::default()),
        Some(text) => {
            let range = CellRange::parse(text.trim());
            if range.is_none() {
                let remedy = "Write the cells as in B3:H200, or B3:H for all rows from 3, or B3.";
                reader.note("range", format!("invalid range `{text}`"), remedy);
            }
            range
        }
    };
    Some(Format::Workbook { sheet, range: range?, header })
}

fn delimited(reader: &mut TomlReader<'_, '_>) -> Option<Format> {
    let remedy = "Write delimiter = \",\" or the text between fields.";
    let delimiter = reader.required("delimiter", remedy);
    let quote = match reader.text("quote") {
        None => Some(Some(b'"')),
        Some(text) if text.is_empty() => Some(None),
        Some(text) => one_byte(reader, "quote", &text).map(Some),
    };
    let escape = match reader.text("escape") {
        None => Some(Escape::Detect),
        Some(text) if text.is_empty() => Some(Escape::Never),
        Some(text) => one_byte(reader, "escape", &text).map(Escape::Byte),
    };
    let header = reader.flag("header");
    if header.is_none() && !reader.has("header") {
        let remedy = "Write header = true or header = false; without one the first row is data.";
        reader.note("header", "`header` is missing", remedy);
    }
    let (delimiter, quote, escape) = (delimiter?, quote?, escape?);
    check_signs(reader, &delimiter, quote, escape);
    Some(Format::Delimited { delimiter, quote, escape, header: header? })
}

/// Notes a delimiter that cannot separate fields.
fn check_signs(reader: &TomlReader<'_, '_>, delimiter: &str, quote: Option<u8>, escape: Escape) {
    let contains = |byte: u8| delimiter.as_bytes().contains(&byte);
    let problem = match escape {
        _ if delimiter.is_empty() => "an empty delimiter separates nothing",
        _ if contains(b'\n') || contains(b'\r') => "invalid delimiter: it contains a line end",
        _ if quote.is_some_and(contains) => "invalid delimiter: it contains the quote",
        Escape::Byte(byte) if contains(byte) => "invalid delimiter: it contains the escape",
        _ => return,
    };
    reader.note("delimiter", problem, "Write the text between fields, such as \";\" or \"||\".");
}

fn one_byte(reader: &TomlReader<'_, '_>, key: &'static str, text: &str) -> Option<u8> {
    if let [byte] = text.as_bytes() {
        return Some(*byte);
    }
    reader.note(
        key,
        format!("`{text}` is not one plain character"),
        "Write exactly one, such as \",\".",
    );
    None
}

fn tokens(reader: &mut TomlReader<'_, '_>) -> Option<Format> {
    let pattern =
        reader.required("pattern", "Write the line's regular expression with named groups.")?;
    if let Err(error) = regex::Regex::new(&pattern) {
        reader.note(
            "pattern",
            format!("not a regular expression: {error}"),
            "Correct the pattern.",
        );
        return None;
    }
    Some(Format::Tokens { pattern })
}

/// The most lines at the end of a dump that can be skipped: so many are held in memory until the end
/// is known, and no report has a longer footer.
pub(crate) const MAX_FOOTER_LINES: u64 = 1000;

/// Reads which lines of a dump are not records. `format` is `None` if it is invalid.
pub(super) fn lines(reader: &mut TomlReader<'_, '_>, format: Option<&Format>) -> Lines {
    let lines = Lines {
        skip: reader.number("skip_lines").unwrap_or(0),
        skip_after_header: reader.number("skip_lines_after_header").unwrap_or(0),
        skip_footer: reader.number("skip_footer_lines").unwrap_or(0),
        skip_pattern: reader.text("skip_pattern"),
        record_type: reader.text("record_type"),
    };
    if let Some(Err(error)) = lines.skip_pattern.as_deref().map(regex::bytes::Regex::new) {
        let message = format!("invalid skip_pattern: {error}");
        reader.note("skip_pattern", message, "Write a regular expression, such as \"^#\".");
    }
    if lines.skip_footer > MAX_FOOTER_LINES {
        let message = format!("invalid skip_footer_lines: expected at most {MAX_FOOTER_LINES}");
        reader.note("skip_footer_lines", message, "Use skip_pattern to skip more lines.");
    }
    if let Some(format) = format {
        check_lines(reader, format);
    }
    lines
}

/// Notes keys about lines that have no meaning in a format.
fn check_lines(reader: &TomlReader<'_, '_>, format: &Format) {
    let has_lines = matches!(
        format,
        Format::Delimited { .. } | Format::JsonLines | Format::Tokens { .. } | Format::Fixed { .. }
    );
    for key in ["skip_lines", "skip_footer_lines", "skip_pattern"] {
        if reader.has(key) && !has_lines {
            let remedy = "Remove it, or check the format.";
            reader.note(key, format!("`{key}` has no meaning: this format has no lines"), remedy);
        }
    }
    let has_header = match format {
        Format::Delimited { header, .. } | Format::Fixed { header } => *header,
        _ => false,
    };
    if reader.has("skip_lines_after_header") && !has_header {
        let message = "`skip_lines_after_header` has no meaning without a header";
        let remedy = "Write header = true if the dump has one, or use skip_lines.";
        reader.note("skip_lines_after_header", message, remedy);
    }
    let has_fields = matches!(format, Format::Delimited { .. } | Format::Fixed { .. });
    if reader.has("record_type") && !has_fields {
        let message = "`record_type` exists only for the formats delimited and fixed";
        reader.note("record_type", message, "Use skip_pattern to skip lines of other kinds.");
    }
}

/// Reads the path of the array of records. `format` is `None` if it is invalid.
pub(super) fn records(reader: &mut TomlReader<'_, '_>, format: Option<&Format>) -> Option<String> {
    let path = reader.text("records")?;
    let is_json =
        |it: &Format| matches!(it, Format::JsonLines | Format::JsonArray | Format::Message);
    if !format.is_none_or(is_json) {
        let message = "`records` exists only for the formats json_array, json_lines and message";
        reader.note("records", message, "Remove it, or check the format.");
    }
    if path.split('.').any(str::is_empty) {
        let message = format!("invalid path `{path}`: a key is empty");
        reader.note(
            "records",
            message,
            "Write the keys with dots between them, as in \"d.results\".",
        );
    }
    Some(path)
}

pub(super) fn encoding(reader: &mut TomlReader<'_, '_>) -> Option<Encoding> {
    let Some(label) = reader.text("encoding") else { return Some(Encoding::Utf8) };
    let found = encodings::find(&label);
    if found.is_none() {
        let remedy = did_you_mean(&label.to_ascii_lowercase(), &encodings::COMMON);
        reader.note("encoding", format!("unknown encoding `{label}`"), remedy);
    }
    found
}
