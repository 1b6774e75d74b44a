//! Splits delimited text into records and their cells.

use super::signs::Signs;
use crate::decode::lines::{self, Cut};
use batches::batch::Fault;
use memchr::{memchr, memchr2};
use std::collections::BTreeSet;

/// One field: bytes `from..to` of its record, quotes around it excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub from: usize,
    pub to: usize,
    /// Whether it is in quotes.
    pub is_quoted: bool,
    /// Whether it contains doubled quotes or escapes.
    pub is_escaped: bool,
}

/// Finds records and their cells.
#[derive(Debug)]
pub(super) struct Cutter {
    signs: Signs,
    max_record_bytes: usize,
    cells: Vec<Cell>,
    opened: Vec<usize>,
    /// Positions of quotes that a broken record opened and that are never closed. A record that opens one of
    /// them is broken too. Without this set each line would be searched as far as the first, in quadratic
    /// time.
    unclosed: BTreeSet<u64>,
}

/// The result of scanning a record with quotes.
#[derive(Debug, PartialEq, Eq)]
enum Scanned {
    /// It ends at a line end.
    Record { to: usize, next: usize },
    /// The bytes end outside quotes.
    Bare { to: usize },
    /// The bytes end inside quotes or inside a delimiter.
    Open,
    /// Text follows a closing quote.
    Broken,
}

/// The end of one field.
enum Field {
    /// A delimiter; the next field starts at this byte.
    Next(usize),
    Last(Scanned),
}

/// The bytes that are scanned for a record.
#[derive(Clone, Copy)]
struct Window<'a> {
    bytes: &'a [u8],
    /// Position of the first byte within all bytes of the input.
    at: u64,
    /// Whether more bytes would not change the result.
    is_final: bool,
}

impl Cutter {
    pub fn new(signs: Signs, max_record_bytes: usize) -> Self {
        Self {
            signs,
            max_record_bytes,
            cells: Vec::new(),
            opened: Vec::new(),
            unclosed: BTreeSet::new(),
        }
    }

