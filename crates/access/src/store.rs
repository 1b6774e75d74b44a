//! The embedded SQLite database.
//!
//! One connection writes, one reads; both are behind a mutex. A write is one transaction that is on
//! the disk (WAL, `synchronous=FULL`) when [`Store::write`] returns. Other processes of the machine,
//! such as the command line, may have the database open too.

pub(crate) mod attempts;
pub(crate) mod audit;
mod backup;
mod file;
mod migrate;
mod open;
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

#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// Held while the database is open, so that a restore does not replace it meanwhile.
    _lock: File,
}

impl Store {
    /// Opens the database, or creates it if there is none. Refuses one that is corrupt, newer, not
    /// writable or of another program.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self, Error> {
        let lock = file::lock_shared(path)?;
        open::prepare(path, settings).map_err(|error| error.at(path))?;
        let connect = || open::connect(path, settings).map_err(|error| error.at(path));
        let (mut writer, reader) = (connect()?, connect()?);
        open::examine(&mut writer, path).map_err(|error| error.at(path))?;
        reader.pragma_update(None, "query_only", true)?;
        let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
        Ok(Self { path: path.to_owned(), writer, reader, _lock: lock })
    }

    /// Runs `work` in one transaction: all of it is durable on success, nothing on error.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut writer = held(&self.writer);
        let done = in_transaction(&mut writer, TransactionBehavior::Immediate, work);
        done.map_err(|error| error.at(&self.path))
    }

    /// Runs `work` on one state of the database, which no writer changes meanwhile.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut reader = held(&self.reader);
        let done = in_transaction(&mut reader, TransactionBehavior::Deferred, work);
        done.map_err(|error| error.at(&self.path))
    }

    /// Runs `work` as [`Store::read`] does, on a connection of its own: for long work, which must
    /// not keep requests waiting.
    pub fn read_apart<T>(
        &self,
        settings: &Settings,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut apart =
            open::connect(&self.path, settings).map_err(|error| error.at(&self.path))?;
        let done = in_transaction(&mut apart, TransactionBehavior::Deferred, work);
        done.map_err(|error| error.at(&self.path))
    }

    /// A number that changes when anybody, also another process, has changed the database.
    pub fn version_seen(&self) -> Result<i64, Error> {
        let reader = held(&self.reader);
        let version = reader.prepare_cached("PRAGMA data_version")?.query_one([], |row| row.get(0));
        version.map_err(|error| Error::from(error).at(&self.path))
    }

    /// Copies the database as it is now into a new file. Writers go on meanwhile.
    pub fn backup(&self, to: &Path, settings: &Settings) -> Result<(), Error> {
        backup::write(&self.path, to, settings)
    }
}

fn held(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic within a transaction has rolled it back.
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
