//! Benchmarks: the program beside what a user would otherwise run, as ratios of one run.

use crate::machine::{self, run};
use crate::tools;
use std::process::{Command, ExitCode};

/// Rows of the two big dumps if nobody says.
const ROWS: &str = "10000000";

/// `cargo xtask bench batch [ROWS]`: the plant's two big dumps, scaled, through the program, DuckDB
/// and Polars. Needs the dumps and some gigabytes of disk.
pub fn batch(arguments: &[String]) -> ExitCode {
    match try_batch(arguments.first().map_or(ROWS, String::as_str)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            machine::say(&error);
            ExitCode::FAILURE
        }
    }
}

fn try_batch(rows: &str) -> Result<(), String> {
    let root = machine::root();
    let bucket = root.join("../shared/data/bucket");
    if !bucket.is_dir() {
        return Err(format!("the plant's dumps are not there: {}", bucket.display()));
    }
    run(machine::cargo().args(["build", "-p", "cockpit"]))?;
    let mut bench = Command::new(tools::python()?);
    bench.arg(root.join("tests/oracle/bench_batch.py")).arg("--cockpit");
    bench.arg(machine::built("cockpit")?).arg("--bucket").arg(bucket);
    run(bench.arg("--work").arg(machine::cache()?.join("bench")).args(["--rows", rows]))
}
