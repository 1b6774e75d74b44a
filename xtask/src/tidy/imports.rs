//! The import law: layers never import sideways, and the plant's rules import nobody.

/// Each module of the program and what of the program it may import besides itself. `flow` wires
/// everybody and `cli` and `main` speak for it, so they may import all.
const LAW: [(&str, &[&str]); 10] = [
    ("batch", &[]),
    ("digest", &[]),
    ("config", &[]),
    ("ingest", &["batch", "config", "digest"]),
    ("lake", &["batch", "config", "digest"]),
    ("live", &["batch", "config", "digest"]),
    ("serve", &["batch", "config", "digest", "lake", "live"]),
    ("memory", &[]),
    ("simulate", &["batch", "config", "digest"]),
    ("watch", &["batch", "config", "digest", "lake", "live"]),
];
const FREE: [&str; 3] = ["cli", "flow", "main"];

const PROGRAM: &str = "crates/cockpit/src/";
const PLANT: &str = "crates/plant/";

/// What the plant's rules never name: the world, and the rest of the program.
const OUTSIDE: [&str; 9] = [
    "arrow::",
    "async fn",
    "cockpit::",
    "cockpit_ui",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "tokio",
];

const ACCESS: &str = "crates/access/src/";

/// What the crate of people and rights never names: the rest of the program, and anything that
/// runs by itself.
const APART: [&str; 6] = ["async fn", "cockpit::", "plant::", "std::env", "thread::spawn", "tokio"];

/// Imports of a file of the program that its layer may not have.
pub fn sideways(path: &str, text: &str) -> Vec<String> {
    let Some(below) = path.strip_prefix(PROGRAM).filter(|path| path.ends_with(".rs")) else {
        return Vec::new();
    };
    let below = below.trim_end_matches(".rs").trim_end_matches("/mod");
    let layer = below.split('/').next().unwrap_or(below);
    if FREE.contains(&layer) {
        return Vec::new();
    }
    let Some((_, allowed)) = LAW.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{path}: the import law does not name the module {layer}")];
    };
    let depth = below.split('/').count();
    let is_foreign = |name: &String| name != layer && !allowed.contains(&name.as_str());
    imported(text, depth)
        .into_iter()
        .filter(is_foreign)
        .map(|name| format!("{path}: {layer} may not import {name}"))
        .collect()
}

/// Words in the plant's crate that belong to the world outside.
pub fn impure(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with(PLANT) || !path.ends_with(".rs") {
        return Vec::new();
    }
    let code = code_of(text);
    let found = OUTSIDE.iter().filter(|word| code.contains(**word));
    found.map(|word| format!("{path}: the plant's rules may not use {word}")).collect()
}

/// Words in the crate of people and rights that would tie it to the rest of the program. What a
/// line names only within a test is left out.
pub fn entangled(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with(ACCESS) || !path.ends_with(".rs") {
        return Vec::new();
    }
    let code = code_of(text.split("#[cfg(test)]").next().unwrap_or_default());
    let found = APART.iter().filter(|word| code.contains(**word));
    found.map(|word| format!("{path}: the crate of people and rights may not use {word}")).collect()
}

/// The modules of the program a file imports, from a module `depth` names below the root.
fn imported(text: &str, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    for line in statements(&code_of(text)) {
        for (at, _) in line.match_indices("crate::") {
            if !line[..at].ends_with(is_of_name) {
                found.extend(heads(&line[at + "crate::".len()..]));
            }
        }
        found.extend(climbed(&line, depth));
    }
    found
}

/// What is reached by climbing with `super` to the root of the program or above. Inside an indented
/// module, such as one of tests, the climb is one longer.
fn climbed(line: &str, depth: usize) -> Vec<String> {
    let depth = depth + usize::from(line.starts_with(' '));
    let path = "super::".repeat(depth);
    let after = line.find(&path).map(|at| &line[at + path.len()..]);
    after.map(heads).unwrap_or_default()
}

/// The first names of a path or of a list of paths in braces.
fn heads(path: &str) -> Vec<String> {
    let Some(list) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|it| is_of_name(*it)).collect()];
    };
    let mut level = 0;
    let mut names = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => names.push(String::new()),
            _ if level == 0 => names.last_mut().map(|name| name.push(letter)).unwrap_or_default(),
            _ => {}
        }
    }
    let head = |name: &String| name.trim().split("::").next().unwrap_or_default().to_owned();
    names.iter().map(head).filter(|name| !name.is_empty()).collect()
}

/// Lines of code; one that opens braces of a `use` is joined with those up to its end.
fn statements(code: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in code.lines() {
        match found.last_mut().filter(|_| is_open) {
            Some(statement) => statement.push_str(line.trim()),
            None => {
                let word = line.trim_start();
                is_open = word.starts_with("use ") || word.starts_with("pub use ");
                found.push(line.to_owned());
            }
        }
        is_open = is_open && !line.contains(';');
    }
    found
}

/// A text without its comments of whole lines.
fn code_of(text: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let found = sideways(path, text);
        let wanted: Vec<String> = expected.iter().map(|it| format!("{path}: {it}")).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn sideways_imports_are_found() {
        let file = "crates/cockpit/src/ingest/files.rs";
        check(file, "use crate::batch::Batch;\nuse crate::config::model::X;\n", &[]);
        check(file, "use crate::lake::Lake;\n", &["ingest may not import lake"]);
        check(file, "fn f() {\n    crate::flow::now();\n}\n", &["ingest may not import flow"]);
        check(
            file,
            "use crate::{batch::Batch,\n    lake::{self, Lake}};\n",
            &["ingest may not import lake"],
        );
        check(file, "//! Not [`crate::lake`] though.\n", &[]);
        check("crates/cockpit/src/serve/mod.rs", "use crate::lake::Lake;\n", &[]);
        check("crates/cockpit/src/flow.rs", "use crate::lake::Lake;\n", &[]);
        check(
            "crates/cockpit/src/lake/mod.rs",
            "use crate::serve::X;",
            &["lake may not import serve"],
        );
    }

    #[test]
    fn climbing_to_the_root_is_found() {
        let file = "crates/cockpit/src/ingest/decode/tokens.rs";
        check(file, "use super::super::files;\n", &[]);
        check(file, "use super::super::super::lake::Lake;\n", &["ingest may not import lake"]);
        check(
            "crates/cockpit/src/lake/mod.rs",
            "use super::serve;\n",
            &["lake may not import serve"],
        );
        check("crates/cockpit/src/lake/mod.rs", "mod tests {\n    use super::*;\n}\n", &[]);
    }

    #[test]
    fn a_module_without_law_is_found() {
        let words = "the import law does not name the module other";
        check("crates/cockpit/src/other.rs", "", &[words]);
    }

    #[test]
    fn ties_of_people_and_rights_to_the_program_are_found() {
        let file = "crates/access/src/a.rs";
        assert_eq!(entangled(file, "use plant::zone::Zone;\nasync fn f() {}\n").len(), 2);
        assert!(entangled(file, "// No tokio.\n#[cfg(test)]\nuse std::env;\n").is_empty());
        assert!(entangled("crates/plant/src/a.rs", "use tokio::x;\n").is_empty());
    }

    #[test]
    fn the_world_in_the_plant_is_found() {
        assert_eq!(impure("crates/plant/src/a.rs", "use std::fs;\n").len(), 1);
        assert!(impure("crates/plant/src/a.rs", "// No tokio here.\nuse std::fmt;\n").is_empty());
        assert!(impure("crates/cockpit/src/a.rs", "use std::fs;\n").is_empty());
    }
}
