//! Reading a new password: from the terminal without showing it, from standard input, or from a file.
//! Never from an argument, which other users of the machine can see.

use access::Secret;
use anyhow::{Context as _, bail};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Reads a password: the first line of `file`, or of standard input; a terminal prompts for it twice.
pub fn read(file: Option<&Path>) -> anyhow::Result<Secret> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the password file {}", file.display()))?;
        return first_line(&text).with_context(|| format!("in {}", file.display()));
    }
    if !std::io::stdin().is_terminal() {
        return first_line(&line_of_stdin()?).context("on standard input");
    }
    let _hidden = HiddenInput::start()?;
    let (first, second) = (prompt("New password: ")?, prompt("Again: ")?);
    if first != second {
        bail!("the two passwords differ: try again");
    }
    first_line(&first)
}

fn prompt(text: &str) -> anyhow::Result<String> {
    let mut terminal = std::io::stderr().lock();
    terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush())?;
    let line = line_of_stdin()?;
    terminal.write_all(b"\n")?;
    Ok(line)
}

fn line_of_stdin() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    Ok(line)
}

/// The first line of a text, without its end.
fn first_line(text: &str) -> anyhow::Result<Secret> {
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("no password: expected it as the first line");
    }
    Ok(Secret::new(line))
}

/// A terminal that does not show what is typed, until this is dropped.
struct HiddenInput;

impl HiddenInput {
    fn start() -> anyhow::Result<Self> {
        if !set_echo("-echo") {
            bail!("the terminal cannot hide the password: use --password-file, or standard input");
        }
        Ok(Self)
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        set_echo("echo");
    }
}

/// Changes the terminal by `stty`, a program of POSIX; returns whether that succeeded.
fn set_echo(mode: &str) -> bool {
    let mut command = Command::new("stty");
    command.arg(mode).stdin(Stdio::inherit()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_as_it_is() {
        for (text, expected) in [("a b\n", "a b"), ("a", "a"), ("a\r\nb", "a"), (" a \n", " a ")] {
            assert_eq!(first_line(text).unwrap().expose(), expected);
        }
        for text in ["", "\n", "\r\nb"] {
            assert!(first_line(text).is_err(), "{text:?}");
        }
    }
}
