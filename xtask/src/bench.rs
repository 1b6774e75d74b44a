//! Benchmarks: the program compared with alternatives, as ratios of one run.

use crate::kafka::Kafka;
use crate::machine::{self, run};
use crate::server::free_address;
use crate::tools;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Rows of the two big dumps by default.
const ROWS: &str = "10000000";

/// Runs of each program but Spark by default, of which the medians are printed.
const ROUNDS: &str = "1";

/// Messages by default.
const MESSAGES: &str = "8000000";

/// How long latencies are measured by default, for each interval of commits.
const SECONDS: &str = "60";

/// `cargo xtask bench batch [ROWS] [ROUNDS] [--spark]`: the plant's two big dumps, scaled, through the program,
/// DuckDB and Polars, turn by turn, and once through Spark. Needs the dumps and some gigabytes of disk.
pub fn batch(arguments: &[String]) -> ExitCode {
    ended(try_batch(arguments))
}

/// `cargo xtask bench stream [MESSAGES] [--spark]`: a topic of Apache Kafka through the program, the same
/// messages through DuckDB and Polars and, with `--spark`, the topic through Spark, which is downloaded first.
/// Needs Java, Maven and some gigabytes of disk.
pub fn stream(arguments: &[String]) -> ExitCode {
    ended(try_stream(arguments))
}

/// `cargo xtask bench latency [SECONDS]`: from a sensor's message to a viewer and to silver, at 20,000
/// messages a second, with commits every 2 s and every 200 ms, shown as it happens and once a second. No
/// table of gold is made meanwhile.
pub fn latency(arguments: &[String]) -> ExitCode {
    let seconds = arguments.first().map_or(SECONDS, String::as_str);
    ended(on_kafka("latency", "bench_latency.py", &["--seconds", seconds]))
}

/// `cargo xtask bench alarms`: from a sensor's message to its alarm in a browser, at 20,000 messages a second.
pub fn alarms() -> ExitCode {
    ended(try_alarms())
}

/// `cargo xtask bench viewers`: 16 tabs of a browser that show 5,000 sensors at 2 Hz.
pub fn viewers() -> ExitCode {
    ended(try_viewers())
}

/// `cargo xtask bench access`: the cost of a checked request, and the live stream while 50 people log in.
pub fn access() -> ExitCode {
    let mut bench = machine::cargo();
    bench.args(["test", "-p", "serve", "--lib", "--", "http::tests::access::speed::bench_"]);
    // One after the other, so that they do not disturb each other.
    ended(run(bench.args(["--ignored", "--nocapture", "--test-threads", "1"])))
}

/// `cargo xtask bench report`: the shift summary as PDF and XLSX over HTTP, and a million rows as XLSX.
pub fn report() -> ExitCode {
    ended(try_report())
}

/// `cargo xtask bench ui [GOAL]...`: the goals U1 to U24 of the pages with the demo in a browser, as a table. A
/// release build is named by `COCKPIT_PROGRAM`.
pub fn ui(goals: &[String]) -> ExitCode {
    ended(try_ui(goals))
}

fn ended(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            machine::print(&error);
            ExitCode::FAILURE
        }
    }
}

fn try_ui(goals: &[String]) -> Result<(), String> {
    tools::packages()?;
    tools::chromium()?;
    let mut bench = Command::new("node");
    bench.arg("test/bench.mjs").args(goals).env("COCKPIT", cockpit()?);
    run(bench.env("CHROMIUM", machine::chromium()).current_dir(machine::root().join("ui")))
}

fn try_alarms() -> Result<(), String> {
    tools::packages()?;
    tools::chromium()?;
    on_kafka("alarms", "bench_alarms.py", &[])
}

fn try_viewers() -> Result<(), String> {
    tools::packages()?;
    tools::chromium()?;
    on_kafka("viewers", "bench_viewers.py", &[])
}

fn try_report() -> Result<(), String> {
    let cockpit = cockpit()?;
    let mut bench = Command::new(tools::python()?);
    bench.arg(machine::root().join("tests/oracle/bench_report.py")).arg("--cockpit").arg(cockpit);
    run(bench.arg("--work").arg(machine::cache()?.join("bench/report")))
}

fn try_batch(arguments: &[String]) -> Result<(), String> {
    let root = machine::root();
    let bucket = root.join("../shared/data/bucket");
    if !bucket.is_dir() {
        return Err(format!("the plant's dumps are not there: {}", bucket.display()));
    }
    let (options, numbers): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|word| *word == "--spark");
    let mut bench = Command::new(tools::python()?);
    bench.arg(root.join("tests/oracle/bench_batch.py")).arg("--cockpit").arg(cockpit()?);
    bench.arg("--bucket").arg(bucket).arg("--work").arg(machine::cache()?.join("bench"));
    bench.args(["--rows", numbers.first().copied().unwrap_or(ROWS)]);
    bench.args(["--rounds", numbers.get(1).copied().unwrap_or(ROUNDS)]);
    if !options.is_empty() {
        bench.arg("--spark").arg(tools::spark()?.0);
    }
    run(&mut bench)
}

fn try_stream(arguments: &[String]) -> Result<(), String> {
    let (options, others): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|word| *word == "--spark");
    let messages = others.first().copied().unwrap_or(MESSAGES);
    if options.is_empty() {
        return on_kafka("stream", "bench_stream.py", &["--messages", messages]);
    }
    let (python, jars) = tools::spark()?;
    let (python, jars) = (python.to_string_lossy(), jars.to_string_lossy());
    on_kafka("stream", "bench_stream.py", &["--messages", messages, "--spark", &python, &jars])
}

/// Runs a script against a broker of its own.
fn on_kafka(name: &str, script: &str, words: &[&str]) -> Result<(), String> {
    let describe = |error: std::io::Error| format!("the folder to work in: {error}");
    let work = machine::cache()?.join("bench").join(name);
    if work.exists() {
        fs::remove_dir_all(&work).map_err(describe)?;
    }
    let cockpit = cockpit()?;
    let kafka = Kafka::start(&work.join("kafka"), free_address().map_err(describe)?.port())?;
    let mut bench = Command::new(tools::python()?);
    bench.arg(machine::root().join("tests/oracle").join(script));
    bench.arg("--cockpit").arg(cockpit).args(["--brokers", &kafka.brokers()]);
    run(bench.arg("--work").arg(&work).args(words))
}

/// The program that is measured: the one that `COCKPIT_PROGRAM` names, such as a release build, or
/// else the one of this tree in the development profile.
fn cockpit() -> Result<PathBuf, String> {
    if let Some(program) = machine::measured() {
        return Ok(program);
    }
    run(machine::cargo().args(["build", "-p", "cockpit"]))?;
    machine::built("cockpit")
}
