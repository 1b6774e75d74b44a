//! Splits a dump into lines.

use memchr::{memchr, memchr2, memchr3, memrchr, memrchr2};

/// The characters that end a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// LF, and CR LF. A CR elsewhere is part of its line.
    #[default]
    Lf,
    /// CR and LF. The LF of CR LF then ends a blank line.
    Any,
}

impl LineEnds {
    /// The first line end in `bytes`.
    pub fn find(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Lf => memchr(b'\n', bytes),
            Self::Any => memchr2(b'\n', b'\r', bytes),
        }
    }

    /// The first line end or `byte` in `bytes`.
    pub fn find_or(self, byte: u8, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Lf => memchr2(byte, b'\n', bytes),
            Self::Any => memchr3(byte, b'\n', b'\r', bytes),
        }
    }

    fn find_last(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Lf => memrchr(b'\n', bytes),
            Self::Any => memrchr2(b'\n', b'\r', bytes),
        }
    }

    /// Whether `byte` ends a line by itself.
    pub fn contains(self, byte: u8) -> bool {
        byte == b'\n' || self == Self::Any && byte == b'\r'
    }

    /// Detects the line ends of a dump that begins with `window`: CR alone counts as one only if no line
    /// outside quotes has another end, as in files of classic Mac OS.
    pub fn detect(window: &[u8], quote: Option<u8>) -> Self {
        let quote = quote.unwrap_or(b'\n');
        let (mut is_quoted, mut is_cr_seen, mut at) = (false, false, 0);
        while let Some(found) = memchr3(quote, b'\n', b'\r', &window[at..]) {
            at += found + 1;
            match window[at - 1] {
                b'\n' if !is_quoted => return Self::Lf,
                b'\r' if !is_quoted && window.get(at) == Some(&b'\n') => return Self::Lf,
                b'\r' => is_cr_seen |= !is_quoted,
                b'\n' => {}
                _ => is_quoted = !is_quoted,
            }
        }
        if is_cr_seen { Self::Any } else { Self::Lf }
    }
}

/// What the waiting bytes start with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// More bytes are needed to tell.
    More,
    /// No record, for `next` bytes.
    Blank { next: usize },
    /// A record of `to` bytes; the next one begins at `next`.
    Record { to: usize, next: usize },
    /// A record of `to` bytes that cannot be read.
    Faulty { to: usize, next: usize, fault: batches::batch::Fault },
    /// A record over the limit, whose end has to be searched from byte `seen` on.
    TooLong { seen: usize },
}

/// Longest line end, which may follow a record at the limit.
const LINE_END_BYTES: usize = 2;

/// How many bytes decide about a record of at most `limit` bytes.
pub(super) fn window_bytes(limit: usize) -> usize {
    limit.saturating_add(LINE_END_BYTES)
}

/// Cuts off the first line. `closed`: `bytes` are the last of the file. A line is blank if it is empty or
/// consists of NULs, which a power loss leaves in files.
pub(super) fn cut(bytes: &[u8], limit: usize, closed: bool, ends: LineEnds) -> Cut {
    let window = &bytes[..bytes.len().min(window_bytes(limit))];
    let (end, next) = match ends.find(window) {
        Some(end) => (end, end + 1),
        None if bytes.len() >= window_bytes(limit) => return Cut::TooLong { seen: limit },
        None if closed && !bytes.is_empty() => (bytes.len(), bytes.len()),
        None => return Cut::More,
    };
    let line = &bytes[..end];
    match without_cr(line).len() {
        to if to > limit => Cut::TooLong { seen: limit },
        _ if line.iter().all(|&byte| matches!(byte, b'\r' | 0)) => Cut::Blank { next },
        to => Cut::Record { to, next },
    }
}

/// Searches the end of a line over the limit. Returns its length and the start of the next line, or the
/// number of bytes that are certainly within the line.
pub(super) fn skip(bytes: &[u8], closed: bool, ends: LineEnds) -> Result<(usize, usize), usize> {
    match ends.find(bytes) {
        Some(end) => Ok((without_cr(&bytes[..end]).len(), end + 1)),
        None if closed => Ok((without_cr(bytes).len(), bytes.len())),
        None => Err(without_cr(bytes).len()),
    }
}

