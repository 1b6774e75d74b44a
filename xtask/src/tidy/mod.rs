//! Keeps the tree tidy, in well under a second.
//!
//! In: every text file of the repository. Out: one line for each place that breaks a rule. Promise:
//! a rule is a pure function over text, and has a test that shows how it fails.

mod dependencies;
mod imports;
mod text;

use std::fs;
use std::path::Path;

/// A text file: its path from the root, with `/` between, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn ends_with_any(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }
}

/// Folders that hold nothing written by hand. Hidden ones are left out too, save these.
const FOREIGN: [&str; 5] = ["target", "node_modules", "dist", "cockpit-data", "__pycache__"];
const HIDDEN: [&str; 3] = [".cargo", ".ci", ".github"];

/// Files made by tools.
const MADE: [&str; 3] = ["Cargo.lock", "package-lock.json", "openapi.json"];

fn sources() -> Vec<Source> {
    let root = crate::machine::root();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    assert!(found.len() > 100, "the tree is not where it is looked for");
    found
}

fn collect(folder: &Path, above: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let below = format!("{above}{name}");
        if path.is_dir() {
            let is_foreign = FOREIGN.contains(&name.as_str());
            let is_hidden = name.starts_with('.') && !HIDDEN.contains(&name.as_str());
            if !is_foreign && !is_hidden {
                collect(&path, &format!("{below}/"), found);
            }
        } else if !MADE.contains(&name.as_str())
            && name != ".git"
            && let Ok(text) = fs::read_to_string(&path)
        {
            found.push(Source { path: below, text });
        }
    }
}

fn text_of(sources: &[Source], path: &str) -> String {
    let found = sources.iter().find(|source| source.path == path);
    found.unwrap_or_else(|| panic!("{path} is not there")).text.clone()
}

/// Fails with all violations.
fn hold(found: Vec<String>) {
    assert!(found.is_empty(), "{} places are untidy:\n{}", found.len(), found.join("\n"));
}

/// Asks one rule of every file.
fn ask(rule: impl Fn(&Source) -> Vec<String>) {
    hold(sources().iter().flat_map(rule).collect());
}

#[test]
fn crates_depend_only_on_what_is_below_them() {
    ask(|source| imports::disallowed(&source.path, &source.text));
}

#[test]
fn the_plant_knows_nothing_of_ours_and_touches_nothing() {
    ask(|source| imports::impure(&source.path, &source.text));
}

#[test]
fn people_and_rights_are_apart_from_the_rest_of_the_program() {
    ask(|source| imports::entangled(&source.path, &source.text));
}

#[test]
fn files_are_short() {
    let endings = [".rs", ".ts", ".svelte", ".css"];
    ask(|source| {
        if !source.ends_with_any(&endings) || source.path.starts_with("ui/src/gen/") {
            return Vec::new();
        }
        text::long(&source.path, &source.text)
    });
}

#[test]
fn layers_say_what_they_promise() {
    ask(|source| text::unpromised(&source.path, &source.text));
}

#[test]
fn models_have_headers() {
    ask(|source| text::headless(&source.path, &source.text));
}

#[test]
fn nothing_is_left_undone_or_tied_to_one_machine() {
    ask(|source| text::unfinished(&source.path, &source.text));
}

#[test]
fn every_dependency_has_its_sentence() {
    let sources = sources();
    let mut used = dependencies::of_cargo(&text_of(&sources, "Cargo.toml"));
    used.extend(dependencies::of_npm(&text_of(&sources, "ui/package.json")));
    let told = dependencies::told(&text_of(&sources, "docs/dependencies.md"));
    hold(dependencies::differences(&used, &told));
}
