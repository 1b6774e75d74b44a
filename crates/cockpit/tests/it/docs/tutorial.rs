//! The tutorial, `docs/first-plant.md`, block by block: files are written, commands run, and their output
//! compared. Afterwards each address that the page names is requested.
//!
//! The words behind the opening fence say what a block is: `file=PATH`, `run`, `output` (lines that the
//! commands before it print) and `serve`.

use super::blocks::{Block, blocks};
use super::{Server, page};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PAGE: &str = "first-plant.md";
/// How the page writes the addresses that it names.
const ADDRESS: &str = "<http://127.0.0.1:8080";

/// A shell command in `folder`, with this program first on the `PATH`.
#[expect(clippy::disallowed_methods, reason = "the shell needs the other programs of the PATH")]
fn shell(folder: &Path, script: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_cockpit")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-eu", "-c", script]).current_dir(folder);
    command.env_clear().env("PATH", path).env("HOME", folder).env("COCKPIT_LISTEN", "127.0.0.1:0");
    command
}

#[test]
fn the_tutorial_runs_as_written() {
    let text = page(PAGE);
    let folder = TempDir::new().unwrap();
    let (mut printed, mut server, mut compared) = (String::new(), None, 0);
    for Block { info, before, text } in blocks(&text) {
        let action = info.split_once(' ').map_or(info, |(_language, action)| action);
        match action.split_once('=').unwrap_or((action, "")) {
            ("file", path) => {
                assert_eq!(before, format!("`{path}`:"), "the page does not show the file name");
                fs::write(folder.path().join(path), text).unwrap();
            }
            ("run", _) => {
                let output = shell(folder.path(), &text).output().unwrap();
                printed = String::from_utf8(output.stdout).unwrap();
                let errors = String::from_utf8(output.stderr).unwrap();
                assert!(output.status.success(), "{text}\n{printed}\n{errors}");
            }
            ("output", _) => {
                for line in text.lines() {
                    assert!(printed.contains(line), "`{line}` is not printed:\n{printed}");
                    compared += 1;
                }
            }
            ("serve", _) => {
                server = Some(Server::start(shell(folder.path(), &format!("exec {text}"))));
            }
            _ => panic!("{PAGE}: a block of unknown kind `{info}`"),
        }
    }
    assert!(compared > 5, "{compared} lines of output were compared");
    check_addresses(&text, &server.unwrap());
}

/// Requests each address of the page from the server that listens in place of port 8080.
fn check_addresses(text: &str, server: &Server) {
    let addresses = text.split(ADDRESS).skip(1);
    let paths: Vec<&str> = addresses.map(|rest| rest.split('>').next().unwrap()).collect();
    assert!(paths.len() >= 4, "{paths:?}");
    for path in paths {
        let (status, body) = server.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        if path.contains("/kpis") {
            assert!(body.contains("\"numerator\":5326.0,\"denominator\":5416.0"), "{body}");
        }
    }
}
