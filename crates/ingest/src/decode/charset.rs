//! Converts the bytes of a file from any encoding to UTF-8.
//!
//! *In*: the bytes of a file in chunks of any size. *Out*: the same text as UTF-8. *Promise*: bytes that
//! are invalid in their encoding become bytes that are invalid in UTF-8, so that only their record is
//! faulty, and the width in the file of every character is known.

use encoding_rs::DecoderResult;
use plant::contract::Encoding;
use std::fmt;

/// Number of bytes that are examined to detect the encoding of a file.
pub(super) const HEAD_BYTES: usize = 1024;

/// A byte that never occurs in UTF-8; it replaces a sequence that is invalid in its encoding.
const INVALID: u8 = 0xFF;

/// The detected encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detected {
    pub encoding: Encoding,
    /// Size of the byte order mark, in bytes.
    pub mark_bytes: usize,
    /// Whether it is UTF-16 without a byte order mark that is not configured.
    pub is_unmarked: bool,
}

/// Detects the encoding of a file from `head`, its first [`HEAD_BYTES`] or all of it.
pub(super) fn detect(configured: Encoding, head: &[u8]) -> Detected {
    let marked = |encoding, mark_bytes| Detected { encoding, mark_bytes, is_unmarked: false };
    match head {
        [0xEF, 0xBB, 0xBF, ..] => marked(Encoding::Utf8, 3),
        [0xFF, 0xFE, ..] => marked(Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => marked(Encoding::Utf16Be, 2),
        _ if matches!(configured, Encoding::Utf16Le | Encoding::Utf16Be) => marked(configured, 0),
        _ => match unmarked_utf16(head) {
            Some(encoding) => Detected { encoding, mark_bytes: 0, is_unmarked: true },
            None => marked(configured, 0),
        },
    }
}

/// Detects UTF-16 without a byte order mark: the upper bytes of Latin letters, digits, delimiters and line
/// ends are zero, and lower bytes rarely are. No other encoding has zeros in text.
fn unmarked_utf16(head: &[u8]) -> Option<Encoding> {
    /// Fewer characters than this show nothing.
    const FEWEST: usize = 2;
    /// At least one upper byte in so many is zero, even if most of the text is not Latin.
    const UPPER: usize = 4;
    /// At most one lower byte is zero per so many zero upper bytes.
    const LOWER: usize = 8;
    let units = head.chunks_exact(2);
    let count = units.len();
    let (mut even, mut odd) = (0, 0);
    for unit in units {
        even += usize::from(unit[0] == 0);
        odd += usize::from(unit[1] == 0);
    }
    let is_upper = |upper: usize, lower: usize| upper * UPPER >= count && lower * LOWER <= upper;
    if count < FEWEST {
        return None;
    }
    let little = is_upper(odd, even).then_some(Encoding::Utf16Le);
    little.or(is_upper(even, odd).then_some(Encoding::Utf16Be))
}

/// The widths in the file of the characters of a piece of UTF-8.
#[derive(Debug, Clone, Copy)]
pub(super) enum Widths<'a> {
    /// Each byte is a byte of the file.
    Same,
    /// The file is UTF-16.
    Utf16,
    /// Each character is one byte of the file.
    One,
    /// The width at the first byte of each character, and 0 at its other bytes.
    Each(&'a [u8]),
}

impl Widths<'_> {
    /// Number of bytes of the file that became `bytes`. Additive over any split.
    pub fn file_bytes(self, bytes: &[u8]) -> u64 {
        match self {
            Self::Same => bytes.len() as u64,
            Self::Utf16 => bytes.iter().map(|&byte| utf16_bytes(byte)).sum(),
            Self::One => bytes.iter().map(|&byte| u64::from(!matches!(byte, 0x80..=0xBF))).sum(),
            Self::Each(widths) => {
                widths.iter().take(bytes.len()).map(|&width| u64::from(width)).sum()
            }
        }
    }

    /// The widths from byte `from` on.
    pub fn from(self, from: usize) -> Self {
        match self {
            Self::Each(widths) => Self::Each(widths.get(from..).unwrap_or_default()),
            other => other,
        }
    }
}

/// Bytes in UTF-16 of the character that starts with `byte` in UTF-8; 0 for the bytes after it.
fn utf16_bytes(byte: u8) -> u64 {
    match byte {
        0x00..=0x7F | 0xC0..=0xEF => 2,
        0x80..=0xBF => 0,
        0xF0..=0xFF => 4,
    }
}

/// Converts one encoding to UTF-8.
#[derive(Debug)]
pub(super) enum Transcoder {
    Utf8,
    Utf16(Utf16),
    SingleByte(Box<SingleByte>),
    MultiByte(Box<MultiByte>),
}

impl Transcoder {
    pub fn new(encoding: Encoding) -> Self {
        let utf16 = |big_endian| Self::Utf16(Utf16 { big_endian, ..Utf16::default() });
        match encoding {
            Encoding::Utf8 => Self::Utf8,
            Encoding::Utf16Le => utf16(false),
            Encoding::Utf16Be => utf16(true),
            Encoding::Named(name) => match encoding_rs::Encoding::for_label(name.as_bytes()) {
                Some(found) if found.is_single_byte() => {
                    Self::SingleByte(Box::new(SingleByte::new(found)))
                }
                Some(found) => Self::MultiByte(Box::new(MultiByte::new(found))),
                None => Self::Utf8,
            },
        }
    }

