//! `cockpit`: one place to see what is going on in a manufacturing plant.

mod batch;
mod cli;
mod config;
mod digest;
mod flow;
mod ingest;
mod lake;
mod live;
mod memory;
mod serve;
mod simulate;

use std::process::ExitCode;

fn main() -> ExitCode {
    memory::give_back();
    cli::main()
}
