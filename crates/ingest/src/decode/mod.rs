//! Turns the bytes of a dump into records.
//!
//! *In*: the bytes of one file, decompressed, in chunks of any size; for Parquet the file itself.
//! *Out*: records in a [`BatchBuilder`], every field as text; for Parquet finished batches.
//! *Promise*: the same bytes give the same records whatever the chunks. Every record is returned, a
//! faulty one with its fault and the beginning of its text; a faulty record affects no other. Lines that
//! the contract excludes are counted. Positions are those of the file in every encoding. Memory stays
//! within a few times [`DecodeLimits::max_record_bytes`].

pub mod avro;
mod charset;
mod columns;
pub mod copy_text;
mod datum;
mod delimited;
mod error;
mod fixed;
pub mod headers;
mod input;
mod json;
mod json_text;
mod lines;
pub mod message;
pub mod parquet;
pub mod protobuf;
mod raw;
#[cfg(test)]
mod real;
mod shape;
mod skipped_lines;
pub mod sparkplug;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tokens;
pub mod workbook;

pub use datum::SchemaError;
pub use error::DecodeError;

use batches::batch::{BatchBuilder, ByteRange, Fault};
use input::Input;
use lines::{Cut, LineEnds};
use plant::columns::FileColumns;
use plant::contract::{Contract, Encoding};
use raw::Raw;
use shape::Shape;
use skipped_lines::{Skipped, Skipper};

/// Limits on the memory of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The longest record that is read; a longer one gets [`Fault::TooLong`]. UTF-16 counts as if it were
    /// UTF-8.
    pub max_record_bytes: usize,
    /// How much of the text of a faulty record is kept in `rest`.
    pub kept_faulty_bytes: usize,
    /// How much of the beginning of a dump is examined to detect its encoding, line ends and escapes, as
    /// UTF-8.
    pub probe_bytes: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_record_bytes: 1 << 20, kept_faulty_bytes: 4 << 10, probe_bytes: 64 << 10 }
    }
}

/// Chunks are decoded in pieces of this size, so that a large one needs no more memory.
const PIECE_BYTES: usize = 64 << 10;

/// Decodes one text dump.
///
/// Feed it the file from its first byte, then finish it. If [`Decoder::wants_preview`], preview the whole
/// file before. After an error it cannot be used.
#[derive(Debug)]
pub struct Decoder {
    input: Input,
    shape: Shape,
    limits: DecodeLimits,
    skipper: Skipper,
    ends: LineEnds,
    /// Whether encoding, line ends and escapes are known.
    is_settled: bool,
    notes: Vec<String>,
    overlong: Option<Overlong>,
    /// Fewer waiting bytes than this are not examined: a record that arrives in many small chunks would
    /// otherwise be scanned from its beginning with each of them.
    wake_bytes: usize,
    preview: Option<Preview>,
}

/// What a decoder found besides records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines and records that were skipped by the rules of the contract.
    pub skipped_lines: u64,
    /// What was detected although it is not configured, for people.
    pub notes: Vec<String>,
}

/// A record over the limit whose end is not reached yet.
#[derive(Debug)]
struct Overlong {
    file_from: u64,
    kept: String,
}

/// The first of two passes over a file; its records are discarded.
#[derive(Debug)]
struct Preview {
    decoder: Box<Decoder>,
    discarded: BatchBuilder,
}

impl Decoder {
    /// A decoder for one file of this contract.
    ///
    /// # Errors
    /// [`DecodeError::Contract`] if the format is not a text format, such as Parquet.
    pub fn new(contract: &Contract, limits: DecodeLimits) -> Result<Self, DecodeError> {
        let mut decoder = Self::single(contract, limits)?;
        if matches!(&decoder.shape, Shape::Json(json) if json.wants_preview()) {
            let mut first = Self::single(contract, limits)?;
            if let Shape::Json(json) = &mut first.shape {
                json.preview();
            }
            let discarded = BatchBuilder::new(0);
            decoder.preview = Some(Preview { decoder: Box::new(first), discarded });
        }
        Ok(decoder)
    }

