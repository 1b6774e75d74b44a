//! Fast path for simple JSON messages: finds the fields of an object by path in one pass without
//! allocation.
//!
//! Simple means: no escapes, no repeated keys, no exponents, and no values nested deeper than the
//! paths. Every other text, valid JSON or not, is declined and left to the full parser.

/// Maximum depth of nested objects that is followed.
const DEPTH: usize = 8;

/// The paths of the wanted fields.
#[derive(Debug)]
pub struct Paths {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    key: String,
    /// The key with its quotes as it is normally written; empty if it needs escapes.
    quoted: String,
    field: Option<usize>,
    children: Vec<Node>,
}

/// The text is not simple; the full parser has to decode it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsupported;

impl Paths {
    /// Paths are keys joined by dots; the index of a path is the number of its field.
    pub fn new<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut root = Node::default();
        for (field, path) in paths.enumerate() {
            let leaf = path.split('.').fold(&mut root, Node::child);
            leaf.field = Some(field);
        }
        Self { root }
    }

    /// Sets the fields that the text contains, as slices of the text; missing fields and nulls stay
    /// unchanged. `fields` has one slot per path, all `None`.
    ///     ///
    /// # Errors
    ///     ///
    /// Fails if the text is not simple; the contents of `fields` are then unspecified.
    pub fn read<'a>(
        &self,
        text: &'a str,
        fields: &mut [Option<&'a str>],
    ) -> Result<(), Unsupported> {
        let mut scan = Scan { text, at: 0 };
        scan.object(&self.root, fields, DEPTH)?;
        scan.space();
        if scan.at == text.len() { Ok(()) } else { Err(Unsupported) }
    }
}

impl Node {
    fn child(&mut self, key: &str) -> &mut Self {
        let at = self.children.iter().position(|child| child.key == key);
        let at = at.unwrap_or_else(|| {
            let is_plain = special(key.as_bytes()).is_none();
            let quoted = if is_plain { format!("\"{key}\"") } else { String::new() };
            self.children.push(Self { key: key.to_owned(), quoted, ..Self::default() });
            self.children.len() - 1
        });
        &mut self.children[at]
    }
}

