//! The part that reads real databases.

use super::{Bench, Done};
use crate::machine::run;
use crate::{pages, tools};

/// Tables of PostgreSQL, MariaDB and SQLite, while the program and the servers are killed.
pub fn databases(bench: &Bench) -> Done {
    tools::database_servers()?;
    run(bench.python("databases_case.py")?.arg("--cockpit").arg(&bench.cockpit))
}

/// The data page while a database works, is killed, and runs again.
pub fn sources(bench: &Bench) -> Done {
    tools::database_servers()?;
    pages::sources(&bench.cockpit)
}
