//! The log on standard error, and the measurement of a run.

use super::print;
use crate::flow::timings::{PartCost, Timings, process_cpu_ns};
use clap::ValueEnum;
use std::io::IsTerminal as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Events in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// The filter of the log: own events from this level on, events of libraries from warnings on.
    fn filter(self) -> EnvFilter {
        let own = match self {
            Self::Off => return EnvFilter::new("off"),
            Self::Error => return EnvFilter::new(format!("error{REPEATED}")),
            Self::Warn => return EnvFilter::new(format!("warn{REPEATED}")),
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        };
        let ours = CRATES.map(|name| format!(",{name}={own}")).concat();
        EnvFilter::new(format!("warn{REPEATED}{ours}"))
    }
}

/// Events of a library that logs each error of a server and returns it, too.
const REPEATED: &str = ",tiberius=off";

/// The crates of this program, whose events are distinguished from those of libraries.
const CRATES: [&str; 12] = [
    "batches", "cockpit", "config", "doors", "ingest", "lake", "live", "plant", "report", "serve",
    "simulate", "watch",
];

/// Logs events from `level` on, and measures the parts of the run if `is_timed`.
///
/// # Errors
/// Fails if the process measures already.
pub fn start(level: Level, is_timed: bool) -> anyhow::Result<Option<Timings>> {
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = log.log_internal_errors(false).with_ansi(std::io::stderr().is_terminal());
    let log = log.with_filter(level.filter());
    let timings = if is_timed { Some(Timings::start()?) } else { None };
    let measured = timings.clone().map(|it| it.with_filter(filter_fn(Timings::is_measured)));
    tracing_subscriber::registry().with(log).with(measured).init();
    Ok(timings)
}

/// Prints what the parts of a run cost, and the CPU time of the process outside of them.
pub fn print_timings(timings: &Timings) {
    let costs = timings.costs();
    let sum_ns: u64 = costs.iter().map(|cost| cost.cpu_ns).sum();
    let process_ns = process_cpu_ns();
    let other = PartCost {
        part: "outside of these parts".to_owned(),
        table: String::new(),
        cpu_ns: process_ns.saturating_sub(sum_ns),
        wall_ns: 0,
        written_bytes: 0,
    };
    print::line(&format!(
        "{:<26}{:<32}{:>9}{:>9}{:>12}",
        "part", "table", "CPU s", "wall s", "MB written"
    ));
    for cost in costs.iter().chain([&other]) {
        print::line(&timing_line(cost));
    }
    print::line(&format!("CPU time of the process: {:.2} s", seconds(process_ns)));
}

fn timing_line(cost: &PartCost) -> String {
    format!(
        "{:<26}{:<32}{:>9.2}{:>9.2}{:>12.1}",
        cost.part,
        cost.table,
        seconds(cost.cpu_ns),
        seconds(cost.wall_ns),
        cost.written_bytes as f64 / 1e6
    )
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
