//! Cuts a dump into lines.

use memchr::memchr;

/// What stands at the beginning of the waiting bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// That cannot be said before more bytes are known.
    More,
    /// No record, `next` bytes long.
    Blank { next: usize },
    /// A record of `to` bytes; the next one begins at `next`.
    Record { to: usize, next: usize },
    /// A record of `to` bytes that cannot be read.
    Faulty { to: usize, next: usize, fault: crate::batch::Fault },
    /// A record over the limit, whose end is to be looked for from byte `seen` on.
    TooLong { seen: usize },
}

/// The line end may lie this many bytes behind the limit.
const LINE_END_BYTES: usize = 2;

/// How many bytes tell what a record of at most `limit` bytes is.
pub(super) fn window_bytes(limit: usize) -> usize {
    limit.saturating_add(LINE_END_BYTES)
}

/// Cuts the first line. `closed` says that nothing follows `bytes`.
pub(super) fn cut(bytes: &[u8], limit: usize, closed: bool) -> Cut {
    let window = &bytes[..bytes.len().min(window_bytes(limit))];
    let (end, next) = match memchr(b'\n', window) {
        Some(end) => (end, end + 1),
        None if bytes.len() >= window_bytes(limit) => return Cut::TooLong { seen: limit },
        None if closed && !bytes.is_empty() => (bytes.len(), bytes.len()),
        None => return Cut::More,
    };
    let line = &bytes[..end];
    match without_cr(line).len() {
        to if to > limit => Cut::TooLong { seen: limit },
        _ if line.iter().all(|&byte| byte == b'\r') => Cut::Blank { next },
        to => Cut::Record { to, next },
    }
}

/// Looks for the end of a line that is over the limit: what [`cut`] would have said, or how many
/// bytes are certainly within the line.
pub(super) fn skip(bytes: &[u8], closed: bool) -> Result<(usize, usize), usize> {
    match memchr(b'\n', bytes) {
        Some(end) => Ok((without_cr(&bytes[..end]).len(), end + 1)),
        None if closed => Ok((without_cr(bytes).len(), bytes.len())),
        None => Err(without_cr(bytes).len()),
    }
}

/// `line` without the carriage return that belongs to its line end.
pub(super) fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut() {
        let check = |bytes: &[u8], closed, expected| assert_eq!(cut(bytes, 4, closed), expected);
        check(b"", false, Cut::More);
        check(b"", true, Cut::More);
        check(b"ab", false, Cut::More);
        check(b"ab", true, Cut::Record { to: 2, next: 2 });
        check(b"ab\r", true, Cut::Record { to: 2, next: 3 });
        check(b"ab\r\nc", false, Cut::Record { to: 2, next: 4 });
        check(b"a\rb\nc", false, Cut::Record { to: 3, next: 4 });
        check(b"\nc", false, Cut::Blank { next: 1 });
        check(b"\r\nc", false, Cut::Blank { next: 2 });
        check(b" \nc", false, Cut::Record { to: 1, next: 2 });
        check(b"abcd\r\n", false, Cut::Record { to: 4, next: 6 });
        check(b"abcd\r", false, Cut::More);
        check(b"abcde\n", false, Cut::TooLong { seen: 4 });
        check(b"abcdef", false, Cut::TooLong { seen: 4 });
        check(b"abcde", true, Cut::TooLong { seen: 4 });
    }
}
