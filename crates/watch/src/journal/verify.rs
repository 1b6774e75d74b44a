//! Verification and export of the journal.

use super::entry::{COLUMNS, Entry, read};
use access::Database;
use access::chain::{Anchor, Chain, Verified};
use anyhow::Context as _;
use std::io::{BufRead, Write};

/// Verifies the whole chain and returns the first broken entry. `anchor` is the result of an earlier
/// verification that was kept outside of the database.
pub fn verify(database: &Database, anchor: Option<&Anchor>) -> Result<Verified, access::Error> {
    let sql = format!("SELECT {COLUMNS} FROM alarm_events ORDER BY number");
    database.read_apart(|tx| {
        let mut statement = tx.prepare(&sql)?;
        let mut chain = Chain::new(anchor);
        for found in statement.query_map([], read)? {
            if !chain.check_next(&found?) {
                break;
            }
        }
        Ok(chain.finish(Some(super::last(tx)?.0)))
    })
}

/// Writes the entries starting at a number as JSON lines, oldest first, and returns their number.
pub fn export(database: &Database, from: i64, to: &mut dyn Write) -> anyhow::Result<u64> {
    let sql = format!("SELECT {COLUMNS} FROM alarm_events WHERE number >= ?1 ORDER BY number");
    let mut failed = None;
    let count = database.read_apart(|tx| {
        let mut statement = tx.prepare(&sql)?;
        let mut count = 0;
        for found in statement.query_map([from], read)? {
            if let Err(error) = writeln!(to, "{}", found?.line()) {
                failed = Some(error);
                break;
            }
            count += 1;
        }
        Ok(count)
    })?;
    failed.map_or(Ok(count), |error| {
        Err(error).context("cannot write the export of the alarm journal")
    })
}

/// Verifies an export without the database. An export may start at any entry.
pub fn verify_export(lines: impl BufRead, anchor: Option<&Anchor>) -> anyhow::Result<Verified> {
    let mut chain: Option<Chain<'_>> = None;
    for (line, number) in lines.lines().zip(1_u64..) {
        let line = line.context("cannot read the export")?;
        let entry = Entry::from_line(&line).with_context(|| {
            format!("invalid line {number} of the export: expected a journal entry")
        })?;
        let begun = chain.get_or_insert_with(|| Chain::from_entry(&entry, anchor));
        if !begun.check_next(&entry) {
            break;
        }
    }
    Ok(chain.unwrap_or_else(|| Chain::new(anchor)).finish(None))
}
