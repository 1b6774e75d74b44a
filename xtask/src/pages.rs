//! The pages with login, on this machine and from another network namespace. The tests start the service.

use crate::machine::{self, print, run};
use crate::tools;
use std::path::Path;
use std::process::Command;

/// Runs `ui/test/access.mjs` with `program` over `lake`.
pub fn access(program: &Path, lake: &Path) -> Result<(), String> {
    let mut test = Command::new("node");
    test.arg("test/access.mjs").env("COCKPIT", program).env("LAKE", lake);
    run(test.env("CHROMIUM", machine::chromium()).current_dir(machine::root().join("ui")))
}

/// Runs `ui/test/alarms.mjs` with the demo of `program`; the short form inspects fewer pages.
pub fn alarms(program: &Path, is_short: bool) -> Result<(), String> {
    let mut test = Command::new("node");
    test.arg("test/alarms.mjs").env("COCKPIT", program).env("CHROMIUM", machine::chromium());
    if is_short {
        test.arg("--short");
    }
    run(test.current_dir(machine::root().join("ui")))
}

/// Runs `ui/test/pages.mjs` with the demo of `program`; the short form inspects fewer pages.
pub fn screens(program: &Path, is_short: bool) -> Result<(), String> {
    let mut test = Command::new("node");
    test.arg("test/pages.mjs").env("COCKPIT", program).env("CHROMIUM", machine::chromium());
    if is_short {
        test.arg("--short");
    }
    run(test.current_dir(machine::root().join("ui")))
}

/// Runs `ui/test/reports.mjs` with the demo of `program`.
pub fn reports(program: &Path) -> Result<(), String> {
    let mut test = Command::new("node");
    test.arg("test/reports.mjs").env("COCKPIT", program).env("CHROMIUM", machine::chromium());
    run(test.current_dir(machine::root().join("ui")))
}

/// Runs `ui/test/boards.mjs` with `program` over `lake`.
pub fn boards(program: &Path, lake: &Path) -> Result<(), String> {
    let mut test = Command::new("node");
    test.arg("test/boards.mjs").env("COCKPIT", program).env("LAKE", lake);
    run(test.env("CHROMIUM", machine::chromium()).current_dir(machine::root().join("ui")))
}

/// Runs `ui/test/sources.mjs` with `program`.
pub fn sources(program: &Path) -> Result<(), String> {
    let mut test = Command::new("node");
    test.arg("test/sources.mjs").env("COCKPIT", program).env("CHROMIUM", machine::chromium());
    run(test.current_dir(machine::root().join("ui")))
}

/// Runs `ui/test/openid.mjs` with `program` over `lake`.
pub fn openid(program: &Path, lake: &Path) -> Result<(), String> {
    tools::openid_provider()?;
    let mut test = Command::new("node");
    test.arg("test/openid.mjs").env("COCKPIT", program).env("LAKE", lake);
    run(test.env("CHROMIUM", machine::chromium()).current_dir(machine::root().join("ui")))
}

/// Runs the steps of `tests/network.sh` with `program` over `lake`, where that is allowed.
pub fn netns(program: &Path, lake: &Path, folder: &Path) -> Result<(), String> {
    if !tools::namespaces()? {
        print("skipped: only root can create network namespaces");
        return Ok(());
    }
    let script = machine::root().join("tests/network.sh");
    let mut steps = Command::new("bash");
    steps.arg(script).arg(folder).arg(program).arg(lake);
    run(steps.env("CHROMIUM", machine::chromium()))
}
