//! A plant folder to start from: written for a delimited file, whose encoding, delimiter, header, types and key
//! are detected from its first rows.
//!
//! What is detected is a proposal: the files are commented, and every guess is one line to correct.

mod columns;
mod names;
mod sample;
mod templates;

use crate::schema::{Document, json_schema};
use anyhow::bail;
use columns::{ColumnGuess, find_key};
use sample::Sample;
use std::collections::BTreeMap;

/// The example file if no other is given.
const EXAMPLE_NAME: &str = "production_2026-11-02.csv";
const EXAMPLE: &str = include_str!("starter/example.csv");

/// A delimited file that a plant folder is written for.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// Its name without folders.
    pub name: &'a str,
    /// Its folder, as the bucket of the plant.
    pub folder: &'a str,
    /// Its bytes, or the first of them.
    pub bytes: &'a [u8],
    /// Whether `bytes` is the whole file.
    pub is_whole: bool,
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

/// The table that is detected in a file.
#[derive(Debug)]
struct DetectedTable {
    name: String,
    /// Pattern of the file names.
    path: String,
    encoding: &'static str,
    delimiter: char,
    has_header: bool,
    skip_lines: usize,
    columns: Vec<ColumnGuess>,
    /// Positions of the columns that identify a row; empty if none do.
    key: Vec<usize>,
    nulls: Vec<String>,
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
            folder: &own_bucket,
            bytes: EXAMPLE.as_bytes(),
            is_whole: true,
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

fn detect(source: &SourceFile<'_>) -> anyhow::Result<DetectedTable> {
    let Some(sample) = Sample::read(source.bytes, source.is_whole) else {
        bail!(
            "no table is recognized in {}: expected rows with the same number of fields between `,`, `;`, \
             `|` or tabs; write the contract by hand",
            source.name
        );
    };
    let nulls = sample.nulls();
    let headers = sample.headers();
    let names = names::column_names(&headers);
    let columns: Vec<ColumnGuess> = (names.into_iter().zip(headers).enumerate())
        .map(|(at, (name, header))| ColumnGuess::new(name, header, sample.values(at), &nulls))
        .collect();
    let key = find_key(&columns, &sample);
    Ok(DetectedTable {
        name: names::table_name(source.name),
        path: names::path_pattern(source.name),
        encoding: sample.encoding,
        delimiter: sample.delimiter,
        has_header: sample.has_header,
        skip_lines: sample.skip_lines,
        columns,
        key,
        nulls,
    })
}

#[cfg(test)]
mod tests;
