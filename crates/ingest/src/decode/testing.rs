//! Contracts and views of batches for the tests of the decoders.

use super::{DecodeError, DecodeLimits, Decoder, Summary};
use arrow::array::{Array, AsArray, StringArray};
use batches::batch::{Batch, BatchBuilder};
use plant::contract::{
    Column, Contract, DumpUnit, Encoding, Escape, Format, Framing, Kind, Lines, OnError, Origin,
    RemovedRecords, Supersede,
};

/// A contract of text columns; a `*` before a header makes its column required.
pub(super) fn contract(format: Format, headers: &[&str]) -> Contract {
    Contract {
        table: "test".into(),
        description: String::new(),
        source: "test".into(),
        paths: Vec::new(),
        topics: Vec::new(),
        framing: Framing::default(),
        format,
        encoding: Encoding::Utf8,
        lines: Lines::default(),
        records: None,
        supersede: Supersede::Key,
        removed_records: RemovedRecords::ByName,
        dump_unit: DumpUnit::ByName,
        nulls: Vec::new(),
        columns: headers.iter().map(|header| column(header)).collect(),
        reject_at_most: None,
        case_sensitive_columns: false,
    }
}

fn column(header: &str) -> Column {
    let name = header.trim_start_matches('*');
    Column {
        name: name.to_lowercase(),
        header: name.into(),
        origin: Origin::Record,
        kind: Kind::Text,
        required: name != header,
        on_error: OnError::Reject,
        nulls: Vec::new(),
        width_chars: 0,
        description: String::new(),
    }
}

/// A contract of comma-separated text.
pub(super) fn csv(header: bool, headers: &[&str]) -> Contract {
    contract(delimited(",", Some(b'"'), header), headers)
}

/// A delimited format that detects its escape.
pub(super) fn delimited(delimiter: &str, quote: Option<u8>, header: bool) -> Format {
    Format::Delimited { delimiter: delimiter.into(), quote, escape: Escape::Detect, header }
}

pub(super) fn decode(contract: &Contract, file: &[u8]) -> Result<Batch, DecodeError> {
    decode_chunked(contract, file, DecodeLimits::default(), file.len().max(1))
}

pub(super) fn decode_chunked(
    contract: &Contract,
    file: &[u8],
    limits: DecodeLimits,
    chunk_bytes: usize,
) -> Result<Batch, DecodeError> {
    decode_summed(contract, file, limits, chunk_bytes).map(|(batch, _)| batch)
}

/// Decodes a file in chunks of this size, twice if the decoder wants a preview.
pub(super) fn decode_summed(
    contract: &Contract,
    file: &[u8],
    limits: DecodeLimits,
    chunk_bytes: usize,
) -> Result<(Batch, Summary), DecodeError> {
    let mut decoder = Decoder::new(contract, limits)?;
    if decoder.wants_preview() {
        file.chunks(chunk_bytes).try_for_each(|chunk| decoder.preview(chunk))?;
        decoder.end_preview()?;
    }
    let mut out = BatchBuilder::new(contract.columns.len());
    for chunk in file.chunks(chunk_bytes) {
        decoder.feed(chunk, &mut out)?;
    }
    decoder.finish(&mut out)?;
    Ok((out.take(), decoder.summary()))
}

/// Each record as `field|field fault rest`, null as `∅`.
pub(super) fn rows(batch: &Batch) -> Vec<String> {
    (0..batch.len()).map(|row| text(batch, row)).collect()
}

fn text(batch: &Batch, row: usize) -> String {
    let field = |column: &arrow::array::ArrayRef| {
        cell(column.as_string::<i32>(), row).unwrap_or_else(|| "∅".into())
    };
    let mut parts = vec![batch.fields.iter().map(field).collect::<Vec<_>>().join("|")];
    parts.extend(cell(&batch.fault, row));
    parts.extend(cell(&batch.rest, row).filter(|rest| !rest.is_empty()));
    parts.join(" ")
}

fn cell(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

/// The bytes of each record as its position says.
pub(super) fn slices<'a>(batch: &Batch, file: &'a [u8]) -> Vec<&'a [u8]> {
    let place = |row| batch.byte_from.value(row) as usize..batch.byte_to.value(row) as usize;
    (0..batch.len()).map(|row| &file[place(row)]).collect()
}
