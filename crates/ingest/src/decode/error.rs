//! What makes a whole dump unreadable.

use parquet::errors::ParquetError;
use plant::similar::{most_similar, similarity};

/// Why a file as a whole cannot be decoded. A record that cannot be read is no error: it lands with
/// a [`batches::batch::Fault`].
///
/// A decoder that returned an error is spent, and what it appended for this file must not be
/// committed. Decoding the same bytes again fails again.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The contract asks for something no decoder can do.
    #[error("table {table}: {problem}; mend bronze/{table}.toml")]
    Contract { table: String, problem: String },

    /// The file ends before its header.
    #[error(
        "a header was expected, but the file has no line in its {size_bytes} bytes; \
         ask the source to write the dump again"
    )]
    NoHeader { size_bytes: u64 },

    /// The first line is no readable header.
    #[error(
        "the header at byte {byte} cannot be read ({reason}); \
         check encoding, delimiter and quote in the contract"
    )]
    BadHeader { byte: u64, reason: &'static str },

    /// The columns of the file are not those of the contract.
    #[error(
        "the columns of the file are not those of the contract: \
         missing [{}], found [{}]{}; check that the file belongs to this table, else mend the contract",
        list(missing),
        list(found),
        hint(missing, found)
    )]
    OtherLayout { missing: Vec<String>, found: Vec<String> },

    /// UTF-16 has two bytes a character, this file has an odd number of them.
    #[error(
        "{size_bytes} bytes cannot be UTF-16, which has an even number of them; \
         fetch the file again, or mend the contract's encoding"
    )]
    OddUtf16 { size_bytes: u64 },

    /// A JSON array was expected and something else stands there.
    #[error(
        "expected a JSON array, but found '{}' instead of '[' at byte {byte}; \
         check the format and the encoding in the contract",
        found.escape_ascii()
    )]
    NotAnArray { byte: u64, found: u8 },

    /// The file is a JSON object in which the records cannot be found.
    #[error(
        "{}; found [{}]; write records = \"…\" with the path of the array into the contract, or \
         format = \"json_lines\" if the object itself is a record",
        no_records(path.as_deref()),
        list(found)
    )]
    NoRecords { path: Option<String>, found: Vec<String> },

    /// The file is a JSON object with several arrays of objects.
    #[error(
        "the file is a JSON object with several arrays of objects [{}]; \
         write records = \"{}\", or the path of another one, into the contract",
        list(paths),
        paths.first().map_or("", String::as_str)
    )]
    SeveralArrays { paths: Vec<String> },

    /// The objects around the records are no JSON.
    #[error(
        "the JSON around the records cannot be read at byte {byte}; \
         ask the source to write the dump again"
    )]
    BadEnvelope { byte: u64 },

    /// A field around the records was found behind them, in a file that is read only once.
    #[error("the field `{path}` is behind the records; the file has to be read twice")]
    EnvelopeBehind { path: String },

    /// The first line names another delimiter than the contract.
    #[error(
        "the line `sep=` at the beginning names the delimiter `{}`, but the contract `{}`; \
         write delimiter = \"{}\" into the contract",
        found.escape_debug(), expected.escape_debug(), found.escape_default()
    )]
    OtherDelimiter { found: String, expected: String },

    /// A JSON array was expected and the file is empty.
    #[error(
        "a JSON array was expected, but all {size_bytes} bytes are blank; \
         ask the source to write the dump again"
    )]
    NoArray { size_bytes: u64 },

    /// The file cannot be opened as Parquet.
    #[error("not a Parquet file ({source}); fetch it again, or mend the contract's format")]
    NotParquet { source: ParquetError },

    /// The file is Parquet, but the checksum of a page is not that of its bytes.
    #[error(
        "the checksum (CRC) of a page behind record {record} is wrong: the Parquet file was damaged after \
         it was written; nothing of it was taken. Copy it into the bucket again"
    )]
    ParquetChecksum { record: i64 },

    /// The file is Parquet, but uses what the library does not have.
    #[error(
        "the Parquet file uses what cannot be read here ({reason}); have the source write it with other \
         types, encodings or compression"
    )]
    UnsupportedParquet { reason: String },

    /// The file is Parquet, but a part of it cannot be decoded.
    #[error(
        "the Parquet file is corrupt after record {record} ({reason}); \
         fetch it again, or ask the source to write it again"
    )]
    CorruptParquet { record: i64, reason: String },
}

/// The most names a message lists: a file of another kind can have very many.
const LISTED_NAMES: usize = 80;
/// The most characters of one name in a message.
const LISTED_CHARS: usize = 60;

/// The most missing names that come with the nearest found one, and how alike both must be.
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

/// Which found name each missing one may have become.
fn hint(missing: &[String], found: &[String]) -> String {
    let found = found.iter().take(LISTED_NAMES).map(String::as_str);
    let mut hints = Vec::new();
    for name in missing.iter().take(HINTED_NAMES) {
        if let Some(nearest) = most_similar(name, found.clone())
            && similarity(name, nearest) >= HINTED_SIMILARITY
        {
            let nearest: String = nearest.chars().take(LISTED_CHARS).collect();
            hints.push(format!("`{nearest}` is nearest to `{name}`"));
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
        assert_eq!(hint, "; `Temp_C` is nearest to `Temperature`");
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names: Vec<String> = (0..100).map(|n| format!("{n}{}", "x".repeat(100))).collect();
        let text = list(&names);
        assert!(text.ends_with("and 20 more"), "{text}");
        assert!(text.len() < 6000, "{}", text.len());
    }
}
