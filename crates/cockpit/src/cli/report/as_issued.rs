//! Files of issued reports, as they were stored.

use crate::cli::database;
use access::Database;
use anyhow::bail;
use config::Config;
use config::reports::Format;
use report::issue::record::{IssuedFile, IssuedReport};
use report::issue::store;

/// An issued report of a name with its file in a format.
pub fn read(
    config: &Config,
    name: &str,
    id: i64,
    format: Format,
) -> anyhow::Result<(IssuedReport, IssuedFile)> {
    let path = database::path(config)?;
    if !path.exists() {
        bail!("no report was issued with this lake: there is no database {}", path.display());
    }
    let database = Database::open(&path, &serve::access_settings(&config.plant.access))?;
    let issued = database.read(|tx| store::get(tx, id))?;
    if issued.report != name {
        bail!("invalid --as-issued {id}: it is a report `{}`, not `{name}`", issued.report);
    }
    let file = database.read(|tx| store::file(tx, id, format.as_str()))?;
    Ok((issued, file))
}