    fn single(contract: &Contract, limits: DecodeLimits) -> Result<Self, DecodeError> {
        Ok(Self {
            input: Input::new(contract.encoding, limits.probe_bytes),
            shape: Shape::new(contract, limits)?,
            limits,
            skipper: Skipper::new(contract, limits)?,
            ends: LineEnds::Lf,
            is_settled: false,
            notes: Vec::new(),
            overlong: None,
            wake_bytes: 0,
            preview: None,
        })
    }

    /// Whether the file has to be read twice, first as a preview: records need values that may follow
    /// them.
    pub fn wants_preview(&self) -> bool {
        self.preview.is_some()
    }

    /// Previews the next bytes of the file for values that records before them need.
    pub fn preview(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let Some(Preview { decoder, discarded }) = &mut self.preview else { return Ok(()) };
        decoder.feed(bytes, discarded)?;
        drop(discarded.take());
        Ok(())
    }

    /// Ends the preview.
    pub fn end_preview(&mut self) -> Result<(), DecodeError> {
        let Some(mut preview) = self.preview.take() else { return Ok(()) };
        preview.decoder.finish(&mut preview.discarded)?;
        if let (Shape::Json(json), Shape::Json(first)) = (&mut self.shape, &preview.decoder.shape) {
            json.take_preview(first);
        }
        Ok(())
    }

