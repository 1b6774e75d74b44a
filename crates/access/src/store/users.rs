//! People, their roles, second factors and identities in the database.

use crate::permission::{Assignment, Role, Source};
use crate::secret::Hash;
use crate::{Error, Scope, UserInfo};
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str = "id, name, full_name, password, password_until_us, totp_key, totp_confirmed,
    totp_step, created_us, last_login_us, disabled_us";

/// A person as stored.
#[derive(Clone)]
pub(crate) struct UserRow {
    pub id: i64,
    pub name: String,
    pub full_name: String,
    pub password: Option<String>,
    pub password_until_us: Option<i64>,
    pub totp_key: Option<Vec<u8>>,
    pub totp_confirmed: bool,
    pub totp_step: i64,
    pub created_us: i64,
    pub last_login_us: Option<i64>,
    pub disabled_us: Option<i64>,
}

impl UserRow {
    /// The key of the second factor, once its owner has proved to have it.
    pub fn second_factor(&self) -> Option<&[u8]> {
        self.totp_key.as_deref().filter(|_| self.totp_confirmed)
    }
}

/// Adds a user without password and roles.
pub(crate) fn add(
    connection: &Connection,
    name: &str,
    full_name: &str,
    now_us: i64,
) -> Result<i64, Error> {
    if by_name(connection, name)?.is_some() {
        return Err(Error::Exists { what: "user", name: name.to_owned() });
    }
    let sql = "INSERT INTO users (name, full_name, created_us) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![name, full_name, now_us])?;
    Ok(connection.last_insert_rowid())
}

pub(crate) fn by_name(connection: &Connection, name: &str) -> Result<Option<UserRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([name], read).optional()?)
}

pub(crate) fn by_id(connection: &Connection, id: i64) -> Result<Option<UserRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([id], read).optional()?)
}

/// Returns the user of a name, in any letter case, or an error.
pub(crate) fn named(connection: &Connection, name: &str) -> Result<UserRow, Error> {
    by_name(connection, &name.trim().to_ascii_lowercase())?
        .ok_or_else(|| Error::not_found("user", name))
}

pub(crate) fn count(connection: &Connection) -> Result<u32, Error> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM users")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// People who can manage users: enabled, with the role for the whole plant, and with a way to log
/// in.
pub(crate) fn administrators(connection: &Connection) -> Result<u32, Error> {
    let sql = "SELECT count(DISTINCT u.id) FROM users u JOIN assignments a ON a.user_id = u.id
        WHERE u.disabled_us IS NULL AND a.role = 'administrator' AND a.area = '' AND (u.password
        IS NOT NULL OR EXISTS (SELECT 1 FROM external_identities e WHERE e.user_id = u.id))";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Everybody, by name.
pub(crate) fn list(connection: &Connection) -> Result<Vec<UserInfo>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM users ORDER BY name");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], read)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|row| info(connection, row)).collect()
}

/// What administrators see of a person.
pub(crate) fn info(connection: &Connection, row: UserRow) -> Result<UserInfo, Error> {
    Ok(UserInfo {
        id: row.id,
        roles: assignments(connection, row.id)?,
        external: identities(connection, row.id)?,
        has_password: row.password.is_some(),
        must_change_password: row.password_until_us.is_some(),
        has_second_factor: row.second_factor().is_some(),
        name: row.name,
        full_name: row.full_name,
        created_us: row.created_us,
        last_login_us: row.last_login_us,
        disabled_us: row.disabled_us,
    })
}

/// Stores a hashed password. `until_us` makes it a temporary one.
pub(crate) fn set_password(
    connection: &Connection,
    id: i64,
    hashed: &str,
    until_us: Option<i64>,
) -> Result<(), Error> {
    let sql = "UPDATE users SET password = ?2, password_until_us = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id, hashed, until_us])?;
    Ok(())
}

/// Replaces the hash of an unchanged password by one with another cost; false if the password was
/// changed concurrently.
pub(crate) fn renew_password(
    connection: &Connection,
    id: i64,
    before: &str,
    hashed: &str,
) -> Result<bool, Error> {
    let sql = "UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2";
    Ok(connection.prepare_cached(sql)?.execute(params![id, before, hashed])? > 0)
}

/// Ends temporary passwords that had expired at a time.
pub(crate) fn end_passwords(connection: &Connection, expired_us: i64) -> Result<(), Error> {
    let sql = "UPDATE users SET password_until_us = 0 WHERE password_until_us <= ?1";
    connection.prepare_cached(sql)?.execute([expired_us])?;
    Ok(())
}

pub(crate) fn set_disabled(
    connection: &Connection,
    id: i64,
    disabled_us: Option<i64>,
) -> Result<(), Error> {
    let sql = "UPDATE users SET disabled_us = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id, disabled_us])?;
    Ok(())
}

pub(crate) fn set_last_login(connection: &Connection, id: i64, at_us: i64) -> Result<(), Error> {
    let sql = "UPDATE users SET last_login_us = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([id, at_us])?;
    Ok(())
}

