//! Sessions in the database.

use crate::Error;
use crate::secret::Hash;
use crate::session::{Method, SessionInfo};
use rusqlite::{Connection, OptionalExtension, params};

/// A session to be stored.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub hash: Hash,
    pub user_id: i64,
    pub created_us: i64,
    pub expires_us: i64,
    pub address: &'a str,
    pub agent: &'a str,
    pub method: &'a str,
}

/// What a check of a session needs.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub id: i64,
    pub user_id: i64,
    pub created_us: i64,
    pub last_seen_us: i64,
    pub expires_us: i64,
    /// As stored.
    pub method: String,
}

pub(crate) fn add(connection: &Connection, new: &NewSession<'_>) -> Result<i64, Error> {
    let sql = "INSERT INTO sessions
        (hash, user_id, created_us, last_seen_us, expires_us, address, agent, method)
        VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7)";
    let row = params![
        new.hash,
        new.user_id,
        new.created_us,
        new.expires_us,
        new.address,
        new.agent,
        new.method
    ];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(connection.last_insert_rowid())
}

pub(crate) fn by_hash(connection: &Connection, hash: &Hash) -> Result<Option<SessionRow>, Error> {
    let sql = "SELECT id, user_id, created_us, last_seen_us, expires_us, method FROM sessions
        WHERE hash = ?1";
    let found = connection.prepare_cached(sql)?.query_row([hash.as_slice()], |row| {
        Ok(SessionRow {
            id: row.get(0)?,
            user_id: row.get(1)?,
            created_us: row.get(2)?,
            last_seen_us: row.get(3)?,
            expires_us: row.get(4)?,
            method: row.get(5)?,
        })
    });
    Ok(found.optional()?)
}

/// Sessions of one person, or of all, the last used first.
pub(crate) fn list(
    connection: &Connection,
    user_id: Option<i64>,
    now_us: i64,
    seen_after_us: i64,
) -> Result<Vec<SessionInfo>, Error> {
    let sql = "SELECT s.id, u.name, s.created_us, s.last_seen_us, s.expires_us, s.address, s.agent,
        s.method FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE (?1 IS NULL OR s.user_id = ?1) AND s.expires_us > ?2 AND s.last_seen_us > ?3
        ORDER BY s.last_seen_us DESC, s.id DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![user_id, now_us, seen_after_us], |row| {
        Ok(SessionInfo {
            id: row.get(0)?,
            user: row.get(1)?,
            created_us: row.get(2)?,
            last_seen_us: row.get(3)?,
            expires_us: row.get(4)?,
            address: row.get(5)?,
            agent: row.get(6)?,
            method: Method::name_of(&row.get::<_, String>(7)?).to_owned(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the user of a session.
pub(crate) fn owner(connection: &Connection, id: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT user_id FROM sessions WHERE id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?)
}

pub(crate) fn remove(connection: &Connection, id: i64) -> Result<bool, Error> {
    Ok(connection.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([id])? > 0)
}

pub(crate) fn remove_hash(connection: &Connection, hash: &Hash) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached("DELETE FROM sessions WHERE hash = ?1")?;
    Ok(statement.execute([hash.as_slice()])? > 0)
}

/// Ends all sessions of a user except one.
pub(crate) fn remove_of(
    connection: &Connection,
    user_id: i64,
    except: Option<i64>,
) -> Result<usize, Error> {
    let sql = "DELETE FROM sessions WHERE user_id = ?1 AND id IS NOT ?2";
    Ok(connection.prepare_cached(sql)?.execute(params![user_id, except])?)
}

pub(crate) fn remove_all(connection: &Connection) -> Result<usize, Error> {
    Ok(connection.prepare_cached("DELETE FROM sessions")?.execute([])?)
}

/// Ends all but the newest sessions of a user.
pub(crate) fn keep_newest(
    connection: &Connection,
    user_id: i64,
    kept: u32,
) -> Result<usize, Error> {
    let sql = "DELETE FROM sessions WHERE user_id = ?1 AND id NOT IN
        (SELECT id FROM sessions WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![user_id, kept])?)
}

/// Stores the last use of a session, if it still exists.
pub(crate) fn touch(connection: &Connection, id: i64, at_us: i64) -> Result<(), Error> {
    let sql = "UPDATE sessions SET last_seen_us = max(last_seen_us, ?2) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([id, at_us])?;
    Ok(())
}

/// Removes sessions that have ended.
pub(crate) fn sweep(
    connection: &Connection,
    now_us: i64,
    seen_before_us: i64,
) -> Result<usize, Error> {
    let sql = "DELETE FROM sessions WHERE expires_us <= ?1 OR last_seen_us <= ?2";
    Ok(connection.prepare_cached(sql)?.execute([now_us, seen_before_us])?)
}
