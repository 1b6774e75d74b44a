//! Cuts a record with quotes into its cells.

use super::super::lines::{self, Cut};
use super::signs::Signs;
use batches::batch::Fault;
use memchr::{memchr, memchr2};
use std::collections::BTreeSet;

/// One field: bytes `from..to` of its record, quotes around it excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub from: usize,
    pub to: usize,
    /// Whether quotes are around it.
    pub is_quoted: bool,
    /// Whether quotes are doubled in it, or signs escaped.
    pub is_coded: bool,
}

/// Finds records and their cells.
#[derive(Debug)]
pub(super) struct Cutter {
    signs: Signs,
    max_record_bytes: usize,
    cells: Vec<Cell>,
    opened: Vec<usize>,
    /// Quotes behind the waiting byte that a broken record opened in vain. A record that opens one
    /// of them is broken too; without this memory each line would look ahead as far as the first.
    doomed: BTreeSet<u64>,
}

/// How a look at a record with quotes ended.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// At its line end.
    Record { to: usize, next: usize },
    /// At the last byte known, outside of quotes.
    Bare { to: usize },
    /// At the last byte known, inside quotes or a delimiter.
    Open,
    /// At text behind a closing quote.
    Broken,
}

/// How one field ended.
enum Field {
    /// At a delimiter; the next one begins at this byte.
    Next(usize),
    Last(Seen),
}

/// The bytes a record is looked for in.
#[derive(Clone, Copy)]
struct Window<'a> {
    bytes: &'a [u8],
    /// The place of the first byte within all that was ever waiting.
    at: u64,
    /// Whether further bytes would change nothing.
    is_final: bool,
}

impl Cutter {
    pub fn new(signs: Signs, max_record_bytes: usize) -> Self {
        Self {
            signs,
            max_record_bytes,
            cells: Vec::new(),
            opened: Vec::new(),
            doomed: BTreeSet::new(),
        }
    }

