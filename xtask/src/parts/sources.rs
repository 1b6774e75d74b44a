//! Parts about sources.

use super::{Bench, Done};
use crate::machine::{self, run};
use crate::tools;

/// Messages that are published.
const MESSAGES: &str = "100000";

/// Topics of Mosquitto with TLS and passwords, while the program and the broker are killed.
pub fn mqtt(bench: &Bench) -> Done {
    tools::mqtt_broker()?;
    let mut case = bench.python("mqtt_case.py")?;
    run(case.arg("--cockpit").arg(&bench.cockpit).args(["--messages", MESSAGES]))
}

/// Dumps at emulators of Google Cloud Storage and Azure Blob Storage, while the program is killed.
pub fn clouds(bench: &Bench) -> Done {
    tools::openssl()?;
    let mut case = bench.python("clouds_case.py")?;
    case.arg("--cockpit").arg(&bench.cockpit).arg("--azurite").arg(tools::azurite()?);
    match tools::fake_gcs()? {
        Some(program) => drop(case.arg("--google").arg(program)),
        None => machine::print("no Go is installed, so that Google Cloud Storage is not tested"),
    }
    run(&mut case)
}

/// Dumps at servers of SFTP, FTP and WebDAV, while program and servers are ended.
pub fn file_servers(bench: &Bench) -> Done {
    tools::file_servers()?;
    let mut case = bench.python("file_servers_case.py")?;
    run(case.arg("--cockpit").arg(&bench.cockpit))
}

/// Many small dumps at once.
pub fn many(bench: &Bench) -> Done {
    let dumps = if bench.is_usual { "2500" } else { "10000" };
    let mut case = bench.python("many_case.py")?;
    run(case.arg("--cockpit").arg(&bench.cockpit).args(["--dumps", dumps]))
}

/// Contracts that are proposed for dumps and used without an edit.
pub fn draft(bench: &Bench) -> Done {
    run(&mut bench.case("draft_case.py")?)
}

/// Dumps that several programs share while one of them is killed.
pub fn land(bench: &Bench) -> Done {
    let dumps = if bench.is_usual { "1500" } else { "10000" };
    let mut case = bench.python("land_case.py")?;
    run(case.arg("--cockpit").arg(&bench.cockpit).args(["--dumps", dumps]))
}
