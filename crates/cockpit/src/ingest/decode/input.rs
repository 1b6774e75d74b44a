//! The part of a dump that waits to be decoded, as characters, and where they lie in the file.

use super::error::DecodeError;
use plant::contract::Encoding;

/// Longest byte order mark.
const MARK_BYTES: usize = 3;

/// How the waiting bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// UTF-8 as it came.
    Utf8,
    /// UTF-8 made from UTF-16. Half a surrogate pair is kept as its three bytes, which are not
    /// UTF-8, so that only the record it stands in is bad.
    FromUtf16,
    /// One byte per character.
    Latin1,
}

impl Charset {
    /// How many bytes of the file became these bytes. Adds up over any split.
    pub fn file_bytes(self, bytes: &[u8]) -> u64 {
        match self {
            Self::Utf8 | Self::Latin1 => bytes.len() as u64,
            Self::FromUtf16 => bytes.iter().map(|&byte| utf16_bytes(byte)).sum(),
        }
    }
}

/// Bytes in UTF-16 of the character that begins with `byte` in UTF-8; none for the bytes after it.
fn utf16_bytes(byte: u8) -> u64 {
    match byte {
        0x00..=0x7F | 0xC0..=0xEF => 2,
        0x80..=0xBF => 0,
        0xF0..=0xFF => 4,
    }
}

/// The bytes of a dump that are not decoded yet.
#[derive(Debug)]
pub(super) struct Input {
    encoding: Encoding,
    charset: Charset,
    /// The first bytes, until there are enough to look for a byte order mark.
    head: Option<Vec<u8>>,
    utf16: Utf16,
    bytes: Vec<u8>,
    start: usize,
    file_at: u64,
    taken: u64,
    size_bytes: u64,
    closed: bool,
}

impl Input {
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            charset: Charset::Utf8,
            head: Some(Vec::new()),
            utf16: Utf16::default(),
            bytes: Vec::new(),
            start: 0,
            file_at: 0,
            taken: 0,
            size_bytes: 0,
            closed: false,
        }
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        self.bytes.drain(..self.start);
        self.start = 0;
        match &mut self.head {
            None => self.append(bytes),
            Some(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= MARK_BYTES {
                    self.settle();
                }
            }
        }
    }

    /// Says that the file ends here. Fails with [`DecodeError::OddUtf16`] inside a character.
    pub fn close(&mut self) -> Result<(), DecodeError> {
        self.closed = true;
        self.settle();
        if self.utf16.half.is_some() {
            return Err(DecodeError::OddUtf16 { size_bytes: self.size_bytes });
        }
        self.utf16.flush(&mut self.bytes);
        Ok(())
    }

    /// What is not taken yet.
    pub fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Takes the next `len` bytes off.
    pub fn take(&mut self, len: usize) {
        let len = len.min(self.waiting().len());
        self.file_at += self.charset.file_bytes(&self.waiting()[..len]);
        self.taken += len as u64;
        self.start += len;
    }

    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Where the first waiting byte lies in the file.
    pub fn file_at(&self) -> u64 {
        self.file_at
    }

    /// How many bytes were taken, which names a waiting byte whatever the charset.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Size of the file as far as it was pushed.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Whether no bytes will follow those that wait.
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// Memory held.
    #[cfg(test)]
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn settle(&mut self) {
        let Some(head) = self.head.take() else { return };
        let (found, mark_bytes) = detect(self.encoding, &head);
        self.charset = match found {
            Encoding::Utf8 => Charset::Utf8,
            Encoding::Latin1 => Charset::Latin1,
            Encoding::Utf16Le | Encoding::Utf16Be => Charset::FromUtf16,
        };
        self.utf16.big_endian = found == Encoding::Utf16Be;
        self.file_at = mark_bytes as u64;
        self.append(&head[mark_bytes..]);
    }

    fn append(&mut self, bytes: &[u8]) {
        match self.charset {
            Charset::Utf8 | Charset::Latin1 => self.bytes.extend_from_slice(bytes),
            Charset::FromUtf16 => self.utf16.push(bytes, &mut self.bytes),
        }
    }
}

