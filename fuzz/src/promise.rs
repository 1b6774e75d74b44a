//! Properties of the decoders that hold for any bytes.

use crate::batch::{Batch, BatchBuilder};
use crate::decode::{DecodeError, DecodeLimits, Decoder};
use arrow::array::{Array, ArrayRef, StringArray};
use plant::contract::{Contract, Encoding, Lines};
use std::sync::Arc;

pub use contract::contract;

#[path = "../../crates/ingest/src/decode/testing/contract.rs"]
mod contract;

/// The first bytes of an input select how the rest is decoded.
const OPTION_BYTES: usize = 3;

/// The encoding in which the kept text of a faulty record is compared with the bytes of the file.
const SINGLE_BYTE: Encoding = Encoding::Named("windows-1252");

/// One input of the fuzzer.
pub struct Case<'a> {
    /// Five flags for the target.
    pub flags: u8,
    encoding: Encoding,
    chunk_bytes: usize,
    limits: DecodeLimits,
    file: &'a [u8],
}

impl<'a> Case<'a> {
    /// The case of an input, `None` if the input is too short.
    pub fn new(input: &'a [u8]) -> Option<Self> {
        let (&[flags, chunk, limit], file) = input.split_first_chunk::<OPTION_BYTES>()?;
        let encodings = match flags & 128 {
            0 => [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, SINGLE_BYTE],
            _ => [
                Encoding::Utf8,
                Encoding::Named("Shift_JIS"),
                Encoding::Named("gb18030"),
                SINGLE_BYTE,
            ],
        };
        Some(Self {
            flags: flags >> 2 & 31,
            encoding: encodings[usize::from(flags & 3)],
            chunk_bytes: usize::from(chunk).max(1),
            limits: DecodeLimits {
                max_record_bytes: if limit > 127 { 1 << 20 } else { usize::from(limit) },
                kept_faulty_bytes: 16,
                probe_bytes: if limit & 1 == 0 { 8 } else { 1 << 16 },
            },
            file,
        })
    }

    /// Decodes the file in one chunk and in many, and checks every property.
    pub fn check(&self, mut contract: Contract) {
        contract.encoding = self.encoding;
        let whole = self.decode(&contract, usize::MAX);
        let chunked = self.decode(&contract, self.chunk_bytes);
        match (whole, chunked) {
            (Ok(whole), Ok(chunked)) => {
                assert!(columns(&whole) == columns(&chunked), "chunks changed the records");
                self.check_numbers(&whole);
                self.check_positions(&whole);
                self.check_kept(&whole);
            }
            (Err(whole), Err(chunked)) => assert_eq!(whole.to_string(), chunked.to_string()),
            (whole, chunked) => assert_eq!(whole.is_ok(), chunked.is_ok()),
        }
    }

    fn decode(&self, contract: &Contract, chunk_bytes: usize) -> Result<Batch, DecodeError> {
        let mut decoder = Decoder::new(contract, self.limits)?;
        if decoder.wants_preview() {
            self.file.chunks(chunk_bytes).try_for_each(|chunk| decoder.preview(chunk))?;
            decoder.end_preview()?;
        }
        let mut out = BatchBuilder::new(contract.columns.len());
        for chunk in self.file.chunks(chunk_bytes) {
            decoder.feed(chunk, &mut out)?;
        }
        decoder.finish(&mut out)?;
        Ok(out.take())
    }

    /// Records are numbered from 1 without a gap. There are at most as many as bytes, and one more for an array
    /// that is not closed.
    fn check_numbers(&self, batch: &Batch) {
        assert!(batch.len() <= self.file.len() + 1);
        assert!((1..).zip(batch.record.values()).all(|(number, record)| number == *record));
        let text = |column: &StringArray| column.value_data().len();
        let kept = text(&batch.rest);
        assert!(kept <= 40 * self.file.len() + 40 * batch.len(), "rest grew to {kept} bytes");
    }

    /// Records are within the file, in order and without overlap.
    fn check_positions(&self, batch: &Batch) {
        let mut last = 0;
        for (&from, &to) in batch.byte_from.values().iter().zip(batch.byte_to.values()) {
            assert!(last <= from && from <= to, "{last} {from} {to}");
            last = to;
        }
        assert!(last <= self.file.len() as i64);
    }

    /// The kept text of a faulty record is that of its bytes.
    fn check_kept(&self, batch: &Batch) {
        // Marks and zeros may show another encoding than the configured one.
        let is_as_configured =
            !self.file.contains(&0) && !matches!(self.file, [0xEF | 0xFE | 0xFF, ..]);
        let is_checked = self.encoding == SINGLE_BYTE && is_as_configured;
        for row in (0..batch.len()).filter(|_| is_checked) {
            let fault = batch.fault.is_valid(row).then(|| batch.fault.value(row));
            if !matches!(fault, Some("broken_quote" | "too_long" | "not_json" | "no_match")) {
                continue;
            }
            let range = batch.byte_from.value(row) as usize..batch.byte_to.value(row) as usize;
            let most = self.limits.kept_faulty_bytes.min(match fault {
                Some("too_long") => self.limits.max_record_bytes,
                _ => usize::MAX,
            });
            let (text, _) =
                encoding_rs::WINDOWS_1252.decode_without_bom_handling(&self.file[range]);
            let kept = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            assert_eq!(batch.rest.value(row), &text[..kept.unwrap_or(0)]);
        }
    }
}

/// All columns of a batch.
pub fn columns(batch: &Batch) -> Vec<ArrayRef> {
    let mut columns = batch.fields.clone();
    columns.push(Arc::new(batch.rest.clone()));
    columns.push(Arc::new(batch.fault.clone()));
    columns.push(Arc::new(batch.record.clone()));
    columns.push(Arc::new(batch.byte_from.clone()));
    columns.push(Arc::new(batch.byte_to.clone()));
    columns.push(Arc::new(batch.row_group.clone()));
    columns.push(Arc::new(batch.row.clone()));
    columns
}

/// Rules for lines that are not records; none without `has_rules`.
pub fn lines(has_rules: bool) -> Lines {
    if !has_rules {
        return Lines::default();
    }
    let skip_pattern = Some("^#|^--".into());
    Lines { skip: 1, skip_footer: 1, skip_pattern, ..Lines::default() }
}
