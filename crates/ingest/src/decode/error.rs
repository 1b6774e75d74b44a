//! Errors that make a whole dump unreadable.

use parquet::errors::ParquetError;
use plant::similar::{most_similar, similarity};

/// Why a file as a whole cannot be decoded. A faulty record is not an error: it is returned with a
/// [`batches::batch::Fault`].
///
/// A decoder that returned an error cannot be used, and the records it returned must not be committed.
/// Decoding the same bytes fails again.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The contract describes a format that cannot be decoded.
    #[error("table {table}: {problem}; correct bronze/{table}.toml")]
    Contract { table: String, problem: String },

    /// The file ends before its header.
    #[error(
        "expected a header, but the {size_bytes} bytes of the file have no line; \
         have the source write the dump again"
    )]
    NoHeader { size_bytes: u64 },

    /// The first line cannot be read as a header.
    #[error(
        "the header at byte {byte} cannot be read ({reason}); \
         check encoding, delimiter and quote in the contract"
    )]
    BadHeader { byte: u64, reason: &'static str },

    /// The columns of the file are not those of the contract.
    #[error(
        "the columns of the file are not those of the contract: \
         missing [{}], found [{}]{}; check that the file belongs to this table, otherwise correct the contract",
        list(missing),
        list(found),
        hint(missing, found)
    )]
    OtherLayout { missing: Vec<String>, found: Vec<String> },

    /// UTF-16 has two bytes per code unit, and the file has an odd number of bytes.
    #[error(
        "{size_bytes} bytes cannot be UTF-16, which needs an even number; \
         copy the file into the bucket again, or correct the encoding in the contract"
    )]
    OddUtf16 { size_bytes: u64 },

    /// A JSON array was expected, and the file starts with something else.
    #[error(
        "expected a JSON array, but found '{}' instead of '[' at byte {byte}; \
         check the format and the encoding in the contract",
        found.escape_ascii()
    )]
    NotAnArray { byte: u64, found: u8 },

    /// The file is a JSON object in which the records cannot be found.
    #[error(
        "{}; found [{}]; set records = \"…\" to the path of the array in the contract, or \
         format = \"json_lines\" if the object itself is a record",
        no_records(path.as_deref()),
        list(found)
    )]
    NoRecords { path: Option<String>, found: Vec<String> },

    /// The file is a JSON object with several arrays of objects.
    #[error(
        "the file is a JSON object with several arrays of objects [{}]; \
         set records = \"{}\", or the path of another one, in the contract",
        list(paths),
        paths.first().map_or("", String::as_str)
    )]
    SeveralArrays { paths: Vec<String> },

    /// The objects around the records are not JSON.
    #[error(
        "the JSON around the records cannot be read at byte {byte}; \
         have the source write the dump again"
    )]
    BadEnvelope { byte: u64 },

    /// A field of the envelope follows the records, in a file that is read only once.
    #[error("the field `{path}` follows the records; the file has to be read twice")]
    EnvelopeFollows { path: String },

    /// The first line declares another delimiter than the contract.
    #[error(
        "the first line (`sep=`) declares the delimiter `{}`, but the contract has `{}`; \
         set delimiter = \"{}\" in the contract",
        found.escape_debug(), expected.escape_debug(), found.escape_default()
    )]
    OtherDelimiter { found: String, expected: String },

    /// A JSON array was expected and the file is empty.
    #[error(
        "expected a JSON array, but all {size_bytes} bytes are whitespace; \
         have the source write the dump again"
    )]
    NoArray { size_bytes: u64 },

    /// The file cannot be opened as Parquet.
    #[error(
        "not a Parquet file ({source}); copy it into the bucket again, or correct the format in the contract"
    )]
    NotParquet { source: ParquetError },

    /// The file is Parquet, but the checksum of a page does not match its bytes.
    #[error(
        "the checksum (CRC) of a page after record {record} is wrong: the Parquet file was damaged after \
         it was written, and none of it was ingested; copy it into the bucket again"
    )]
    ParquetChecksum { record: i64 },

    /// The file is Parquet, but uses a feature that the library does not support.
    #[error(
        "the Parquet file uses an unsupported feature ({reason}); have the source write it with other \
         types, encodings or compression"
    )]
    UnsupportedParquet { reason: String },

    /// The file is Parquet, but a part of it cannot be decoded.
    #[error(
        "the Parquet file is corrupt after record {record} ({reason}); \
         copy it into the bucket again, or have the source write it again"
    )]
    CorruptParquet { record: i64, reason: String },

    /// The workbook cannot be read.
    #[error(
        "the workbook cannot be read: {problem}; save it again as xlsx without a password, and copy it into the \
         bucket again"
    )]
    BadWorkbook { problem: String },

    /// The workbook lacks the sheet, or has several and the contract names none.
    #[error(
        "{}; found [{}]; set sheet = \"…\" in the contract to one of them",
        match wanted {
            Some(name) => format!("the workbook has no sheet `{name}`"),
            None => "the workbook has no sheet or several that are visible, and the contract names none".to_owned(),
        },
        list(found)
    )]
    OtherSheet { wanted: Option<String>, found: Vec<String> },
}

/// The most names in a message: a file of another kind can have very many.
const LISTED_NAMES: usize = 80;
/// The most characters of one name in a message.
const LISTED_CHARS: usize = 60;

/// The most missing names for which the most similar found one is named, and how similar it must be.
const HINTED_NAMES: usize = 5;
const HINTED_SIMILARITY: f64 = 0.55;

fn no_records(path: Option<&str>) -> String {
    match path {
        Some(path) => format!("the file has no array at `{path}`, where its records are expected"),
        None => "the file is a JSON object without an array of objects".to_owned(),
    }
}

fn list(names: &[String]) -> String {
    let mut text: Vec<String> = names
        .iter()
        .take(LISTED_NAMES)
        .map(|name| name.chars().take(LISTED_CHARS).collect())
        .collect();
    if names.len() > LISTED_NAMES {
        text.push(format!("and {} more", names.len() - LISTED_NAMES));
    }
    text.join(", ")
}

/// The found names that are most similar to the missing ones.
fn hint(missing: &[String], found: &[String]) -> String {
    let found = found.iter().take(LISTED_NAMES).map(String::as_str);
    let mut hints = Vec::new();
    for name in missing.iter().take(HINTED_NAMES) {
        if let Some(nearest) = most_similar(name, found.clone())
            && similarity(name, nearest) >= HINTED_SIMILARITY
        {
            let nearest: String = nearest.chars().take(LISTED_CHARS).collect();
            hints.push(format!("`{nearest}` is similar to `{name}`"));
        }
    }
    hints.iter().map(|hint| format!("; {hint}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_a_hint() {
        let names = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let hint = hint(&names("Temperature,Qty"), &names("Id,Temp_C"));
        assert_eq!(hint, "; `Temp_C` is similar to `Temperature`");
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names: Vec<String> = (0..100).map(|n| format!("{n}{}", "x".repeat(100))).collect();
        let text = list(&names);
        assert!(text.ends_with("and 20 more"), "{text}");
        assert!(text.len() < 6000, "{}", text.len());
    }
}
