//! Cuts a JSON array into its elements, wherever a chunk ends and however broken an element is.

use super::super::error::DecodeError;
use super::super::lines::{self, Cut};
use crate::batch::Fault;
use memchr::memchr3;

/// Deeper brackets are counted, but not told apart.
const TOLD_APART: usize = 128;

/// Finds the elements of an array.
#[derive(Debug)]
pub(in super::super) struct Array {
    max_record_bytes: usize,
    part: Part,
    /// The scan of an element over the limit.
    scan: Scan,
}

/// The part of the file that is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What precedes the first `[`.
    Before,
    /// Elements.
    Elements,
    /// What follows the last `]`: blanks, or a further array.
    After,
}

impl Array {
    pub fn new(max_record_bytes: usize) -> Self {
        Self { max_record_bytes, part: Part::Before, scan: Scan::default() }
    }

    /// Cuts what comes first. `file_at` is the place of `bytes` in the file; `closed` says that
    /// nothing follows.
    pub fn cut(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        let elements = self.part == Part::Elements;
        let skipped = |byte: &u8| is_blank(*byte) || elements && *byte == b',';
        match bytes.iter().position(|byte| !skipped(byte)) {
            None if bytes.is_empty() => self.end(file_at, closed),
            None => Ok(Cut::Blank { next: bytes.len() }),
            Some(0) => self.cut_solid(bytes, file_at, closed),
            Some(next) => Ok(Cut::Blank { next }),
        }
    }

    /// Looks for the end of an element over the limit, see [`lines::skip`].
    pub fn skip(&mut self, bytes: &[u8], closed: bool) -> Result<(usize, usize), usize> {
        match self.part {
            Part::Elements => match self.scan.run(bytes) {
                Some(end) => Ok((end.to, end.next)),
                None if closed => Ok((bytes.len(), bytes.len())),
                None => Err(bytes.len()),
            },
            Part::Before | Part::After => lines::skip(bytes, closed),
        }
    }

    fn end(&mut self, file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        match self.part {
            Part::Before if closed => Err(DecodeError::NoArray { size_bytes: file_at }),
            // The array was not closed: who cut it may have cut off elements as well, which must
            // not go unseen.
            Part::Elements if closed => {
                self.part = Part::After;
                Ok(Cut::Faulty { to: 0, next: 0, fault: Fault::NotJson })
            }
            _ => Ok(Cut::More),
        }
    }

    fn cut_solid(&mut self, bytes: &[u8], file_at: u64, closed: bool) -> Result<Cut, DecodeError> {
        match (self.part, bytes[0]) {
            (Part::Before | Part::After, b'[') => self.part = Part::Elements,
            (Part::Elements, b']') => self.part = Part::After,
            (Part::Elements, _) => return Ok(self.cut_element(bytes, closed)),
            (Part::Before, found) => return Err(DecodeError::NotAnArray { byte: file_at, found }),
            (Part::After, _) => {
                return Ok(match lines::cut(bytes, self.max_record_bytes, closed) {
                    Cut::Record { to, next } => Cut::Faulty { to, next, fault: Fault::NotJson },
                    other => other,
                });
            }
        }
        Ok(Cut::Blank { next: 1 })
    }

    fn cut_element(&mut self, bytes: &[u8], closed: bool) -> Cut {
        let limit = self.max_record_bytes;
        let window = &bytes[..bytes.len().min(limit.saturating_add(1))];
        self.scan = Scan::default();
        match self.scan.run(window) {
            Some(End { to, next, torn: false }) => Cut::Record { to: solid(&bytes[..to]), next },
            Some(End { to, next, torn: true }) => {
                Cut::Faulty { to: solid(&bytes[..to]), next, fault: Fault::NotJson }
            }
            None if window.len() > limit => Cut::TooLong { seen: window.len() },
            None if closed && self.scan.is_whole() => {
                Cut::Record { to: solid(bytes), next: bytes.len() }
            }
            None if closed => {
                self.part = Part::After;
                Cut::Faulty { to: solid(bytes), next: bytes.len(), fault: Fault::NotJson }
            }
            None => Cut::More,
        }
    }
}

