//! `cockpit`: one place to see what is going on in a manufacturing plant.

mod cli;
mod compute;
mod descriptors;
mod flow;
mod listener;
mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    memory::give_back();
    descriptors::raise();
    cli::main()
}
