//! The part of a dump that is not decoded yet, as UTF-8, and its position in the file.

use super::charset::{HEAD_BYTES, Text, Transcoder, Widths, detect};
use super::error::DecodeError;
use super::lines::{self, LineEnds};
use plant::contract::Encoding;

/// U+FEFF as UTF-8: the byte order mark at the beginning of a file, and of each file appended to it.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The bytes of a dump that are not decoded yet.
#[derive(Debug)]
pub(super) struct Input {
    configured: Encoding,
    transcoder: Transcoder,
    /// The first bytes, until there are enough to detect the encoding.
    head: Option<Vec<u8>>,
    head_bytes: usize,
    unmarked: Option<Encoding>,
    text: Text,
    start: usize,
    /// Number of bytes at the end that are withheld, see [`Input::hold_back`].
    hidden: usize,
    file_at: u64,
    taken: u64,
    size_bytes: u64,
    closed: bool,
}

impl Input {
    /// The input of one file. At most `probe_bytes` of it are examined to detect its encoding.
    pub fn new(configured: Encoding, probe_bytes: usize) -> Self {
        Self {
            configured,
            head_bytes: probe_bytes.clamp(MARK.len(), HEAD_BYTES),
            transcoder: Transcoder::Utf8,
            head: Some(Vec::new()),
            unmarked: None,
            text: Text::default(),
            start: 0,
            hidden: 0,
            file_at: 0,
            taken: 0,
            size_bytes: 0,
            closed: false,
        }
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        self.text.bytes.drain(..self.start);
        self.text.widths.drain(..self.start.min(self.text.widths.len()));
        self.start = 0;
        match &mut self.head {
            None => self.transcoder.push(bytes, &mut self.text),
            Some(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= self.head_bytes {
                    self.settle();
                }
            }
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`DecodeError::OddUtf16`] if it ends within a character.
    pub fn close(&mut self) -> Result<(), DecodeError> {
        self.closed = true;
        self.settle();
        match self.transcoder.finish(&mut self.text) {
            true => Err(DecodeError::OddUtf16 { size_bytes: self.size_bytes }),
            false => Ok(()),
        }
    }

    /// The bytes that are not taken yet, without those held back.
    pub fn waiting(&self) -> &[u8] {
        let end = self.text.bytes.len().saturating_sub(self.hidden);
        self.text.bytes.get(self.start..end).unwrap_or_default()
    }

    /// The widths in the file of the waiting bytes.
    pub fn widths(&self) -> Widths<'_> {
        match self.transcoder {
            Transcoder::Utf8 => Widths::Same,
            Transcoder::Utf16(_) => Widths::Utf16,
            Transcoder::SingleByte(_) => Widths::One,
            Transcoder::MultiByte(_) => Widths::Each(&self.text.widths).from(self.start),
        }
    }

    /// Holds back the last `count` lines, counted from the last one that is not blank. More bytes change
    /// which lines are the last, so this has to be called after each [`Input::push`].
    pub fn hold_back(&mut self, count: u64, ends: LineEnds) {
        self.hidden = 0;
        let waiting = self.waiting();
        self.hidden = waiting.len() - lines::last_lines(waiting, count, ends);
    }

    /// The bytes that [`Input::hold_back`] holds back.
    pub fn held_back(&self) -> &[u8] {
        let from = self.text.bytes.len().saturating_sub(self.hidden);
        self.text.bytes.get(from..).unwrap_or_default()
    }

    /// Takes byte order marks off the waiting bytes, and NULs too if `takes_nuls`. Returns `false` if more
    /// bytes are needed to recognize a mark.
    pub fn take_invisible(&mut self, takes_nuls: bool) -> bool {
        loop {
            let waiting = self.waiting();
            let nuls = waiting.iter().take_while(|&&byte| takes_nuls && byte == 0).count();
            let rest = &waiting[nuls..];
            if rest.starts_with(MARK) {
                self.take(nuls + MARK.len());
                continue;
            }
            let is_open = !self.closed && !rest.is_empty() && MARK.starts_with(rest);
            self.take(nuls);
            return !is_open;
        }
    }

    /// Takes the next `len` bytes off.
    pub fn take(&mut self, len: usize) {
        let len = len.min(self.waiting().len());
        self.file_at += self.widths().file_bytes(&self.waiting()[..len]);
        self.taken += len as u64;
        self.start += len;
    }

    /// Position of the first waiting byte in the file.
    pub fn file_at(&self) -> u64 {
        self.file_at
    }

    /// Number of bytes taken, which identifies the first waiting byte in every encoding.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Number of bytes pushed.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Whether the waiting bytes are the last ones.
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// The encoding, if it is UTF-16 without a byte order mark that is not configured.
    pub fn unmarked(&self) -> Option<Encoding> {
        self.unmarked
    }

    /// Memory held.
    #[cfg(test)]
    pub fn capacity_bytes(&self) -> usize {
        self.text.bytes.capacity() + self.text.widths.capacity()
    }

