//! One record as it stands in the dump.

use super::input::Charset;
use crate::batch::{BatchBuilder, Fault, Place};
use std::borrow::Cow;

/// One record, line end excluded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a> {
    pub bytes: &'a [u8],
    pub charset: Charset,
    /// Where its first byte lies in the file.
    pub file_from: u64,
}

impl<'a> Raw<'a> {
    pub fn place(&self) -> Place {
        let to = self.file_from + self.charset.file_bytes(self.bytes);
        Place { from: self.file_from, to }
    }

    /// Its characters, `None` if they are not in the file's encoding.
    pub fn chars(&self) -> Option<Chars<'a>> {
        match self.charset {
            Charset::Latin1 => Some(Chars::Latin1(self.bytes)),
            Charset::Utf8 | Charset::FromUtf16 => {
                std::str::from_utf8(self.bytes).ok().map(Chars::Utf8)
            }
        }
    }

    /// Lands it as a record that cannot be read, with the first `kept_bytes` of its text.
    pub fn land_faulty(&self, fault: Fault, kept_bytes: usize, out: &mut BatchBuilder) {
        out.end(self.place(), Some(fault), Some(&self.kept(kept_bytes)));
    }

    /// At most its first `kept_bytes`, whole characters only, what is no text replaced.
    pub fn kept(&self, kept_bytes: usize) -> Cow<'a, str> {
        let kept = &self.bytes[..self.bytes.len().min(kept_bytes)];
        match self.charset {
            Charset::Latin1 => encoding_rs::mem::decode_latin1(kept),
            Charset::Utf8 | Charset::FromUtf16 if kept.len() < self.bytes.len() => {
                String::from_utf8_lossy(without_cut_char(kept))
            }
            Charset::Utf8 | Charset::FromUtf16 => String::from_utf8_lossy(kept),
        }
    }
}

/// `bytes` without a last character whose end is missing.
fn without_cut_char(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// The characters of one record, cut at byte positions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chars<'a> {
    Utf8(&'a str),
    Latin1(&'a [u8]),
}

impl<'a> Chars<'a> {
    /// The text of bytes `from..to`, empty if there are none such.
    pub fn slice(&self, from: usize, to: usize) -> Cow<'a, str> {
        match self {
            Self::Utf8(text) => Cow::Borrowed(text.get(from..to).unwrap_or_default()),
            Self::Latin1(bytes) => {
                encoding_rs::mem::decode_latin1(bytes.get(from..to).unwrap_or_default())
            }
        }
    }

    /// The text of the whole record.
    pub fn whole(&self) -> Cow<'a, str> {
        match self {
            Self::Utf8(text) => Cow::Borrowed(text),
            Self::Latin1(bytes) => encoding_rs::mem::decode_latin1(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_text_is_whole_characters() {
        let check = |bytes: &[u8], kept_bytes, charset, expected: &str| {
            let raw = Raw { bytes, charset, file_from: 0 };
            assert_eq!(raw.kept(kept_bytes), expected);
        };
        check("a€b".as_bytes(), 9, Charset::Utf8, "a€b");
        check("a€b".as_bytes(), 4, Charset::Utf8, "a€");
        check("a€b".as_bytes(), 3, Charset::Utf8, "a");
        check(b"a\xFFb", 9, Charset::Utf8, "a\u{fffd}b");
        check(b"a\xFFb", 2, Charset::Utf8, "a\u{fffd}");
        check(b"a\xFFb", 9, Charset::Latin1, "aÿb");
    }
}
