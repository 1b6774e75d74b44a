//! The Debian package on a real system: installed, started, upgraded, removed and purged.
//!
//! The root file system of this machine is the lower layer of an overlay in a mount namespace of its own, so
//! that `dpkg` works on real data and changes nothing.

use crate::dist::{self, Release};
use crate::machine::{self, print};
use crate::server::free_address;
use crate::tools;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that is installed first, and the one it is upgraded to.
const VERSIONS: [&str; 2] = ["0.0.1", "0.0.2"];

/// Exit code of the steps where the machine does not permit an overlay, as in some containers.
const NOT_PERMITTED: i32 = 77;

/// Builds the packages of two versions from `program` and runs the steps of `tests/package.sh` with them.
pub fn test(program: &Path, folder: &Path) -> Result<(), String> {
    tools::packaging()?;
    let build = |version: &str| {
        let out = folder.join(format!("dist-{version}"));
        let (program, version) = (program.to_owned(), version.to_owned());
        dist::debian_package(&Release { program, version, out, is_small: false })
    };
    let packages: Vec<PathBuf> = VERSIONS.into_iter().map(build).collect::<Result<_, _>>()?;
    if machine::is_root() { install(folder, &packages) } else { skip() }
}

fn install(folder: &Path, packages: &[PathBuf]) -> Result<(), String> {
    let port = free_address().map_err(|error| format!("the port of the service: {error}"))?.port();
    let mut steps = Command::new("unshare");
    steps.arg("--mount").arg("bash").arg(machine::root().join("tests/package.sh"));
    steps.arg(folder.join("overlay")).arg(port.to_string()).args(packages);
    let status = steps.status().map_err(|error| format!("unshare cannot be run: {error}"))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(NOT_PERMITTED) => skip(),
        _ => Err(format!("tests/package.sh ended with {status}")),
    }
}

fn skip() -> Result<(), String> {
    print("SKIPPED: no permission to mount an overlay; the package is built, not installed");
    Ok(())
}
