//! The audit log in the database.

use crate::audit::{self, Anchor, Entry, Event, Filter, HashedFields, Page, Verified};
use crate::chain::{self, Chain};
use crate::{Error, Settings};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::io::Write;

const COLUMNS: &str = "seq, at_us, kind, actor, address, detail, prev, hash";

/// Appends an entry, within the transaction of what it is about.
pub(crate) fn append(
    connection: &Connection,
    event: &Event,
    now_us: i64,
    settings: &Settings,
) -> Result<(), Error> {
    // Based on the counter of SQLite, so that entries removed from the end leave a gap.
    let seq = written(connection)? + 1;
    let prev = last_hash(connection)?.unwrap_or_else(chain::genesis);
    let (kind, detail) = (event.kind.name(), event.detail_kept(settings.audit_detail_bytes_max));
    let address = event.address.map(|it| it.to_string());
    let fields = HashedFields {
        seq,
        at_us: now_us,
        kind: &kind,
        actor: &event.actor,
        address: address.as_deref(),
        detail: &detail,
    };
    let hash = audit::entry_hash(&prev, &fields);
    let sql = "INSERT INTO audit (seq, at_us, kind, actor, address, detail, prev, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let row = params![seq, now_us, kind, event.actor, address, detail, prev, hash];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// The number of the last entry that was ever written.
fn written(connection: &Connection) -> Result<i64, Error> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
    let found = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

fn last_hash(connection: &Connection) -> Result<Option<String>, Error> {
    let sql = "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
}

/// The time of the last entry.
pub(crate) fn last_us(connection: &Connection) -> Result<Option<i64>, Error> {
    let sql = "SELECT at_us FROM audit ORDER BY seq DESC LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
}

/// Entries that pass the filter, newest first.
pub(crate) fn page(connection: &Connection, filter: &Filter, limit: u32) -> Result<Page, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE seq < ?1 AND at_us >= ?2 AND at_us < ?3
        AND (?4 IS NULL OR kind = ?4) AND (?5 IS NULL OR actor = ?5) ORDER BY seq DESC LIMIT ?6"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let given = params![
        filter.before_seq.unwrap_or(i64::MAX),
        filter.from_us.unwrap_or(i64::MIN),
        filter.to_us.unwrap_or(i64::MAX),
        filter.kind.map(audit::Kind::name),
        filter.actor,
        limit
    ];
    let entries = statement.query_map(given, entry)?.collect::<Result<Vec<_>, _>>()?;
    let is_full = entries.len() >= limit as usize;
    let next_before_seq = entries.last().map(|it| it.seq).filter(|_| is_full);
    Ok(Page { entries, next_before_seq })
}

/// Writes the entries starting at a number as JSON lines and returns their number.
pub(crate) fn export(
    connection: &Connection,
    from_seq: i64,
    to: &mut dyn Write,
) -> Result<u64, Error> {
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE seq >= ?1 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut count = 0;
    for found in statement.query_map([from_seq], entry)? {
        writeln!(to, "{}", found?.line()).map_err(|source| Error::File {
            action: "write",
            path: "the export of the audit log".to_owned(),
            source,
        })?;
        count += 1;
    }
    Ok(count)
}

/// Verifies the whole chain.
pub(crate) fn verify(connection: &Connection, anchor: Option<&Anchor>) -> Result<Verified, Error> {
    let sql = format!("SELECT {COLUMNS} FROM audit ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut chain = Chain::new(anchor);
    for found in statement.query_map([], entry)? {
        if !chain.check_next(&found?) {
            break;
        }
    }
    Ok(chain.finish(Some(written(connection)?)))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        seq: row.get(0)?,
        at_us: row.get(1)?,
        kind: row.get(2)?,
        actor: row.get(3)?,
        address: row.get(4)?,
        detail: row.get(5)?,
        prev: row.get(6)?,
        hash: row.get(7)?,
    })
}
