//! The import law: which crates of the workspace a crate may depend on, and what the plant's rules may not use.
//!
//! Cargo refuses a circle and an import of an undeclared crate; this law fixes which declarations are allowed.

/// Each crate and the crates of the workspace it may depend on. `cockpit` wires all layers.
const LAW: [(&str, &[&str]); 13] = [
    ("access", &[]),
    ("fileserver", &[]),
    ("plant", &[]),
    ("batches", &["plant"]),
    ("config", &["fileserver", "plant"]),
    ("doors", &["access", "batches", "config", "lake", "live", "plant", "serve"]),
    ("ingest", &["batches", "config", "plant"]),
    ("lake", &["batches", "config", "plant"]),
    ("live", &["batches", "config", "plant"]),
    ("report", &["access", "batches", "config", "lake", "live", "plant", "watch"]),
    ("serve", &["access", "batches", "config", "lake", "live", "plant", "report", "watch"]),
    ("simulate", &["batches", "config", "plant"]),
    ("watch", &["access", "batches", "config", "lake", "live", "plant"]),
];
const PROGRAM: &str = "cockpit";

const PLANT: &str = "crates/plant/";

/// What the plant's rules never use: I/O, async, Arrow, and the crates above.
const OUTSIDE: [&str; 6] =
    ["arrow::", "async fn", "std::env", "std::fs", "std::net", "std::process"];

const ACCESS: &str = "crates/access/src/";

/// What the crate of users and permissions never uses: async, the environment, and threads of its own.
const APART: [&str; 4] = ["async fn", "std::env", "thread::spawn", "tokio"];

/// Dependencies of a crate's manifest that the law does not allow. `manifests` is the path and text of
/// the file.
pub fn disallowed(path: &str, manifest: &str) -> Vec<String> {
    let name = path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml"));
    let Some(name) = name.filter(|name| *name != PROGRAM) else { return Vec::new() };
    let Some((_, allowed)) = LAW.iter().find(|(layer, _)| *layer == name) else {
        return vec![format!("{path}: the import law does not list the crate {name}")];
    };
    let declared = manifest.lines().filter_map(|line| line.split_once(".workspace = true"));
    let is_ours = |layer: &&str| *layer == PROGRAM || LAW.iter().any(|(name, _)| name == layer);
    let refused = declared.map(|(layer, _)| layer).filter(is_ours);
    let refused = refused.filter(|layer| !allowed.contains(layer));
    refused.map(|layer| format!("{path}: {name} may not depend on {layer}")).collect()
}

/// Words in the plant's crate that belong to I/O or to other layers.
pub fn impure(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with(PLANT) || !path.ends_with(".rs") {
        return Vec::new();
    }
    let code = code_of(text);
    let found = OUTSIDE.iter().filter(|word| code.contains(**word));
    found.map(|word| format!("{path}: the plant's rules may not use {word}")).collect()
}

/// Words in the crate of users and permissions that it may not use outside tests.
pub fn entangled(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with(ACCESS) || !path.ends_with(".rs") {
        return Vec::new();
    }
    let code = code_of(text.split("#[cfg(test)]").next().unwrap_or_default());
    let found = APART.iter().filter(|word| code.contains(**word));
    found.map(|word| format!("{path}: the crate access may not use {word}")).collect()
}

/// A text without its comments of whole lines.
fn code_of(text: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_against_the_law_is_found() {
        let manifest = "[dependencies]\nanyhow.workspace = true\nlake.workspace = true\n";
        let found = disallowed("crates/ingest/Cargo.toml", manifest);
        assert_eq!(found, ["crates/ingest/Cargo.toml: ingest may not depend on lake"]);
        assert!(disallowed("crates/serve/Cargo.toml", manifest).is_empty());
        assert!(disallowed("crates/cockpit/Cargo.toml", manifest).is_empty());
    }

    #[test]
    fn a_crate_without_law_is_found() {
        assert_eq!(disallowed("crates/other/Cargo.toml", "").len(), 1);
    }

    #[test]
    fn async_in_the_crate_access_is_found() {
        let file = "crates/access/src/a.rs";
        assert_eq!(entangled(file, "async fn f() {}\n").len(), 1);
        assert!(entangled(file, "// No tokio.\n#[cfg(test)]\nuse std::env;\n").is_empty());
        assert!(entangled("crates/plant/src/a.rs", "use tokio::x;\n").is_empty());
    }

    #[test]
    fn io_in_the_plant_is_found() {
        assert_eq!(impure("crates/plant/src/a.rs", "use std::fs;\n").len(), 1);
        assert!(impure("crates/plant/src/a.rs", "// No std::fs here.\nuse std::fmt;\n").is_empty());
        assert!(impure("crates/lake/src/a.rs", "use std::fs;\n").is_empty());
    }
}
