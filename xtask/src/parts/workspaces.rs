//! Parts about the workspaces beside the one of the program: the Python package and the fuzz targets.

use super::{Bench, Done};
use crate::machine::{self, run};
use std::process::Stdio;

/// Lock files that a changed crate of the program has not outdated.
pub fn locks(_: &Bench) -> Done {
    let current = |folder: &&str| {
        let manifest = machine::root().join(folder).join("Cargo.toml");
        let mut metadata = machine::cargo();
        metadata.args(["metadata", "--locked", "--format-version", "1", "--manifest-path"]);
        run(metadata.arg(manifest).stdout(Stdio::null()))
    };
    ["python", "fuzz"].iter().try_for_each(current)
}

/// The fuzz targets, which are a workspace of their own, type-checked with their own lock file.
pub fn fuzz(_: &Bench) -> Done {
    let manifest = machine::root().join("fuzz/Cargo.toml");
    let mut check = machine::cargo();
    check.args(["check", "--locked", "--manifest-path"]).arg(manifest);
    run(check.arg("--target-dir").arg(machine::built("fuzz")?.with_file_name("../fuzz")))
}
