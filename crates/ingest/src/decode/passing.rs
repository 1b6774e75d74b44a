//! Lines of a text dump that are no records: counted and passed over.

use super::DecodeLimits;
use super::error::DecodeError;
use super::input::Input;
use super::lines::{self, Cut, LineEnds};
use plant::contract::{Contract, Lines};
use regex::bytes::{Regex, RegexBuilder};

/// Size of the compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// What passing over lines came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// A line, `next` bytes long.
    Line { next: usize },
    /// Part of a line, after which more bytes are needed.
    Part { within: usize },
    /// More bytes are needed.
    More,
    /// None: here begins a record.
    Nothing,
}

/// Tells the lines that are no records.
#[derive(Debug)]
pub(super) struct Passing {
    lines: Lines,
    pattern: Option<Regex>,
    /// Whether the next line can be one that names the delimiter.
    is_first: bool,
    ends: LineEnds,
    max_record_bytes: usize,
    /// Lines that were passed over.
    count: u64,
    /// The delimiter that the dump itself names.
    named: Option<String>,
}

/// What has to be known about the record that comes next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next<'a> {
    /// Whether it is the header.
    pub is_header: bool,
    /// Whether the dump has a header.
    pub has_header: bool,
    /// The delimiter, if a line such as `sep=;` may name it.
    pub delimiter: Option<&'a [u8]>,
}

impl Passing {
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
            named: None,
        })
    }

    pub fn set_ends(&mut self, ends: LineEnds) {
        self.ends = ends;
    }

    /// How many lines were passed over, those at the end not counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The delimiter that a line at the beginning names.
    pub fn named(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// How many lines at the end are no records.
    pub fn footer(&self) -> u64 {
        self.lines.skip_footer
    }

    /// Looks at the line that begins with the first waiting byte, where a record could begin.
    pub fn look(&mut self, input: &Input, next: Next<'_>) -> Result<Passed, DecodeError> {
        if self.lines.skip > 0 {
            return Ok(self.skip(input, |lines| &mut lines.skip));
        }
        let is_behind_header = next.has_header && !next.is_header;
        if is_behind_header && self.lines.skip_after_header > 0 {
            return Ok(self.skip(input, |lines| &mut lines.skip_after_header));
        }
        let delimiter = next.delimiter.filter(|_| self.is_first);
        if delimiter.is_none() && self.pattern.is_none() {
            return Ok(Passed::Nothing);
        }
        let (bytes, closed) = (input.waiting(), input.closed());
        let (to, end) = match lines::cut(bytes, self.max_record_bytes, closed, self.ends) {
            Cut::Record { to, next } => (to, next),
            Cut::More => return Ok(Passed::More),
            Cut::TooLong { .. } | Cut::Blank { .. } | Cut::Faulty { .. } => {
                return Ok(Passed::Nothing);
            }
        };
        let is_naming = self.names_delimiter(&bytes[..to], delimiter)?;
        self.is_first = false;
        let is_passed = |pattern: &Regex| pattern.is_match(&bytes[..to]);
        if is_naming || self.pattern.as_ref().is_some_and(is_passed) {
            self.count += 1;
            return Ok(Passed::Line { next: end });
        }
        Ok(Passed::Nothing)
    }

    fn skip(&mut self, input: &Input, count: impl Fn(&mut Lines) -> &mut u64) -> Passed {
        let waiting = input.waiting();
        match lines::skip(waiting, input.closed(), self.ends) {
            Ok((_, 0)) => Passed::More,
            Ok((_, next)) => {
                *count(&mut self.lines) -= 1;
                self.count += 1;
                Passed::Line { next }
            }
            Err(within) => Passed::Part { within },
        }
    }

    fn names_delimiter(
        &mut self,
        line: &[u8],
        delimiter: Option<&[u8]>,
    ) -> Result<bool, DecodeError> {
        let Some(expected) = delimiter else { return Ok(false) };
        let Some(found) = super::delimited::named_delimiter(line) else { return Ok(false) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if found != expected {
            let (found, expected) = (text(found), text(expected));
            return Err(DecodeError::OtherDelimiter { found, expected });
        }
        self.named = Some(text(found));
        Ok(true)
    }
}
