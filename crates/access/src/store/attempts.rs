//! Failed logins, by account and by address.

use crate::settings::us;
use crate::throttle::Failures;
use crate::{Error, Settings};
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn of(connection: &Connection, subject: &str) -> Result<Failures, Error> {
    let sql = "SELECT failures, last_us, blocked_until_us FROM login_attempts WHERE subject = ?1";
    let found = connection.prepare_cached(sql)?.query_row([subject], |row| {
        Ok(Failures { count: row.get(0)?, last_us: row.get(1)?, blocked_until_us: row.get(2)? })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Stores a counter. If there are too many, those whose last failure is oldest are forgotten.
pub(crate) fn set(
    connection: &Connection,
    subject: &str,
    failures: Failures,
    settings: &Settings,
) -> Result<(), Error> {
    let sql = "INSERT INTO login_attempts (subject, failures, last_us, blocked_until_us)
        VALUES (?1, ?2, ?3, ?4) ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures,
        last_us = excluded.last_us, blocked_until_us = excluded.blocked_until_us";
    let Failures { count, last_us, blocked_until_us } = failures;
    connection.prepare_cached(sql)?.execute(params![subject, count, last_us, blocked_until_us])?;
    let sql = "DELETE FROM login_attempts WHERE subject IN (SELECT subject FROM login_attempts
        ORDER BY last_us LIMIT max(0, (SELECT count(*) FROM login_attempts) - ?1))";
    connection.prepare_cached(sql)?.execute([settings.failures_rows_max])?;
    Ok(())
}

pub(crate) fn clear(connection: &Connection, subject: &str) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM login_attempts WHERE subject = ?1")?
        .execute([subject])?;
    Ok(())
}

/// Moves times that lie in the future to the new time of a clock that was set back.
pub(crate) fn set_back(
    connection: &Connection,
    settings: &Settings,
    now_us: i64,
) -> Result<(), Error> {
    let sql = "UPDATE login_attempts SET last_us = min(last_us, ?1),
        blocked_until_us = min(blocked_until_us, iif(subject LIKE 'account:%', ?2, ?3))";
    let latest = |delay_s_max: u32| now_us.saturating_add(us(delay_s_max));
    let (account_us, address_us) =
        (latest(settings.account_delay_s_max), latest(settings.address_delay_s_max));
    connection.prepare_cached(sql)?.execute([now_us, account_us, address_us])?;
    Ok(())
}

/// Forgets what is so old that it does not count any more.
pub(crate) fn sweep(connection: &Connection, before_us: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM login_attempts WHERE last_us < ?1";
    Ok(connection.prepare_cached(sql)?.execute([before_us])?)
}