/// Stores a key that is not confirmed yet, or removes the key.
pub(crate) fn set_totp(connection: &Connection, id: i64, key: Option<&[u8]>) -> Result<(), Error> {
    let sql = "UPDATE users SET totp_key = ?2, totp_confirmed = 0, totp_step = 0 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id, key])?;
    Ok(())
}

/// Stores the last used time step, and marks the key as confirmed.
pub(crate) fn set_totp_step(connection: &Connection, id: i64, step: i64) -> Result<(), Error> {
    let sql = "UPDATE users SET totp_step = ?2, totp_confirmed = 1 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([id, step])?;
    Ok(())
}

pub(crate) fn replace_recovery_codes(
    connection: &Connection,
    id: i64,
    hashes: &[Hash],
) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM recovery_codes WHERE user_id = ?1")?.execute([id])?;
    let sql = "INSERT INTO recovery_codes (user_id, hash) VALUES (?1, ?2)";
    for hash in hashes {
        connection.prepare_cached(sql)?.execute(params![id, hash])?;
    }
    Ok(())
}

/// Marks a recovery code as used; returns false if there is no such unused code.
pub(crate) fn use_recovery_code(
    connection: &Connection,
    id: i64,
    hash: &Hash,
    now_us: i64,
) -> Result<bool, Error> {
    let sql = "UPDATE recovery_codes SET used_us = ?3
        WHERE user_id = ?1 AND hash = ?2 AND used_us IS NULL";
    Ok(connection.prepare_cached(sql)?.execute(params![id, hash, now_us])? > 0)
}

pub(crate) fn recovery_codes_left(connection: &Connection, id: i64) -> Result<u32, Error> {
    let sql = "SELECT count(*) FROM recovery_codes WHERE user_id = ?1 AND used_us IS NULL";
    Ok(connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))?)
}

pub(crate) fn assignments(connection: &Connection, id: i64) -> Result<Vec<Assignment>, Error> {
    let sql = "SELECT role, area, line, source FROM assignments WHERE user_id = ?1
        ORDER BY role, area, line, source";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([id], |row| {
        let scope = Scope::from_columns(row.get(1)?, row.get(2)?);
        Ok((row.get::<_, String>(0)?, scope, row.get::<_, String>(3)?))
    })?;
    rows.map(|row| assignment(row?)).collect()
}

fn assignment((role, scope, source): (String, Scope, String)) -> Result<Assignment, Error> {
    let unknown = || Error::corrupt(format!("unknown role `{role}` or source `{source}`"));
    let found = Role::ALL.into_iter().find(|it| it.name() == role).zip(Source::of(&source));
    let (role, source) = found.ok_or_else(unknown)?;
    Ok(Assignment { role, scope, source })
}

/// Replaces the roles of one source.
pub(crate) fn set_assignments(
    connection: &Connection,
    id: i64,
    source: Source,
    given: &[Assignment],
) -> Result<(), Error> {
    let sql = "DELETE FROM assignments WHERE user_id = ?1 AND source = ?2";
    connection.prepare_cached(sql)?.execute(params![id, source.name()])?;
    let sql = "INSERT OR IGNORE INTO assignments (user_id, role, area, line, source)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    for it in given {
        let (area, line) = it.scope.columns();
        let row = params![id, it.role.name(), area, line, source.name()];
        connection.prepare_cached(sql)?.execute(row)?;
    }
    Ok(())
}

pub(crate) fn identities(connection: &Connection, id: i64) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT issuer, subject FROM external_identities WHERE user_id = ?1
        ORDER BY issuer, subject";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn by_identity(
    connection: &Connection,
    issuer: &str,
    subject: &str,
) -> Result<Option<UserRow>, Error> {
    let sql = "SELECT user_id FROM external_identities WHERE issuer = ?1 AND subject = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found: Option<i64> = statement.query_row([issuer, subject], |row| row.get(0)).optional()?;
    found.map_or(Ok(None), |id| by_id(connection, id))
}

pub(crate) fn link(
    connection: &Connection,
    id: i64,
    issuer: &str,
    subject: &str,
    now_us: i64,
) -> Result<(), Error> {
    if by_identity(connection, issuer, subject)?.is_some() {
        let name = format!("{subject} of {issuer}");
        return Err(Error::Exists { what: "identity", name });
    }
    let sql = "INSERT INTO external_identities (issuer, subject, user_id, linked_us)
        VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![issuer, subject, id, now_us])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        id: row.get(0)?,
        name: row.get(1)?,
        full_name: row.get(2)?,
        password: row.get(3)?,
        password_until_us: row.get(4)?,
        totp_key: row.get(5)?,
        totp_confirmed: row.get(6)?,
        totp_step: row.get(7)?,
        created_us: row.get(8)?,
        last_login_us: row.get(9)?,
        disabled_us: row.get(10)?,
    })
}
