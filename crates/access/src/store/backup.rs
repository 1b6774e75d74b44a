//! Copies of the database: made while it is in use, and put back while it is not.

use super::{audit, file, open, sessions, values};
use crate::audit::{Event, Kind};
use crate::{Error, Settings, setup};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;
use std::path::Path;

/// What a restore brought back, to be reviewed: people who were disabled and tokens that were
/// revoked after the backup was made are active again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub users: u32,
    pub tokens: u32,
    /// The last entry of its audit log.
    pub last_entry_us: Option<i64>,
}

/// Writes a copy of the database at `from` to `to`, which must not exist.
pub(super) fn write(from: &Path, to: &Path, settings: &Settings) -> Result<(), Error> {
    let source = open::connect(from, settings).map_err(|error| error.at(from))?;
    let made = file::temporary(to)?;
    copy(&source, made.path(), settings).map_err(|error| error.at(to))?;
    if file::place_new(made, to)? {
        return Ok(());
    }
    Err(Error::Exists { what: "backup", name: file::place(to) })
}

/// Replaces the database at `to` by the backup at `from`, which is examined first. All sessions
/// end. What was there stays beside it, with `.before-restore` added to its name. Refused while any
/// process has the database open.
pub fn restore(
    from: &Path,
    to: &Path,
    actor: &str,
    now_us: i64,
    settings: &Settings,
) -> Result<Restored, Error> {
    let _lock = file::lock_alone(to)?;
    let source = open::open(from, settings).map_err(|error| error.at(from))?;
    open::check_owner(&source, from).map_err(|error| error.at(from))?;
    let made = file::temporary(to)?;
    copy(&source, made.path(), settings).map_err(|error| error.at(from))?;
    let restored = revive(made.path(), from, actor, now_us, settings)?;
    keep_old(to, settings)?;
    file::place_over(made, to)?;
    Ok(restored)
}

/// Copies all pages in one read transaction, and examines the copy.
fn copy(source: &Connection, to: &Path, settings: &Settings) -> Result<(), Error> {
    let mut target = Connection::open(to)?;
    let backup = Backup::new(source, &mut target)?;
    match backup.step(-1)? {
        StepResult::Done => {}
        _ => return Err(Error::Contended { place: String::new() }),
    }
    drop(backup);
    // One file holds everything: a backup must not need a write-ahead log beside it.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    open::close(target)?;
    let copied = open::open(to, settings)?;
    open::check_pages(&copied)?;
    open::close(copied)
}

/// Makes the copy the next state of the store: up to date, without sessions, with an entry.
fn revive(
    path: &Path,
    from: &Path,
    actor: &str,
    now_us: i64,
    settings: &Settings,
) -> Result<Restored, Error> {
    let mut connection = open::open(path, settings)?;
    open::examine(&mut connection, from).map_err(|error| error.at(from))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let verified = audit::verify(&transaction, None)?;
    if let Some(broken) = verified.broken {
        return Err(Error::corrupt(format!("its audit log is not in order: {broken}")).at(from));
    }
    let restored = counted(&transaction, now_us)?;
    sessions::remove_all(&transaction)?;
    values::remove(&transaction, setup::VALUE)?;
    let detail = serde_json::json!({ "from": file::place(from), "users": restored.users });
    let event = Event::new(Kind::Restored, actor, detail);
    audit::append(&transaction, &event, now_us, settings)?;
    transaction.commit()?;
    open::close(connection)?;
    Ok(restored)
}

fn counted(connection: &Connection, now_us: i64) -> Result<Restored, Error> {
    let sql = "SELECT (SELECT count(*) FROM users WHERE disabled_us IS NULL),
        (SELECT count(*) FROM tokens WHERE revoked_us IS NULL AND expires_us > ?1),
        (SELECT max(at_us) FROM audit)";
    let row = connection.query_row(sql, [now_us], |row| {
        Ok(Restored { users: row.get(0)?, tokens: row.get(1)?, last_entry_us: row.get(2)? })
    });
    Ok(row?)
}

/// Keeps the old database as one file, and leaves nothing of it that would be taken for a part of
/// the new one. A damaged one is kept as far as it can be read.
fn keep_old(path: &Path, settings: &Settings) -> Result<(), Error> {
    let (wal, shm) = (file::beside(path, "-wal"), file::beside(path, "-shm"));
    if path.exists() {
        let is_folded = open::open(path, settings).and_then(|it| fold(&it));
        let kept = file::beside(path, ".before-restore");
        std::fs::copy(path, &kept).map_err(|error| Error::file("copy to", &kept, error))?;
        file::claim(&kept)?;
        if is_folded.is_err() && wal.exists() {
            let kept_wal = file::beside(&kept, "-wal");
            std::fs::copy(&wal, &kept_wal)
                .map_err(|error| Error::file("copy to", &kept_wal, error))?;
        }
        file::sync(&kept)?;
    }
    file::remove_if_there(&wal)?;
    file::remove_if_there(&shm)
}

/// Writes what is in the write-ahead log into the file itself.
fn fold(connection: &Connection) -> Result<(), Error> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}