    /// Decodes the next bytes of the file. A record may be added to `out` by a later call, at the latest by
    /// [`Decoder::finish`].
    ///
    /// A batch holds at most 2 GiB of text in a column: take it from `out` before that.
    pub fn feed(&mut self, bytes: &[u8], out: &mut BatchBuilder) -> Result<(), DecodeError> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.input.push(piece);
            if self.input.waiting().len() >= self.wake_bytes {
                self.drain(out)?;
            }
        }
        Ok(())
    }

    /// Ends the file and decodes what is left of it.
    pub fn finish(&mut self, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        if self.input.closed() {
            return Ok(());
        }
        // Errors before the end are reported first, as they would be with larger chunks.
        self.drain(out)?;
        self.input.close()?;
        self.drain(out)?;
        if self.shape.awaits_header() {
            return Err(DecodeError::NoHeader { size_bytes: self.input.size_bytes() });
        }
        Ok(())
    }

    /// What was found besides records; complete once the decoder is finished.
    pub fn summary(&self) -> Summary {
        let footer = lines::count(self.input.held_back(), self.ends);
        let skipped_lines = self.skipper.count() + self.shape.skipped() + footer;
        let mut notes = self.notes.clone();
        notes.extend(self.skipper.declared_delimiter().map(|delimiter| {
            format!(
                "the first line `sep={}` declares the delimiter and was skipped",
                delimiter.escape_debug()
            )
        }));
        Summary { skipped_lines, notes }
    }

    /// The columns the file has, as far as it was decoded; `None` for formats that fix them.
    pub fn columns(&self) -> Option<FileColumns> {
        match &self.shape {
            Shape::Delimited(delimited) => delimited.columns(),
            Shape::Fixed(fixed) => fixed.columns(),
            Shape::Json(json) => json.columns(),
            Shape::Tokens(_) => None,
        }
    }

    /// Bytes of the file so far, without its header.
    pub fn unread_bytes(&self) -> u64 {
        let header = match &self.shape {
            Shape::Delimited(delimited) => delimited.header_bytes(),
            Shape::Fixed(fixed) => fixed.header_bytes(),
            Shape::Json(_) | Shape::Tokens(_) => 0,
        };
        self.input.size_bytes().saturating_sub(header as u64)
    }

    fn drain(&mut self, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        if !self.settle() {
            return Ok(());
        }
        self.input.hold_back(self.skipper.footer(), self.ends);
        loop {
            if self.overlong.is_some() && !self.skip_overlong(out) {
                self.wake_bytes = 0;
                return Ok(());
            }
            if !self.skip_lines()? {
                break;
            }
            match self.shape.cut(&self.input, self.limits, self.ends)? {
                Cut::More => break,
                Cut::Blank { next } => self.input.take(next),
                Cut::Record { to, next } => {
                    self.shape.read(raw(&self.input, to), out)?;
                    self.input.take(next);
                }
                Cut::Faulty { to, next, fault } => {
                    self.refuse_as_header(fault)?;
                    raw(&self.input, to).end_faulty(fault, self.limits.kept_faulty_bytes, out);
                    self.input.take(next);
                }
                Cut::TooLong { seen } => self.begin_overlong(seen)?,
            }
        }
        self.wake_bytes = self.input.waiting().len().saturating_mul(2);
        Ok(())
    }

    /// Detects encoding, line ends and escapes, and returns whether they are known.
    fn settle(&mut self) -> bool {
        let waiting = self.input.waiting();
        if self.is_settled || waiting.len() < self.limits.probe_bytes && !self.input.closed() {
            return self.is_settled;
        }
        let window = &waiting[..waiting.len().min(self.limits.probe_bytes)];
        self.ends = LineEnds::detect(window, self.shape.quote());
        self.skipper.set_ends(self.ends);
        let escape = self.shape.settle(window, self.ends);
        self.notes.extend(escape.map(|escape| {
            let escape = char::from(escape);
            format!("quotes within fields are escaped by {escape}; set escape = '{escape}' in the contract")
        }));
        self.notes.extend(self.input.unmarked().map(|encoding| {
            let name = if encoding == Encoding::Utf16Le { "utf-16le" } else { "utf-16be" };
            format!("the file is UTF-16 without a byte order mark; set encoding = \"{name}\" in the contract")
        }));
        self.is_settled = true;
        true
    }

    /// Skips lines that are not records, and returns whether a record may start now.
    fn skip_lines(&mut self) -> Result<bool, DecodeError> {
        if self.input.waiting().is_empty() {
            return Ok(true);
        }
        loop {
            if !self.input.take_invisible(self.shape.ignores_leading_nuls()) {
                return Ok(false);
            }
            if self.input.waiting().is_empty() {
                return Ok(true);
            }
            match self.skipper.check(&self.input, self.shape.next())? {
                Skipped::Nothing => return Ok(true),
                Skipped::More => return Ok(false),
                Skipped::Line { next } => self.input.take(next),
                Skipped::Part { within } => {
                    self.input.take(within);
                    return Ok(false);
                }
            }
        }
    }

    fn refuse_as_header(&self, fault: Fault) -> Result<(), DecodeError> {
        if self.shape.awaits_header() {
            return Err(DecodeError::BadHeader {
                byte: self.input.file_at(),
                reason: fault.code(),
            });
        }
        Ok(())
    }

    fn begin_overlong(&mut self, seen: usize) -> Result<(), DecodeError> {
        self.refuse_as_header(Fault::TooLong)?;
        let kept_bytes = self.limits.kept_faulty_bytes.min(self.limits.max_record_bytes);
        let whole = raw(&self.input, self.input.waiting().len());
        let kept = whole.kept(kept_bytes).into_owned();
        self.overlong = Some(Overlong { file_from: self.input.file_at(), kept });
        self.input.take(seen);
        Ok(())
    }

    /// Ends the record over the limit if its end is among the waiting bytes, and returns whether it was.
    fn skip_overlong(&mut self, out: &mut BatchBuilder) -> bool {
        let (to, next) = match self.shape.skip(&self.input, self.ends) {
            Ok(end) => end,
            Err(within) => {
                self.input.take(within);
                return false;
            }
        };
        self.input.take(to);
        if let Some(Overlong { file_from, kept }) = self.overlong.take() {
            let range = ByteRange { from: file_from, to: self.input.file_at() };
            out.end(range, Some(Fault::TooLong), Some(&kept));
        }
        self.input.take(next - to);
        true
    }
}

fn raw(input: &Input, to: usize) -> Raw<'_> {
    Raw { bytes: &input.waiting()[..to], widths: input.widths(), file_from: input.file_at() }
}
