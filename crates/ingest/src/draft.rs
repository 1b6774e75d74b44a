//! The first records of a file or of the answer of a URL, from which a contract is drafted.

use crate::Error;
use crate::decode::parquet;
use ::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use anyhow::{Context as _, anyhow};
use arrow::array::{Array as _, AsArray as _};
use plant::contract::{
    Column, Contract, DumpUnit, Encoding, Format, Framing, Kind, Lines, OnError, Origin,
    RemovedRecords, Supersede,
};
use std::fs::File;
use std::time::Duration;

/// Records as text: the names of their columns and their values, empty if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    pub headers: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The first `rows` records of a Parquet file.
///
/// # Errors
/// [`Error::Data`] if the file is not Parquet, or [`Error::Storage`] if it cannot be read.
pub fn parquet_records(file: &File, rows: usize) -> Result<Records, Error> {
    let unreadable = |error: std::io::Error| Error::Storage(error.into());
    let metadata = ArrowReaderMetadata::load(file, Default::default());
    let metadata = metadata.map_err(|error| Error::Data(format!("not a Parquet file: {error}")))?;
    let fields = metadata.schema().fields().iter();
    let fields = fields.filter(|field| !field.data_type().is_nested());
    let headers: Vec<String> = fields.map(|field| field.name().clone()).collect();
    let contract = contract(&headers);
    let batches = parquet::decode(&contract, file.try_clone().map_err(unreadable)?, rows)?;
    let mut records = Records { headers, rows: Vec::new() };
    for batch in batches {
        let batch = batch?;
        for row in 0..batch.len().min(rows - records.rows.len()) {
            let value = |column: &arrow::array::ArrayRef| {
                let texts = column.as_string::<i32>();
                let text = if texts.is_valid(row) { texts.value(row) } else { "" };
                text.trim().to_owned()
            };
            records.rows.push(batch.fields.iter().map(value).collect());
        }
        if records.rows.len() == rows {
            break;
        }
    }
    Ok(records)
}

/// A contract of text columns for a Parquet file.
fn contract(headers: &[String]) -> Contract {
    let column = |header: &String| Column {
        name: header.clone(),
        header: header.clone(),
        origin: Origin::Record,
        kind: Kind::Text,
        required: false,
        on_error: OnError::Reject,
        nulls: Vec::new(),
        width_chars: 0,
        description: String::new(),
    };
    Contract {
        table: "draft".to_owned(),
        description: String::new(),
        source: String::new(),
        paths: Vec::new(),
        http: None,
        done_marker: None,
        topics: Vec::new(),
        mqtt: None,
        pull: None,
        framing: Framing::None,
        changes: None,
        format: Format::Parquet,
        encoding: Encoding::Utf8,
        lines: Lines::default(),
        records: None,
        supersede: Supersede::Dump,
        removed_records: RemovedRecords::ByName,
        dump_unit: DumpUnit::File,
        nulls: Vec::new(),
        columns: headers.iter().map(column).collect(),
        reject_at_most: None,
        case_sensitive_columns: true,
    }
}

/// The answer of a URL, at most `most_bytes` of it, and whether that is all.
///
/// # Errors
/// [`Error::Unreachable`] without an answer within the time, [`Error::Data`] for a status other than success.
pub async fn fetch(
    url: &str,
    within: Duration,
    most_bytes: usize,
) -> Result<(Vec<u8>, bool), Error> {
    let unreachable = |error: reqwest::Error| {
        let error = anyhow!(error.without_url());
        Error::Unreachable(format!("no answer of the URL: {error:#}"))
    };
    let client = reqwest::Client::builder().timeout(within).build().map_err(unreachable)?;
    let response = client.get(url).send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Err(Error::Data(format!("the URL answers with status {}", response.status())));
    }
    let (mut bytes, mut response) = (Vec::new(), response);
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= most_bytes {
            return Ok((bytes, false));
        }
    }
    Ok((bytes, true))
}

/// The bytes of an answer as a file.
///
/// # Errors
/// [`Error::Storage`] if the disk cannot be written.
pub fn spool(bytes: &[u8]) -> Result<File, Error> {
    use std::io::Write as _;
    let written = tempfile::tempfile().and_then(|mut file| file.write_all(bytes).map(|()| file));
    written.context("cannot write to the temporary folder").map_err(Error::Storage)
}
