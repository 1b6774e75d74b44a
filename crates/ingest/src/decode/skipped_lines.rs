//! Lines of a text dump that are not records: they are counted and skipped.

use super::DecodeLimits;
use super::error::DecodeError;
use super::input::Input;
use super::lines::{self, Cut, LineEnds};
use plant::contract::{Contract, Lines};
use regex::bytes::{Regex, RegexBuilder};

/// Size of the compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// The result of [`Skipper::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    /// A line to skip, `next` bytes long.
    Line { next: usize },
    /// Part of a line to skip, after which more bytes are needed.
    Part { within: usize },
    /// More bytes are needed.
    More,
    /// No line to skip: a record starts here.
    Nothing,
}

/// Recognizes the lines that are not records.
#[derive(Debug)]
pub(super) struct Skipper {
    lines: Lines,
    pattern: Option<Regex>,
    /// Whether the next line may declare the delimiter.
    is_first: bool,
    ends: LineEnds,
    max_record_bytes: usize,
    /// Number of skipped lines.
    count: u64,
    /// The delimiter that the dump declares.
    declared: Option<String>,
}

/// What is known about the next record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next<'a> {
    /// Whether it is the header.
    pub is_header: bool,
    /// Whether the dump has a header.
    pub has_header: bool,
    /// The delimiter, if a line such as `sep=;` may declare it.
    pub delimiter: Option<&'a [u8]>,
}

impl Skipper {
    pub fn new(contract: &Contract, limits: DecodeLimits) -> Result<Self, DecodeError> {
        let lines = contract.lines.clone();
        let pattern = lines.skip_pattern.as_deref().map(|pattern| {
            RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build().map_err(|error| {
                let problem = format!("invalid skip_pattern: {error}");
                DecodeError::Contract { table: contract.table.clone(), problem }
            })
        });
        Ok(Self {
            pattern: pattern.transpose()?,
            lines,
            is_first: true,
            ends: LineEnds::Lf,
            max_record_bytes: limits.max_record_bytes,
            count: 0,
            declared: None,
        })
    }

    pub fn set_ends(&mut self, ends: LineEnds) {
        self.ends = ends;
    }

    /// Number of skipped lines, without those at the end.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The delimiter that the first line declares.
    pub fn declared_delimiter(&self) -> Option<&str> {
        self.declared.as_deref()
    }

    /// Number of lines at the end that are not records.
    pub fn footer(&self) -> u64 {
        self.lines.skip_footer
    }

    /// Checks the line at the first waiting byte, where a record could start.
    pub fn check(&mut self, input: &Input, next: Next<'_>) -> Result<Skipped, DecodeError> {
        if self.lines.skip > 0 {
            return Ok(self.skip(input, |lines| &mut lines.skip));
        }
        let is_after_header = next.has_header && !next.is_header;
        if is_after_header && self.lines.skip_after_header > 0 {
            return Ok(self.skip(input, |lines| &mut lines.skip_after_header));
        }
        let delimiter = next.delimiter.filter(|_| self.is_first);
        if delimiter.is_none() && self.pattern.is_none() {
            return Ok(Skipped::Nothing);
        }
        let (bytes, closed) = (input.waiting(), input.closed());
        let (to, end) = match lines::cut(bytes, self.max_record_bytes, closed, self.ends) {
            Cut::Record { to, next } => (to, next),
            Cut::More => return Ok(Skipped::More),
            Cut::TooLong { .. } | Cut::Blank { .. } | Cut::Faulty { .. } => {
                return Ok(Skipped::Nothing);
            }
        };
        let is_declaration = self.is_declaration(&bytes[..to], delimiter)?;
        self.is_first = false;
        let is_excluded = |pattern: &Regex| pattern.is_match(&bytes[..to]);
        if is_declaration || self.pattern.as_ref().is_some_and(is_excluded) {
            self.count += 1;
            return Ok(Skipped::Line { next: end });
        }
        Ok(Skipped::Nothing)
    }

    fn skip(&mut self, input: &Input, count: impl Fn(&mut Lines) -> &mut u64) -> Skipped {
        let waiting = input.waiting();
        match lines::skip(waiting, input.closed(), self.ends) {
            Ok((_, 0)) => Skipped::More,
            Ok((_, next)) => {
                *count(&mut self.lines) -= 1;
                self.count += 1;
                Skipped::Line { next }
            }
            Err(within) => Skipped::Part { within },
        }
    }

    /// Whether a line declares the delimiter, which must be that of the contract.
    fn is_declaration(
        &mut self,
        line: &[u8],
        delimiter: Option<&[u8]>,
    ) -> Result<bool, DecodeError> {
        let Some(expected) = delimiter else { return Ok(false) };
        let Some(found) = super::delimited::declared_delimiter(line) else { return Ok(false) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if found != expected {
            let (found, expected) = (text(found), text(expected));
            return Err(DecodeError::OtherDelimiter { found, expected });
        }
        self.declared = Some(text(found));
        Ok(true)
    }
}
