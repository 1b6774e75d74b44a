//! `cockpit backup` and `cockpit restore`: the database of users, tokens and the audit log as one file.

use super::database::{self, Database, now_us, time};
use super::print;
use config::Config;
use std::path::Path;

/// Writes a copy of the database to `file`, which must not exist; the service may be running.
pub fn backup(config: &Config, file: &Path) -> anyhow::Result<bool> {
    let database = Database::open(config)?;
    database.access.backup(&database.operator, file, now_us())?;
    print::line(&format!("wrote {}; keep it as safe as the passwords in it", file.display()));
    Ok(true)
}

/// Replaces the database by the copy in `file`; the service must be stopped.
pub fn restore(config: &Config, file: &Path) -> anyhow::Result<bool> {
    let path = database::path(config)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let settings = serve::access_settings(&config.plant.access);
    let actor = format!("terminal:{}", database::account());
    let restored = access::restore(file, &path, &actor, now_us(), &settings)?;
    let last = restored.last_entry_us.map_or_else(|| "unknown".to_owned(), time);
    print::line(&format!("restored {} from {}, written {last}", path.display(), file.display()));
    print::line(&format!(
        "{} users are enabled and {} tokens are valid; users disabled and tokens revoked since then \
         have to be disabled or revoked again",
        restored.users, restored.tokens
    ));
    print::line("all sessions ended; the previous database has the suffix .before-restore");
    Ok(true)
}
