//! Creating, opening and checking a database.

use super::{file, migrate};
use crate::{Error, Settings};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Marks the file as a database of this program (`PRAGMA application_id`): "pckA".
const APPLICATION_ID: i32 = 0x7063_6b41;

/// Creates the database if no file of it exists, and returns an error if only a part exists: a new
/// database would offer the setup of the first administrator to the first person who opens the page.
pub(super) fn prepare(path: &Path, settings: &Settings) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() == 0 => Err(Error::corrupt("the file is empty")),
        Ok(_) => file::restrict_mode(path),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("read", path, error))
        }
        Err(_) if file::sibling(path, "-wal").exists() => {
            Err(Error::corrupt("the file is missing, but its write-ahead log is there"))
        }
        Err(_) => create(path, settings),
    }
}

/// Creates the database under a temporary name and moves it into place, so that a killed or
/// concurrent creation never leaves an incomplete file.
fn create(path: &Path, settings: &Settings) -> Result<(), Error> {
    let made = file::temporary(path)?;
    let mut connection = open(made.path(), settings)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate::to_latest(&mut connection)?;
    close(connection)?;
    file::persist_new(made, path).map(|_| ())
}

/// Opens a connection in WAL mode and checks that the database is writable and belongs to this
/// program.
pub(super) fn connect(path: &Path, settings: &Settings) -> Result<Connection, Error> {
    let connection = open(path, settings)?;
    if connection.is_readonly("main")? {
        return Err(Error::ReadOnly { path: file::text_of(path) });
    }
    check_owner(&connection, path)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::ReadOnly { path: file::text_of(path) });
    }
    Ok(connection)
}

/// Opens a connection with all per-connection settings, in the journal mode of the file.
pub(super) fn open(path: &Path, settings: &Settings) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_millis(settings.busy_timeout_ms.into()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Removed sessions and codes are overwritten in the file.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

pub(super) fn close(connection: Connection) -> Result<(), Error> {
    connection.close().map_err(|(_, error)| error.into())
}

/// Returns an error for a database of another program or of a newer version.
pub(super) fn check_owner(connection: &Connection, path: &Path) -> Result<(), Error> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != APPLICATION_ID {
        return Err(Error::ForeignDatabase { path: file::text_of(path) });
    }
    let (found, known) = (migrate::version(connection)?, migrate::VERSION);
    if found > known {
        return Err(Error::NewerDatabase { path: file::text_of(path), found, known });
    }
    Ok(())
}

/// Checks all pages and foreign keys, and migrates an older database.
pub(super) fn check_and_migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    check_pages(connection)?;
    migrate::to_latest(connection).map_err(|error| error.at(path))?;
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    if let Some(row) = rows.next()? {
        let table: String = row.get(0)?;
        return Err(Error::corrupt(format!("a row of {table} refers to a missing one")));
    }
    Ok(())
}

pub(super) fn check_pages(connection: &Connection) -> Result<(), Error> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Error::corrupt(found)) }
}
