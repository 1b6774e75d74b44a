//! A plant folder to start from, or a contract: written for a file whose format, encoding, delimiter, header, types and
//! key are detected from its first records.
//!
//! What is detected is a proposal: the files are commented, and every guess is one line to correct.

mod columns;
mod json;
mod names;
mod sample;
mod templates;
mod times;

use crate::schema::{Document, json_schema};
use anyhow::bail;
use columns::{ColumnGuess, find_key};
use json::JsonSample;
use sample::Sample;
use std::collections::BTreeMap;

/// The example file if no other is given.
const EXAMPLE_NAME: &str = "production_2026-11-02.csv";
const EXAMPLE: &str = include_str!("starter/example.csv");

/// A file that a plant folder or a contract is written for.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// Its name without folders.
    pub name: &'a str,
    /// The name of its table; `None` for the one in the name of the file.
    pub table: Option<&'a str>,
    /// Its folder, as the bucket of the plant.
    pub folder: &'a str,
    /// Its bytes, or the first of them.
    pub bytes: &'a [u8],
    /// Whether `bytes` is the whole file.
    pub is_whole: bool,
    /// Its first records, if they are not text.
    pub decoded: Option<&'a DecodedRecords>,
    /// The URL that answers with it, if it is not a file.
    pub url: Option<&'a str>,
}

/// The first records of a Parquet file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecodedRecords {
    pub headers: Vec<String>,
    /// The values as text; empty if a record has none.
    pub rows: Vec<Vec<String>>,
}

/// A contract and its model, as proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Name of the table.
    pub table: String,
    /// `bronze/<table>.toml`.
    pub contract: String,
    /// `silver/<table>.sql`.
    pub silver: String,
}

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct Starter<'a> {
    /// Name of the plant.
    pub plant: &'a str,
    /// Path of the plant folder.
    pub folder: &'a str,
    pub source: Option<SourceFile<'a>>,
}

/// How records are separated.
#[derive(Debug)]
enum Layout {
    Delimited {
        delimiter: char,
        has_header: bool,
        skip_lines: usize,
        has_comments: bool,
    },
    JsonLines,
    JsonArray {
        records: Option<String>,
    },
    Parquet,
    /// Lines without a delimiter, as one column.
    Lines,
}

/// The table that is detected in a file.
#[derive(Debug)]
struct DetectedTable {
    name: String,
    /// Pattern of the file names.
    path: String,
    url: Option<String>,
    encoding: &'static str,
    layout: Layout,
    columns: Vec<ColumnGuess>,
    /// Positions of the columns that identify a row; empty if none do.
    key: Vec<usize>,
    nulls: Vec<String>,
    /// Members of records that are not columns.
    left_out: Vec<String>,
}

/// A contract for a file or the answer of a URL.
///
/// # Errors
/// No table is recognized.
pub fn draft(source: &SourceFile<'_>) -> anyhow::Result<Draft> {
    let table = match find(source).or_else(|| lines(source)) {
        Some(found) => table(source, found),
        None => bail!("{} has no records", source.name),
    };
    let (contract, silver) = (templates::contract(&table), templates::silver(&table));
    Ok(Draft { table: table.name, contract, silver })
}

/// The files of a plant folder by their path below it.
///
/// # Errors
/// No table is recognized in the file.
pub fn files(starter: &Starter<'_>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let folder = starter.folder;
    let own_bucket = format!("{folder}/bucket");
    let source = starter.source.unwrap_or_else(|| {
        files.insert(format!("bucket/{EXAMPLE_NAME}"), EXAMPLE.to_owned());
        SourceFile {
            name: EXAMPLE_NAME,
            table: None,
            folder: &own_bucket,
            bytes: EXAMPLE.as_bytes(),
            is_whole: true,
            decoded: None,
            url: None,
        }
    });
    let table = detect(&source)?;
    let name = &table.name;
    files.insert("plant.toml".to_owned(), templates::plant(starter, source.folder));
    files.insert(format!("bronze/{name}.toml"), templates::contract(&table));
    files.insert(format!("silver/{name}.sql"), templates::silver(&table));
    files.insert(format!("gold/{}.sql", templates::gold_name(&table)), templates::gold(&table));
    files.insert("kpis.toml".to_owned(), templates::kpis(&table));
    for document in Document::ALL {
        files.insert(format!(".schema/{}.json", document.as_str()), json_schema(document));
    }
    Ok(files)
}

/// The keys of a type that fits all values, such as `type = "float", decimal = ","`.
pub fn fitting_type(values: &[&str]) -> String {
    templates::type_keys(&columns::guess_type(values))
}

/// Records as they are detected: names and values of their columns.
struct Found {
    encoding: &'static str,
    layout: Layout,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    left_out: Vec<String>,
}

fn detect(source: &SourceFile<'_>) -> anyhow::Result<DetectedTable> {
    let Some(found) = find(source) else {
        bail!(
            "no table is recognized in {}: expected JSON with records, Parquet, or rows with the same number of \
             fields between `,`, `;`, `|` or tabs; write the contract by hand",
            source.name
        );
    };
    Ok(table(source, found))
}

fn table(source: &SourceFile<'_>, found: Found) -> DetectedTable {
    let Found { encoding, layout, headers, rows, left_out } = found;
    let nulls = sample::nulls(&rows);
    let names = names::column_names(&headers);
    let columns: Vec<ColumnGuess> = (names.into_iter().zip(headers).enumerate())
        .map(|(at, (name, header))| {
            ColumnGuess::new(name, header, rows.iter().map(|row| row[at].as_str()), &nulls)
        })
        .collect();
    DetectedTable {
        name: names::table_name(source.table.unwrap_or(source.name)),
        path: names::path_pattern(source.name),
        url: source.url.map(str::to_owned),
        encoding,
        layout,
        key: find_key(&columns, &rows),
        columns,
        nulls,
        left_out,
    }
}

/// The lines of a text without a delimiter, as values of one column.
fn lines(source: &SourceFile<'_>) -> Option<Found> {
    let (text, encoding) = sample::decode(source.bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let rows: Vec<Vec<String>> = lines.map(|line| vec![line.to_owned()]).collect();
    let is_text = !rows.is_empty() && !text.contains('\0');
    let headers = vec!["line".to_owned()];
    let left_out = Vec::new();
    is_text.then_some(Found { encoding, layout: Layout::Lines, headers, rows, left_out })
}

/// The records of a file; `None` if none are recognized.
fn find(source: &SourceFile<'_>) -> Option<Found> {
    if let Some(decoded) = source.decoded {
        let DecodedRecords { headers, rows } = decoded.clone();
        let left_out = Vec::new();
        return Some(Found { encoding: "utf-8", layout: Layout::Parquet, headers, rows, left_out });
    }
    let (text, encoding) = sample::decode(source.bytes);
    if let Some(found) = JsonSample::read(&text, source.is_whole) {
        let JsonSample { is_lines, records, headers, rows, arrays: left_out } = found;
        let layout = if is_lines { Layout::JsonLines } else { Layout::JsonArray { records } };
        return Some(Found { encoding, layout, headers, rows, left_out });
    }
    let sample = Sample::read(&text, source.is_whole)?;
    let layout = Layout::Delimited {
        delimiter: sample.delimiter,
        has_header: sample.has_header,
        skip_lines: sample.skip_lines,
        has_comments: sample.has_comments,
    };
    let (headers, rows) = (sample.headers(), sample.into_data());
    Some(Found { encoding, layout, headers, rows, left_out: Vec::new() })
}

#[cfg(test)]
mod tests;
