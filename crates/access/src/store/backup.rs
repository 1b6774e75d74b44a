//! Backup while the database is in use, and restore while it is not.

use super::{audit, file, open, scram, sessions, values};
use crate::audit::{Event, Kind};
use crate::{Error, Settings, setup};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;
use std::path::Path;

/// Result of a restore, to be reviewed: users who were disabled and tokens that were revoked after
/// the backup are active again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub users: u32,
    pub tokens: u32,
    /// The last entry of its audit log.
    pub last_entry_us: Option<i64>,
}

/// Writes a copy of the database at `from` to `to`, which must not exist. It has no verifiers of
/// passwords: a guess at one costs less than at its hash. They are made again with the next login.
pub(super) fn write(from: &Path, to: &Path, settings: &Settings) -> Result<(), Error> {
    let source = open::connect(from, settings).map_err(|error| error.at(from))?;
    let made = file::temporary(to)?;
    copy(&source, made.path(), settings).map_err(|error| error.at(to))?;
    let copied = open::open(made.path(), settings)?;
    scram::remove_all(&copied)?;
    open::close(copied)?;
    if file::persist_new(made, to)? {
        return Ok(());
    }
    Err(Error::Exists { what: "backup", name: file::text_of(to) })
}

/// Replaces the database at `to` by the backup at `from`, after checking the backup. All sessions
/// end. The previous database is kept with the suffix `.before-restore`. Fails while any process has
/// the database open.
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
    let restored = prepare_restored(made.path(), from, actor, now_us, settings)?;
    keep_old(to, settings)?;
    file::persist_over(made, to)?;
    Ok(restored)
}

/// Copies all pages in one read transaction and checks the copy.
fn copy(source: &Connection, to: &Path, settings: &Settings) -> Result<(), Error> {
    let mut target = Connection::open(to)?;
    let backup = Backup::new(source, &mut target)?;
    match backup.step(-1)? {
        StepResult::Done => {}
        _ => return Err(Error::Contended { path: String::new() }),
    }
    drop(backup);
    // A backup is a single file, without a write-ahead log.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    open::close(target)?;
    let copied = open::open(to, settings)?;
    open::check_pages(&copied)?;
    open::close(copied)
}

/// Migrates the copy, verifies its audit log, ends its sessions, drops its waiting
/// notifications and adds an audit entry.
fn prepare_restored(
    path: &Path,
    from: &Path,
    actor: &str,
    now_us: i64,
    settings: &Settings,
) -> Result<Restored, Error> {
    let mut connection = open::open(path, settings)?;
    open::check_and_migrate(&mut connection, from).map_err(|error| error.at(from))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let verified = audit::verify(&transaction, None)?;
    if let Some(broken) = verified.broken {
        return Err(Error::corrupt(format!("its audit log is not in order: {broken}")).at(from));
    }
    let restored = counted(&transaction, now_us)?;
    sessions::remove_all(&transaction)?;
    values::remove(&transaction, setup::VALUE)?;
    scram::remove_all(&transaction)?;
    drop_notifications(&transaction)?;
    let detail = serde_json::json!({ "from": file::text_of(from), "users": restored.users });
    let event = Event::new(Kind::Restored, actor, detail);
    audit::append(&transaction, &event, now_us, settings)?;
    transaction.commit()?;
    open::close(connection)?;
    Ok(restored)
}

/// Messages that waited at the time of the backup were sent since, or are out of date.
fn drop_notifications(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(
        "UPDATE notifications SET state = 'dropped', last_error = 'a backup was restored'
            WHERE state IN ('waiting', 'sending');
        DELETE FROM escalations;",
    )?;
    Ok(())
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

/// Copies the old database to a file of its own, and removes its write-ahead log, which SQLite
/// would apply to the new database. A damaged database is copied as it is.
fn keep_old(path: &Path, settings: &Settings) -> Result<(), Error> {
    let (wal, shm) = (file::sibling(path, "-wal"), file::sibling(path, "-shm"));
    if path.exists() {
        let is_checkpointed = open::open(path, settings).and_then(|it| checkpoint(&it));
        let kept = file::sibling(path, ".before-restore");
        std::fs::copy(path, &kept).map_err(|error| Error::file("copy to", &kept, error))?;
        file::restrict_mode(&kept)?;
        if is_checkpointed.is_err() && wal.exists() {
            let kept_wal = file::sibling(&kept, "-wal");
            std::fs::copy(&wal, &kept_wal)
                .map_err(|error| Error::file("copy to", &kept_wal, error))?;
        }
        file::sync(&kept)?;
    }
    file::remove_if_there(&wal)?;
    file::remove_if_there(&shm)
}

/// Transfers the write-ahead log into the database file.
fn checkpoint(connection: &Connection) -> Result<(), Error> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}
