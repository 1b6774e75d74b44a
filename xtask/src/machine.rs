//! The machine the tasks run on: its environment, its clock, its programs.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a task reads the developer's environment and clock, and speaks to a terminal"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub fn print(text: &str) {
    println!("{text}");
}

pub fn now() -> Instant {
    Instant::now()
}

/// Waits before another look at something that gives no sign of itself.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The root of the repository: the one cargo runs this for, which need not be the one it was built
/// in, for clones may share what was built.
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR");
    let here = here.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_owned)
}

/// A program that cargo built into the same folder as this one.
pub fn built(name: &str) -> Result<PathBuf, String> {
    let this = env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    Ok(this.with_file_name(name))
}

/// The folder for what the tasks keep between runs.
pub fn cache() -> Result<PathBuf, String> {
    let home = env::var_os("HOME").ok_or("HOME is not set, so nothing can be cached")?;
    Ok(Path::new(&home).join(".cache/plant-cockpit"))
}

/// The program to measure instead of the one of this tree, such as a release build.
pub fn measured() -> Option<PathBuf> {
    env::var_os("COCKPIT_PROGRAM").map(PathBuf::from)
}

/// The browser to drive.
pub fn chromium() -> PathBuf {
    env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from)
}

/// Cargo as if it had been called by hand. Variables that the calling cargo sets for this package are
/// removed from the environment, because some build scripts would run again for them.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PRIMARY_PACKAGE"];
        if ours.contains(&text.as_ref()) || text.starts_with("CARGO_PKG_") {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(root());
    cargo
}

/// Runs a command to its end; its output goes to the terminal.
pub fn run(command: &mut Command) -> Result<(), String> {
    let name = named(command);
    print(&format!("$ {name}"));
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("`{name}` cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{name}` ended with {status}")) }
}

/// The output of a command, trimmed; `None` if it cannot be run or fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let succeeded = output.status.success();
    succeeded.then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub fn is_root() -> bool {
    answer(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

/// A command as one could type it, paths shortened to their last part.
fn named(command: &Command) -> String {
    let last = |text: &std::ffi::OsStr| {
        let path = Path::new(text);
        let name = path.is_absolute().then(|| path.file_name()).flatten();
        name.unwrap_or(text).to_string_lossy().into_owned()
    };
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(last).collect::<Vec<_>>().join(" ")
}
