//! Parts in which clients of other programs read the tables of a running service.

use super::{Bench, Done, SMALL_LAKE_DAYS};
use crate::machine::run;
use crate::tools;

/// OData as Power Query reads it, python-odata, and the tools of SAP.
pub fn odata(bench: &Bench) -> Done {
    let lake = bench.simulated("odata", SMALL_LAKE_DAYS)?;
    let mut case = bench.python("odata_case.py")?;
    run(case.arg("--cockpit").arg(&bench.cockpit).arg("--lake").arg(&lake))
}

/// The official client of Delta Sharing with pandas.
pub fn sharing(bench: &Bench) -> Done {
    let lake = bench.simulated("sharing", SMALL_LAKE_DAYS)?;
    let mut case = bench.python("sharing_case.py")?;
    case.arg("--cockpit").arg(&bench.cockpit).arg("--lake").arg(&lake);
    run(case.arg("--client").arg(tools::delta_sharing()?))
}