/// The encoding of a file that begins with `head`, and the size of its byte order mark in bytes.
fn detect(told: Encoding, head: &[u8]) -> (Encoding, usize) {
    match head {
        _ if told == Encoding::Latin1 => (told, 0),
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
        _ => (told, 0),
    }
}

/// Turns UTF-16 into UTF-8, wherever a chunk ends.
#[derive(Debug, Default)]
struct Utf16 {
    big_endian: bool,
    half: Option<u8>,
    high: Option<u16>,
}

impl Utf16 {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            match self.half.take() {
                None => self.half = Some(byte),
                Some(first) if self.big_endian => self.unit(u16::from_be_bytes([first, byte]), out),
                Some(first) => self.unit(u16::from_le_bytes([first, byte]), out),
            }
        }
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        match (self.high.take(), unit) {
            (None, 0xD800..=0xDBFF) => self.high = Some(unit),
            (None, _) => push_unit(unit, out),
            (Some(high), 0xDC00..=0xDFFF) => push_pair(high, unit, out),
            (Some(high), _) => {
                push_unit(high, out);
                self.unit(unit, out);
            }
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            push_unit(high, out);
        }
    }
}

/// Appends one character, or the three bytes of half a surrogate pair.
fn push_unit(unit: u16, out: &mut Vec<u8>) {
    let low = |shift: u16| 0x80 | ((unit >> shift) & 0x3F) as u8;
    match unit {
        0x0000..=0x007F => out.push(unit as u8),
        0x0080..=0x07FF => out.extend([0xC0 | (unit >> 6) as u8, low(0)]),
        0x0800..=0xFFFF => out.extend([0xE0 | (unit >> 12) as u8, low(6), low(0)]),
    }
}

fn push_pair(high: u16, low: u16, out: &mut Vec<u8>) {
    for character in char::decode_utf16([high, low]).flatten() {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(told: Encoding, file: &[u8], expected: &str, mark_bytes: u64) {
        for chunk in 1..=file.len() {
            let mut input = Input::new(told);
            file.chunks(chunk).for_each(|bytes| input.push(bytes));
            input.close().unwrap();
            assert_eq!(String::from_utf8_lossy(input.waiting()), expected, "chunks of {chunk}");
            assert_eq!(input.file_at(), mark_bytes);
            input.take(usize::MAX);
            assert_eq!(input.file_at(), file.len() as u64, "chunks of {chunk}");
        }
    }

    fn utf16(text: &str, unit: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn every_encoding_gives_text_and_true_positions() {
        let text = "aß€😀z";
        check(Encoding::Utf8, text.as_bytes(), text, 0);
        check(Encoding::Utf8, format!("\u{feff}{text}").as_bytes(), text, 3);
        check(Encoding::Utf16Le, &utf16(text, u16::to_le_bytes), text, 0);
        check(Encoding::Utf16Be, &utf16(text, u16::to_be_bytes), text, 0);
        let marked = format!("\u{feff}{text}");
        check(Encoding::Utf8, &utf16(&marked, u16::to_le_bytes), text, 2);
        check(Encoding::Utf8, &utf16(&marked, u16::to_be_bytes), text, 2);
        check(Encoding::Utf16Le, &utf16(&marked, u16::to_be_bytes), text, 2);
        check(Encoding::Utf16Be, marked.as_bytes(), text, 3);
        check(Encoding::Utf8, b"a", "a", 0);
    }

    #[test]
    fn half_a_pair_is_bad_text_of_the_right_size() {
        let units = [0x61, 0xD800, 0x62, 0xDC00, 0xD800, 0xD83D, 0xDE00, 0xDBFF];
        let file: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
        let bad = "\u{fffd}\u{fffd}\u{fffd}";
        check(Encoding::Utf16Le, &file, &format!("a{bad}b{bad}{bad}😀{bad}"), 0);
    }

    #[test]
    fn odd_utf16_is_refused() {
        let mut input = Input::new(Encoding::Utf16Le);
        input.push(b"a\0b");
        assert!(matches!(input.close(), Err(DecodeError::OddUtf16 { size_bytes: 3 })));
    }
}