    /// Appends the text of the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8], out: &mut Text) {
        match self {
            Self::Utf8 => out.bytes.extend_from_slice(bytes),
            Self::Utf16(utf16) => utf16.push(bytes, &mut out.bytes),
            Self::SingleByte(single) => single.push(bytes, &mut out.bytes),
            Self::MultiByte(multi) => multi.push(bytes, out),
        }
    }

    /// Appends the text of bytes held back until the end of the file. Returns whether the file ends within a
    /// UTF-16 code unit.
    pub fn finish(&mut self, out: &mut Text) -> bool {
        match self {
            Self::Utf8 | Self::SingleByte(_) => false,
            Self::Utf16(utf16) => {
                let is_odd = utf16.half.is_some();
                utf16.flush(&mut out.bytes);
                is_odd
            }
            Self::MultiByte(multi) => {
                multi.finish(out);
                false
            }
        }
    }
}

/// Text as UTF-8, with the widths of its characters in the file where they cannot be computed.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub bytes: Vec<u8>,
    /// See [`Widths::Each`]; empty for other encodings.
    pub widths: Vec<u8>,
}

/// Converts UTF-16 to UTF-8. A lone surrogate becomes three bytes that are not UTF-8.
#[derive(Debug, Default)]
pub(super) struct Utf16 {
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

/// Appends one character, or the three bytes of a lone surrogate.
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

/// Converts an encoding with one byte per character to UTF-8.
#[derive(Debug)]
pub(super) struct SingleByte {
    /// The UTF-8 of each byte, empty for [`INVALID`].
    texts: Vec<String>,
}

impl SingleByte {
    fn new(encoding: &'static encoding_rs::Encoding) -> Self {
        let text = |byte: u8| {
            let bytes = [byte];
            let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes);
            text.map(String::from).unwrap_or_default()
        };
        Self { texts: (0..=u8::MAX).map(text).collect() }
    }

    fn push(&self, mut bytes: &[u8], out: &mut Vec<u8>) {
        loop {
            let (plain, rest) = bytes.split_at(encoding_rs::Encoding::ascii_valid_up_to(bytes));
            out.extend_from_slice(plain);
            let Some((&byte, after)) = rest.split_first() else { return };
            match self.texts[usize::from(byte)].as_bytes() {
                [] => out.push(INVALID),
                text => out.extend_from_slice(text),
            }
            bytes = after;
        }
    }
}

/// Converts an encoding with one or several bytes per character to UTF-8.
pub(super) struct MultiByte {
    decoder: encoding_rs::Decoder,
    is_ascii_compatible: bool,
    /// Bytes of the file that are consumed and have not become a character yet.
    pending: u8,
}

impl fmt::Debug for MultiByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MultiByte").field(&self.decoder.encoding().name()).finish()
    }
}

impl MultiByte {
    fn new(encoding: &'static encoding_rs::Encoding) -> Self {
        Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            is_ascii_compatible: encoding.is_ascii_compatible(),
            pending: 0,
        }
    }

    fn push(&mut self, bytes: &[u8], out: &mut Text) {
        let mut at = 0;
        while at < bytes.len() {
            if self.pending == 0 && self.is_ascii_compatible {
                let plain = encoding_rs::Encoding::ascii_valid_up_to(&bytes[at..]);
                out.bytes.extend_from_slice(&bytes[at..at + plain]);
                out.widths.resize(out.bytes.len(), 1);
                at += plain;
            }
            // Byte by byte, because only then the width of each character is known.
            if let Some(byte) = bytes.get(at..=at) {
                at += self.step(byte, false, out).0;
            }
        }
    }

    fn finish(&mut self, out: &mut Text) {
        while !self.step(&[], true, out).1 {}
    }

    /// Passes at most one byte to the decoder. Returns how many bytes it consumed, and whether it is done.
    fn step(&mut self, byte: &[u8], is_last: bool, out: &mut Text) -> (usize, bool) {
        /// More than any encoding produces for one byte and those it held back.
        const ROOM_BYTES: usize = 32;
        let mut room = [0; ROOM_BYTES];
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(byte, &mut room, is_last);
        self.pending = self.pending.saturating_add(u8::from(read > 0));
        match result {
            DecoderResult::Malformed(_, after) => {
                let chars = room[..written].iter().filter(|byte| !matches!(byte, 0x80..=0xBF));
                let before = u8::try_from(chars.count()).unwrap_or(u8::MAX);
                let bad = self.pending.saturating_sub(after).saturating_sub(before);
                self.pending = before;
                self.append(&room[..written], out);
                self.pending = bad;
                self.append(&[INVALID], out);
                self.pending = after;
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {
                self.append(&room[..written], out);
            }
        }
        (read, result == DecoderResult::InputEmpty)
    }

    /// Appends characters. All but the last are single bytes that the decoder held back.
    fn append(&mut self, text: &[u8], out: &mut Text) {
        for &byte in text {
            let is_inside = matches!(byte, 0x80..=0xBF);
            let width = if is_inside { 0 } else { self.pending.min(1) };
            self.pending -= width;
            out.bytes.push(byte);
            out.widths.push(width);
        }
        let last = text.iter().rposition(|byte| !matches!(byte, 0x80..=0xBF));
        if let Some(last) = last {
            let at = out.widths.len() - text.len() + last;
            out.widths[at] += std::mem::take(&mut self.pending);
        }
    }
}
