//! One record as it is in the dump.

use super::charset::Widths;
use batches::batch::{BatchBuilder, ByteRange, Fault};
use std::borrow::Cow;

/// One record as UTF-8, line end excluded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a> {
    pub bytes: &'a [u8],
    pub widths: Widths<'a>,
    /// Position of its first byte in the file.
    pub file_from: u64,
}

impl<'a> Raw<'a> {
    /// The bytes of the file that it consists of.
    pub fn range(&self) -> ByteRange {
        let to = self.file_from + self.widths.file_bytes(self.bytes);
        ByteRange { from: self.file_from, to }
    }

    /// A part of it, by its bytes.
    pub fn part(&self, from: usize, to: usize) -> Self {
        let before = self.bytes.get(..from).unwrap_or(self.bytes);
        Self {
            bytes: self.bytes.get(from..to).unwrap_or_default(),
            widths: self.widths.from(from),
            file_from: self.file_from + self.widths.file_bytes(before),
        }
    }

    /// Its characters, `None` if the bytes are not text in the encoding of the file.
    pub fn chars(&self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes).ok()
    }

    /// Adds it as a faulty record, with the first `kept_bytes` of its text.
    pub fn end_faulty(&self, fault: Fault, kept_bytes: usize, out: &mut BatchBuilder) {
        out.end(self.range(), Some(fault), Some(&self.kept(kept_bytes)));
    }

    /// At most its first `kept_bytes`, in whole characters, with bytes that are not text replaced.
    pub fn kept(&self, kept_bytes: usize) -> Cow<'a, str> {
        let kept = &self.bytes[..self.bytes.len().min(kept_bytes)];
        let is_cut = kept.len() < self.bytes.len();
        String::from_utf8_lossy(if is_cut { without_cut_char(kept) } else { kept })
    }
}

/// `bytes` without a last character that is incomplete.
fn without_cut_char(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(bytes: &[u8]) -> Raw<'_> {
        Raw { bytes, widths: Widths::Same, file_from: 5 }
    }

    #[test]
    fn the_kept_text_is_whole_characters() {
        let check = |bytes: &[u8], kept_bytes, expected: &str| {
            assert_eq!(raw(bytes).kept(kept_bytes), expected);
        };
        check("a€b".as_bytes(), 9, "a€b");
        check("a€b".as_bytes(), 4, "a€");
        check("a€b".as_bytes(), 3, "a");
        check(b"a\xFFb", 9, "a\u{fffd}b");
        check(b"a\xFFb", 2, "a\u{fffd}");
    }

    #[test]
    fn a_part_has_its_own_position() {
        let part = Raw { widths: Widths::Utf16, ..raw("a€b".as_bytes()) }.part(1, 5);
        assert_eq!((part.bytes, part.range()), ("€b".as_bytes(), ByteRange { from: 7, to: 11 }));
        let widths = Widths::Each(&[1, 2, 0, 0, 1]);
        let part = Raw { widths, ..raw("a€b".as_bytes()) }.part(1, 5);
        assert_eq!(part.range(), ByteRange { from: 6, to: 9 });
    }
}
