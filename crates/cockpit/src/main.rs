//! `cockpit`: one place to see what is going on in a manufacturing plant.

mod cli;
mod flow;
mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    memory::give_back();
    cli::main()
}
