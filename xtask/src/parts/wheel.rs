//! Parts that install the wheel of the Python package into an environment of its own.

use super::{Bench, Done, SMALL_LAKE_DAYS};
use crate::machine::{self, run};
use crate::tools;
use crate::wheel::Wheel;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package's own tests and notebooks, and its cleaning and its client beside the program.
pub fn package(bench: &Bench) -> Done {
    let python = install(bench, &[tools::python()?])?;
    let installed = python.with_file_name("cockpit");
    run(Command::new(&installed).arg("--version").current_dir(&bench.folder))?;
    // Not in the folder itself, where the package without its compiled part would be imported.
    let mut tests = Command::new(&python);
    tests.args(["-m", "pytest", "-q"]).arg(machine::root().join("python/tests"));
    tests.env("LAKE", bench.simulated("python-package", SMALL_LAKE_DAYS)?);
    run(tests.current_dir(&bench.folder))?;
    let mut case = Command::new(&python);
    case.arg(bench.oracle.join("python_case.py")).arg("--cockpit").arg(&installed);
    run(case.current_dir(&bench.folder))
}

/// Silver and gold of the plant's dumps, refined by Apache Spark and by the program.
pub fn spark(bench: &Bench) -> Done {
    let (pyspark, jars) = tools::spark()?;
    // The other Python has the client of Spark Connect alone, under the same name.
    let python = install(bench, &[pyspark, tools::python()?])?;
    let mut case = Command::new(&python);
    case.arg(bench.oracle.join("spark_case.py")).arg("--cockpit").arg(&bench.cockpit);
    case.arg("--bucket").arg(&bench.bucket).arg("--jars").arg(&jars);
    run(case.current_dir(&bench.folder))?;
    let mut notebook = Command::new(&python);
    notebook.args(["-m", "pytest", "-q", "-k", "questions_spark"]);
    notebook.arg(machine::root().join("python/tests/test_notebooks.py"));
    notebook.env("LAKE", bench.simulated("spark", SMALL_LAKE_DAYS)?).env("JARS", listed(&jars)?);
    run(notebook.current_dir(&bench.folder))
}

/// The jars of Delta, as a setting of Spark.
fn listed(jars: &Path) -> Result<String, String> {
    let entries = fs::read_dir(jars).map_err(|error| format!("{}: {error}", jars.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_of_delta = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("delta") || name.starts_with("antlr4")
    };
    let names: Vec<String> =
        paths.filter(is_of_delta).map(|path| path.display().to_string()).collect();
    Ok(names.join(","))
}

/// Builds the wheel with the program and installs it; the Python of the new environment.
fn install(bench: &Bench, beside: &[PathBuf]) -> Result<PathBuf, String> {
    let wheels = bench.folder.join("wheels");
    let wheel = Wheel { program: &bench.cockpit, is_release: false, out: &wheels };
    let wheel = crate::wheel::build(&wheel)?;
    tools::with_wheel(&bench.folder.join("environment"), &wheel, beside)
}
