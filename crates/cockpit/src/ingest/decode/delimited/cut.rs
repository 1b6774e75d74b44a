//! Cuts a record with quotes into its cells.

use super::super::lines::{self, Cut};
use crate::batch::Fault;
use memchr::{memchr, memchr_iter, memchr2};
use std::collections::BTreeSet;

/// One field: bytes `from..to` of its record, quotes around it excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub from: usize,
    pub to: usize,
    /// Whether quotes stand doubled in it.
    pub doubled: bool,
}

/// Finds records and their cells.
#[derive(Debug)]
pub(super) struct Cutter {
    delimiter: u8,
    quote: Option<u8>,
    max_record_bytes: usize,
    cells: Vec<Cell>,
    opened: Vec<usize>,
    /// Quotes behind the waiting byte that a broken record opened in vain. A record that opens one
    /// of them is broken too; without this memory each line would look ahead as far as the first.
    doomed: BTreeSet<u64>,
}

/// How a look at a record with quotes ended.
enum Seen {
    /// At its line end.
    Record { to: usize, next: usize },
    /// At the last byte known, outside of quotes.
    Bare { to: usize },
    /// At the last byte known, inside quotes.
    Quoted,
    /// At text behind a closing quote.
    Broken,
}

/// How one field ended.
enum Field {
    /// At a delimiter; the next one begins at this byte.
    Next(usize),
    Last(Seen),
}

impl Cutter {
    pub fn new(delimiter: u8, quote: Option<u8>, max_record_bytes: usize) -> Self {
        Self {
            delimiter,
            quote,
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

    /// Cuts the first record. `at` names the first of `bytes` within all that was ever waiting;
    /// `closed` says that nothing follows.
    pub fn cut(&mut self, bytes: &[u8], at: u64, closed: bool) -> Cut {
        let line = lines::cut(bytes, self.max_record_bytes, closed);
        let Cut::Record { to, .. } = line else { return line };
        match self.quote {
            Some(quote) if memchr(quote, &bytes[..to]).is_some() => {
                self.cut_quoted(bytes, quote, at, closed, line)
            }
            _ => {
                self.split(&bytes[..to]);
                line
            }
        }
    }

    /// Cells of a line without quotes.
    fn split(&mut self, line: &[u8]) {
        self.cells.clear();
        let mut from = 0;
        for to in memchr_iter(self.delimiter, line) {
            self.cells.push(Cell { from, to, doubled: false });
            from = to + 1;
        }
        self.cells.push(Cell { from, to: line.len(), doubled: false });
    }

    fn cut_quoted(&mut self, bytes: &[u8], quote: u8, at: u64, closed: bool, line: Cut) -> Cut {
        let limit = self.max_record_bytes;
        let window = &bytes[..bytes.len().min(lines::window_bytes(limit))];
        let whole = bytes.len() >= lines::window_bytes(limit);
        match self.scan(window, quote, at) {
            Seen::Bare { .. } if !whole && !closed => Cut::More,
            Seen::Bare { .. } if whole => Cut::TooLong { seen: limit },
            Seen::Bare { to } | Seen::Record { to, .. } if to > limit => {
                Cut::TooLong { seen: limit }
            }
            Seen::Bare { to } => Cut::Record { to, next: bytes.len() },
            Seen::Record { to, next } => Cut::Record { to, next },
            Seen::Quoted if !whole && !closed => Cut::More,
            Seen::Quoted | Seen::Broken => self.first_line_only(line, at),
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

    fn scan(&mut self, bytes: &[u8], quote: u8, at: u64) -> Seen {
        self.cells.clear();
        self.opened.clear();
        let mut from = 0;
        loop {
            let field = if bytes.get(from) == Some(&quote) {
                if self.doomed.contains(&(at + from as u64)) {
                    return Seen::Broken;
                }
                self.opened.push(from);
                self.quoted_field(bytes, quote, from + 1)
            } else {
                self.bare_field(bytes, from)
            };
            match field {
                Field::Next(next) => from = next,
                Field::Last(seen) => return seen,
            }
        }
    }

    fn bare_field(&mut self, bytes: &[u8], from: usize) -> Field {
        let rest = &bytes[from..];
        let end = memchr2(self.delimiter, b'\n', rest).unwrap_or(rest.len());
        let at_delimiter = rest.get(end) == Some(&self.delimiter);
        let text = if at_delimiter { &rest[..end] } else { lines::without_cr(&rest[..end]) };
        let to = from + text.len();
        self.cells.push(Cell { from, to, doubled: false });
        match rest.get(end) {
            None => Field::Last(Seen::Bare { to }),
            Some(_) if at_delimiter => Field::Next(from + end + 1),
            Some(_) => Field::Last(Seen::Record { to, next: from + end + 1 }),
        }
    }

    /// `from` is the byte behind the opening quote.
    fn quoted_field(&mut self, bytes: &[u8], quote: u8, from: usize) -> Field {
        let mut looked = from;
        loop {
            let Some(found) = memchr(quote, &bytes[looked..]) else {
                return Field::Last(Seen::Quoted);
            };
            let to = looked + found;
            if bytes.get(to + 1) != Some(&quote) {
                self.cells.push(Cell { from, to, doubled: looked > from });
                return self.behind_quote(bytes, to + 1);
            }
            looked = to + 2;
        }
    }

    fn behind_quote(&self, bytes: &[u8], to: usize) -> Field {
        match bytes.get(to..).unwrap_or_default() {
            [first, ..] if *first == self.delimiter => Field::Next(to + 1),
            [b'\n', ..] => Field::Last(Seen::Record { to, next: to + 1 }),
            [b'\r', b'\n', ..] => Field::Last(Seen::Record { to, next: to + 2 }),
            [] | [b'\r'] => Field::Last(Seen::Bare { to }),
            _ => Field::Last(Seen::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts the first record of `text` under a limit of 20 bytes.
    fn cut(text: &str, closed: bool) -> (Cut, Vec<String>) {
        let mut cutter = Cutter::new(b',', Some(b'"'), 20);
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
        check("a, \"b\"\n", &["a", " \"b\""], 6, 7);
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
        let mut cutter = Cutter::new(b',', Some(b'"'), usize::MAX);
        let (mut at, mut lines) = (0, 0);
        while let Cut::Faulty { next, .. } | Cut::Record { next, .. } =
            cutter.cut(&text.as_bytes()[at..], at as u64, true)
        {
            at += next;
            lines += 1;
        }
        assert_eq!((at, lines), (text.len(), 200_002));
    }
}
