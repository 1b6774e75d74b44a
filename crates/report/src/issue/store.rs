//! The tables of issued reports, in the transaction of the caller.

use super::queue;
use super::record::{DIFFERENCES_MAX, FileSummary, IssueCause, IssuedFile, IssuedReport, NewIssue};
use crate::source::Versions;
use access::Error;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

const COLUMNS: &str = "i.id, i.report, i.title, i.language, i.parameters, i.issued_at_us, i.issued_by, i.run_at_us, \
    i.data_as_of_us, i.versions, i.compared_versions, i.is_correctable, i.corrects, \
    (SELECT later.id FROM issued_reports later WHERE later.corrects = i.id), i.differences, i.differences_total";

/// Which issued reports to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuedQuery {
    /// Only those of this report.
    pub report: Option<String>,
    /// Only those before this one: the last of the previous page.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Stores a report with its files and queues its deliveries. Returns its number; `None` if the run of the
/// schedule was issued already, or the report is corrected already.
///
/// # Errors
/// The database fails.
pub fn insert(tx: &Connection, new: &NewIssue) -> Result<Option<i64>, Error> {
    let sql = "INSERT INTO issued_reports (report, title, language, parameters, issued_at_us, issued_by, run_at_us,
        data_as_of_us, versions, compared_versions, is_correctable, corrects, differences, differences_total)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING";
    let (user, run_at_us) = match &new.cause {
        IssueCause::User(name) => (Some(name), None),
        IssueCause::Schedule { run_at_us } => (None, Some(run_at_us)),
        IssueCause::Correction => (None, None),
    };
    let listed = &new.differences[..new.differences.len().min(DIFFERENCES_MAX)];
    let inserted = tx.prepare_cached(sql)?.execute(params![
        new.report,
        new.title,
        new.language,
        json(&new.parameters),
        new.issued_at_us,
        user,
        run_at_us,
        new.data_as_of_us,
        json(&new.versions),
        new.is_correctable,
        new.corrects,
        json(listed),
        i64::try_from(new.differences.len()).unwrap_or(i64::MAX),
    ])?;
    if inserted == 0 {
        return Ok(None);
    }
    let id = tx.last_insert_rowid();
    for file in &new.files {
        insert_file(tx, id, file)?;
    }
    for delivery in &new.deliveries {
        queue::insert(tx, id, delivery, new.issued_at_us)?;
    }
    Ok(Some(id))
}

fn insert_file(tx: &Connection, id: i64, file: &IssuedFile) -> Result<(), Error> {
    let sql = "INSERT INTO report_files (issued, format, name, sha256, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![id, file.format, file.name, sha256(&file.bytes), &file.bytes[..]];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Issued reports, newest first.
///
/// # Errors
/// The database fails.
pub fn list(tx: &Connection, query: &IssuedQuery) -> Result<Vec<IssuedReport>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM issued_reports i WHERE i.id < ?1 AND (?2 IS NULL OR i.report = ?2)
        ORDER BY i.id DESC LIMIT ?3"
    );
    let given = params![query.before.unwrap_or(i64::MAX), query.report, query.limit];
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(given, read)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|row| with_files(tx, row)).collect()
}

/// One issued report.
///
/// # Errors
/// There is none with this number, or the database fails.
pub fn get(tx: &Connection, id: i64) -> Result<IssuedReport, Error> {
    let sql = format!("SELECT {COLUMNS} FROM issued_reports i WHERE i.id = ?1");
    let found = tx.prepare_cached(&sql)?.query_row([id], read).optional()?;
    let missing = || Error::NotFound { what: "issued report", name: id.to_string() };
    with_files(tx, found.ok_or_else(missing)?)
}

/// A file of an issued report.
///
/// # Errors
/// There is no such file, its bytes are damaged, or the database fails.
pub fn file(tx: &Connection, id: i64, format: &str) -> Result<IssuedFile, Error> {
    let sql = "SELECT name, sha256, bytes FROM report_files WHERE issued = ?1 AND format = ?2";
    let read = |row: &Row<'_>| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?))
    };
    let found = tx.prepare_cached(sql)?.query_row(params![id, format], read).optional()?;
    let about = format!("{format} of issued report {id}");
    let Some((name, digest, bytes)) = found else {
        return Err(Error::NotFound { what: "file", name: about });
    };
    if sha256(&bytes) != digest {
        let path = String::new();
        return Err(Error::Corrupt { path, detail: format!("the bytes of {about} changed") });
    }
    Ok(IssuedFile { format: format.to_owned(), name, bytes: bytes.into() })
}