    /// The cells of the record that [`Cutter::cut`] found.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub fn signs(&self) -> &Signs {
        &self.signs
    }

    /// The signs, to be changed before the first record is cut.
    pub fn signs_mut(&mut self) -> &mut Signs {
        &mut self.signs
    }

    /// Cuts the first record. `at` names the first of `bytes` within all that was ever waiting;
    /// `closed` says that nothing follows.
    pub fn cut(&mut self, bytes: &[u8], at: u64, closed: bool) -> Cut {
        let line = lines::cut(bytes, self.max_record_bytes, closed, self.signs.ends);
        let Cut::Record { to, .. } = line else { return line };
        if self.signs.is_plain(&bytes[..to]) {
            self.split(&bytes[..to]);
            return line;
        }
        self.cut_coded(bytes, at, closed, line)
    }

    /// Cells of a line without quotes and escapes.
    fn split(&mut self, line: &[u8]) {
        let Self { signs, cells, .. } = self;
        let cell = |from, to| Cell { from, to, is_quoted: false, is_coded: false };
        cells.clear();
        let mut from = 0;
        signs.delimiter.each(line, |to, next| {
            cells.push(cell(from, to));
            from = next;
        });
        cells.push(cell(from, line.len()));
    }

    fn cut_coded(&mut self, bytes: &[u8], at: u64, closed: bool, line: Cut) -> Cut {
        let limit = self.max_record_bytes;
        let whole = bytes.len() >= lines::window_bytes(limit);
        let is_final = whole || closed;
        let bytes = &bytes[..bytes.len().min(lines::window_bytes(limit))];
        match self.scan(Window { bytes, at, is_final }) {
            Seen::Bare { .. } if !is_final => Cut::More,
            Seen::Bare { .. } if whole => Cut::TooLong { seen: limit },
            Seen::Bare { to } | Seen::Record { to, .. } if to > limit => {
                Cut::TooLong { seen: limit }
            }
            Seen::Bare { to } => Cut::Record { to, next: bytes.len() },
            Seen::Record { to, next } => Cut::Record { to, next },
            Seen::Open if !is_final => Cut::More,
            Seen::Open | Seen::Broken => self.first_line_only(line, at),
        }
    }

    /// One broken quote costs one line, never its neighbours.
    fn first_line_only(&mut self, line: Cut, at: u64) -> Cut {
        let Cut::Record { to, next } = line else { return line };
        self.doomed = self.doomed.split_off(&at);
        let behind = self.opened.iter().filter(|&&open| open >= next);
        self.doomed.extend(behind.map(|&open| at + open as u64));
        Cut::Faulty { to, next, fault: Fault::BrokenQuote }
    }

    fn scan(&mut self, window: Window<'_>) -> Seen {
        self.cells.clear();
        self.opened.clear();
        let mut from = 0;
        loop {
            match self.field(window, from) {
                Field::Next(next) => from = next,
                Field::Last(seen) => return seen,
            }
        }
    }

    fn field(&mut self, window: Window<'_>, from: usize) -> Field {
        let field = &window.bytes[from..];
        let blanks = self.signs.blanks(field);
        match self.signs.quote {
            Some(quote) if field.first() == Some(&quote) => {
                if self.doomed.contains(&(window.at + from as u64)) {
                    return Field::Last(Seen::Broken);
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

    /// A field with blanks in front of a quote: in quotes if that can be, otherwise bare, for a
    /// quote in the middle of a field is an ordinary character.
    fn indented_field(&mut self, window: Window<'_>, quote: u8, from: usize, text: usize) -> Field {
        let cells = self.cells.len();
        match self.quoted_field(window.bytes, quote, text) {
            Field::Last(Seen::Broken) => {}
            Field::Last(Seen::Open) if window.is_final => {}
            field => return field,
        }
        self.cells.truncate(cells);
        self.bare_field(window.bytes, from)
    }

    fn bare_field(&mut self, bytes: &[u8], from: usize) -> Field {
        let mut looked = from;
        let mut is_coded = false;
        let end = loop {
            let rest = bytes.get(looked..).unwrap_or_default();
            let end = self.signs.find_end(rest);
            let escape = self
                .signs
                .escape
                .and_then(|escape| memchr(escape, &rest[..end.map_or(rest.len(), |(at, _)| at)]));
            let Some(escape) = escape else { break end.map(|(at, sign)| (looked + at, sign)) };
            let behind = looked + escape + 1;
            is_coded = true;
            looked = behind + self.signs.escaped_len(&bytes[behind..]).unwrap_or(0);
        };
        let Some((end, is_delimiter)) = end else {
            let to = from + lines::without_cr(&bytes[from..]).len();
            self.cells.push(Cell { from, to, is_quoted: false, is_coded });
            return Field::Last(Seen::Bare { to });
        };
        let text = &bytes[from..end];
        let text = if is_delimiter { text } else { lines::without_cr(text) };
        let to = from + text.len();
        self.cells.push(Cell { from, to, is_quoted: false, is_coded });
        match is_delimiter {
            true => Field::Next(end + self.signs.delimiter.bytes().len()),
            false => Field::Last(Seen::Record { to, next: end + 1 }),
        }
    }

    /// `from` is the byte behind the opening quote.
    fn quoted_field(&mut self, bytes: &[u8], quote: u8, from: usize) -> Field {
        let mut looked = from;
        let mut is_coded = false;
        loop {
            let rest = bytes.get(looked..).unwrap_or_default();
            let found = match self.signs.escape {
                None => memchr(quote, rest),
                Some(escape) => memchr2(quote, escape, rest),
            };
            let Some(found) = found else { return Field::Last(Seen::Open) };
            let to = looked + found;
            if bytes[to] == quote && bytes.get(to + 1) != Some(&quote) {
                self.cells.push(Cell { from, to, is_quoted: true, is_coded });
                return self.behind_quote(bytes, to + 1);
            }
            is_coded = true;
            looked = to + 2;
        }
    }

    fn behind_quote(&self, bytes: &[u8], from: usize) -> Field {
        let behind = bytes.get(from..).unwrap_or_default();
        let blanks = self.signs.blanks(behind);
        let (to, behind) = (from + blanks, &behind[blanks..]);
        let delimiter = self.signs.delimiter.bytes();
        match behind {
            _ if behind.starts_with(delimiter) => Field::Next(to + delimiter.len()),
            [b'\r', b'\n', ..] if !self.signs.ends.contains(b'\r') => {
                Field::Last(Seen::Record { to, next: to + 2 })
            }
            [first, ..] if self.signs.ends.contains(*first) => {
                Field::Last(Seen::Record { to, next: to + 1 })
            }
            [] | [b'\r'] => Field::Last(Seen::Bare { to }),
            _ if delimiter.starts_with(behind) => Field::Last(Seen::Open),
            _ => Field::Last(Seen::Broken),
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
    fn a_broken_quote_costs_one_line() {
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
    fn a_long_record_is_no_broken_quote() {
        let check = |text, expected| assert_eq!(cut(text, true).0, expected, "{text:?}");
        check("\"a\n\",78901234567890", Cut::Record { to: 19, next: 19 });
        check("\"a\n\",7890123456789012345", Cut::TooLong { seen: 20 });
        check("\"234567890123456789012345\"\n", Cut::TooLong { seen: 20 });
        assert_eq!(cut("\"a\n45678901234567890\"", false).0, Cut::More);
    }

    #[test]
    fn looking_ahead_stays_linear() {
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
    fn escapes_take_the_meaning_from_the_sign_behind() {
        let check = |text: &str, expected: Cut, cells: &[&str]| {
            let mut cutter = Cutter::new(signs(",", Escape::Byte(b'\\')), 40);
            assert_eq!(cutter.cut(text.as_bytes(), 0, true), expected, "{text:?}");
            let text =
                |cell: &Cell| cutter.signs().decoded(&text[cell.from..cell.to], cell.is_quoted);
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
