//! Figures about the source code: `cargo xtask measure`.
//!
//! In: the Rust files of the workspace, tests left out. Out: a line of figures per crate. Promise: the
//! same rules as the checks of the tree, so that a figure and a failing check agree.

pub mod circles;
pub mod functions;
pub mod lexer;
pub mod prose;

use crate::machine::{self, print};
use circles::Imports;
use functions::Function;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A source file of a crate, without its tests.
pub struct File {
    /// From the root of the repository.
    pub path: String,
    pub code: String,
    pub comments: String,
    pub strings: String,
}

/// The crates: the folder of their sources.
pub fn crates() -> Vec<(String, PathBuf)> {
    let root = machine::root();
    let folders = fs::read_dir(root.join("crates")).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = folders
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().join("src")))
        .collect();
    found.push(("xtask".to_owned(), root.join("xtask/src")));
    found.sort();
    found
}

/// The source files under a folder, tests left out.
pub fn files(folder: &Path) -> Vec<File> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if is_source(&path) {
                found.extend(fs::read_to_string(&path).ok().map(|text| file(&path, &text)));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_test = name == "tests.rs" || name.ends_with("_tests.rs") || name == "testing.rs";
    let is_below = path.components().any(|part| part.as_os_str() == "tests");
    name.ends_with(".rs") && !is_test && !is_below
}

fn file(path: &Path, text: &str) -> File {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let views = lexer::views(text);
    let path = path.strip_prefix(machine::root()).unwrap_or(path);
    let path = path.to_string_lossy().into_owned();
    File { path, code: views.code, comments: views.comments, strings: views.strings }
}

/// The imports between the modules of a crate whose sources are in `folder` (from the root).
pub fn imports(files: &[File], folder: &str) -> Imports {
    let module = |file: &File| {
        circles::module(
            file.path.strip_prefix(folder).unwrap_or(&file.path).trim_start_matches('/'),
        )
    };
    let known: BTreeSet<String> = files.iter().map(module).collect();
    let imported = |file: &File| {
        let own = module(file);
        let imported = circles::imported(&file.code, &own, &known);
        (own, imported)
    };
    files.iter().map(imported).collect()
}

/// Prints a line of figures per crate and one for all.
pub fn measure() -> ExitCode {
    print(&format!(
        "{:10}{:>7}{}",
        "crate",
        "lines",
        HEADS.map(|head| format!("{head:>10}")).concat()
    ));
    let mut all = Vec::new();
    for (name, folder) in crates() {
        let files = files(&folder);
        let relative = folder.strip_prefix(machine::root()).unwrap_or(&folder);
        let circles = circles::circles(&imports(&files, &relative.to_string_lossy())).len();
        print(&row(&name, &files, &circles.to_string()));
        all.extend(files);
    }
    print(&row("all", &all, ""));
    ExitCode::SUCCESS
}

const HEADS: [&str; 10] = [
    "fn p50",
    "fn p90",
    "fn p99",
    "fn max",
    "depth p99",
    "depth max",
    "closures",
    "idioms",
    "messages",
    "circles",
];

/// One line: code lines; lines of functions; depth; functions with more than two local closures; idioms per
/// 1,000 words of comments; idioms in string literals; circles of imports between folders.
fn row(name: &str, files: &[File], circles: &str) -> String {
    let lines: usize = files.iter().map(|file| code_lines(&file.code)).sum();
    let functions: Vec<Function> =
        files.iter().flat_map(|file| functions::functions(&file.code)).collect();
    let lengths = sorted(functions.iter().map(|function| function.lines));
    let depths = sorted(functions.iter().map(|function| function.depth));
    let folded = functions.iter().filter(|function| function.closures > 2).count();
    let cells = [
        quantile(&lengths, 50).to_string(),
        quantile(&lengths, 90).to_string(),
        quantile(&lengths, 99).to_string(),
        quantile(&lengths, 100).to_string(),
        quantile(&depths, 99).to_string(),
        quantile(&depths, 100).to_string(),
        folded.to_string(),
        format!("{:.2}", idioms_per_1000(files)),
        files.iter().map(|file| prose::idioms(&file.strings).len()).sum::<usize>().to_string(),
        circles.to_owned(),
    ];
    format!("{name:10}{lines:>7}{}", cells.map(|cell| format!("{cell:>10}")).concat())
}

fn code_lines(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

fn idioms_per_1000(files: &[File]) -> f64 {
    let words: usize = files.iter().map(|file| prose::count_words(&file.comments)).sum();
    let idioms: usize = files.iter().map(|file| prose::idioms(&file.comments).len()).sum();
    let exact = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    if words == 0 { 0.0 } else { 1000.0 * exact(idioms) / exact(words) }
}

fn sorted(values: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut values: Vec<usize> = values.collect();
    values.sort_unstable();
    values
}

/// The smallest value that `percent` of the sorted values do not exceed.
fn quantile(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}
