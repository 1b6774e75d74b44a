//! Compiles the reference plant's folder into the program, as the default for `--plant`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by the environment")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../plants/kerala");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    for folder in ["", "bronze", "silver", "gold", "boards"] {
        collect(&root.join(folder), folder, &mut files)?;
    }
    let reports = root.join("reports");
    if reports.is_dir() {
        for entry in std::fs::read_dir(&reports)? {
            let entry = entry?;
            let folder = format!("reports/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                collect(&entry.path(), &folder, &mut files)?;
            }
        }
    }
    files.sort();
    let mut code = String::from("static PLANT_FILES: &[(&str, &str)] = &[\n");
    for (name, path) in files {
        writeln!(code, "    ({name:?}, include_str!({path:?})),")?;
    }
    code.push_str("];\n");
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("plant_files.rs");
    std::fs::write(out, code)?;
    Ok(())
}

fn collect(
    path: &Path,
    folder: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), Box<dyn std::error::Error>> {
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path().canonicalize()?;
        let endings = ["toml", "sql", "typ"];
        let is_text = endings.iter().any(|it| path.extension().is_some_and(|ending| ending == *it));
        let Some(name) = path.file_name().filter(|_| is_text) else { continue };
        let name = name.to_string_lossy();
        files.push((
            if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") },
            path.clone(),
        ));
    }
    Ok(())
}
