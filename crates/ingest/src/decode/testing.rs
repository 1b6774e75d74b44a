//! Contracts, and batches as text, for the tests of the decoders.

use super::{DecodeError, DecodeLimits, Decoder, Summary};
use arrow::array::{Array, AsArray, StringArray};
use batches::batch::{Batch, BatchBuilder};
use plant::contract::{Contract, Escape, Format};

mod contract;

pub(crate) use contract::contract;

/// A contract of comma-separated text.
pub(super) fn csv(header: bool, headers: &[&str]) -> Contract {
    contract(delimited(",", Some(b'"'), header), headers)
}

/// A delimited format that detects its escape.
pub(super) fn delimited(delimiter: &str, quote: Option<u8>, header: bool) -> Format {
    Format::Delimited { delimiter: delimiter.into(), quote, escape: Escape::Detect, header }
}

/// Decodes a file in one chunk.
pub(super) fn decode(contract: &Contract, file: &[u8]) -> Result<Batch, DecodeError> {
    decode_chunked(contract, file, DecodeLimits::default(), file.len().max(1))
}

/// Decodes a file in chunks of this size.
pub(super) fn decode_chunked(
    contract: &Contract,
    file: &[u8],
    limits: DecodeLimits,
    chunk_bytes: usize,
) -> Result<Batch, DecodeError> {
    decode_with_summary(contract, file, limits, chunk_bytes).map(|(batch, _)| batch)
}

/// Decodes a file in chunks of this size, twice if the decoder wants a preview, and returns its summary too.
pub(super) fn decode_with_summary(
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

/// The bytes of each record at its position in the file.
pub(super) fn slices<'a>(batch: &Batch, file: &'a [u8]) -> Vec<&'a [u8]> {
    let range = |row| batch.byte_from.value(row) as usize..batch.byte_to.value(row) as usize;
    (0..batch.len()).map(|row| &file[range(row)]).collect()
}
