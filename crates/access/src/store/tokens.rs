//! API tokens in the database.

use crate::permission::{Action, TokenLimit};
use crate::secret::Hash;
use crate::token::{NewToken, TokenInfo};
use crate::{Error, Scope};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeSet;

const COLUMNS: &str = "t.id, u.name, t.name, t.actions, t.area, t.line, t.created_us, t.expires_us,
    t.last_used_us, t.revoked_us, t.user_id";

/// What a check of a token needs.
#[derive(Debug, Clone)]
pub(crate) struct TokenRow {
    pub user_id: i64,
    pub info: TokenInfo,
}

impl TokenRow {
    pub fn limit(&self) -> TokenLimit {
        TokenLimit { actions: self.info.actions.clone(), scope: self.info.scope.clone() }
    }
}

pub(crate) fn add(
    connection: &Connection,
    user_id: i64,
    hash: &Hash,
    new: &NewToken,
    created_us: i64,
    expires_us: i64,
) -> Result<i64, Error> {
    let sql = "INSERT INTO tokens
        (hash, user_id, name, actions, area, line, created_us, expires_us)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let names: Vec<&str> = new.actions.iter().map(|it| it.name()).collect();
    let actions = serde_json::Value::from(names).to_string();
    let (area, line) = new.scope.columns();
    let row = params![hash, user_id, new.name.trim(), actions, area, line, created_us, expires_us];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(connection.last_insert_rowid())
}

pub(crate) fn by_hash(connection: &Connection, hash: &Hash) -> Result<Option<TokenRow>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.hash = ?1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([hash.as_slice()], read).optional()?.transpose()
}

pub(crate) fn by_id(connection: &Connection, id: i64) -> Result<Option<TokenRow>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()?.transpose()
}

/// Tokens of one person, or of all, the newest first; also those that ended.
pub(crate) fn list(connection: &Connection, user_id: Option<i64>) -> Result<Vec<TokenInfo>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tokens t JOIN users u ON u.id = t.user_id
        WHERE ?1 IS NULL OR t.user_id = ?1 ORDER BY t.id DESC"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([user_id], read)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|it| it.map(|it| it.info)).collect()
}

/// How many of a person's tokens are valid.
pub(crate) fn count_valid(
    connection: &Connection,
    user_id: i64,
    now_us: i64,
) -> Result<u32, Error> {
    let sql = "SELECT count(*) FROM tokens
        WHERE user_id = ?1 AND revoked_us IS NULL AND expires_us > ?2";
    Ok(connection.prepare_cached(sql)?.query_row([user_id, now_us], |row| row.get(0))?)
}

/// Revokes a token; false if it was revoked already.
pub(crate) fn revoke(connection: &Connection, id: i64, now_us: i64) -> Result<bool, Error> {
    let sql = "UPDATE tokens SET revoked_us = ?2 WHERE id = ?1 AND revoked_us IS NULL";
    Ok(connection.prepare_cached(sql)?.execute([id, now_us])? > 0)
}

pub(crate) fn revoke_of(
    connection: &Connection,
    user_id: i64,
    now_us: i64,
) -> Result<usize, Error> {
    let sql = "UPDATE tokens SET revoked_us = ?2 WHERE user_id = ?1 AND revoked_us IS NULL";
    Ok(connection.prepare_cached(sql)?.execute([user_id, now_us])?)
}

/// Revokes what had expired at a time.
pub(crate) fn revoke_expired(
    connection: &Connection,
    expired_us: i64,
    now_us: i64,
) -> Result<usize, Error> {
    let sql = "UPDATE tokens SET revoked_us = ?2 WHERE expires_us <= ?1 AND revoked_us IS NULL";
    Ok(connection.prepare_cached(sql)?.execute([expired_us, now_us])?)
}

/// Notes when a token was used last.
pub(crate) fn touch(connection: &Connection, id: i64, at_us: i64) -> Result<(), Error> {
    let sql = "UPDATE tokens SET last_used_us = max(coalesce(last_used_us, ?2), ?2) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([id, at_us])?;
    Ok(())
}

/// The inner result is that of reading the names.
fn read(row: &Row<'_>) -> rusqlite::Result<Result<TokenRow, Error>> {
    let actions: String = row.get(3)?;
    let info = TokenInfo {
        id: row.get(0)?,
        user: row.get(1)?,
        name: row.get(2)?,
        actions: BTreeSet::new(),
        scope: Scope::from_columns(row.get(4)?, row.get(5)?),
        created_us: row.get(6)?,
        expires_us: row.get(7)?,
        last_used_us: row.get(8)?,
        revoked_us: row.get(9)?,
    };
    let user_id = row.get(10)?;
    Ok(actions_in(&actions)
        .map(|actions| TokenRow { user_id, info: TokenInfo { actions, ..info } }))
}

fn actions_in(text: &str) -> Result<BTreeSet<Action>, Error> {
    let names: Vec<String> = serde_json::from_str(text)
        .map_err(|error| Error::corrupt(format!("actions of a token cannot be read: {error}")))?;
    names.iter().map(|name| name.parse()).collect()
}