    fn settle(&mut self) {
        let Some(head) = self.head.take() else { return };
        // Only so many bytes, whatever the size of the chunk that brought them.
        let probed = &head[..head.len().min(self.head_bytes)];
        let found = detect(self.configured, probed);
        self.unmarked = found.is_unmarked.then_some(found.encoding);
        self.transcoder = Transcoder::new(found.encoding);
        self.file_at = found.mark_bytes as u64;
        self.transcoder.push(&head[found.mark_bytes..], &mut self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(configured: Encoding, file: &[u8], expected: &str, mark_bytes: u64) {
        check_probed(configured, file, expected, mark_bytes, 0);
        check_probed(configured, file, expected, mark_bytes, HEAD_BYTES);
    }

    fn check_probed(
        configured: Encoding,
        file: &[u8],
        expected: &str,
        mark_bytes: u64,
        probe_bytes: usize,
    ) {
        for chunk in 1..=file.len() {
            let mut input = Input::new(configured, probe_bytes);
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
        check(Encoding::Named("windows-1252"), marked.as_bytes(), text, 3);
        check(Encoding::Utf8, b"a", "a", 0);
    }

    #[test]
    fn utf16_without_a_mark_is_detected() {
        for text in ["Id;Größe\n1;2\n", "编号,数量\r\n螺栓,5\r\n", "1\n"] {
            let probed = |configured, file: &[u8]| {
                check_probed(configured, file, text, 0, HEAD_BYTES);
            };
            probed(Encoding::Utf8, &utf16(text, u16::to_le_bytes));
            probed(Encoding::Named("gbk"), &utf16(text, u16::to_be_bytes));
        }
        for text in ["a\0", "a,\0\0\0\0\0\0b\n", "\0\0\0\0\0\0", "a,b,c\0,d,e,f\n"] {
            check(Encoding::Utf8, text.as_bytes(), text, 0);
        }
    }

    #[test]
    fn encodings_are_known_by_their_names() {
        let check = |name, file: &[u8], text: &str| check(Encoding::Named(name), file, text, 0);
        check("windows-1252", b"\x80 5 \x96 \x93x\x94 \xFC \x81", "€ 5 – “x” ü \u{81}");
        check("windows-1250", b"\xB3\xF3d\xBC", "łódĽ");
        check("windows-1251", b"\xCF\xF0\xE5\xF1\xF1", "Пресс");
        check("Shift_JIS", b"\x83\x5C\x83\x8C\x95\x5C,\xB1", "ソレ表,ｱ");
        check("GBK", b"\xC2\xDD\xCB\xA8,\x80,M8", "螺栓,€,M8");
        check("gb18030", b"\x81\x30\x81\x30|\x94\x39\xDA\x33", "\u{80}|💩");
        check("Big5", b"\x88\x62,\xC1\xB3", "Ê\u{304},螺");
        check("EUC-JP", b"\x8F\xB0\xA1\x8E\xB1a", "丂ｱa");
        check("ISO-2022-JP", b"a\x1B$B%=\x1B(B\n", "aソ\n");
    }

    #[test]
    fn invalid_text_keeps_its_size_in_the_file() {
        let bad = "\u{fffd}";
        check(Encoding::Named("windows-1253"), b"a\xFFb", &format!("a{bad}b"), 0);
        check(Encoding::Named("Shift_JIS"), b"a\x81\nb\x81", &format!("a{bad}\nb{bad}"), 0);
        check(Encoding::Named("gb18030"), b"a\x81\x30b\n", &format!("a{bad}0b\n"), 0);
        check(Encoding::Named("EUC-KR"), b"\xFF,\xB0\xA1", &format!("{bad},가"), 0);
        let units = [0x61, 0xD800, 0x62, 0xDC00, 0xD800, 0xD83D, 0xDE00, 0xDBFF];
        let file: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
        let bad = "\u{fffd}\u{fffd}\u{fffd}";
        check(Encoding::Utf16Le, &file, &format!("a{bad}b{bad}{bad}😀{bad}"), 0);
    }

    #[test]
    fn odd_utf16_is_refused() {
        let mut input = Input::new(Encoding::Utf16Le, HEAD_BYTES);
        input.push(b"a\0b");
        assert!(matches!(input.close(), Err(DecodeError::OddUtf16 { size_bytes: 3 })));
    }

    #[test]
    fn marks_and_nuls_are_taken_off() {
        let check = |file: &[u8], are_nuls, is_known, left: &[u8]| {
            let mut input = Input::new(Encoding::Utf8, 0);
            input.push(b"xxx");
            input.take(usize::MAX);
            input.push(file);
            assert_eq!(input.take_invisible(are_nuls), is_known, "{file:?}");
            assert_eq!(input.waiting(), left);
        };
        check(b"\xEF\xBB\xBF\0\xEF\xBB\xBFa", true, true, b"a");
        check(b"\xEF\xBB\xBF\0a", false, true, b"\0a");
        check(b"\0\xEF\xBB", true, false, b"\xEF\xBB");
        check(b"\xEF\xBB\xBE", true, true, b"\xEF\xBB\xBE");
        check(b"", true, true, b"");
    }
}
