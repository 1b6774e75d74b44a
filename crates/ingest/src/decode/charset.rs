//! Turns the bytes of a file into UTF-8, whatever their encoding and wherever a chunk ends.
//!
//! *In*: the bytes of a file in chunks. *Out*: the same text as UTF-8. *Promise*: bytes that are no
//! text in their encoding become bytes that are no UTF-8, so that only the record they are in is
//! bad, and it is known how many bytes of the file each character came from.

use encoding_rs::DecoderResult;
use plant::contract::Encoding;
use std::fmt;

/// How many bytes of a file show what its encoding is.
pub(super) const HEAD_BYTES: usize = 1024;

/// A byte that is never part of UTF-8; it replaces a sequence that is no text in its encoding.
const NO_TEXT: u8 = 0xFF;

/// What the beginning of a file shows about its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detected {
    pub encoding: Encoding,
    /// Size of the byte order mark, in bytes.
    pub mark_bytes: usize,
    /// Whether it is UTF-16 without a byte order mark and not configured as such.
    pub is_unmarked: bool,
}

/// The encoding of a file that begins with `head`, of which all or [`HEAD_BYTES`] are known.
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

/// Recognises UTF-16 without a byte order mark: the upper bytes of Latin letters, digits, delimiters
/// and line ends are zero, and lower bytes hardly ever are. No other encoding writes zeros in text.
fn unmarked_utf16(head: &[u8]) -> Option<Encoding> {
    /// Fewer characters than this could be anything.
    const FEWEST: usize = 2;
    /// At least one upper byte in so many is zero, even if most of the text is no Latin.
    const UPPER: usize = 4;
    /// At most one lower byte is zero for so many upper ones.
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

/// How many bytes of the file the characters of a piece of UTF-8 came from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Widths<'a> {
    /// Each byte is a byte of the file.
    Same,
    /// Characters were UTF-16.
    Utf16,
    /// Each character was one byte.
    One,
    /// For the first byte of each character the number of bytes, for its others 0.
    Each(&'a [u8]),
}

impl Widths<'_> {
    /// How many bytes of the file became the first `len` of these bytes. Adds up over any split.
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

/// Bytes in UTF-16 of the character that begins with `byte` in UTF-8; none for the bytes after it.
fn utf16_bytes(byte: u8) -> u64 {
    match byte {
        0x00..=0x7F | 0xC0..=0xEF => 2,
        0x80..=0xBF => 0,
        0xF0..=0xFF => 4,
    }
}

/// Turns bytes in one encoding into UTF-8.
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

    /// Appends what the end of the file decides. Returns whether the file ends within UTF-16's two
    /// bytes.
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

/// Text as UTF-8, with the bytes of the file its characters came from if those are not plain.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub bytes: Vec<u8>,
    /// See [`Widths::Each`]; empty for other encodings.
    pub widths: Vec<u8>,
}

/// Turns UTF-16 into UTF-8. Half a surrogate pair is kept as its three bytes, which are not UTF-8.
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

/// Turns an encoding of one byte per character into UTF-8.
#[derive(Debug)]
pub(super) struct SingleByte {
    /// The UTF-8 of each byte, empty for [`NO_TEXT`].
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
            let Some((&byte, behind)) = rest.split_first() else { return };
            match self.texts[usize::from(byte)].as_bytes() {
                [] => out.push(NO_TEXT),
                text => out.extend_from_slice(text),
            }
            bytes = behind;
        }
    }
}

/// Turns an encoding of one or several bytes per character into UTF-8.
pub(super) struct MultiByte {
    decoder: encoding_rs::Decoder,
    is_ascii_compatible: bool,
    /// Bytes of the file that were taken and have become no character yet.
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
            // Byte by byte, because only then it is known which bytes a character came from.
            if let Some(byte) = bytes.get(at..=at) {
                at += self.step(byte, false, out).0;
            }
        }
    }

    fn finish(&mut self, out: &mut Text) {
        while !self.step(&[], true, out).1 {}
    }

    /// Gives the decoder at most one byte. Returns how many it took, and whether it is done.
    fn step(&mut self, byte: &[u8], is_last: bool, out: &mut Text) -> (usize, bool) {
        /// More than any encoding makes of one byte and those it held back.
        const ROOM_BYTES: usize = 32;
        let mut room = [0; ROOM_BYTES];
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(byte, &mut room, is_last);
        self.pending = self.pending.saturating_add(u8::from(read > 0));
        match result {
            DecoderResult::Malformed(_, behind) => {
                let chars = room[..written].iter().filter(|byte| !matches!(byte, 0x80..=0xBF));
                let before = u8::try_from(chars.count()).unwrap_or(u8::MAX);
                let bad = self.pending.saturating_sub(behind).saturating_sub(before);
                self.pending = before;
                self.append(&room[..written], out);
                self.pending = bad;
                self.append(&[NO_TEXT], out);
                self.pending = behind;
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {
                self.append(&room[..written], out);
            }
        }
        (read, result == DecoderResult::InputEmpty)
    }

    /// Appends characters. All but the last are single bytes that the decoder had held back.
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
