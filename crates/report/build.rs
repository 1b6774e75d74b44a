//! Compiles the fonts of `fonts/` and the shared Typst modules (`*.typ`) into the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by the environment")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut code = String::from("static FONTS: &[&[u8]] = &[\n");
    for path in files(&root.join("fonts"), "ttf")? {
        writeln!(code, "    include_bytes!({path:?}),")?;
    }
    code.push_str("];\nstatic MODULES: &[(&str, &str)] = &[\n");
    for path in files(&root, "typ")? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(code, "    ({name:?}, include_str!({path:?})),")?;
    }
    code.push_str("];\n");
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("assets.rs");
    std::fs::write(out, code)?;
    Ok(())
}

/// The files of a folder with this ending, sorted; none if there is no such folder.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|found| found == ending) {
                files.push(path.canonicalize()?);
            }
        }
    }
    files.sort();
    Ok(files)
}
