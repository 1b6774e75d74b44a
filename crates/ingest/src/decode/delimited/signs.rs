//! The signs between and around the fields of a delimited dump.

use super::super::lines::LineEnds;
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memchr2};
use plant::contract::Escape;

/// The signs between and around fields.
#[derive(Debug, Clone)]
pub(super) struct Signs {
    pub delimiter: Delimiter,
    pub quote: Option<u8>,
    /// The byte that takes the special meaning from the sign behind it.
    pub escape: Option<u8>,
    pub ends: LineEnds,
}

/// What stands between fields.
#[derive(Debug, Clone)]
pub(super) enum Delimiter {
    /// A single byte, the common case.
    One(u8),
    Many(Box<Finder<'static>>),
}

impl Delimiter {
    pub fn new(text: &str) -> Self {
        match text.as_bytes() {
            [byte] => Self::One(*byte),
            bytes => Self::Many(Box::new(Finder::new(bytes).into_owned())),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::One(byte) => std::slice::from_ref(byte),
            Self::Many(finder) => finder.needle(),
        }
    }

    /// Calls `found` with the place of every delimiter in `line` and the place behind it.
    pub fn each(&self, line: &[u8], mut found: impl FnMut(usize, usize)) {
        match self {
            Self::One(byte) => memchr_iter(*byte, line).for_each(|at| found(at, at + 1)),
            Self::Many(finder) => {
                let len = finder.needle().len();
                finder.find_iter(line).for_each(|at| found(at, at + len));
            }
        }
    }
}

impl Signs {
    /// The signs as configured; [`Escape::Detect`] is none until it is detected.
    pub fn new(delimiter: &str, quote: Option<u8>, escape: Escape) -> Self {
        let escape = match escape {
            Escape::Byte(byte) => Some(byte).filter(|_| quote != Some(byte)),
            Escape::Detect | Escape::Never => None,
        };
        Self { delimiter: Delimiter::new(delimiter), quote, escape, ends: LineEnds::Lf }
    }

    /// Whether a line has neither quotes nor escapes.
    pub fn is_plain(&self, line: &[u8]) -> bool {
        match (self.quote, self.escape) {
            (None, None) => true,
            (Some(sign), None) | (None, Some(sign)) => memchr(sign, line).is_none(),
            (Some(quote), Some(escape)) => memchr2(quote, escape, line).is_none(),
        }
    }

    /// The first delimiter or line end in `bytes`, and whether it is a delimiter.
    pub fn find_end(&self, bytes: &[u8]) -> Option<(usize, bool)> {
        match &self.delimiter {
            Delimiter::One(byte) => {
                let found = self.ends.find_or(*byte, bytes)?;
                Some((found, bytes[found] == *byte))
            }
            Delimiter::Many(finder) => {
                let line = self.ends.find(bytes);
                let delimiter = finder.find(&bytes[..line.unwrap_or(bytes.len())]);
                delimiter.map(|at| (at, true)).or(line.map(|at| (at, false)))
            }
        }
    }

    /// How many blanks `bytes` begin with; a delimiter is none.
    pub fn blanks(&self, bytes: &[u8]) -> usize {
        let first = self.delimiter.bytes().first();
        bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t') && Some(*byte) != first).count()
    }

    /// How many bytes the sign behind an escape has, if escaping changes its meaning.
    pub fn escaped_len(&self, behind: &[u8]) -> Option<usize> {
        let delimiter = self.delimiter.bytes();
        match behind {
            [b'\r', b'\n', ..] => Some(2),
            [b'\r' | b'\n', ..] => Some(1),
            _ if behind.starts_with(delimiter) => Some(delimiter.len()),
            [byte, ..] if self.quote == Some(*byte) || self.escape == Some(*byte) => Some(1),
            _ => None,
        }
    }

    /// The text of a field without the signs that quote or escape parts of it. An escape in front
    /// of any other character stays, so that a word for unknown such as `\N` can be recognised;
    /// only where there are no quotes, letters stand for control characters as usual.
    pub fn decoded(&self, text: &str, is_quoted: bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut left = text;
        while !left.is_empty() {
            let (shown, taken) = self.first(left, is_quoted);
            out.push_str(shown);
            left = left.get(taken..).unwrap_or_default();
        }
        out
    }

    /// What the first sign of a field stands for, and how many bytes it has.
    fn first<'t>(&self, text: &'t str, is_quoted: bool) -> (&'t str, usize) {
        let plain = text.chars().next().map_or(text.len(), char::len_utf8);
        let byte = text.as_bytes().first().copied();
        let behind = text.as_bytes().get(1..).unwrap_or_default();
        if is_quoted && byte == self.quote && byte == behind.first().copied() {
            return (&text[..1], 2);
        }
        if byte != self.escape || byte.is_none() {
            return (&text[..plain], plain);
        }
        match (self.escaped_len(behind), self.control(behind)) {
            (Some(len), _) => (text.get(1..1 + len).unwrap_or_default(), 1 + len),
            (None, Some(control)) => (control, 2),
            (None, None) => (&text[..plain], plain),
        }
    }

    fn control(&self, behind: &[u8]) -> Option<&'static str> {
        match behind.first()? {
            _ if self.quote.is_some() => None,
            b'n' => Some("\n"),
            b'r' => Some("\r"),
            b't' => Some("\t"),
            _ => None,
        }
    }
}