/// One pass over the text of an object.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Unsupported> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(Unsupported);
        }
        self.at += 1;
        Ok(())
    }

    fn object(
        &mut self,
        node: &Node,
        fields: &mut [Option<&'a str>],
        depth: usize,
    ) -> Result<(), Unsupported> {
        self.take(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        // Keys usually come in the order of the paths.
        let mut expected = 0;
        loop {
            self.space();
            let found = self.key(&node.children, expected)?;
            self.take(b':')?;
            self.space();
            expected = found.map_or(expected, |found| found + 1);
            self.member(found.map(|at| &node.children[at]), fields, depth)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Unsupported),
            }
        }
    }

    /// Finds the next key among these; `expected` is the most likely one.
    fn key(&mut self, children: &[Node], expected: usize) -> Result<Option<usize>, Unsupported> {
        let rest = &self.text.as_bytes()[self.at..];
        let quoted = children.get(expected).map_or("", |child| child.quoted.as_str()).as_bytes();
        if !quoted.is_empty() && rest.starts_with(quoted) {
            self.at += quoted.len();
            return Ok(Some(expected));
        }
        let key = self.string()?;
        let found = children.iter().position(|child| child.key == key);
        // A path may also be written as one key that contains dots.
        if found.is_none() && key.contains('.') {
            return Err(Unsupported);
        }
        Ok(found)
    }

    fn member(
        &mut self,
        node: Option<&Node>,
        fields: &mut [Option<&'a str>],
        depth: usize,
    ) -> Result<(), Unsupported> {
        let Some(node) = node else { return self.scalar().map(drop) };
        if self.peek() == Some(b'{') && node.field.is_none() && depth > 1 {
            return self.object(node, fields, depth - 1);
        }
        let value = self.scalar()?;
        let Some(field) = node.field else {
            // A scalar in place of an object sets none of the fields below it.
            return Ok(());
        };
        // The last of repeated keys wins; a null after a value is left to the full parser.
        if fields[field].is_some() || (value.is_none() && !node.children.is_empty()) {
            return Err(Unsupported);
        }
        fields[field] = value;
        Ok(())
    }

    /// Reads a string without escapes.
    fn string(&mut self) -> Result<&'a str, Unsupported> {
        if self.peek() != Some(b'"') {
            return Err(Unsupported);
        }
        let from = self.at + 1;
        let rest = &self.text.as_bytes()[from..];
        let end = special(rest).filter(|end| rest[*end] == b'"').ok_or(Unsupported)?;
        self.at = from + end + 1;
        Ok(&self.text[from..from + end])
    }

    /// Reads a scalar as text, `None` for null.
    fn scalar(&mut self) -> Result<Option<&'a str>, Unsupported> {
        match self.peek() {
            Some(b'"') => self.string().map(Some),
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            Some(b'n') => self.word("null").map(|_| None),
            Some(b't') => self.word("true").map(Some),
            Some(b'f') => self.word("false").map(Some),
            _ => Err(Unsupported),
        }
    }

    fn word(&mut self, word: &str) -> Result<&'a str, Unsupported> {
        let text = self.text.get(self.at..self.at + word.len()).filter(|it| *it == word);
        self.at += word.len();
        text.ok_or(Unsupported)
    }

    /// Reads a number with at most a fraction; exponents are left to the full parser.
    fn number(&mut self) -> Result<&'a str, Unsupported> {
        let from = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.text.as_bytes()[self.at - whole] == b'0') {
            return Err(Unsupported);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(Unsupported);
            }
        }
        match self.peek() {
            Some(b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t') => Ok(&self.text[from..self.at]),
            _ => Err(Unsupported),
        }
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }
}

/// Finds the first byte that ends a simple string: a quote, a backslash or a control character.
fn special(bytes: &[u8]) -> Option<usize> {
    const WORD: usize = 8;
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<WORD>()) {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / WORD);
        }
        at += WORD;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    bytes[at..].iter().position(is_special).map(|found| at + found)
}

/// Sets the highest bit of each special byte of a word up to and including the first; higher bytes
/// are unspecified.
const fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    const fn below(word: u64, limit: u8) -> u64 {
        word.wrapping_sub(ONES * limit as u64) & !word & HIGHS
    }
    below(word, b' ')
        | below(word ^ (ONES * b'"' as u64), 1)
        | below(word ^ (ONES * b'\\' as u64), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<[Option<&str>; 3], Unsupported>) {
        let mut fields = [None; 3];
        let read = Paths::new(["a", "b.c", "b.d"].into_iter()).read(text, &mut fields);
        assert_eq!(read.map(|()| fields), expected, "{text}");
    }

    #[test]
    fn fields_are_found_by_path() {
        let all = Ok([Some("x"), Some("y"), Some("z")]);
        check(r#"{"a": "x", "b": {"c": "y", "d": "z"}}"#, all);
        check(r#" {"b":{"d":"z","c":"y"},"more":1.5,"a":"x"} "#, all);
        check(r#"{"a":-7,"b":{"c":true,"d":null}}"#, Ok([Some("-7"), Some("true"), None]));
        check("{}", Ok([None; 3]));
    }

    #[test]
    fn other_texts_are_declined() {
        for text in [
            "",
            "[]",
            "{",
            "{} x",
            r#"{"a":1e3}"#,
            r#"{"a":01}"#,
            r#"{"a":"\n"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"b.c":1}"#,
            "{\"a\":\"\t\"}",
        ] {
            check(text, Err(Unsupported));
        }
    }

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let one_by_one = bytes.iter().position(|it| matches!(it, b'"' | b'\\' | 0..b' '));
            prop_assert_eq!(special(&bytes), one_by_one);
        }
    }
}
