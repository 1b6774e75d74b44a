//! The special characters of a delimited dump.

use crate::decode::lines::LineEnds;
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memchr2};
use plant::contract::Escape;

/// The special characters between and around fields.
#[derive(Debug, Clone)]
pub(super) struct Signs {
    pub delimiter: Delimiter,
    pub quote: Option<u8>,
    /// The byte that makes the special character after it literal.
    pub escape: Option<u8>,
    pub ends: LineEnds,
}

/// The delimiter between fields.
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

    /// Calls `found` with the start and the end of every delimiter in `line`.
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
    /// The characters as configured. With [`Escape::Detect`] there is no escape until one is detected.
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

    /// Number of spaces and tabs at the start of `bytes`, up to a delimiter.
    pub fn blanks(&self, bytes: &[u8]) -> usize {
        let first = self.delimiter.bytes().first();
        bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t') && Some(*byte) != first).count()
    }

    /// Length of the character after an escape, if escaping changes its meaning.
    pub fn escaped_len(&self, after: &[u8]) -> Option<usize> {
        let delimiter = self.delimiter.bytes();
        match after {
            [b'\r', b'\n', ..] => Some(2),
            [b'\r' | b'\n', ..] => Some(1),
            _ if after.starts_with(delimiter) => Some(delimiter.len()),
            [byte, ..] if self.quote == Some(*byte) || self.escape == Some(*byte) => Some(1),
            _ => None,
        }
    }

    /// The text of a field without quotes and escapes. An escape before an ordinary character is kept, so that
    /// a null marker such as `\N` can be recognized; only in files without quotes, `\n`, `\r` and `\t` are
    /// control characters.
    pub fn unescape(&self, text: &str, is_quoted: bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut left = text;
        while !left.is_empty() {
            let (text, length) = self.first(left, is_quoted);
            out.push_str(text);
            left = left.get(length..).unwrap_or_default();
        }
        out
    }

    /// The text of the first character or escape sequence, and its length.
    fn first<'t>(&self, text: &'t str, is_quoted: bool) -> (&'t str, usize) {
        let plain = text.chars().next().map_or(text.len(), char::len_utf8);
        let byte = text.as_bytes().first().copied();
        let after = text.as_bytes().get(1..).unwrap_or_default();
        if is_quoted && byte == self.quote && byte == after.first().copied() {
            return (&text[..1], 2);
        }
        if byte != self.escape || byte.is_none() {
            return (&text[..plain], plain);
        }
        match (self.escaped_len(after), self.control(after)) {
            (Some(len), _) => (text.get(1..1 + len).unwrap_or_default(), 1 + len),
            (None, Some(control)) => (control, 2),
            (None, None) => (&text[..plain], plain),
        }
    }

    fn control(&self, after: &[u8]) -> Option<&'static str> {
        match after.first()? {
            _ if self.quote.is_some() => None,
            b'n' => Some("\n"),
            b'r' => Some("\r"),
            b't' => Some("\t"),
            _ => None,
        }
    }
}