/// Issued reports whose figures may have changed: correctable ones that are not corrected yet and were issued
/// since `since_us`.
///
/// # Errors
/// The database fails.
pub fn correctable(tx: &Connection, since_us: i64) -> Result<Vec<IssuedReport>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM issued_reports i WHERE i.issued_at_us >= ?1 AND i.is_correctable
        AND NOT EXISTS (SELECT 1 FROM issued_reports later WHERE later.corrects = i.id) ORDER BY i.id"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map([since_us], read)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|row| with_files(tx, row)).collect()
}

/// Notes that the figures of a report are the same at these versions of its tables.
///
/// # Errors
/// The database fails.
pub fn mark_compared(tx: &Connection, id: i64, versions: &Versions) -> Result<(), Error> {
    let sql = "UPDATE issued_reports SET compared_versions = ?2 WHERE id = ?1";
    tx.prepare_cached(sql)?.execute(params![id, json(versions)])?;
    Ok(())
}

/// Time of the last run of a schedule; the first call begins it at `now_us`.
///
/// # Errors
/// The database fails.
pub fn last_run_us(tx: &Connection, report: &str, now_us: i64) -> Result<i64, Error> {
    let sql = "INSERT INTO report_runs (report, run_at_us) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    tx.prepare_cached(sql)?.execute(params![report, now_us])?;
    let sql = "SELECT run_at_us FROM report_runs WHERE report = ?1";
    Ok(tx.prepare_cached(sql)?.query_row([report], |row| row.get(0))?)
}

/// Whether a run of a schedule was issued.
///
/// # Errors
/// The database fails.
pub fn is_issued(tx: &Connection, report: &str, run_at_us: i64) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM issued_reports WHERE report = ?1 AND run_at_us = ?2)";
    Ok(tx.prepare_cached(sql)?.query_row(params![report, run_at_us], |row| row.get(0))?)
}

/// Notes a run of a schedule.
///
/// # Errors
/// The database fails.
pub fn note_run(tx: &Connection, report: &str, run_at_us: i64) -> Result<(), Error> {
    let sql = "INSERT INTO report_runs (report, run_at_us) VALUES (?1, ?2)
        ON CONFLICT (report) DO UPDATE SET run_at_us = max(run_at_us, excluded.run_at_us)";
    tx.prepare_cached(sql)?.execute(params![report, run_at_us])?;
    Ok(())
}

/// Removes reports issued before a time, with their files and deliveries. Returns how many.
///
/// # Errors
/// The database fails.
pub fn expire(tx: &Connection, before_us: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM issued_reports WHERE issued_at_us < ?1";
    Ok(tx.prepare_cached(sql)?.execute([before_us])?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<IssuedReport> {
    let (user, run_at_us): (Option<String>, Option<i64>) = (row.get(6)?, row.get(7)?);
    let cause = match (user, run_at_us) {
        (Some(name), _) => IssueCause::User(name),
        (None, Some(run_at_us)) => IssueCause::Schedule { run_at_us },
        (None, None) => IssueCause::Correction,
    };
    Ok(IssuedReport {
        id: row.get(0)?,
        report: row.get(1)?,
        title: row.get(2)?,
        language: row.get(3)?,
        parameters: from_json(row, 4)?,
        issued_at_us: row.get(5)?,
        cause,
        data_as_of_us: row.get(8)?,
        versions: from_json(row, 9)?,
        compared_versions: from_json(row, 10)?,
        is_correctable: row.get(11)?,
        corrects: row.get(12)?,
        corrected_by: row.get(13)?,
        differences: from_json(row, 14)?,
        differences_total: row.get::<_, i64>(15)?.unsigned_abs(),
        files: Vec::new(),
    })
}

fn with_files(tx: &Connection, report: IssuedReport) -> Result<IssuedReport, Error> {
    let sql = "SELECT format, name, sha256, length(bytes) FROM report_files WHERE issued = ?1 ORDER BY format";
    let mut statement = tx.prepare_cached(sql)?;
    let summary = |row: &Row<'_>| {
        Ok(FileSummary {
            format: row.get(0)?,
            name: row.get(1)?,
            sha256: row.get(2)?,
            size_bytes: row.get::<_, i64>(3)?.unsigned_abs(),
        })
    };
    let files = statement.query_map([report.id], summary)?.collect::<Result<_, _>>()?;
    Ok(IssuedReport { files, ..report })
}

/// A value as JSON. The types that are stored have text keys only, so this cannot fail.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}
