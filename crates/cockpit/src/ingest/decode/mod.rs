//! Turns the bytes of a dump into records.
//!
//! *In*: the bytes of one file, decompressed, in chunks of any size; for Parquet the file itself.
//! *Out*: records in a [`BatchBuilder`], every field as text; for Parquet finished batches.
//! *Promise*: the same bytes give the same records whatever the chunks. Every record lands, a bad
//! one with its fault and the beginning of its text, and costs no other record. Positions are those
//! of the file in every encoding. Memory stays within a few times [`Limits::max_record_bytes`].

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
mod raw;
#[cfg(test)]
mod real;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tokens;

pub use error::DecodeError;

use crate::batch::{BatchBuilder, Fault, Place};
use delimited::Delimited;
use fixed::Fixed;
use input::Input;
use json::Objects;
use json::array::Array;
use lines::Cut;
use plant::contract::{Contract, Format};
use raw::Raw;
use tokens::Tokens;

/// How much a decoder may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest record that is read; a longer one lands with [`Fault::TooLong`]. UTF-16 counts
    /// as if it were UTF-8.
    pub max_record_bytes: usize,
    /// How much of the text of a record that cannot be read is kept in `rest`.
    pub kept_faulty_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_record_bytes: 1 << 20, kept_faulty_bytes: 4 << 10 }
    }
}

/// A chunk is decoded in pieces of this size, so that a large one needs no more memory.
const PIECE_BYTES: usize = 64 << 10;

/// Decodes one text dump.
///
/// Feed it the file from its first byte, then finish it. After an error it is spent.
#[derive(Debug)]
pub struct Decoder {
    input: Input,
    shape: Shape,
    limits: Limits,
    overlong: Option<Overlong>,
    /// Fewer waiting bytes than this are not looked at: a record that arrives in many small chunks
    /// would else be looked at from its beginning with every one of them.
    wake_bytes: usize,
}

/// How the text is laid out.
#[derive(Debug)]
enum Shape {
    Delimited(Box<Delimited>),
    JsonLines(Objects),
    JsonArray(Array, Objects),
    Tokens(Box<Tokens>),
    Fixed(Fixed),
}

/// A record over the limit whose end was not seen yet.
#[derive(Debug)]
struct Overlong {
    file_from: u64,
    kept: String,
}

impl Decoder {
    /// A decoder for one file of this contract. Fails with [`DecodeError::Contract`] if the
    /// contract cannot be decoded as text, as is the case for Parquet.
    pub fn new(contract: &Contract, limits: Limits) -> Result<Self, DecodeError> {
        Ok(Self {
            input: Input::new(contract.encoding),
            shape: Shape::new(contract, limits)?,
            limits,
            overlong: None,
            wake_bytes: 0,
        })
    }

    /// Decodes the next bytes of the file. Records may land with a later call, but at the latest
    /// with [`Decoder::finish`].
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

    /// Says that the file ends here, and lands what is left of it.
    pub fn finish(&mut self, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        if self.input.closed() {
            return Ok(());
        }
        // What is wrong before the end is told first, as it would have been by larger chunks.
        self.drain(out)?;
        self.input.close()?;
        self.drain(out)?;
        if self.shape.awaits_header() {
            return Err(DecodeError::NoHeader { size_bytes: self.input.size_bytes() });
        }
        Ok(())
    }

