//! The functions of a source file: length, depth and local closures.

use super::lexer::is_word;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Line of the word `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
    /// The deepest nesting of braces within the body.
    pub depth: usize,
    /// Closures bound to a name with `let`.
    pub closures: usize,
}

/// The functions of code whose comments and literals are blank, see [`super::lexer::views`].
pub fn functions(code: &str) -> Vec<Function> {
    words(code, "fn").filter_map(|at| function(code, at)).collect()
}

/// Where a word occurs as a word of its own.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + word.len());
        !before.is_some_and(is_word) && after.is_some_and(|byte| byte.is_ascii_whitespace())
    })
}

fn function(code: &str, at: usize) -> Option<Function> {
    let name = code[at + 2..].trim_start();
    let end = name.bytes().position(|byte| !is_word(byte))?;
    let name = name[..end].to_owned();
    let body = body(code, at)?;
    let line = count_lines(&code[..at]) + 1;
    let lines = count_lines(&code[at..body.end]) + 1;
    let text = &code[body.start..body.end];
    (!name.is_empty()).then(|| Function {
        name,
        line,
        lines,
        depth: depth(text).saturating_sub(1),
        closures: closures(text),
    })
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// The block in braces after a signature; `None` for a declaration without one and for a type.
fn body(code: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let start = at + code[at..].find(['{', ';'])?;
    if code.as_bytes()[start] != b'{' {
        return None;
    }
    let mut open = 0;
    for (index, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => continue,
        }
        if open == 0 {
            return Some(start..index + 1);
        }
    }
    None
}

fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// `let name = |` and `let name = move |`.
fn closures(text: &str) -> usize {
    let is_closure = |at: &usize| {
        let statement = text[*at..].split([';', '{']).next().unwrap_or_default();
        let value = statement.split_once('=').map(|(_, value)| value.trim_start());
        value.is_some_and(|it| it.trim_start_matches("move ").trim_start().starts_with('|'))
    };
    words(text, "let").filter(is_closure).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_measured() {
        let code = "impl A {\n    fn b(c: u8) -> u8 {\n        if c { d(|e| { e }) }\n    }\n}\n";
        let expected = Function { name: "b".to_owned(), line: 2, lines: 3, depth: 2, closures: 0 };
        assert_eq!(functions(code), [expected]);
    }

    #[test]
    fn closures_with_a_name_are_counted() {
        let code = "fn a() { let b = |c| c; let d = move |e: u8| { e }; let f = g || h; }";
        assert_eq!(functions(code)[0].closures, 2);
    }

    #[test]
    fn declarations_and_types_are_not_functions() {
        assert!(functions("trait A { fn b(&self); }\ntype C = fn (u8) -> u8;\n").is_empty());
    }
}