/// `line` without the CR of its line end.
pub(super) fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Start of the last `count` lines of `bytes`, counted from the last one that is not blank.
pub(super) fn last_lines(bytes: &[u8], count: u64, ends: LineEnds) -> usize {
    let is_blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0);
    let Some(last) = bytes.iter().rposition(|byte| !is_blank(byte)) else { return bytes.len() };
    let (mut from, mut end) = (bytes.len(), last + 1);
    for _ in 0..count {
        let found = ends.find_last(&bytes[..end]);
        from = found.map_or(0, |found| found + 1);
        match found {
            Some(found) => end = found,
            None => break,
        }
    }
    from
}

/// Number of lines of `bytes` that are not blank.
pub(super) fn count(bytes: &[u8], ends: LineEnds) -> u64 {
    let (mut left, mut lines) = (bytes, 0);
    while !left.is_empty() {
        let end = ends.find(left).unwrap_or(left.len());
        lines += u64::from(!left[..end].trim_ascii().is_empty());
        left = left.get(end + 1..).unwrap_or_default();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut() {
        let check = |bytes: &[u8], closed, expected| {
            assert_eq!(cut(bytes, 4, closed, LineEnds::Lf), expected);
        };
        check(b"", false, Cut::More);
        check(b"", true, Cut::More);
        check(b"ab", false, Cut::More);
        check(b"ab", true, Cut::Record { to: 2, next: 2 });
        check(b"ab\r", true, Cut::Record { to: 2, next: 3 });
        check(b"ab\r\nc", false, Cut::Record { to: 2, next: 4 });
        check(b"a\rb\nc", false, Cut::Record { to: 3, next: 4 });
        check(b"\nc", false, Cut::Blank { next: 1 });
        check(b"\r\nc", false, Cut::Blank { next: 2 });
        check(b"\0\0\nc", false, Cut::Blank { next: 3 });
        check(b" \nc", false, Cut::Record { to: 1, next: 2 });
        check(b"abcd\r\n", false, Cut::Record { to: 4, next: 6 });
        check(b"abcd\r", false, Cut::More);
        check(b"abcde\n", false, Cut::TooLong { seen: 4 });
        check(b"abcdef", false, Cut::TooLong { seen: 4 });
        check(b"abcde", true, Cut::TooLong { seen: 4 });
    }

    #[test]
    fn lines_may_end_with_cr_alone() {
        let check = |bytes: &[u8], closed, expected| {
            assert_eq!(cut(bytes, 4, closed, LineEnds::Any), expected);
        };
        check(b"ab\rc", false, Cut::Record { to: 2, next: 3 });
        check(b"ab\r", false, Cut::Record { to: 2, next: 3 });
        check(b"\rb", false, Cut::Blank { next: 1 });
        check(b"\nb", false, Cut::Blank { next: 1 });
        check(b"ab", false, Cut::More);
        check(b"abcde\r", false, Cut::TooLong { seen: 4 });
    }

    #[test]
    fn line_ends_are_detected() {
        let check = |window: &[u8], expected| {
            assert_eq!(LineEnds::detect(window, Some(b'"')), expected, "{window:?}");
        };
        check(b"", LineEnds::Lf);
        check(b"a,b", LineEnds::Lf);
        check(b"a\nb\rc", LineEnds::Lf);
        check(b"a\r\nb\rc", LineEnds::Lf);
        check(b"a\rb\nc", LineEnds::Lf);
        check(b"a\rb\rc", LineEnds::Any);
        check(b"a\r\"b\nc\"\rd", LineEnds::Any);
        check(b"a,\"b\rc\"\nd", LineEnds::Lf);
        check(b"a,\"b\rc\"", LineEnds::Lf);
    }

    #[test]
    fn the_last_lines_are_found() {
        let check = |text: &str, count, expected| {
            let from = last_lines(text.as_bytes(), count, LineEnds::Lf);
            assert_eq!(&text[from..], expected, "{text:?}");
        };
        check("a\nb\nc\n", 1, "c\n");
        check("a\nb\nc\r\n \n\n", 1, "c\r\n \n\n");
        check("a\nb\n\nc", 2, "\nc");
        check("a\nb", 5, "a\nb");
        check("a\nb", 0, "");
        check("\n\n", 1, "");
        check("", 1, "");
    }
}
