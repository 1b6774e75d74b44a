//! Rules over the code of a crate: circles, local closures, public names.

use crate::code::functions::functions;
use crate::code::lexer::is_word;
use crate::code::{self, File, circles, prose};
use std::collections::BTreeMap;

/// The most local closures of a function.
const CLOSURES: usize = 2;

/// The most lines of a function, and the deepest nesting of its braces.
const LINES: usize = 70;
const DEPTH: usize = 6;

/// The words before the name of an item.
const ITEMS: [&str; 7] = ["fn", "struct", "enum", "trait", "type", "const", "mod"];

/// Circles of imports between folders of a crate whose sources are in `folder`.
pub fn circular(files: &[File], folder: &str) -> Vec<String> {
    let circles = circles::circles(&code::imports(files, folder));
    circles
        .iter()
        .map(|circle| format!("{folder}: these import one another: {}", circle.join(", ")))
        .collect()
}

/// Functions that are too long, too deep, or hold too many local closures; imports by two parents.
pub fn folded(file: &File) -> Vec<String> {
    let place = |line: usize| format!("{}:{line}", file.path);
    let mut found = Vec::new();
    for function in functions(&file.code) {
        let at = place(function.line);
        let name = &function.name;
        if function.lines > LINES || function.depth > DEPTH {
            found.push(format!(
                "{at}: {name} has {} lines, depth {}",
                function.lines, function.depth
            ));
        }
        if function.closures > CLOSURES {
            found.push(format!(
                "{at}: {name} binds {} closures; {CLOSURES} are the most",
                function.closures
            ));
        }
    }
    let lines = file.code.lines().zip(1..).filter(|(line, _)| line.contains(GRANDPARENT));
    found.extend(
        lines.map(|(_, number)| format!("{}: imports by `crate::` instead", place(number))),
    );
    found
}

const GRANDPARENT: &str = "super::super";

/// Public types that have the same name in one crate.
pub fn doubled(files: &[File]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in files {
        for item in ["struct", "enum", "trait"] {
            for name in names(&file.code, &format!("pub {item}")) {
                places.entry(name).or_default().push(&file.path);
            }
        }
    }
    let doubled = places.into_iter().filter(|(_, places)| places.len() > 1);
    doubled
        .map(|(name, places)| format!("{name} names {} types: {}", places.len(), places.join(", ")))
        .collect()
}

/// Items whose names contain a word that technical English does not use for programs.
pub fn misnamed(file: &File) -> Vec<String> {
    let names = ITEMS.iter().flat_map(|item| names(&file.code, item));
    let is_odd = |name: &String| !prose::idioms(&spoken(name)).is_empty();
    names.filter(is_odd).map(|name| format!("{}: the name {name}", file.path)).collect()
}

/// The names after a word.
fn names(code: &str, word: &str) -> Vec<String> {
    let word = format!("{word} ");
    let bytes = code.as_bytes();
    let is_start = |at: usize| at == 0 || !is_word(bytes[at - 1]);
    let starts = code.match_indices(&word).map(|(at, _)| at).filter(|at| is_start(*at));
    let name = |at: usize| {
        let rest = &code[at + word.len()..];
        rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect::<String>()
    };
    starts.map(name).filter(|name| !name.is_empty()).collect()
}

/// A name as words: `TableRows` and `table_rows` are "table rows".
fn spoken(name: &str) -> String {
    let spaced = |letter: char| {
        let blank = if letter.is_uppercase() { " " } else { "" };
        format!("{blank}{}", letter.to_lowercase())
    };
    name.replace('_', " ").chars().map(spaced).collect()
}

/// Idioms in the comments and string literals of a source file.
pub fn idiomatic(file: &File) -> Vec<String> {
    let mut found = prose::idioms(&file.comments);
    found.extend(prose::idioms(&file.strings));
    found.into_iter().map(|(line, idiom)| format!("{}:{line}: \"{idiom}\"", file.path)).collect()
}

/// Idioms in a page of Markdown, what is quoted as code left out.
pub fn idiomatic_page(path: &str, text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut prose_of = |line: &str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence { String::new() } else { line.to_owned() }
    };
    let prose: Vec<String> = text.lines().map(&mut prose_of).collect();
    let found = prose::idioms(&prose.join("\n"));
    found.into_iter().map(|(line, idiom)| format!("{path}:{line}: \"{idiom}\"")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(code: &str) -> File {
        let views = crate::code::lexer::views(code);
        let path = "crates/a/src/b.rs".to_owned();
        File { path, code: views.code, comments: views.comments, strings: views.strings }
    }

    #[test]
    fn a_third_closure_is_found() {
        let code = "fn a() { let b = |x| x; let c = |x| x; let d = |x| x; }";
        assert_eq!(folded(&file(code)).len(), 1);
        assert_eq!(folded(&file("use super::super::a;")).len(), 1);
    }

    #[test]
    fn two_public_types_of_one_name_are_found() {
        let files = [file("pub struct A;"), file("pub enum A { B }"), file("pub struct C;")];
        assert_eq!(doubled(&files).len(), 1);
    }

    #[test]
    fn odd_words_in_names_comments_and_errors_are_found() {
        let odd = ["to", "ld"].concat();
        let code =
            format!("fn {odd}_rows() {{}}\n// It is {odd}.\nconst A: &str = \"was {odd}\";\n");
        assert_eq!(misnamed(&file(&code)).len(), 1);
        assert_eq!(idiomatic(&file(&code)).len(), 2);
        let page = format!("It is {odd}.\n```\n{odd}\n```\n");
        assert_eq!(idiomatic_page("a.md", &page).len(), 1);
    }
}
