//! Tasks of the project.
//!
//! `cargo xtask test` runs every test there is; `cargo xtask test rust browser` runs some parts and
//! what they need. The standard library is all this uses, so that a fresh clone begins at once.

mod bench;
mod code;
mod dist;
mod kafka;
mod machine;
mod maven;
mod package;
mod pages;
mod parts;
mod server;
#[cfg(test)]
mod tidy;
mod tools;
mod wheel;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test", ..] => parts::test(&args[1..]),
        ["measure"] => code::measure(),
        ["dist", ..] => dist::command(&args[1..]),
        ["bench", "batch", ..] => bench::batch(&args[2..]),
        ["bench", "stream", ..] => bench::stream(&args[2..]),
        ["bench", "latency", ..] => bench::latency(&args[2..]),
        ["bench", "alarms"] => bench::alarms(),
        ["bench", "viewers"] => bench::viewers(),
        ["bench", "access"] => bench::access(),
        ["bench", "report"] => bench::report(),
        ["bench", "ui", ..] => bench::ui(&args[2..]),
        ["engines", "kafka", ..] => kafka::engine(&args[2..]),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    machine::print("usage: cargo xtask test [--minutes N] [PART]...");
    machine::print("       cargo xtask measure");
    machine::print("       cargo xtask dist [--program PATH] [--out DIR]");
    machine::print("       cargo xtask bench batch [ROWS] [ROUNDS] [--spark]");
    machine::print("       cargo xtask bench stream [MESSAGES] [--spark]");
    machine::print("       cargo xtask bench latency [SECONDS]");
    machine::print("       cargo xtask bench alarms");
    machine::print("       cargo xtask bench viewers");
    machine::print("       cargo xtask bench access");
    machine::print("       cargo xtask bench report");
    machine::print("       cargo xtask bench ui [GOAL]...");
    machine::print("       cargo xtask engines kafka [--port N] [--keep] [--topic NAME]...");
    machine::print(&parts::listed());
    ExitCode::FAILURE
}