    fn drain(&mut self, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        loop {
            if self.overlong.is_some() && !self.skip(out) {
                self.wake_bytes = 0;
                return Ok(());
            }
            match self.shape.cut(&self.input, self.limits)? {
                Cut::More => break,
                Cut::Blank { next } => self.input.take(next),
                Cut::Record { to, next } => {
                    self.shape.read(raw(&self.input, to), out)?;
                    self.input.take(next);
                }
                Cut::Faulty { to, next, fault } => {
                    self.refuse_as_header(fault)?;
                    raw(&self.input, to).land_faulty(fault, self.limits.kept_faulty_bytes, out);
                    self.input.take(next);
                }
                Cut::TooLong { seen } => self.begin_overlong(seen)?,
            }
        }
        self.wake_bytes = self.input.waiting().len().saturating_mul(2);
        Ok(())
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
        let kept = raw(&self.input, seen.min(self.limits.max_record_bytes))
            .kept(self.limits.kept_faulty_bytes)
            .into_owned();
        self.overlong = Some(Overlong { file_from: self.input.file_at(), kept });
        self.input.take(seen);
        Ok(())
    }

    /// Lands the record over the limit if its end is in sight, and says whether it was.
    fn skip(&mut self, out: &mut BatchBuilder) -> bool {
        let (to, next) = match self.shape.skip(&self.input) {
            Ok(end) => end,
            Err(within) => {
                self.input.take(within);
                return false;
            }
        };
        self.input.take(to);
        if let Some(Overlong { file_from, kept }) = self.overlong.take() {
            let place = Place { from: file_from, to: self.input.file_at() };
            out.end(place, Some(Fault::TooLong), Some(&kept));
        }
        self.input.take(next - to);
        true
    }
}

fn raw(input: &Input, to: usize) -> Raw<'_> {
    Raw { bytes: &input.waiting()[..to], charset: input.charset(), file_from: input.file_at() }
}

impl Shape {
    fn new(contract: &Contract, limits: Limits) -> Result<Self, DecodeError> {
        Ok(match &contract.format {
            Format::Delimited { delimiter, quote, header } => {
                let signs = (*delimiter, *quote, *header);
                Self::Delimited(Box::new(Delimited::new(contract, signs, limits)?))
            }
            Format::JsonLines => Self::JsonLines(Objects::new(contract, limits)),
            Format::JsonArray => {
                let array = Array::new(limits.max_record_bytes);
                Self::JsonArray(array, Objects::new(contract, limits))
            }
            Format::Tokens { pattern } => {
                Self::Tokens(Box::new(Tokens::new(contract, pattern, limits)?))
            }
            Format::Fixed { header } => Self::Fixed(Fixed::new(contract, *header, limits)?),
            Format::Parquet | Format::Message => {
                let problem = "its format is no text format of dumps".to_owned();
                return Err(DecodeError::Contract { table: contract.table.clone(), problem });
            }
        })
    }

    fn awaits_header(&self) -> bool {
        match self {
            Self::Delimited(delimited) => delimited.awaits_header(),
            Self::Fixed(fixed) => fixed.awaits_header(),
            Self::JsonLines(_) | Self::JsonArray(..) | Self::Tokens(_) => false,
        }
    }

    fn cut(&mut self, input: &Input, limits: Limits) -> Result<Cut, DecodeError> {
        let (bytes, closed) = (input.waiting(), input.closed());
        match self {
            Self::Delimited(delimited) => Ok(delimited.cut(bytes, input.taken(), closed)),
            Self::JsonArray(array, _) => array.cut(bytes, input.file_at(), closed),
            Self::JsonLines(_) | Self::Tokens(_) | Self::Fixed(_) => {
                Ok(lines::cut(bytes, limits.max_record_bytes, closed))
            }
        }
    }

    fn skip(&mut self, input: &Input) -> Result<(usize, usize), usize> {
        match self {
            Self::JsonArray(array, _) => array.skip(input.waiting(), input.closed()),
            _ => lines::skip(input.waiting(), input.closed()),
        }
    }

    fn read(&mut self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        match self {
            Self::Delimited(delimited) => return delimited.read(raw, out),
            Self::Fixed(fixed) => return fixed.read(raw, out),
            Self::JsonLines(objects) | Self::JsonArray(_, objects) => objects.read(raw, out),
            Self::Tokens(tokens) => tokens.read(raw, out),
        }
        Ok(())
    }
}
