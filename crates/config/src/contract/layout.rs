//! How the bytes of a dump become records: format, delimiter, quotes, header and encoding.

use super::encodings;
use crate::diagnostic::did_you_mean;
use crate::said::Said;
use plant::contract::{Encoding, Escape, Format, Lines};

const FORMATS: [&str; 7] =
    ["delimited", "json_lines", "json_array", "parquet", "tokens", "fixed", "message"];
/// Keys that only some formats have.
const OF_FORMATS: [&str; 5] = ["delimiter", "quote", "escape", "header", "pattern"];

pub(super) fn format(said: &mut Said<'_, '_>) -> Option<Format> {
    let word = said.required("format", &format!("Say one of: {}.", FORMATS.join(", ")));
    let Some(word) = word else {
        said.allow(&OF_FORMATS);
        return None;
    };
    match word.as_str() {
        "delimited" => delimited(said),
        "json_lines" => Some(Format::JsonLines),
        "json_array" => Some(Format::JsonArray),
        "parquet" => Some(Format::Parquet),
        "message" => Some(Format::Message),
        "fixed" => Some(Format::Fixed { header: said.flag("header").unwrap_or(false) }),
        "tokens" => tokens(said),
        other => {
            said.note("format", format!("unknown format `{other}`"), did_you_mean(other, &FORMATS));
            said.allow(&OF_FORMATS);
            None
        }
    }
}

fn delimited(said: &mut Said<'_, '_>) -> Option<Format> {
    let remedy = "Write delimiter = \",\" or what stands between fields.";
    let delimiter = said.required("delimiter", remedy);
    let quote = match said.text("quote") {
        None => Some(Some(b'"')),
        Some(text) if text.is_empty() => Some(None),
        Some(text) => one_byte(said, "quote", &text).map(Some),
    };
    let escape = match said.text("escape") {
        None => Some(Escape::Detect),
        Some(text) if text.is_empty() => Some(Escape::Never),
        Some(text) => one_byte(said, "escape", &text).map(Escape::Byte),
    };
    let header = said.flag("header");
    if header.is_none() && !said.has("header") {
        let remedy = "Write header = true or header = false; without one the first row is data.";
        said.note("header", "it is not said whether the dump has a header", remedy);
    }
    let (delimiter, quote, escape) = (delimiter?, quote?, escape?);
    check_signs(said, &delimiter, quote, escape);
    Some(Format::Delimited { delimiter, quote, escape, header: header? })
}

/// Notes a delimiter that cannot separate fields.
fn check_signs(said: &Said<'_, '_>, delimiter: &str, quote: Option<u8>, escape: Escape) {
    let contains = |byte: u8| delimiter.as_bytes().contains(&byte);
    let problem = match escape {
        _ if delimiter.is_empty() => "an empty delimiter separates nothing",
        _ if contains(b'\n') || contains(b'\r') => "invalid delimiter: it contains a line end",
        _ if quote.is_some_and(contains) => "invalid delimiter: it contains the quote",
        Escape::Byte(byte) if contains(byte) => "invalid delimiter: it contains the escape",
        _ => return,
    };
    said.note("delimiter", problem, "Write the text between fields, such as \";\" or \"||\".");
}

fn one_byte(said: &Said<'_, '_>, key: &'static str, text: &str) -> Option<u8> {
    if let [byte] = text.as_bytes() {
        return Some(*byte);
    }
    said.note(
        key,
        format!("`{text}` is not one plain character"),
        "Write exactly one, such as \",\".",
    );
    None
}

fn tokens(said: &mut Said<'_, '_>) -> Option<Format> {
    let pattern =
        said.required("pattern", "Write the line's regular expression with named groups.")?;
    if let Err(error) = regex::Regex::new(&pattern) {
        said.note("pattern", format!("not a regular expression: {error}"), "Mend the pattern.");
        return None;
    }
    Some(Format::Tokens { pattern })
}

/// The most lines at the end of a dump that can be skipped: so many are held in memory until the end
/// is known, and no report has a longer footer.
const MAX_FOOTER_LINES: u64 = 1000;

/// Reads which lines of a dump are no records. `format` is `None` if it is invalid.
pub(super) fn lines(said: &mut Said<'_, '_>, format: Option<&Format>) -> Lines {
    let lines = Lines {
        skip: said.number("skip_lines").unwrap_or(0),
        skip_after_header: said.number("skip_lines_after_header").unwrap_or(0),
        skip_footer: said.number("skip_footer_lines").unwrap_or(0),
        skip_pattern: said.text("skip_pattern"),
        record_type: said.text("record_type"),
    };
    if let Some(Err(error)) = lines.skip_pattern.as_deref().map(regex::bytes::Regex::new) {
        let message = format!("invalid skip_pattern: {error}");
        said.note("skip_pattern", message, "Write a regular expression, such as \"^#\".");
    }
    if lines.skip_footer > MAX_FOOTER_LINES {
        let message = format!("invalid skip_footer_lines: expected at most {MAX_FOOTER_LINES}");
        said.note("skip_footer_lines", message, "Use skip_pattern to skip more lines.");
    }
    if let Some(format) = format {
        check_lines(said, format);
    }
    lines
}

/// Notes keys about lines that have no meaning in a format.
fn check_lines(said: &Said<'_, '_>, format: &Format) {
    let has_lines = matches!(
        format,
        Format::Delimited { .. } | Format::JsonLines | Format::Tokens { .. } | Format::Fixed { .. }
    );
    for key in ["skip_lines", "skip_footer_lines", "skip_pattern"] {
        if said.has(key) && !has_lines {
            let remedy = "Remove it, or check the format.";
            said.note(key, format!("`{key}` has no meaning: this format has no lines"), remedy);
        }
    }
    let has_header = match format {
        Format::Delimited { header, .. } | Format::Fixed { header } => *header,
        _ => false,
    };
    if said.has("skip_lines_after_header") && !has_header {
        let message = "`skip_lines_after_header` has no meaning without a header";
        let remedy = "Write header = true if the dump has one, or use skip_lines.";
        said.note("skip_lines_after_header", message, remedy);
    }
    let has_fields = matches!(format, Format::Delimited { .. } | Format::Fixed { .. });
    if said.has("record_type") && !has_fields {
        let message = "`record_type` exists only for the formats delimited and fixed";
        said.note("record_type", message, "Use skip_pattern to skip lines of other kinds.");
    }
}

/// Reads the path of the array of records. `format` is `None` if it is invalid.
pub(super) fn records(said: &mut Said<'_, '_>, format: Option<&Format>) -> Option<String> {
    let path = said.text("records")?;
    let is_json =
        |it: &Format| matches!(it, Format::JsonLines | Format::JsonArray | Format::Message);
    if !format.is_none_or(is_json) {
        let message = "`records` exists only for the formats json_array, json_lines and message";
        said.note("records", message, "Remove it, or check the format.");
    }
    if path.split('.').any(str::is_empty) {
        let message = format!("invalid path `{path}`: a key is empty");
        said.note(
            "records",
            message,
            "Write the keys with dots between them, as in \"d.results\".",
        );
    }
    Some(path)
}

pub(super) fn encoding(said: &mut Said<'_, '_>) -> Option<Encoding> {
    let Some(label) = said.text("encoding") else { return Some(Encoding::Utf8) };
    let found = encodings::find(&label);
    if found.is_none() {
        let remedy = did_you_mean(&label.to_ascii_lowercase(), &encodings::COMMON);
        said.note("encoding", format!("unknown encoding `{label}`"), remedy);
    }
    found
}