/// Length of `bytes` without the blanks at its end.
fn solid(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Where an element ends.
struct End {
    to: usize,
    next: usize,
    /// Whether a line ended inside a string, which JSON does not allow: the string was not closed.
    /// Ending the element there keeps it from swallowing those on the following lines.
    torn: bool,
}

/// What is known at some byte of an element.
#[derive(Debug, Default)]
struct Scan {
    brackets: Vec<u8>,
    beyond: u64,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    /// Goes on with the next bytes of the element, up to its end if that is among them.
    fn run(&mut self, bytes: &[u8]) -> Option<End> {
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

    /// Whether everything that was opened is closed.
    fn is_whole(&self) -> bool {
        self.brackets.is_empty() && self.beyond == 0 && !self.quoted
    }

    fn outside(&mut self, byte: u8, at: usize) -> Option<End> {
        match byte {
            b'"' => self.quoted = true,
            b'{' | b'[' if self.brackets.len() < TOLD_APART => self.brackets.push(byte),
            b'{' | b'[' => self.beyond += 1,
            b'}' | b']' if self.beyond > 0 => self.beyond -= 1,
            b'}' => self.close(b'{'),
            b']' if self.brackets.contains(&b'[') => self.close(b'['),
            b']' => return Some(End { to: at, next: at, torn: false }),
            b',' if self.brackets.is_empty() => {
                return Some(End { to: at, next: at + 1, torn: false });
            }
            _ => {}
        }
        None
    }

    /// Closes the last bracket of this kind, and those that were left open within it.
    fn close(&mut self, open: u8) {
        if let Some(last) = self.brackets.iter().rposition(|&bracket| bracket == open) {
            self.brackets.truncate(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::DecodeError;
    use super::super::super::testing::{contract, decode, rows};
    use plant::contract::Format;

    fn decoded(input: &str) -> Result<Vec<String>, DecodeError> {
        let contract = contract(Format::JsonArray, &["a"]);
        decode(&contract, input.as_bytes()).map(|batch| rows(&batch))
    }

    fn check(input: &str, expected: &[&str]) {
        assert_eq!(decoded(input).unwrap(), expected, "{input}");
    }

    #[test]
    fn elements_are_records() {
        check("[]", &[]);
        check(" [\n] \n", &[]);
        check(r#"[{"a":1},{"a":2}]"#, &["1", "2"]);
        check("[\r\n  {\"a\": \"],}\\\"\"} ,\n {\"a\":[1,[2]]}\n]\n", &["],}\"", "[1,[2]]"]);
        check(r#"[{"a":1},]"#, &["1"]);
        check(r#"[{"a":1}] [{"a":2}]"#, &["1", "2"]);
    }

    #[test]
    fn a_bad_element_costs_one_record() {
        check(r#"[{"a":1},{"a":},{"a":3}]"#, &["1", "∅ not_json {\"a\":}", "3"]);
        check(r#"[{"a":1},7,{"a":3}]"#, &["1", "∅ not_json 7", "3"]);
        check("[{\"a\":\"x},\n{\"a\":2}]", &["∅ not_json {\"a\":\"x},", "2"]);
        check(r#"[{"a":[1},{"a":2}]"#, &["∅ not_json {\"a\":[1}", "2"]);
        check(r#"[{"a":1}},{"a":2}]"#, &["∅ not_json {\"a\":1}}", "2"]);
        check(r#"[{"a":1]"#, &["∅ not_json {\"a\":1"]);
        check(r#"[,{"a":1},,{"a":2}]"#, &["1", "2"]);
    }

    #[test]
    fn deep_nesting_is_one_element() {
        let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
        check(&format!("[{{\"a\":{deep}}},{{\"a\":2}}]"), &[deep.as_str(), "2"]);
    }

    #[test]
    fn a_cut_array_gives_what_is_whole() {
        check(r#"[{"a":1},{"a":2"#, &["1", "∅ not_json {\"a\":2"]);
        check(r#"[{"a":1},{"a":2}"#, &["1", "2", "∅ not_json"]);
        check("[{\"a\":1},\n", &["1", "∅ not_json"]);
        check("[", &["∅ not_json"]);
        check("[{\"a\":1}]\nbye\n", &["1", "∅ not_json bye"]);
    }

    #[test]
    fn no_array_is_refused() {
        let check = |input, expected: &str| {
            let text = decoded(input).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        };
        check(" {\"a\":1}", "'{' instead of '[' stands at byte 1");
        check(" \n", "all 2 bytes are blank");
        check("", "all 0 bytes are blank");
    }
}
