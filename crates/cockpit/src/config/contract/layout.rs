//! How the bytes of a dump become records: format, delimiter, quotes, header and encoding.

use crate::config::diagnostic::did_you_mean;
use crate::config::said::Said;
use plant::contract::{Encoding, Format};

const FORMATS: [&str; 7] =
    ["delimited", "json_lines", "json_array", "parquet", "tokens", "fixed", "message"];
/// Keys that only some formats have.
const OF_FORMATS: [&str; 4] = ["delimiter", "quote", "header", "pattern"];
const ENCODINGS: [&str; 4] = ["utf-8", "utf-16le", "utf-16be", "latin-1"];

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
    let delimiter =
        said.required("delimiter", "Write delimiter = \",\" or what stands between fields.");
    let delimiter = delimiter.and_then(|text| one_byte(said, "delimiter", &text));
    let quote = match said.text("quote") {
        None => Some(Some(b'"')),
        Some(text) if text.is_empty() => Some(None),
        Some(text) => one_byte(said, "quote", &text).map(Some),
    };
    let header = said.flag("header");
    if header.is_none() && !said.has("header") {
        let remedy = "Write header = true or header = false; without one the first row is data.";
        said.note("header", "it is not said whether the dump has a header", remedy);
    }
    Some(Format::Delimited { delimiter: delimiter?, quote: quote?, header: header? })
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

pub(super) fn encoding(said: &mut Said<'_, '_>) -> Option<Encoding> {
    match said.text("encoding").as_deref() {
        None | Some("utf-8") => Some(Encoding::Utf8),
        Some("utf-16le") => Some(Encoding::Utf16Le),
        Some("utf-16be") => Some(Encoding::Utf16Be),
        Some("latin-1") => Some(Encoding::Latin1),
        Some(other) => {
            let remedy = did_you_mean(other, &ENCODINGS);
            said.note("encoding", format!("unknown encoding `{other}`"), remedy);
            None
        }
    }
}
