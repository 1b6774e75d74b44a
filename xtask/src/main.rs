//! Tasks of the project.
//!
//! `cargo xtask test` runs every test there is; `cargo xtask test rust browser` runs some parts and
//! what they need. The standard library is all this uses, so that a fresh clone begins at once.

mod bench;
mod kafka;
mod machine;
mod parts;
mod server;
#[cfg(test)]
mod tidy;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((task, names)) if task == "test" => parts::test(names),
        Some((task, names)) if task == "bench" && names.first().is_some_and(|it| it == "batch") => {
            bench::batch(&names[1..])
        }
        Some((task, names))
            if task == "engines" && names.first().is_some_and(|it| it == "kafka") =>
        {
            kafka::engine(&names[1..])
        }
        _ => {
            machine::say("usage: cargo xtask test [PART]..., cargo xtask bench batch [ROWS], or");
            machine::say("       cargo xtask engines kafka [--port N] [--keep] [--topic NAME]...");
            machine::say(&parts::listed());
            ExitCode::FAILURE
        }
    }
}
