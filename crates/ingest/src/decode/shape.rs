//! The text formats of dumps, each with its decoder.

use super::DecodeLimits;
use super::delimited::Delimited;
use super::error::DecodeError;
use super::fixed::Fixed;
use super::input::Input;
use super::json::Json;
use super::lines::{self, Cut, LineEnds};
use super::raw::Raw;
use super::skipped_lines::Next;
use super::tokens::Tokens;
use batches::batch::BatchBuilder;
use plant::contract::{Contract, Format};

/// The format of the text.
#[derive(Debug)]
pub(super) enum Shape {
    Delimited(Box<Delimited>),
    Json(Box<Json>),
    Tokens(Box<Tokens>),
    Fixed(Fixed),
}

impl Shape {
    pub fn new(contract: &Contract, limits: DecodeLimits) -> Result<Self, DecodeError> {
        Ok(match &contract.format {
            Format::Delimited { delimiter, quote, escape, header } => {
                let dialect = (delimiter.as_str(), *quote, *escape);
                Self::Delimited(Box::new(Delimited::new(contract, dialect, *header, limits)?))
            }
            Format::JsonLines | Format::JsonArray => {
                Self::Json(Box::new(Json::new(contract, limits)))
            }
            Format::Tokens { pattern } => {
                Self::Tokens(Box::new(Tokens::new(contract, pattern, limits)?))
            }
            Format::Fixed { header } => Self::Fixed(Fixed::new(contract, *header, limits)?),
            Format::Parquet | Format::Workbook { .. } | Format::CopyText | Format::Message => {
                let problem = "its format is not a text format of dumps".to_owned();
                return Err(DecodeError::Contract { table: contract.table.clone(), problem });
            }
        })
    }

    pub fn awaits_header(&self) -> bool {
        match self {
            Self::Delimited(delimited) => delimited.awaits_header(),
            Self::Fixed(fixed) => fixed.awaits_header(),
            Self::Json(_) | Self::Tokens(_) => false,
        }
    }

    pub fn next(&self) -> Next<'_> {
        let (has_header, delimiter) = match self {
            Self::Delimited(it) => (it.has_header(), Some(it.delimiter())),
            Self::Fixed(fixed) => (fixed.has_header(), None),
            Self::Json(_) | Self::Tokens(_) => (false, None),
        };
        Next { is_header: self.awaits_header(), has_header, delimiter }
    }

    /// Whether NULs before a record are ignored. In fixed-width text they are part of a column.
    pub fn ignores_leading_nuls(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    pub fn quote(&self) -> Option<u8> {
        match self {
            Self::Delimited(delimited) => delimited.quote(),
            Self::Json(_) => Some(b'"'),
            Self::Tokens(_) | Self::Fixed(_) => None,
        }
    }

    /// See [`Delimited::settle`].
    pub fn settle(&mut self, window: &[u8], ends: LineEnds) -> Option<u8> {
        match self {
            Self::Delimited(delimited) => return delimited.settle(window, ends),
            Self::Json(json) => json.set_ends(ends),
            Self::Tokens(_) | Self::Fixed(_) => {}
        }
        None
    }

    /// Number of skipped records.
    pub fn skipped(&self) -> u64 {
        match self {
            Self::Delimited(delimited) => delimited.skipped(),
            Self::Fixed(fixed) => fixed.skipped(),
            Self::Json(_) | Self::Tokens(_) => 0,
        }
    }

    pub fn cut(
        &mut self,
        input: &Input,
        limits: DecodeLimits,
        ends: LineEnds,
    ) -> Result<Cut, DecodeError> {
        let (bytes, closed) = (input.waiting(), input.closed());
        match self {
            Self::Delimited(delimited) => Ok(delimited.cut(bytes, input.taken(), closed)),
            Self::Json(json) => json.cut(bytes, input.file_at(), closed),
            Self::Tokens(_) | Self::Fixed(_) => {
                Ok(lines::cut(bytes, limits.max_record_bytes, closed, ends))
            }
        }
    }

    pub fn skip(&mut self, input: &Input, ends: LineEnds) -> Result<(usize, usize), usize> {
        match self {
            Self::Json(json) => json.skip(input.waiting(), input.closed()),
            _ => lines::skip(input.waiting(), input.closed(), ends),
        }
    }

    pub fn read(&mut self, raw: Raw<'_>, out: &mut BatchBuilder) -> Result<(), DecodeError> {
        match self {
            Self::Delimited(delimited) => return delimited.read(raw, out),
            Self::Fixed(fixed) => return fixed.read(raw, out),
            Self::Json(json) => json.read(raw, out),
            Self::Tokens(tokens) => tokens.read(raw, out),
        }
        Ok(())
    }
}
