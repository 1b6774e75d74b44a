//! Divides Rust source into code and comments.

/// A source file in three views of equal length and equal line breaks.
pub struct Views {
    /// The code; comments and the contents of string and character literals are blanks.
    pub code: String,
    /// The comments without their slashes; everything else is blank.
    pub comments: String,
    /// The contents of string literals; everything else is blank.
    pub strings: String,
}

/// One of the views.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Code,
    Comments,
    Strings,
    None,
}

/// Where the lexer is.
enum State {
    Code,
    LineComment,
    /// Depth of nesting.
    BlockComment(usize),
    String,
    /// Number of `#` that close it.
    RawString(usize),
}

/// Reads a Rust source file.
pub fn views(source: &str) -> Views {
    let bytes = source.as_bytes();
    let mut lexer = Lexer { bytes, at: 0, state: State::Code, views: [vec![], vec![], vec![]] };
    while lexer.at < bytes.len() {
        lexer.step();
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let [code, comments, strings] = lexer.views.map(text);
    Views { code, comments, strings }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    state: State,
    /// In the order of [`View`].
    views: [Vec<u8>; 3],
}

impl Lexer<'_> {
    fn step(&mut self) {
        match self.state {
            State::Code => self.step_code(),
            State::LineComment => self.step_line_comment(),
            State::BlockComment(depth) => self.step_block_comment(depth),
            State::String => self.step_string(),
            State::RawString(hashes) => self.step_raw_string(hashes),
        }
    }

    fn step_code(&mut self) {
        if self.starts_with(b"//") {
            self.state = State::LineComment;
            self.skip(2);
        } else if self.starts_with(b"/*") {
            self.state = State::BlockComment(1);
            self.skip(2);
        } else if let Some(hashes) = self.raw_string() {
            self.state = State::RawString(hashes);
        } else if self.bytes[self.at] == b'"' {
            self.state = State::String;
            self.keep(View::Code);
        } else if let Some(length) = self.character() {
            self.skip(length);
        } else {
            self.keep(View::Code);
        }
    }

    fn step_line_comment(&mut self) {
        if self.bytes[self.at] == b'\n' {
            self.state = State::Code;
            self.skip(1);
        } else {
            self.keep(View::Comments);
        }
    }

    fn step_block_comment(&mut self, depth: usize) {
        if self.starts_with(b"*/") {
            self.state = if depth == 1 { State::Code } else { State::BlockComment(depth - 1) };
            self.skip(2);
        } else if self.starts_with(b"/*") {
            self.state = State::BlockComment(depth + 1);
            self.skip(2);
        } else {
            self.keep(View::Comments);
        }
    }

    fn step_string(&mut self) {
        match self.bytes[self.at] {
            b'\\' => self.skip(2),
            b'"' => {
                self.state = State::Code;
                self.keep(View::Code);
            }
            _ => self.keep(View::Strings),
        }
    }

    fn step_raw_string(&mut self, hashes: usize) {
        let closing = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
        if self.starts_with(&closing) {
            self.state = State::Code;
            self.skip(closing.len());
        } else {
            self.keep(View::Strings);
        }
    }

    /// At the start of a raw string: passes its opening and returns the number of its `#`.
    fn raw_string(&mut self) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        let is_in_word = self.at > 0 && is_word(self.bytes[self.at - 1]);
        let rest = rest.strip_prefix(b"r").filter(|_| !is_in_word)?;
        let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
        (rest.get(hashes) == Some(&b'"')).then(|| self.skip(hashes + 2))?;
        Some(hashes)
    }

    /// The length of the character literal that starts here. A lifetime is not one.
    fn character(&self) -> Option<usize> {
        let rest = std::str::from_utf8(&self.bytes[self.at..]).ok()?.strip_prefix('\'')?;
        if rest.starts_with('\\') {
            return Some(rest[2..].find('\'')? + 4);
        }
        let first = rest.chars().next()?;
        rest[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.bytes[self.at..].starts_with(text)
    }

    /// Passes bytes that no view keeps, save the line breaks.
    fn skip(&mut self, count: usize) {
        (0..count).for_each(|_| self.keep(View::None));
    }

    /// Passes one byte and keeps it in one view.
    fn keep(&mut self, kept: View) {
        let Some(byte) = self.bytes.get(self.at) else { return };
        let blank = if *byte == b'\n' { b'\n' } else { b' ' };
        for (view, bytes) in [View::Code, View::Comments, View::Strings].iter().zip(&mut self.views)
        {
            bytes.push(if *view == kept { *byte } else { blank });
        }
        self.at += 1;
    }
}

pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::views;

    #[test]
    fn strings_and_comments_are_not_code() {
        let source = "let a = \"{\"; // one {\n/* two /* } */ */ let b = '{';\n";
        let views = views(source);
        let code: Vec<&str> = views.code.split_whitespace().collect();
        let comments: Vec<&str> = views.comments.split_whitespace().collect();
        assert_eq!(views.strings.trim(), "{");
        assert_eq!(code, ["let", "a", "=", "\"", "\";", "let", "b", "=", ";"]);
        assert_eq!(comments, ["one", "{", "two", "}"]);
        assert_eq!((views.code.len(), views.comments.len()), (source.len(), source.len()));
    }

    #[test]
    fn raw_strings_lifetimes_and_escaped_quotes_are_passed() {
        let views = views("f(r#\"}\"{\"#, &'a str, '\\'', \"\\\"{\") }");
        assert_eq!(views.code.replace(' ', ""), "f(,&'astr,,\"\")}");
    }
}
