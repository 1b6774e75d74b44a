//! Parts in which clients of other programs read the tables of a running service.

use super::{Bench, Done};
use crate::machine::run;
use crate::tools;

/// OData as Power Query reads it, python-odata, and the tools of SAP.
pub fn odata(bench: &Bench) -> Done {
    run(bench.python("odata_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

/// The official client of Delta Sharing with pandas, on a local disk and on S3.
pub fn sharing(bench: &Bench) -> Done {
    let mut case = bench.python("sharing_case.py")?;
    case.arg("--cockpit").arg(&bench.cockpit);
    run(case.arg("--client").arg(tools::delta_sharing()?))
}

/// Generated requests against the description of the HTTP interface, few of them unless the part is named.
pub fn schemathesis(bench: &Bench) -> Done {
    let mut case = bench.python("interface_case.py")?;
    case.arg("--cockpit").arg(&bench.cockpit);
    if bench.is_usual {
        case.arg("--short");
    }
    run(case.arg("--schemathesis").arg(tools::schemathesis()?))
}

/// The dashboards for Grafana over the PostgreSQL protocol.
pub fn grafana(bench: &Bench) -> Done {
    run(bench.python("grafana_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}
