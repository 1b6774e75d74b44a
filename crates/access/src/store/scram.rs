//! Verifiers of passwords and tokens in the database.

use crate::Error;
use crate::scram::{SCRAM_SALT_BYTES, ScramSalt, Verifier};
use crate::secret::Hash;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The salt of the secrets of a user, if there is a verifier of one.
pub(crate) fn salt(connection: &Connection, user_id: i64) -> Result<Option<ScramSalt>, Error> {
    let sql = "SELECT salt, iterations FROM scram_salts WHERE user_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([user_id], |row| {
        let salt: [u8; SCRAM_SALT_BYTES] = row.get(0)?;
        Ok(ScramSalt { salt, iterations: row.get(1)? })
    });
    Ok(found.optional()?)
}

/// The verifier of the password of a user.
pub(crate) fn of_password(
    connection: &Connection,
    user_id: i64,
) -> Result<Option<Verifier>, Error> {
    let sql = "SELECT stored_key, server_key FROM password_verifiers WHERE user_id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([user_id], |row| verifier(row, 0)).optional()?)
}

/// The verifiers of the tokens of a user, each with the hash of its token: those that can be used
/// first, then those that have ended, `rows_max` at most.
pub(crate) fn of_tokens(
    connection: &Connection,
    user_id: i64,
    rows_max: u32,
) -> Result<Vec<(Hash, Verifier)>, Error> {
    let sql = "SELECT t.hash, v.stored_key, v.server_key
        FROM token_verifiers v JOIN tokens t ON t.id = v.token_id
        WHERE t.user_id = ?1 ORDER BY v.server_key IS NULL, t.expires_us DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![user_id, rows_max], |row| {
        let hash: Hash = row.get(0)?;
        Ok((hash, verifier(row, 1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a secret that the user can log in with has no verifier.
pub(crate) fn is_incomplete(
    connection: &Connection,
    user_id: i64,
    now_us: i64,
) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (
            SELECT 1 FROM users WHERE id = ?1 AND password IS NOT NULL
            AND id NOT IN (SELECT user_id FROM password_verifiers)
        ) OR EXISTS (
            SELECT 1 FROM tokens WHERE user_id = ?1 AND revoked_us IS NULL AND expires_us > ?2
            AND id NOT IN (SELECT token_id FROM token_verifiers)
        )";
    Ok(connection.prepare_cached(sql)?.query_row([user_id, now_us], |row| row.get(0))?)
}

/// Whether a token has a verifier.
pub(crate) fn has_token(connection: &Connection, token_id: i64) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM token_verifiers WHERE token_id = ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([token_id], |row| row.get(0))?)
}

/// Stores the verifier of a password, unless it was derived with another salt than the user has by
/// now.
pub(crate) fn set_password(
    connection: &Connection,
    user_id: i64,
    salt: &ScramSalt,
    verifier: &Verifier,
) -> Result<(), Error> {
    if !keep_salt(connection, user_id, salt)? {
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO password_verifiers (user_id, stored_key, server_key)
        VALUES (?1, ?2, ?3)";
    let row = params![user_id, verifier.stored_key, verifier.server_key];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Stores the verifier of a token, unless it was derived with another salt than the user has by now.
pub(crate) fn set_token(
    connection: &Connection,
    (user_id, token_id): (i64, i64),
    salt: &ScramSalt,
    verifier: &Verifier,
) -> Result<(), Error> {
    if !keep_salt(connection, user_id, salt)? {
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO token_verifiers (token_id, stored_key, server_key)
        VALUES (?1, ?2, ?3)";
    let row = params![token_id, verifier.stored_key, verifier.server_key];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Whether the salt of a user could be replaced: no token that can be used depends on it.
pub(crate) fn is_replaceable(connection: &Connection, user_id: i64) -> Result<bool, Error> {
    let sql = "SELECT NOT EXISTS (
            SELECT 1 FROM token_verifiers v JOIN tokens t ON t.id = v.token_id
            WHERE t.user_id = ?1 AND v.server_key IS NOT NULL
        )";
    Ok(connection.prepare_cached(sql)?.query_row([user_id], |row| row.get(0))?)
}

/// Makes a salt that of the user; false if the user has another one that has to stay.
fn keep_salt(connection: &Connection, user_id: i64, new: &ScramSalt) -> Result<bool, Error> {
    match salt(connection, user_id)? {
        Some(known) if known == *new => return Ok(true),
        Some(_) if !is_replaceable(connection, user_id)? => return Ok(false),
        _ => {}
    }
    // Verifiers of the earlier salt cannot be checked any more.
    for sql in [
        "DELETE FROM password_verifiers WHERE user_id = ?1",
        "DELETE FROM token_verifiers WHERE token_id IN (SELECT id FROM tokens WHERE user_id = ?1)",
    ] {
        connection.prepare_cached(sql)?.execute([user_id])?;
    }
    let sql = "INSERT OR REPLACE INTO scram_salts (user_id, salt, iterations) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![user_id, new.salt, new.iterations])?;
    Ok(true)
}

/// Removes all verifiers, for a copy of the database that leaves its place.
pub(crate) fn remove_all(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(
        "DELETE FROM password_verifiers; DELETE FROM token_verifiers; DELETE FROM scram_salts;",
    )?;
    Ok(())
}

/// The verifier in two columns, of which the first is `at`.
fn verifier(row: &Row<'_>, at: usize) -> rusqlite::Result<Verifier> {
    Ok(Verifier { stored_key: row.get(at)?, server_key: row.get(at + 1)? })
}