    /// The cells of the record that [`Cutter::cut`] cut last.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub fn signs(&self) -> &Signs {
        &self.signs
    }

    /// The special characters; to be changed only before the first record is cut.
    pub fn signs_mut(&mut self) -> &mut Signs {
        &mut self.signs
    }

    /// Cuts the first record. `at` is the position of `bytes` within all bytes of the input; `closed`: they
    /// are the last ones.
    pub fn cut(&mut self, bytes: &[u8], at: u64, closed: bool) -> Cut {
        let line = lines::cut(bytes, self.max_record_bytes, closed, self.signs.ends);
        let Cut::Record { to, .. } = line else { return line };
        if self.signs.is_plain(&bytes[..to]) {
            self.split(&bytes[..to]);
            return line;
        }
        self.cut_quoted(bytes, at, closed, line)
    }

    /// Splits a line without quotes and escapes.
    fn split(&mut self, line: &[u8]) {
        let Self { signs, cells, .. } = self;
        let cell = |from, to| Cell { from, to, is_quoted: false, is_escaped: false };
        cells.clear();
        let mut from = 0;
        signs.delimiter.each(line, |to, next| {
            cells.push(cell(from, to));
            from = next;
        });
        cells.push(cell(from, line.len()));
    }

    fn cut_quoted(&mut self, bytes: &[u8], at: u64, closed: bool, line: Cut) -> Cut {
        let limit = self.max_record_bytes;
        let whole = bytes.len() >= lines::window_bytes(limit);
        let is_final = whole || closed;
        let bytes = &bytes[..bytes.len().min(lines::window_bytes(limit))];
        match self.scan(Window { bytes, at, is_final }) {
            Scanned::Bare { .. } if !is_final => Cut::More,
            Scanned::Bare { .. } if whole => Cut::TooLong { seen: limit },
            Scanned::Bare { to } | Scanned::Record { to, .. } if to > limit => {
                Cut::TooLong { seen: limit }
            }
            Scanned::Bare { to } => Cut::Record { to, next: bytes.len() },
            Scanned::Record { to, next } => Cut::Record { to, next },
            Scanned::Open if !is_final => Cut::More,
            Scanned::Open | Scanned::Broken => self.first_line_only(line, at),
        }
    }

    /// A broken quote makes one line faulty, and no other.
    fn first_line_only(&mut self, line: Cut, at: u64) -> Cut {
        let Cut::Record { to, next } = line else { return line };
        self.unclosed = self.unclosed.split_off(&at);
        let later = self.opened.iter().filter(|&&open| open >= next);
        self.unclosed.extend(later.map(|&open| at + open as u64));
        Cut::Faulty { to, next, fault: Fault::BrokenQuote }
    }

    fn scan(&mut self, window: Window<'_>) -> Scanned {
        self.cells.clear();
        self.opened.clear();
        let mut from = 0;
        loop {
            match self.field(window, from) {
                Field::Next(next) => from = next,
                Field::Last(scanned) => return scanned,
            }
        }
    }

    fn field(&mut self, window: Window<'_>, from: usize) -> Field {
        let field = &window.bytes[from..];
        let blanks = self.signs.blanks(field);
        match self.signs.quote {
            Some(quote) if field.first() == Some(&quote) => {
                if self.unclosed.contains(&(window.at + from as u64)) {
                    return Field::Last(Scanned::Broken);
                }
                self.opened.push(from);
                self.quoted_field(window.bytes, quote, from + 1)
            }
            Some(quote) if field.get(blanks) == Some(&quote) => {
                self.indented_field(window, quote, from, from + blanks + 1)
            }
            _ => self.bare_field(window.bytes, from),
        }
    }

    /// A field with whitespace before a quote: quoted if it can be read so, otherwise unquoted, because a quote
    /// within an unquoted field is an ordinary character.
    fn indented_field(&mut self, window: Window<'_>, quote: u8, from: usize, text: usize) -> Field {
        let cells = self.cells.len();
        match self.quoted_field(window.bytes, quote, text) {
            Field::Last(Scanned::Broken) => {}
            Field::Last(Scanned::Open) if window.is_final => {}
            field => return field,
        }
        self.cells.truncate(cells);
        self.bare_field(window.bytes, from)
    }

    fn bare_field(&mut self, bytes: &[u8], from: usize) -> Field {
        let mut scanned_to = from;
        let mut is_escaped = false;
        let end = loop {
            let rest = bytes.get(scanned_to..).unwrap_or_default();
            let end = self.signs.find_end(rest);
            let escape = self
                .signs
                .escape
                .and_then(|escape| memchr(escape, &rest[..end.map_or(rest.len(), |(at, _)| at)]));
            let Some(escape) = escape else { break end.map(|(at, sign)| (scanned_to + at, sign)) };
            let after = scanned_to + escape + 1;
            is_escaped = true;
            scanned_to = after + self.signs.escaped_len(&bytes[after..]).unwrap_or(0);
        };
        let Some((end, is_delimiter)) = end else {
            let to = from + lines::without_cr(&bytes[from..]).len();
            self.cells.push(Cell { from, to, is_quoted: false, is_escaped });
            return Field::Last(Scanned::Bare { to });
        };
        let text = &bytes[from..end];
        let text = if is_delimiter { text } else { lines::without_cr(text) };
        let to = from + text.len();
        self.cells.push(Cell { from, to, is_quoted: false, is_escaped });
        match is_delimiter {
            true => Field::Next(end + self.signs.delimiter.bytes().len()),
            false => Field::Last(Scanned::Record { to, next: end + 1 }),
        }
    }

    /// A quoted field whose text starts at `from`.
    fn quoted_field(&mut self, bytes: &[u8], quote: u8, from: usize) -> Field {
        let mut scanned_to = from;
        let mut is_escaped = false;
        loop {
            let rest = bytes.get(scanned_to..).unwrap_or_default();
            let found = match self.signs.escape {
                None => memchr(quote, rest),
                Some(escape) => memchr2(quote, escape, rest),
            };
            let Some(found) = found else { return Field::Last(Scanned::Open) };
            let to = scanned_to + found;
            if bytes[to] == quote && bytes.get(to + 1) != Some(&quote) {
                self.cells.push(Cell { from, to, is_quoted: true, is_escaped });
                return self.after_quote(bytes, to + 1);
            }
            is_escaped = true;
            scanned_to = to + 2;
        }
    }

    fn after_quote(&self, bytes: &[u8], from: usize) -> Field {
        let after = bytes.get(from..).unwrap_or_default();
        let blanks = self.signs.blanks(after);
        let (to, after) = (from + blanks, &after[blanks..]);
        let delimiter = self.signs.delimiter.bytes();
        match after {
            _ if after.starts_with(delimiter) => Field::Next(to + delimiter.len()),
            [b'\r', b'\n', ..] if !self.signs.ends.contains(b'\r') => {
                Field::Last(Scanned::Record { to, next: to + 2 })
            }
            [first, ..] if self.signs.ends.contains(*first) => {
                Field::Last(Scanned::Record { to, next: to + 1 })
            }
            [] | [b'\r'] => Field::Last(Scanned::Bare { to }),
            _ if delimiter.starts_with(after) => Field::Last(Scanned::Open),
            _ => Field::Last(Scanned::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::contract::Escape;

    fn signs(delimiter: &str, escape: Escape) -> Signs {
        Signs::new(delimiter, Some(b'"'), escape)
    }

    /// Cuts the first record of `text` under a limit of 20 bytes.
    fn cut(text: &str, closed: bool) -> (Cut, Vec<String>) {
        let mut cutter = Cutter::new(signs(",", Escape::Never), 20);
        let cut = cutter.cut(text.as_bytes(), 0, closed);
        let cells = cutter.cells().iter().map(|cell| text[cell.from..cell.to].into()).collect();
        (cut, cells)
    }

    fn check(text: &str, cells: &[&str], to: usize, next: usize) {
        assert_eq!(
            cut(text, true),
            (Cut::Record { to, next }, cells.iter().map(|&c| c.into()).collect())
        );
    }

    #[test]
    fn records_are_cut_into_cells() {
        check("a,b\nc", &["a", "b"], 3, 4);
        check(",\n", &["", ""], 1, 2);
        check("\"a,b\",c\r\n", &["a,b", "c"], 7, 9);
        check("\"a\nb\",c\n", &["a\nb", "c"], 7, 8);
        check("\"a\"\"b\"", &["a\"\"b"], 6, 6);
        check("\"\",\"\"\r", &["", ""], 5, 6);
        check("a\"b,c\n", &["a\"b", "c"], 5, 6);
        check("a, \"b\"\n", &["a", "b"], 6, 7);
        check("a,\t\"b,c\" \n", &["a", "b,c"], 9, 10);
        check("a, \"b\"c\n", &["a", " \"b\"c"], 7, 8);
        check("a, \"b\n", &["a", " \"b"], 5, 6);
    }

    #[test]
    fn a_broken_quote_makes_one_line_faulty() {
        let check = |text, closed, expected| assert_eq!(cut(text, closed).0, expected, "{text:?}");
        let broken = |to, next| Cut::Faulty { to, next, fault: Fault::BrokenQuote };
        check("\"a\nb\n", true, broken(2, 3));
        check("\"a\nb\n", false, Cut::More);
        check("\"a\"b\nc\n", false, broken(4, 5));
        check("\"a\r\nb\"c", false, broken(2, 4));
        check("\"a\"\r", false, Cut::More);
        check("\"a\"\rb\n", false, broken(5, 6));
        check("\"a\n45678901234567890123", false, broken(2, 3));
        check("\"a\n456789012345678901", false, Cut::More);
    }

    #[test]
    fn a_long_record_is_not_a_broken_quote() {
        let check = |text, expected| assert_eq!(cut(text, true).0, expected, "{text:?}");
        check("\"a\n\",78901234567890", Cut::Record { to: 19, next: 19 });
        check("\"a\n\",7890123456789012345", Cut::TooLong { seen: 20 });
        check("\"234567890123456789012345\"\n", Cut::TooLong { seen: 20 });
        assert_eq!(cut("\"a\n45678901234567890\"", false).0, Cut::More);
    }

    #[test]
    fn scanning_takes_linear_time() {
        let mut text = "\"a\n".to_owned();
        text.push_str(&"b\",\"c\n".repeat(200_000));
        text.push_str("\"x\n");
        let mut cutter = Cutter::new(signs(",", Escape::Never), usize::MAX);
        let (mut at, mut lines) = (0, 0);
        while let Cut::Faulty { next, .. } | Cut::Record { next, .. } =
            cutter.cut(&text.as_bytes()[at..], at as u64, true)
        {
            at += next;
            lines += 1;
        }
        assert_eq!((at, lines), (text.len(), 200_002));
    }

    #[test]
    fn a_delimiter_may_have_several_characters() {
        let check = |text: &str, closed, expected: Cut, cells: &[&str]| {
            let mut cutter = Cutter::new(signs("||", Escape::Never), 20);
            assert_eq!(cutter.cut(text.as_bytes(), 0, closed), expected, "{text:?}");
            let found = cutter.cells().iter().map(|cell| &text[cell.from..cell.to]);
            assert_eq!(found.collect::<Vec<_>>(), cells, "{text:?}");
        };
        check("a||b | c\n", true, Cut::Record { to: 8, next: 9 }, &["a", "b | c"]);
        check("a|||b\n", true, Cut::Record { to: 5, next: 6 }, &["a", "|b"]);
        check("\"a||b\"||c\n", true, Cut::Record { to: 9, next: 10 }, &["a||b", "c"]);
        check("\"a\"|", false, Cut::More, &[]);
        check("\"a\"||", false, Cut::More, &[]);
        check("a|\nb", true, Cut::Record { to: 2, next: 3 }, &["a|"]);
        let broken = Cut::Faulty { to: 4, next: 4, fault: Fault::BrokenQuote };
        check("\"a\"|", true, broken, &["a"]);
    }

    #[test]
    fn escaped_characters_are_literal() {
        let check = |text: &str, expected: Cut, cells: &[&str]| {
            let mut cutter = Cutter::new(signs(",", Escape::Byte(b'\\')), 40);
            assert_eq!(cutter.cut(text.as_bytes(), 0, true), expected, "{text:?}");
            let text =
                |cell: &Cell| cutter.signs().unescape(&text[cell.from..cell.to], cell.is_quoted);
            assert_eq!(cutter.cells().iter().map(text).collect::<Vec<_>>(), cells);
        };
        let record = |to| Cut::Record { to, next: to + 1 };
        check("\"a\\\"b\",c\n", record(8), &["a\"b", "c"]);
        check("\"a\\\\\",c\n", record(7), &["a\\", "c"]);
        check("a\\,b,\\N\n", record(7), &["a,b", "\\N"]);
        check("a\\\nb,c\n", record(6), &["a\nb", "c"]);
        check("\"a\"\"b\\\n\",c\n", record(10), &["a\"b\n", "c"]);
        check("é\\é,c\n", record(7), &["é\\é", "c"]);
    }
}
