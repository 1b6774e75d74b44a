//! Circles of imports between the files of a crate.

use std::collections::{BTreeMap, BTreeSet};

/// Modules and what each imports, both as paths from the root of the crate (`stream::resume`).
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// The path of a file's module: `src/stream/mod.rs` and `src/stream.rs` are `stream`, `src/lib.rs` is empty.
pub fn module(path: &str) -> String {
    let path = path.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" || path == "main" || path == "mod" {
        return String::new();
    }
    path.replace('/', "::")
}

/// The modules among `known` that the code of module `own` names by `crate::` and `super::`.
pub fn imported(code: &str, own: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let flat: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let flat = flat.replace("{ ", "{").replace(", ", ",").replace(" }", "}");
    let above = own.rsplit_once("::").map_or("", |(above, _)| above);
    let mut found = BTreeSet::new();
    for (word, base) in [("crate::", ""), ("super::", above)] {
        for rest in flat.split(word).skip(1) {
            let in_path = |it: char| it.is_alphanumeric() || "_:{},*".contains(it);
            let tree = rest.split(|it| !in_path(it)).next().unwrap_or_default();
            let full =
                |path: String| if base.is_empty() { path } else { format!("{base}::{path}") };
            found.extend(paths(tree).into_iter().filter_map(|path| longest(&full(path), known)));
        }
    }
    found.remove(own);
    found
}

/// The paths of a use tree without blanks: `a::{b,c::D}` is `a::b` and `a::c::D`.
fn paths(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let mut parts = vec![String::new()];
    let mut open = 0;
    for letter in inner.chars() {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            ',' if open == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts.iter().flat_map(|part| paths(part)).map(|part| format!("{prefix}{part}")).collect()
}

/// The longest beginning of a path that is a module.
fn longest(path: &str, known: &BTreeSet<String>) -> Option<String> {
    let mut path = path;
    loop {
        if known.contains(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}

/// Circles that span more than one folder. A module and the modules below it form one unit together with
/// their parent: an import between parent and child is not a circle.
pub fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|module| (module.as_str(), reachable(imports, module))).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, below) in &reach {
        let is_in_circle = |other: &&str| reach.get(*other).is_some_and(|it| it.contains(module));
        let circle: Vec<&str> = below.iter().copied().filter(is_in_circle).collect();
        let is_new = circle.iter().any(|module| !seen.contains(module));
        seen.extend(circle.iter().copied());
        if is_new && spans_folders(&circle) {
            found.push(circle.into_iter().map(str::to_owned).collect());
        }
    }
    found
}

fn reachable<'a>(imports: &'a Imports, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in imports.get(module).into_iter().flatten() {
            if !is_parent(module, next) && !is_parent(next, module) && found.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    found
}

fn is_parent(above: &str, below: &str) -> bool {
    below.strip_prefix(above).is_some_and(|rest| rest.starts_with("::"))
}

/// Whether the modules of a circle are in different folders.
fn spans_folders(circle: &[&str]) -> bool {
    let folder = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    circle.iter().map(|module| folder(module)).collect::<BTreeSet<_>>().len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn nested_imports_are_read() {
        let known = names(&["a", "a::b", "c"]);
        let code = "use crate::{a::{b::X, Y}, c};\nuse crate::d::Z;\n";
        assert_eq!(imported(code, "d", &known), names(&["a", "a::b", "c"]));
        assert_eq!(imported("let x = super::b::f(1);", "a::e", &known), names(&["a::b"]));
    }

    #[test]
    fn a_circle_between_folders_is_found() {
        let imports = Imports::from([
            ("a::x".to_owned(), names(&["b"])),
            ("b".to_owned(), names(&["c"])),
            ("c".to_owned(), names(&["a::x"])),
            ("d".to_owned(), names(&["a::x"])),
        ]);
        assert_eq!(circles(&imports), [["a::x", "b", "c"].map(str::to_owned)]);
    }

    #[test]
    fn parent_and_child_are_not_a_circle() {
        let imports =
            Imports::from([("a".to_owned(), names(&["a::x"])), ("a::x".to_owned(), names(&["a"]))]);
        assert!(circles(&imports).is_empty());
    }
}
