//! Detects the dialect of a delimited dump from its beginning.

use super::Dialect;
use super::cut::Cutter;
use super::signs::Signs;
use crate::decode::lines::Cut;
use batches::batch::Fault;
use memchr::memmem;
use plant::contract::Escape;

/// The escape that is detected; others have to be configured.
const BACKSLASH: u8 = b'\\';

/// The word before the delimiter in a line that declares it for spreadsheets.
const DECLARATION: &[u8] = b"sep=";

/// Why this dialect cannot be read, `None` if it can.
pub(super) fn problem((delimiter, quote, escape): Dialect<'_>) -> Option<String> {
    let ends_lines = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let escape = match escape {
        Escape::Byte(byte) => Some(byte),
        Escape::Detect | Escape::Never => None,
    };
    let is_in_delimiter =
        |byte: Option<u8>| byte.is_some_and(|it| delimiter.as_bytes().contains(&it));
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

/// Detects whether quotes within fields are escaped by a backslash: then fewer records of `window` have a broken
/// quote. In a dump that doubles its quotes a field that ends with a backslash does not mislead, because that
/// record would be broken with an escape.
pub(super) fn detect_escape(signs: &Signs, window: &[u8]) -> Option<u8> {
    let quote = signs.quote?;
    memmem::find(window, &[BACKSLASH, quote])?;
    let escaped = Signs { escape: Some(BACKSLASH), ..signs.clone() };
    let is_better = broken(escaped, window) < broken(signs.clone(), window);
    is_better.then_some(BACKSLASH)
}

/// Number of records in `window` with a broken quote.
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

/// The delimiter in a line such as `sep=;`, which some programs write before the header; `None` for any other
/// line.
pub(in crate::decode) fn declared_delimiter(line: &[u8]) -> Option<&[u8]> {
    /// No program declares a longer one.
    const LONGEST_BYTES: usize = 8;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let bare = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\""));
    let line = bare.unwrap_or(line);
    let (word, delimiter) = line.split_at_checked(DECLARATION.len())?;
    let is_declaration = word.eq_ignore_ascii_case(DECLARATION) && !delimiter.is_empty();
    Some(delimiter).filter(|it| is_declaration && it.len() <= LONGEST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_is_an_escape_only_where_nothing_else_fits() {
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
    fn a_line_may_declare_the_delimiter() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(
                declared_delimiter(line.as_bytes()),
                expected.map(str::as_bytes),
                "{line:?}"
            );
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
