//! Parts that install the wheel of the Python package into an environment of its own.

use super::{Bench, Done, SMALL_LAKE_DAYS};
use crate::machine::{self, run};
use crate::tools;
use std::path::PathBuf;
use std::process::Command;

/// The package's own tests and notebooks, and its cleaning and its client beside the program.
pub fn package(bench: &Bench) -> Done {
    let python = install(bench, &[tools::python()?])?;
    // Not in the folder itself, where the package without its compiled part would be imported.
    let mut tests = Command::new(&python);
    tests.args(["-m", "pytest", "-q"]).arg(machine::root().join("python/tests"));
    tests.env("LAKE", bench.simulated("python-package", SMALL_LAKE_DAYS)?);
    run(tests.current_dir(&bench.folder))?;
    let mut case = Command::new(&python);
    case.arg(bench.oracle.join("python_case.py")).arg("--cockpit").arg(&bench.cockpit);
    run(case.current_dir(&bench.folder))
}

/// Silver and gold of the plant's dumps, refined by Apache Spark and by the program.
pub fn spark(bench: &Bench) -> Done {
    let (pyspark, jars) = tools::spark()?;
    // The other Python has the client of Spark Connect alone, under the same name.
    let python = install(bench, &[pyspark, tools::python()?])?;
    let mut case = Command::new(&python);
    case.arg(bench.oracle.join("spark_case.py")).arg("--cockpit").arg(&bench.cockpit);
    case.arg("--bucket").arg(&bench.bucket).arg("--jars").arg(jars);
    run(case.current_dir(&bench.folder))
}

/// Builds the wheel and installs it; the Python of the new environment.
fn install(bench: &Bench, beside: &[PathBuf]) -> Result<PathBuf, String> {
    let wheels = bench.folder.join("wheels");
    let manifest = machine::root().join("python/Cargo.toml");
    let target = machine::built("python")?.with_file_name("../python");
    let mut build = Command::new(tools::maturin()?);
    build.args([
        "-m",
        "maturin",
        "build",
        "--profile",
        "dev",
        "--locked",
        "--interpreter",
        "python3",
    ]);
    build.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target);
    run(build.arg("--out").arg(&wheels))?;
    tools::with_wheel(&bench.folder.join("environment"), &wheels, beside)
}
