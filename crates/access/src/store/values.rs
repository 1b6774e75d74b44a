//! Single values by name.

use crate::Error;
use rusqlite::{Connection, OptionalExtension};

pub(crate) fn get(connection: &Connection, name: &str) -> Result<Option<String>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT value FROM stored_values WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn set(connection: &Connection, name: &str, value: &str) -> Result<(), Error> {
    let sql = "INSERT INTO stored_values (name, value) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute([name, value])?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, name: &str) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM stored_values WHERE name = ?1")?.execute([name])?;
    Ok(())
}
