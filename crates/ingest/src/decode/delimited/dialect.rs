//! What the beginning of a delimited dump shows about how it is written.

use super::super::lines::Cut;
use super::Dialect;
use super::cut::Cutter;
use super::signs::Signs;
use batches::batch::Fault;
use memchr::memmem;
use plant::contract::Escape;

/// The escape that is detected; other ones have to be configured.
const BACKSLASH: u8 = b'\\';

/// The word before the delimiter in a line by which programs name it to a spreadsheet.
const NAMING: &[u8] = b"sep=";

/// Why these signs cannot be read, `None` if they can.
pub(super) fn problem((delimiter, quote, escape): Dialect<'_>) -> Option<String> {
    let ends_lines = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let escape = match escape {
        Escape::Byte(byte) => Some(byte),
        Escape::Detect | Escape::Never => None,
    };
    let is_in_delimiter =
        |sign: Option<u8>| sign.is_some_and(|it| delimiter.as_bytes().contains(&it));
    if delimiter.is_empty() {
        Some("the delimiter is empty".into())
    } else if delimiter.bytes().chain(quote).chain(escape).any(|byte| ends_lines(&byte)) {
        Some("delimiter, quote and escape cannot be line ends".into())
    } else if is_in_delimiter(quote) {
        Some("the quote is part of the delimiter".into())
    } else if is_in_delimiter(escape) {
        Some("the escape is part of the delimiter".into())
    } else if quote.into_iter().chain(escape).any(|byte| !byte.is_ascii()) {
        Some("quote and escape must be ASCII characters".into())
    } else {
        None
    }
}

/// Whether quotes within fields have a backslash before them: fewer records of `window` are broken
/// if they are read so. A dump that doubles its quotes is not affected by a field that ends with a
/// backslash, because reading it so would break that record.
pub(super) fn detect_escape(signs: &Signs, window: &[u8]) -> Option<u8> {
    let quote = signs.quote?;
    memmem::find(window, &[BACKSLASH, quote])?;
    let escaped = Signs { escape: Some(BACKSLASH), ..signs.clone() };
    let is_better = broken(escaped, window) < broken(signs.clone(), window);
    is_better.then_some(BACKSLASH)
}

/// How many of the records in `window` have a broken quote.
fn broken(signs: Signs, window: &[u8]) -> usize {
    let mut cutter = Cutter::new(signs, window.len());
    let (mut at, mut broken) = (0, 0);
    loop {
        let next = match cutter.cut(&window[at..], at as u64, false) {
            Cut::Blank { next } | Cut::Record { next, .. } => next,
            Cut::Faulty { next, fault, .. } => {
                broken += usize::from(fault == Fault::BrokenQuote);
                next
            }
            Cut::More | Cut::TooLong { .. } => return broken,
        };
        at += next;
    }
}

/// The delimiter in a line such as `sep=;`, which some programs write above the header, `None` for
/// any other line.
pub(in super::super) fn named_delimiter(line: &[u8]) -> Option<&[u8]> {
    /// No program names a longer one.
    const LONGEST_BYTES: usize = 8;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let bare = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\""));
    let line = bare.unwrap_or(line);
    let (word, delimiter) = line.split_at_checked(NAMING.len())?;
    let is_naming = word.eq_ignore_ascii_case(NAMING) && !delimiter.is_empty();
    Some(delimiter).filter(|it| is_naming && it.len() <= LONGEST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_is_an_escape_where_only_that_can_be() {
        let check = |window: &str, expected: bool| {
            let signs = Signs::new(",", Some(b'"'), Escape::Detect);
            let found = detect_escape(&signs, window.as_bytes());
            assert_eq!(found.is_some(), expected, "{window:?}");
        };
        check("\"1\",\"crack \\\"A\\\" side\"\n", true);
        check("\"C:\\\\x\",1\n\"a\\\"b\",2\n", true);
        check("\"C:\\temp\\\",\"x\"\n\"D:\\\",\"y\"\n", false);
        check("\"a\",\"b\"\n", false);
        check("\"a\"b,1\n", false);
        check("a\\\"b,1\n", false);
    }

    #[test]
    fn a_line_may_name_the_delimiter() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(named_delimiter(line.as_bytes()), expected.map(str::as_bytes), "{line:?}");
        };
        check("sep=;", Some(";"));
        check("SEP=,\r", Some(","));
        check("\"sep=;\"", Some(";"));
        check("sep=\t", Some("\t"));
        check("sep=", None);
        check("separator;1", None);
        check("se", None);
        check("sep=1;2;3;4;5;6", None);
    }
}
