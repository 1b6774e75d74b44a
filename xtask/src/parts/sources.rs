//! Parts about sources.

use super::{Bench, Done};
use crate::machine::run;
use crate::tools;

/// Messages that are published.
const MESSAGES: &str = "100000";

/// Topics of Mosquitto with TLS and passwords, while the program and the broker are killed.
pub fn mqtt(bench: &Bench) -> Done {
    tools::mqtt_broker()?;
    let mut case = bench.python("mqtt_case.py")?;
    run(case.arg("--cockpit").arg(&bench.cockpit).args(["--messages", MESSAGES]))
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
