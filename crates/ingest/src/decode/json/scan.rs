//! Finds the end of a JSON value, across chunks and in broken values.

use memchr::memchr3;

/// Brackets nested deeper are counted without their kind.
const MAX_BRACKETS: usize = 128;

/// The end of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub to: usize,
    /// Where the next value, or the bracket that closes the array, is searched.
    pub next: usize,
    /// Whether a line ends inside a string, which JSON does not allow: the string is not closed. The value ends
    /// there, so that it does not swallow those on the following lines.
    pub torn: bool,
}

/// What is around a value, and thus ends it at the latest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Around {
    #[default]
    Array,
    Object,
    /// Nothing: the value ends with the bracket that closes it.
    Nothing,
}

/// The state of the scan at some byte of a value.
#[derive(Debug, Default)]
pub(super) struct Scan {
    around: Around,
    brackets: Vec<u8>,
    beyond: u64,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    pub fn new(around: Around) -> Self {
        Self { around, ..Self::default() }
    }

    /// Scans the next bytes of the value, up to its end if that is among them.
    pub fn run(&mut self, bytes: &[u8]) -> Option<End> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.escaped {
                self.escaped = false;
                at += usize::from(byte != b'\n');
            } else if self.quoted {
                at += memchr3(b'"', b'\\', b'\n', &bytes[at..])?;
                if bytes[at] == b'\n' {
                    return Some(End { to: at, next: at + 1, torn: true });
                }
                self.escaped = bytes[at] == b'\\';
                self.quoted = self.escaped;
                at += 1;
            } else if let Some(end) = self.outside(byte, at) {
                return Some(end);
            } else {
                at += 1;
            }
        }
        None
    }

    /// Whether all strings and brackets are closed.
    pub fn is_whole(&self) -> bool {
        self.is_outermost() && !self.quoted
    }

    fn is_outermost(&self) -> bool {
        self.brackets.is_empty() && self.beyond == 0
    }

    fn outside(&mut self, byte: u8, at: usize) -> Option<End> {
        match byte {
            b'"' => self.quoted = true,
            b'{' | b'[' if self.brackets.len() < MAX_BRACKETS => self.brackets.push(byte),
            b'{' | b'[' => self.beyond += 1,
            b'}' | b']' if self.beyond > 0 => self.beyond -= 1,
            b'}' | b']' => return self.close(byte, at),
            b',' if self.is_outermost() && self.around != Around::Nothing => {
                return Some(End { to: at, next: at + 1, torn: false });
            }
            _ => {}
        }
        None
    }

    /// Closes the last bracket of this kind, and those left open within it. If none is open, the bracket may be
    /// the one around the value.
    fn close(&mut self, byte: u8, at: usize) -> Option<End> {
        let (open, closes) = match byte {
            b'}' => (b'{', Around::Object),
            _ => (b'[', Around::Array),
        };
        match self.brackets.iter().rposition(|&bracket| bracket == open) {
            None if closes == self.around => return Some(End { to: at, next: at, torn: false }),
            None => {}
            Some(last) => self.brackets.truncate(last),
        }
        let is_end = self.around == Around::Nothing && self.is_outermost();
        is_end.then_some(End { to: at + 1, next: at + 1, torn: false })
    }
}

/// Length of `bytes` without trailing whitespace.
pub(super) fn solid(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1)
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The first byte that is not whitespace.
pub(super) fn first_solid(bytes: &[u8]) -> Option<u8> {
    bytes.iter().copied().find(|byte| !is_blank(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_by_what_is_around_them() {
        let check = |around, text: &str, to, next| {
            let end = Scan::new(around).run(text.as_bytes());
            assert_eq!(end, Some(End { to, next, torn: false }), "{text}");
        };
        check(Around::Array, "{\"a\":[1,2]}, 3", 11, 12);
        check(Around::Array, "1]", 1, 1);
        check(Around::Array, "{\"a\":\"]\"}]", 9, 9);
        check(Around::Object, "[1,{}],\"b\":2}", 6, 7);
        check(Around::Object, "null}", 4, 4);
        check(Around::Nothing, "{\"a\":{}}{\"b\"", 8, 8);
        assert_eq!(Scan::new(Around::Object).run(b"[1,{"), None);
    }
}
