//! The Debian package on a real system: installed, started, upgraded, removed and purged.
//!
//! The root file system of this machine is the lower layer of an overlay in a mount namespace of its own, so
//! that `dpkg` works on real data and changes nothing.

use crate::dist::{self, Release};
use crate::machine::{self, print, run};
use crate::tools;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that is installed first, and the one it is upgraded to.
const VERSIONS: [&str; 2] = ["0.0.1", "0.0.2"];

/// Builds the packages of two versions from `program` and runs the steps of `tests/package.sh` with them.
pub fn test(program: &Path, folder: &Path) -> Result<(), String> {
    tools::packaging()?;
    if !machine::is_root() {
        print("only root can mount an overlay; the package is built, not installed");
    }
    let packages: Vec<PathBuf> = VERSIONS
        .iter()
        .map(|version| {
            let out = folder.join(format!("dist-{version}"));
            let version = (*version).to_owned();
            let release = Release { program: program.to_owned(), version, out, is_small: false };
            dist::debian_package(&release)
        })
        .collect::<Result<_, _>>()?;
    if !machine::is_root() {
        return Ok(());
    }
    let script = machine::root().join("tests/package.sh");
    let mut steps = Command::new("unshare");
    steps.arg("--mount").arg("bash").arg(script).arg(folder.join("overlay")).args(packages);
    run(&mut steps)
}
