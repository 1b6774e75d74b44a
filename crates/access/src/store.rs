//! The embedded SQLite database of the program: people and the audit log, alarms and notifications.
//!
//! One connection writes, one reads; both are behind a mutex. A write is one transaction that is on
//! the disk (WAL, `synchronous=FULL`) when [`Database::write`] returns. Other processes of the machine,
//! such as the command line, may have the database open too.

pub(crate) mod attempts;
pub(crate) mod audit;
mod backup;
mod file;
mod migrate;
mod open;
pub(crate) mod scram;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod values;

pub use backup::{Restored, restore};

use crate::{Error, Settings};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An open database. The tables of people belong to this crate, those of alarms and notifications to the
/// crate `watch`.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    settings: Settings,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// Held while the database is open, so that a restore does not replace it meanwhile.
    _lock: File,
}

impl Database {
    /// The file of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the database, or creates it if there is none. Refuses one that is corrupt, newer, not
    /// writable or of another program.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self, Error> {
        let lock = file::lock_shared(path)?;
        open::prepare(path, settings).map_err(|error| error.at(path))?;
        let connect = || open::connect(path, settings).map_err(|error| error.at(path));
        let (mut writer, reader) = (connect()?, connect()?);
        open::check_and_migrate(&mut writer, path).map_err(|error| error.at(path))?;
        reader.pragma_update(None, "query_only", true)?;
        let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
        let settings = settings.clone();
        Ok(Self { path: path.to_owned(), settings, writer, reader, _lock: lock })
    }

    /// Runs `work` in one transaction: all of it is durable on success, nothing on error.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut writer = lock(&self.writer);
        let done = in_transaction(&mut writer, TransactionBehavior::Immediate, work);
        done.map_err(|error| error.at(&self.path))
    }

    /// Runs `work` on a consistent snapshot of the database.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut reader = lock(&self.reader);
        let done = in_transaction(&mut reader, TransactionBehavior::Deferred, work);
        done.map_err(|error| error.at(&self.path))
    }

    /// Runs `work` on a snapshot with a separate connection: for long reads, which must not block
    /// requests.
    pub fn read_apart<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let connected = open::connect(&self.path, &self.settings);
        let mut apart = connected.map_err(|error| error.at(&self.path))?;
        let done = in_transaction(&mut apart, TransactionBehavior::Deferred, work);
        done.map_err(|error| error.at(&self.path))
    }

    /// Returns a number that changes when any process has changed the database.
    pub(crate) fn version_seen(&self) -> Result<i64, Error> {
        let reader = lock(&self.reader);
        let version = reader.prepare_cached("PRAGMA data_version")?.query_one([], |row| row.get(0));
        version.map_err(|error| Error::from(error).at(&self.path))
    }

    /// Copies the current state of the database into a new file, concurrently with writers.
    pub fn backup(&self, to: &Path) -> Result<(), Error> {
        backup::write(&self.path, to, &self.settings)
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic within a transaction rolls it back, so a poisoned connection is usable.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_transaction<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let made = work(&transaction)?;
    transaction.commit()?;
    Ok(made)
}
