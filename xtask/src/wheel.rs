//! The wheel of the Python package, with the program in it.

use crate::machine::{self, run};
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is built and how.
pub struct Wheel<'a> {
    /// The program that the wheel brings.
    pub program: &'a Path,
    /// Whether everything is optimised and compressed as well as possible, or built as fast.
    pub is_release: bool,
    /// The folder for the finished wheel, which must not have others.
    pub out: &'a Path,
}

/// Builds the wheel. The script that adds the program is `packaging/wheel.py`.
pub fn build(wheel: &Wheel<'_>) -> Result<PathBuf, String> {
    let describe = |error: std::io::Error| format!("{}: {error}", wheel.out.display());
    let bare = wheel.out.join("bare");
    fs::create_dir_all(&bare).map_err(describe)?;
    let built = maturin(wheel, &bare)?;
    let program = wheel.out.join("cockpit");
    fs::copy(wheel.program, &program).map_err(describe)?;
    run(Command::new("strip").arg(&program))?;
    let mut add = Command::new("python3");
    add.arg(machine::root().join("packaging/wheel.py")).arg(&built).arg(&program).arg(wheel.out);
    if !wheel.is_release {
        add.arg("--fast");
    }
    run(&mut add)?;
    fs::remove_file(&program).map_err(describe)?;
    fs::remove_dir_all(&bare).map_err(describe)?;
    only_wheel(wheel.out)
}

fn maturin(wheel: &Wheel<'_>, out: &Path) -> Result<PathBuf, String> {
    let manifest = machine::root().join("python/Cargo.toml");
    let target = machine::built("python")?.with_file_name("../python");
    let profile = if wheel.is_release { "release" } else { "dev" };
    let mut build = Command::new(tools::maturin()?);
    build.args(["-m", "maturin", "build", "--profile", profile, "--locked"]);
    build.args(["--interpreter", "python3", "--manifest-path"]).arg(manifest);
    build.arg("--target-dir").arg(target).arg("--out").arg(out);
    run(&mut build)?;
    only_wheel(out)
}

fn only_wheel(folder: &Path) -> Result<PathBuf, String> {
    let describe = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(describe)?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let wheel = paths.find(|path| path.extension().is_some_and(|it| it == "whl"));
    wheel.ok_or_else(|| format!("{}: no wheel was built", folder.display()))
}
