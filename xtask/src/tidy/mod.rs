//! Keeps the tree tidy, in well under a second.
//!
//! In: every text file of the repository. Out: one line for each place that breaks a rule. Promise:
//! a rule is a pure function over text, and has a test that shows how it fails.

mod code;
mod dependencies;
mod imports;
mod licences;
mod text;

use crate::code::{File, files};
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

/// Folders without hand-written files. Hidden folders are skipped too, except these.
const FOREIGN: [&str; 5] = ["target", "node_modules", "dist", "cockpit-data", "__pycache__"];
const HIDDEN: [&str; 3] = [".cargo", ".ci", ".github"];

/// The page that lists the words the other pages do not use.
const GLOSSARY: &str = "docs/glossary.md";

/// Files made by tools.
const MADE: [&str; 3] = ["Cargo.lock", "package-lock.json", "openapi.json"];

fn sources() -> Vec<Source> {
    let root = crate::machine::root();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    assert!(found.len() > 100, "the repository was not found");
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
    found.unwrap_or_else(|| panic!("{path} is missing")).text.clone()
}

/// Fails with all violations.
fn assert_tidy(found: Vec<String>) {
    assert!(found.is_empty(), "{} places are untidy:\n{}", found.len(), found.join("\n"));
}

/// Applies a rule to every file.
fn check_files(rule: impl Fn(&Source) -> Vec<String>) {
    assert_tidy(sources().iter().flat_map(rule).collect());
}

#[test]
fn crates_depend_only_on_what_is_below_them() {
    check_files(|source| imports::disallowed(&source.path, &source.text));
}

#[test]
fn the_plant_crate_is_pure() {
    check_files(|source| imports::impure(&source.path, &source.text));
}

#[test]
fn the_access_crate_is_pure() {
    check_files(|source| imports::entangled(&source.path, &source.text));
}

#[test]
fn files_are_short() {
    let endings = [".rs", ".ts", ".svelte", ".css"];
    check_files(|source| {
        if !source.ends_with_any(&endings) || source.path.starts_with("ui/src/gen/") {
            return Vec::new();
        }
        text::long(&source.path, &source.text)
    });
}

#[test]
fn layers_document_their_promise() {
    check_files(|source| text::unpromised(&source.path, &source.text));
}

#[test]
fn models_have_headers() {
    check_files(|source| text::headless(&source.path, &source.text));
}

#[test]
fn no_unfinished_work_and_no_machine_paths() {
    check_files(|source| text::unfinished(&source.path, &source.text));
}

#[test]
fn dependencies_are_documented() {
    let sources = sources();
    let mut used = dependencies::of_cargo(&text_of(&sources, "Cargo.toml"));
    used.extend(dependencies::of_npm(&text_of(&sources, "ui/package.json")));
    let documented = dependencies::documented(&text_of(&sources, "docs/dependencies.md"));
    assert_tidy(dependencies::differences(&used, &documented));
}

/// Applies a rule to the files of each crate.
fn check_crates(rule: impl Fn(&[File], &str) -> Vec<String>) {
    let root = crate::machine::root();
    let relative =
        |folder: &Path| folder.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    let crates = crate::code::crates();
    assert!(crates.len() > 5, "the crates are missing");
    assert_tidy(
        crates.iter().flat_map(|(_, folder)| rule(&files(folder), &relative(folder))).collect(),
    );
}

#[test]
fn folders_of_a_crate_import_in_one_direction() {
    check_crates(code::circular);
}

#[test]
fn functions_are_short_and_flat() {
    check_crates(|files, _| files.iter().flat_map(code::folded).collect());
}

#[test]
fn public_types_of_a_crate_have_different_names() {
    check_crates(|files, _| code::doubled(files));
}

#[test]
fn names_are_standard_english() {
    check_crates(|files, _| files.iter().flat_map(code::misnamed).collect());
}

#[test]
fn comments_and_messages_are_standard_english() {
    check_crates(|files, _| files.iter().flat_map(code::idiomatic).collect());
}

#[test]
fn pages_are_standard_english() {
    let is_page = |source: &Source| source.path.ends_with(".md") && source.path != GLOSSARY;
    check_files(|source| match is_page(source) {
        true => code::idiomatic_page(&source.path, &source.text),
        false => Vec::new(),
    });
}

#[test]
fn licences_and_sources_are_permitted() {
    let sources = sources();
    let deny = text_of(&sources, "deny.toml");
    let lock = fs::read_to_string(crate::machine::root().join("Cargo.lock")).unwrap();
    let mut tree = crate::machine::cargo();
    tree.args(["tree", "--workspace", "--locked", "--offline", "--edges", "normal,build"]);
    let crates = crate::machine::answer(tree.args(["--prefix", "none", "--format", "{p}|{l}"]));
    let crates = crates.expect("cargo tree lists the crates");
    let mut found = licences::unlicensed(&crates, &deny);
    found.extend(licences::foreign(&lock, &deny));
    assert_tidy(found);
}

#[test]
fn monitoring_uses_metrics_that_exist() {
    let sources = sources();
    let known = text_of(&sources, "crates/serve/src/http/metrics.rs");
    let rules = sources.iter().filter(|source| source.path.starts_with("docs/monitoring/"));
    assert_tidy(rules.flat_map(|it| text::unknown_metrics(&it.path, &it.text, &known)).collect());
}
